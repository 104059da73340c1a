/** What the scenes of shots.ts share: a deployment, people with painted cameras, and a picture in each look. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { PeerMetadata } from '@tandem/rtc';
import { SignalingSession } from '@tandem/rtc';
import type { BrowserContext, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { misfitsOf, violationsOf, WCAG } from './axe.ts';
import { startPwa } from './harness.ts';
import { type Person, paintCamera } from './people.ts';

export const folder = process.argv[2] ?? 'test-results/shots';
mkdirSync(folder, { recursive: true });
export const pwa = await startPwa();
export const browser = await launchBrowser();
const contexts: BrowserContext[] = [];
const sessions: SignalingSession[] = [];

const LOOKS = [
  { name: 'phone-light', size: { width: 390, height: 844 }, scheme: 'light' },
  { name: 'phone-dark', size: { width: 390, height: 844 }, scheme: 'dark' },
  { name: 'small-light', size: { width: 360, height: 600 }, scheme: 'light' },
  { name: 'flat-dark', size: { width: 740, height: 360 }, scheme: 'dark' },
  { name: 'desk-light', size: { width: 1280, height: 800 }, scheme: 'light' },
  { name: 'desk-dark', size: { width: 1280, height: 800 }, scheme: 'dark' },
  { name: 'wide-light', size: { width: 1920, height: 1080 }, scheme: 'light' },
  // A desk of 1280 × 800 at 200 % (WCAG 2.2, 1.4.4).
  { name: 'zoom-light', size: { width: 640, height: 400 }, scheme: 'light' },
] as const;
const wanted = process.env.LOOKS?.split(',');

export async function shoot(page: Page, name: string): Promise<void> {
  for (const look of LOOKS) {
    if (wanted && !wanted.includes(look.name)) continue;
    await page.setViewportSize(look.size);
    await page.emulateMedia({ colorScheme: look.scheme });
    await page.waitForTimeout(600);
    await page.screenshot({ path: path.join(folder, `${name}-${look.name}.png`) });
    for (const line of [...(await violationsOf(page, WCAG)), ...(await misfitsOf(page))])
      console.log(`  ${name}-${look.name}: ${line}`);
  }
  console.log(name);
}

export interface Visitor {
  origin?: string;
  person?: Person | undefined;
  query?: string;
  /** Default: that of the environment variable LOCALE, or British English. */
  locale?: string;
  before?: () => void;
}

export async function open({
  origin = pwa.origin,
  person,
  query = '',
  locale = process.env.LOCALE ?? 'en-GB',
  before,
}: Visitor = {}): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 640, height: 400 },
    colorScheme: 'light',
    locale,
    serviceWorkers: 'block',
  });
  contexts.push(context);
  if (person) await context.addInitScript(paintCamera, person);
  if (before) await context.addInitScript(before);
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on('console', (m) => m.type() === 'error' && console.log('console:', m.text()));
  page.on('pageerror', (e) => console.log('page error:', e.message));
  await page.goto(`${origin}/${query}`);
  return page;
}

export async function join(name: string, room: string, visitor: Visitor = {}): Promise<Page> {
  const page = await open({ ...visitor, query: `?room=${room}` });
  await page.getByTestId('name-input').fill(name);
  if (visitor.person) await page.getByTestId('local-video').waitFor();
  await page.getByTestId('join').click();
  return page;
}

/** Somebody without a browser: a tile without a picture. */
export async function guest(
  name: string,
  room: string,
  metadata: Partial<PeerMetadata> = {},
): Promise<SignalingSession> {
  const session = new SignalingSession({
    url: `${pwa.origin}/ws/signal`,
    getToken: () => pwa.token(name, pwa.auth.grants),
  });
  sessions.push(session);
  await session.join(room, { name, ...metadata } as PeerMetadata);
  return session;
}

/** Until that many pictures of others have been seen for a while. */
export async function pictures(page: Page, count: number): Promise<void> {
  await page.waitForFunction(
    (n) =>
      [...document.querySelectorAll<HTMLVideoElement>('[data-testid=remote-video]')].filter((v) => v.videoWidth > 100)
        .length >= n,
    count,
  );
  await page.waitForTimeout(5000);
}

export interface Exposed {
  __tandem: {
    model: {
      get(): { peers: object[] };
      set(change: object): void;
      float(kind: string, name: string): void;
      notify(key: string, values?: object): void;
    };
  };
}
export const patch = (page: Page, change: object) =>
  page.evaluate((c) => (globalThis as unknown as Exposed).__tandem.model.set(c), change);

/** Opens the settings of the lobby. */
export async function openSettings(page: Page): Promise<void> {
  await page.locator('header button.icon-button').first().click();
  await page.getByTestId('language').waitFor();
}
/** Opens the invitation of a call. */
export const invite = (page: Page) => page.locator('.call-top > button.icon-button').last().click();
/** Closes the panel beside the stage. */
export const closePanel = (page: Page) => page.locator('.panel-head button').click();

export const NAMES = ['Amal Haddad', 'Jonas Weber', 'Grace Okafor', 'Mei Lindqvist'] as const;
export const ROOM = 'golden-harbor-x7kqzm';

/** @param only names of scenes; none: all */
export async function play(scenes: Record<string, () => Promise<void>>, only: readonly string[]): Promise<void> {
  for (const [name, scene] of Object.entries(scenes)) {
    if (only.length > 0 && !only.includes(name)) continue;
    await scene().catch((error: unknown) => console.log(`${name}: ${error}`));
    pwa.auth.grants = {};
    pwa.auth.status = 200;
    for (const session of sessions.splice(0)) session.close();
    await Promise.all(contexts.splice(0).map((context) => context.close()));
  }
  await browser.close();
  await pwa[Symbol.asyncDispose]();
}
