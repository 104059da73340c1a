/** What the browser suites of the PWA share: pages that may not complain, people without a browser, axe. */
import type { PeerMetadata } from '@tandem/rtc';
import { SignalingSession } from '@tandem/rtc';
import type { Browser, BrowserContext, BrowserContextOptions, Download, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, vi } from 'vitest';
import type { Preferences } from '../../apps/client/src/lib/preferences.ts';
import { launchBrowser } from '../support/browser.ts';
import { OF_COLOURS, violationsOf, WCAG } from './axe.ts';
import { type Pwa, startPwa } from './harness.ts';
import { type Person, paintCamera } from './people.ts';

export const patience = { timeout: 90_000, interval: 200 };

export interface Opened {
  context: BrowserContext;
  page: Page;
}

export interface OpenOptions extends BrowserContextOptions {
  /** Runs in the page before anything of it. */
  before?: () => void;
  /** Sits before the camera, in place of Chromium's test card. */
  person?: Person;
  /** What this browser remembers from earlier visits. */
  remembers?: Partial<Preferences>;
  /** Complaints in the console that this test provokes. */
  expected?: RegExp;
  origin?: string;
  query?: string;
  browser?: Browser;
  /** Names of files that do not arrive. */
  blocked?: readonly string[];
}

/** @param name of that part for tests, or its id. The page gives the focus back after what had it is gone. */
export const hasFocus = (page: Page, name: string) =>
  vi.waitFor(async () => {
    const focused = await page.evaluate(() => {
      const { activeElement } = document;
      return activeElement?.getAttribute('data-testid') ?? activeElement?.id;
    });
    expect(focused).toBe(name);
  }, patience);

export const noDevices = () => {
  navigator.mediaDevices.enumerateDevices = async () => [];
  navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException('Requested device not found', 'NotFoundError');
  };
};

/** A page in a context of its own; what it complains about fails the test, unless `expected` says so. */
export async function openPage(browser: Browser, origin: string, options: OpenOptions): Promise<Opened> {
  const { before, person, remembers, expected, origin: _, query = '', browser: __, blocked = [], ...rest } = options;
  const context = await browser.newContext({
    locale: 'en-GB',
    viewport: { width: 1280, height: 800 },
    // Each context would fill its cache anew: a fifth of the processor's time. Who tests the worker allows it.
    serviceWorkers: 'block',
    ...rest,
  });
  context.setDefaultTimeout(patience.timeout);
  await context.addInitScript(() => {
    const kept: RTCPeerConnection[] = [];
    Object.assign(globalThis, { keptConnections: kept });
    globalThis.RTCPeerConnection = new Proxy(globalThis.RTCPeerConnection, {
      construct: (target, args) => {
        const connection = Reflect.construct(target, args) as RTCPeerConnection;
        kept.push(connection);
        return connection;
      },
    });
    addEventListener('securitypolicyviolation', (event) =>
      console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`),
    );
  });
  if (person) await context.addInitScript(paintCamera, person);
  if (remembers)
    await context.addInitScript((value) => {
      if (!localStorage.getItem('tandem.preferences')) localStorage.setItem('tandem.preferences', value);
    }, JSON.stringify(remembers));
  if (before) await context.addInitScript(before);
  for (const name of blocked) await context.route(`**/${name}`, (route) => route.abort());
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${message.text()} ${message.location().url}`);
  });
  onTestFinished(async () => {
    // A page that outlives its server complains about that, but only when it happens to ask.
    const served = expected !== undefined || (await fetch(origin).then(Boolean, () => false));
    await context.close();
    expect(served, `${origin} was stopped before its page was closed`).toBe(true);
    expect(complaints.filter((text) => !expected?.test(text))).toEqual([]);
  });
  await page.goto(`${origin}/${query}`);
  // Chromium drops what it is loading when any interface of the machine comes or goes (containers of other tests).
  while (complaints.some((text) => text.includes('ERR_NETWORK_CHANGED'))) {
    complaints.length = 0;
    await page.goto(`${origin}/${query}`);
  }
  return { context, page };
}

/**
 * Until what moved or faded has arrived. A pulse runs for ever and is not waited for.
 * A tile that is sent elsewhere on its way ends as cancelled, and another movement begins.
 */
export const atRest = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    const ended = (all: Animation[]) => Promise.allSettled(all.map((one) => one.finished));
    const ofTiles = () =>
      document
        .getAnimations()
        .filter(({ effect }) => effect instanceof KeyframeEffect && effect.target?.matches('.tile'));
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    await ended(document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity));
    for (let now = ofTiles(); now.length > 0; now = ofTiles()) await ended(now);
  });

/** WCAG 2.2 A and AA, in light and dark. */
export async function expectAccessible(page: Page, state: string): Promise<void> {
  for (const [colorScheme, rules] of [
    ['light', WCAG],
    ['dark', OF_COLOURS],
  ] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await atRest(page); // Colours fade from one scheme to the other.
    const violations = await violationsOf(page, rules);
    expect(violations, `${state}, ${colorScheme}`).toEqual([]);
  }
}

/** One browser (with more flags) and one PWA for all tests of a file. */
export function pwaSuite(flags: readonly string[] = []) {
  let browser: Browser;
  let pwa: Pwa;
  beforeAll(async () => {
    [browser, pwa] = await Promise.all([launchBrowser(flags), startPwa()]);
  });
  afterAll(async () => {
    await browser?.close();
    await pwa?.[Symbol.asyncDispose]();
  });

  const open = (options: OpenOptions = {}): Promise<Opened> =>
    openPage(options.browser ?? browser, options.origin ?? pwa.origin, options);

  return {
    get pwa() {
      return pwa;
    },
    open,

    async join(name: string, room: string, options: OpenOptions = {}): Promise<Opened> {
      const opened = await open({ ...options, query: `?room=${room}` });
      await enter(opened.page, name);
      return opened;
    },

    /** What tokens grant from now on, until the test ends. */
    grant(grants: Pwa['auth']['grants']): void {
      pwa.auth.grants = grants;
      onTestFinished(() => {
        pwa.auth.grants = {};
      });
    },

    /** Somebody in the room without a browser. */
    async peer(room: string, name: string, grants = {}): Promise<SignalingSession> {
      const session = new SignalingSession({
        url: `${pwa.origin}/ws/signal`,
        getToken: () => pwa.token(name, grants),
      });
      onTestFinished(() => session.close());
      await session.join(room, { name } as PeerMetadata);
      return session;
    },
  };
}

/** From the lobby into the room of the address. */
export async function enter(page: Page, name: string): Promise<void> {
  await page.getByTestId('name-input').fill(name);
  await page.getByTestId('join').click();
}

/** The next file that the page saves, or one that it opens for it. */
export const downloaded = (page: Page, context: BrowserContext) =>
  new Promise<Download>((resolve) => {
    page.on('download', resolve);
    context.on('page', (opened) => opened.on('download', resolve));
  });

/** What the page holds: its model and its camera and microphone. */
export interface Inside {
  __tandem: {
    model: { get(): { sharing?: MediaStreamTrack }; join(room: string, name: string): Promise<void> };
    media: { get(): { muted: boolean; audioTrack?: MediaStreamTrack; videoTrack?: MediaStreamTrack } };
  };
}

export const muted = (page: Page) => page.evaluate(() => (globalThis as unknown as Inside).__tandem.media.get().muted);

/** How many of `others` the first `one` overlaps on the page, both as selectors. */
export const overlaps = (page: Page, one: string, others: string) =>
  page.evaluate(
    ([a, b]) => {
      const box = document.querySelector(a as string)?.getBoundingClientRect();
      return [...document.querySelectorAll(b as string)].filter((element) => {
        const other = element.getBoundingClientRect();
        return (
          box && box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom
        );
      }).length;
    },
    [one, others],
  );
