/**
 * Pictures of every state, on a phone and a desk, in light and dark: `node test/pwa/shots.ts FOLDER [scene…]`.
 * `two-stats-desk-light` and `two-phone-light` are docs/images/call.png and phone.png.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { PeerMetadata } from '@tandem/rtc';
import { SignalingSession } from '@tandem/rtc';
import type { BrowserContext, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { startPwa } from './harness.ts';
import { PEOPLE, type Person, paintCamera } from './people.ts';

const folder = process.argv[2] ?? 'test-results/shots';
const only = process.argv.slice(3);
mkdirSync(folder, { recursive: true });
await using pwa = await startPwa();
const browser = await launchBrowser();
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
] as const;
const wanted = process.env.LOOKS?.split(',');

async function shoot(page: Page, name: string): Promise<void> {
  for (const look of LOOKS) {
    if (wanted && !wanted.includes(look.name)) continue;
    await page.setViewportSize(look.size);
    await page.emulateMedia({ colorScheme: look.scheme });
    await page.waitForTimeout(600);
    await page.screenshot({ path: path.join(folder, `${name}-${look.name}.png`) });
  }
  console.log(name);
}

interface Visitor {
  origin?: string;
  person?: Person | undefined;
  query?: string;
  locale?: string;
  before?: () => void;
}

async function open({
  origin = pwa.origin,
  person,
  query = '',
  locale = 'en-GB',
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

async function join(name: string, room: string, visitor: Visitor = {}): Promise<Page> {
  const page = await open({ ...visitor, query: `?room=${room}` });
  await page.getByTestId('name-input').fill(name);
  if (visitor.person) await page.getByTestId('local-video').waitFor();
  await page.getByTestId('join').click();
  return page;
}

/** Somebody without a browser: a tile without a picture. */
async function guest(name: string, room: string, metadata: Partial<PeerMetadata> = {}): Promise<SignalingSession> {
  const session = new SignalingSession({
    url: `${pwa.origin}/ws/signal`,
    getToken: () => pwa.token(name, pwa.auth.grants),
  });
  sessions.push(session);
  await session.join(room, { name, ...metadata } as PeerMetadata);
  return session;
}

async function pictures(page: Page, count: number): Promise<void> {
  await page.waitForFunction(
    (n) =>
      [...document.querySelectorAll<HTMLVideoElement>('[data-testid=remote-video]')].filter((v) => v.videoWidth > 100)
        .length >= n,
    count,
  );
  await page.waitForTimeout(5000);
}

interface Exposed {
  __tandem: {
    model: { get(): { peers: object[] }; set(change: object): void; float(kind: string, name: string): void };
  };
}
const patch = (page: Page, change: object) =>
  page.evaluate((c) => (globalThis as unknown as Exposed).__tandem.model.set(c), change);

const NAMES = ['Amal Haddad', 'Jonas Weber', 'Grace Okafor', 'Mei Lindqvist'] as const;
const ROOM = 'golden-harbor-x7kqzm';
const refuse = () => {
  navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException('Permission denied', 'NotAllowedError');
  };
};
const undecided = () => {
  navigator.mediaDevices.enumerateDevices = async () => [];
  navigator.permissions.query = async () => ({ state: 'prompt' }) as PermissionStatus;
};

const scenes: Record<string, () => Promise<void>> = {
  async lobby() {
    const page = await open({ person: PEOPLE[0] });
    await page.getByTestId('name-input').fill(NAMES[0]);
    await page.locator('[data-state=ready]').waitFor();
    await page.locator('h1').click();
    await shoot(page, 'lobby');
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByTestId('language').waitFor();
    await shoot(page, 'settings');
  },
  async invited() {
    const page = await open({ person: PEOPLE[0], query: `?room=${ROOM}` });
    await page.getByTestId('name-input').fill(NAMES[0]);
    await page.locator('[data-state=ready]').waitFor();
    await page.locator('h1').click();
    await shoot(page, 'invited');
    await page.evaluate(() => {
      const prompt = () => Promise.resolve();
      dispatchEvent(Object.assign(new Event('beforeinstallprompt'), { prompt }));
    });
    await shoot(page, 'install');
  },
  async blur() {
    const blurred = () => localStorage.setItem('tandem.preferences', '{"name":"Amal Haddad","backgroundBlur":true}');
    const page = await open({ person: PEOPLE[0], before: blurred });
    await page.getByTestId('local-video').waitFor();
    await page.locator('[data-state=ready]').waitFor();
    await shoot(page, 'blur');
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByTestId('language').waitFor();
    await page.getByTestId('switch-mirror').scrollIntoViewIfNeeded();
    await shoot(page, 'blur-settings');
    await page.keyboard.press('Escape');
    await page.route('**/effects-*/**', (route) => route.abort());
    await page.getByTestId('toggle-cam').click();
    await page.getByTestId('toggle-cam').click();
    await page.getByTestId('blur-failed').waitFor();
    await shoot(page, 'blur-failed');
    await page.getByTestId('join').click();
    await page.getByTestId('blur-banner').waitFor();
    await shoot(page, 'blur-failed-call');
  },
  async first() {
    await shoot(await open({ before: undecided }), 'first');
  },
  async refused() {
    const page = await open({ before: refuse });
    await page.getByTestId('permission-help').waitFor();
    await shoot(page, 'refused');
  },
  async alone() {
    const page = await join(NAMES[0], ROOM, { person: PEOPLE[0] });
    await page.getByTestId('empty-room').waitFor();
    await shoot(page, 'alone');
    await page.getByRole('button', { name: 'Invite' }).click();
    await shoot(page, 'invite');
  },
  async two() {
    const a = await join(NAMES[0], ROOM, { person: PEOPLE[0] });
    await join(NAMES[1], ROOM, { person: PEOPLE[1] });
    await pictures(a, 1);
    await shoot(a, 'two');
    await a.getByTestId('more').click();
    await shoot(a, 'two-menu');
    await a.keyboard.press('Escape');
    await a.setViewportSize({ width: 1280, height: 800 });
    await a.getByTestId('cam-choices').click();
    await shoot(a, 'two-camera');
    await a.keyboard.press('Escape');
    await a.getByTestId('more').click();
    await a.getByTestId('open-stats').click();
    await a.waitForTimeout(6000);
    await shoot(a, 'two-stats');
    await a.keyboard.press('?');
    await shoot(a, 'two-shortcuts');
    await a.keyboard.press('Escape');
    await a.getByRole('button', { name: 'Close' }).click();
    await patch(a, { network: 'reconnecting' });
    await shoot(a, 'two-reconnecting');
    await patch(a, { network: 'online' });
    await a.getByTestId('leave').click();
    await a.getByTestId('ended').waitFor();
    await shoot(a, 'ended');
    await a.getByTestId('rate-2').click();
    await shoot(a, 'ended-rating');
  },
  async call() {
    const [a, b, c] = await Promise.all([0, 1, 2].map((i) => join(NAMES[i] ?? '', ROOM, { person: PEOPLE[i] })));
    if (!a || !b || !c) throw new Error('three');
    await pictures(a, 2);
    await shoot(a, 'three');
    await guest(NAMES[3], ROOM, { hand: true });
    await a.waitForTimeout(1000);
    await shoot(a, 'four');
    await b.keyboard.press('c');
    await b.getByTestId('chat-input').fill('Here are the numbers from yesterday. Looks good to me.');
    await b.keyboard.press('Enter');
    await c.keyboard.press('c');
    await c.getByTestId('chat-input').fill('Agreed. Shall we ship on Thursday?');
    await c.keyboard.press('Enter');
    await shoot(a, 'four-unread');
    await a.getByTestId('open-chat').click();
    await a.getByTestId('chat-input').fill('Thursday it is.');
    await a.keyboard.press('Enter');
    await shoot(a, 'four-chat');
    await a.getByTestId('open-chat').click();
    await a.getByTestId('react').click();
    await shoot(a, 'four-react');
    await a.keyboard.press('Escape');
    await patch(a, { layout: 'spotlight' });
    await shoot(a, 'four-spotlight');
    await patch(a, { layout: 'auto' });
    await b.keyboard.press('Escape');
    await b.locator('#main').focus();
    await b.keyboard.press('s');
    await a.getByTestId('screen-video').waitFor();
    await a.waitForTimeout(1500);
    await shoot(a, 'four-screen');
    await shoot(b, 'four-sharing');
    await b.getByTestId('toggle-screen').click();
    await a.evaluate(() => {
      const { model } = (globalThis as unknown as Exposed).__tandem;
      const states = [{}, { away: true }, { state: 'interrupted' }];
      const trouble = [{ code: 'loss-in', value: 0.12, words: '' }];
      const health = { grade: 'poor', fault: 'mine', trouble, weak: [] };
      const worsen = () => model.set({ health, peers: model.get().peers.map((p, i) => ({ ...p, ...states[i] })) });
      worsen();
      setInterval(worsen, 20);
    });
    await shoot(a, 'four-trouble');
  },
  /** The small window: its own size, in both schemes. */
  async pip() {
    const [a] = await Promise.all([0, 1, 2].map((i) => join(NAMES[i] ?? '', 'pip', { person: PEOPLE[i] })));
    if (!a) throw new Error('nobody');
    await pictures(a, 2);
    await guest(NAMES[3], 'pip');
    const opening = a.context().waitForEvent('page');
    await a.getByTestId('more').click();
    await a.getByRole('button', { name: 'Picture in picture' }).click();
    const small = await opening;
    await small.getByTestId('pip-tile').nth(2).waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await small.setViewportSize({ width: 360, height: 400 });
      await small.emulateMedia({ colorScheme });
      await small.waitForTimeout(600);
      await small.screenshot({ path: path.join(folder, `pip-${colorScheme}.png`) });
    }
    console.log('pip');
  },
  async crowd() {
    const room = 'crowd';
    const a = await join(NAMES[0], room, { person: PEOPLE[0] });
    for (let i = 1; i < 9; i++) await guest(`${NAMES[i % 4]} ${i}`, room);
    await a.waitForTimeout(1500);
    await shoot(a, 'nine');
    await a.getByTestId('people-count').click();
    await shoot(a, 'nine-people');
  },
  /** A thousand people in the list, and applause. */
  async large() {
    const a = await join(NAMES[0], 'large', { person: PEOPLE[0] });
    await a.getByTestId('empty-room').waitFor();
    await a.evaluate((names) => {
      const stream = new MediaStream();
      const peers = Array.from({ length: 1000 }, (_, i) => ({
        ...{ id: `p${i}`, name: `${names[i % 4]} ${i}`, state: 'connected', away: false, audience: false },
        ...{
          audio: i % 3 === 0,
          video: false,
          hand: i % 400 === 7,
          encrypts: false,
          handAt: Date.now() - 60_000,
          stream,
        },
        ...{ topology: 'sfu', setup: 1 },
      }));
      const { model } = (globalThis as unknown as Exposed).__tandem;
      model.set({ peers, moderator: true });
      setInterval(() => {
        for (const kind of ['heart', 'like', 'star']) model.float(kind, '');
      }, 300);
    }, NAMES);
    await shoot(a, 'large');
    await a.getByTestId('people-count').click();
    await a.getByTestId('people-search').waitFor();
    await shoot(a, 'large-people');
  },
  /** A large room: who speaks before all others, what is said in words, a chat that is slow. */
  async fifty() {
    const a = await join(NAMES[0], 'fifty', { person: PEOPLE[0] });
    await a.getByTestId('empty-room').waitFor();
    await a.evaluate((names) => {
      const stream = new MediaStream();
      const peers = Array.from({ length: 49 }, (_, i) => ({
        ...{ id: `p${i}`, name: `${names[i % 4]} ${i}`, state: 'connected', away: false, audience: false },
        ...{ audio: i % 3 === 0, video: false, hand: i === 2, encrypts: false, handAt: Date.now() - 60_000, stream },
        ...{ topology: 'sfu', setup: 1 },
      }));
      (globalThis as unknown as Exposed).__tandem.model.set({ peers, speaker: 'p3' });
    }, NAMES);
    const captions = [
      { name: NAMES[1], text: 'The second quarter was better than the first, and we know why.' },
      {
        name: NAMES[2],
        text: '… so that nobody has to wait for the numbers at the end of the month, and everybody sees them.',
      },
    ];
    await a.evaluate((words) => {
      const { model } = (globalThis as unknown as Exposed).__tandem;
      setInterval(() => model.set({ captions: words }), 50);
    }, captions);
    await shoot(a, 'fifty-captions');
    await a.keyboard.press('c');
    for (const line of ['Thank you for coming.', 'Slides follow.']) {
      await a.getByTestId('chat-input').fill(line);
      await a.keyboard.press('Enter');
    }
    await shoot(a, 'fifty-chat');
  },
  /** Who is inside, before joining; the link for those who only watch. */
  async inside() {
    await guest(NAMES[1], ROOM);
    await guest(NAMES[2], ROOM);
    const page = await open({ person: PEOPLE[0], query: `?room=${ROOM}` });
    await page.getByTestId('name-input').fill(NAMES[0]);
    await page.getByTestId('inside').waitFor();
    await page.locator('h1').click();
    await shoot(page, 'inside');
    await page.getByTestId('join').click();
    await page.getByTestId('peer-tile').nth(1).waitFor();
    await page.getByRole('button', { name: 'Invite' }).click();
    await shoot(page, 'invite-live');
  },
  /** A shared screen, whole and from near. */
  async near() {
    const [a, b] = await Promise.all([0, 1].map((i) => join(NAMES[i] ?? '', 'near', { person: PEOPLE[i] })));
    if (!a || !b) throw new Error('two');
    await pictures(a, 1);
    await b.locator('#main').focus();
    await b.keyboard.press('s');
    await a.getByTestId('screen-video').waitFor();
    await a.waitForTimeout(1500);
    await a.getByTestId('screen-zoom').click();
    await a.getByTestId('screen-tile').hover();
    await shoot(a, 'near');
  },
  /** A picture behind oneself, and the choice of one. */
  async backdrop() {
    const chosen = () =>
      localStorage.setItem('tandem.preferences', '{"name":"Amal Haddad","backgroundBlur":true,"backdrop":"study"}');
    const page = await open({ person: PEOPLE[0], before: chosen });
    await page.getByTestId('local-video').waitFor();
    await page.locator('[data-state=ready]').waitFor();
    await page.getByRole('button', { name: 'Settings' }).click();
    await page.getByTestId('backdrop-study').scrollIntoViewIfNeeded();
    await page
      .locator('.backdrops img')
      .last()
      .evaluate((image: HTMLImageElement) => image.decode());
    await shoot(page, 'backdrop-settings');
    await page.keyboard.press('Escape');
    await shoot(page, 'backdrop');
  },
  /** Who may come in: what a moderator sees, and who waits. */
  async entry() {
    pwa.auth.grants = { kick: true };
    const host = await join(NAMES[2], 'entry', { person: PEOPLE[2] });
    await host.getByTestId('empty-room').waitFor();
    await host.getByTestId('people-count').click();
    await host.getByTestId('entry-ask').click();
    await host.locator('[data-testid=entry-ask][aria-pressed=true]').waitFor();
    pwa.auth.grants = {};
    const eve = await join(NAMES[0], 'entry', { person: PEOPLE[0] });
    await eve.locator('[data-obstacle=waiting]').waitFor();
    await shoot(eve, 'entry-waiting');
    await host.getByTestId('people-count').click();
    await host.getByTestId('waiting-banner').waitFor();
    await shoot(host, 'entry-banner');
    await join(NAMES[1], 'entry', { person: PEOPLE[1] });
    await host.getByTestId('people-count').click();
    await host.getByTestId('admit-all').waitFor();
    await shoot(host, 'entry-people');
    await host.getByTestId('refuse').first().click();
    await eve.locator('[data-end=declined]').waitFor();
    await shoot(eve, 'entry-declined');
  },
  /** Who is inside before joining; a chat and a screen that moderators keep; the slow chat of a large room; captions and the sign of a recording. */
  async kept() {
    pwa.auth.grants = { kick: true };
    const host = await join(NAMES[2], 'kept', { person: PEOPLE[2] });
    await host.getByTestId('empty-room').waitFor();
    pwa.auth.grants = {};
    for (const name of [NAMES[1], NAMES[3], 'Priya Nair']) await guest(name, 'kept');
    const eve = await open({ person: PEOPLE[0], query: '?room=kept' });
    await eve.getByTestId('name-input').fill(NAMES[0]);
    await eve.locator('[data-state=ready]').waitFor();
    await eve.getByTestId('inside').getByText('Inside').waitFor();
    await shoot(eve, 'inside');
    await eve.getByTestId('join').click();
    await pictures(eve, 1);
    await host.getByTestId('people-count').click();
    for (const part of ['share', 'chat']) await host.getByTestId(`may-${part}`).click();
    await host.locator('[data-testid=may-chat][aria-checked=false]').waitFor();
    await shoot(host, 'kept-host');
    const row = host.getByTestId('person').filter({ hasText: NAMES[0] });
    await row.getByTestId('person-more').click();
    await host.getByTestId('make-moderator').click();
    await row.getByText('Moderator').waitFor();
    await shoot(host, 'kept-moderator');
    await host.getByTestId('make-moderator').click();
    await eve.getByTestId('open-chat').click();
    await eve.getByTestId('chat-closed').waitFor();
    await shoot(eve, 'kept-chat');
    await host.getByTestId('may-chat').click();
    await host.getByTestId('open-chat').click();
    await host.getByTestId('chat-input').fill('Questions go here, please. I read them at the end.');
    await host.keyboard.press('Enter');
    await eve.evaluate(() => {
      const { model } = (globalThis as unknown as Exposed).__tandem;
      const crowd = Array.from({ length: 60 }, (_, i) => ({ id: `p${i}`, stream: new MediaStream() }));
      const grow = () => {
        const peers = model.get().peers as { id: string }[];
        const [first] = peers;
        if (!peers.some(({ id }) => id === 'p0'))
          model.set({ peers: [...peers, ...crowd.map((one) => ({ ...first, ...one }))] });
      };
      grow();
      // The call writes who is here with each reading.
      setInterval(grow, 20);
    });
    await eve.getByTestId('chat-slow').waitFor();
    await shoot(eve, 'slow-chat');
    await eve.getByTestId('open-chat').click();
    await patch(eve, {
      recording: Date.now(),
      captions: [
        { name: NAMES[2], text: 'So the question is what we do with the old harbour.' },
        { name: NAMES[1], text: 'I would keep it, and open the north side.' },
      ],
    });
    await shoot(eve, 'captions-recording');
  },
  /** An encrypted call: the switch, the lock, the number to compare, and somebody without the key. */
  async encrypted() {
    const a = await open({ person: PEOPLE[0] });
    await a.getByTestId('name-input').fill(NAMES[0]);
    await a.getByTestId('switch-encryption').check();
    await a.locator('h1').click();
    await shoot(a, 'encrypted-lobby');
    await a.getByTestId('join').click();
    await a.getByTestId('empty-room').waitFor();
    const link = new URL(a.url());
    const b = await open({ person: PEOPLE[1], query: `${link.search}${link.hash}` });
    await b.getByTestId('name-input').fill(NAMES[1]);
    await b.getByTestId('lobby-encrypted').waitFor();
    await shoot(b, 'encrypted-invited');
    await b.getByTestId('join').click();
    await pictures(a, 1);
    await shoot(a, 'encrypted-call');
    const c = await open({ person: PEOPLE[2], query: link.search });
    await c.getByTestId('name-input').fill(NAMES[2]);
    await c.getByTestId('join').click();
    await a.getByTestId('peer-tile').nth(1).waitFor();
    await a.getByTestId('encrypted-sign').click();
    await a.getByTestId('key-missing').waitFor();
    await a.waitForTimeout(3000);
    await shoot(a, 'encrypted-people');
    await c.getByTestId('people-count').click();
    await c.getByTestId('key-missing').first().waitFor();
    await shoot(c, 'encrypted-without-key');
  },
  /** Who watches only, and how the others see that. */
  async audience() {
    pwa.auth.grants = { kick: true };
    const host = await join(NAMES[2], 'audience', { person: PEOPLE[2] });
    await host.getByTestId('empty-room').waitFor();
    pwa.auth.grants = { publish: false };
    const zoe = await open({ query: '?room=audience' });
    await zoe.getByTestId('lobby-watching').waitFor();
    await zoe.getByTestId('name-input').fill(NAMES[0]);
    await shoot(zoe, 'audience-lobby');
    await zoe.getByTestId('join').click();
    await zoe.getByTestId('watching').waitFor();
    await zoe.getByTestId('peer-tile').waitFor();
    await shoot(zoe, 'audience-call');
    pwa.auth.grants = {};
    await host.getByTestId('people-count').click();
    await host.getByTestId('watchers').waitFor();
    await shoot(host, 'audience-host');
    await zoe.getByTestId('toggle-hand').click();
    await host.getByTestId('invite-to-speak').waitFor();
    await shoot(host, 'audience-hand');
    await host.getByTestId('invite-to-speak').click();
    await zoe.getByTestId('invited').waitFor();
    await shoot(zoe, 'audience-invited');
  },
  /** A deployment with a name, a logo, colours and links of its own. */
  async branded() {
    const square =
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 30 30"><circle cx="15" cy="15" r="13" fill="#8a1c5b"/></svg>';
    const branding = {
      name: 'Klinik am Stadtpark',
      logo: `data:image/svg+xml,${encodeURIComponent(square)}`,
      accent: { light: '#8a1c5b', dark: '#f0a3cf' },
      links: [
        { text: 'Imprint', href: 'https://example.org/imprint' },
        { text: 'Privacy', href: 'https://example.org/privacy' },
      ],
    };
    await using own = await startPwa({ clientSettings: { branding } });
    const page = await open({ origin: own.origin, person: PEOPLE[0], query: `?room=${ROOM}` });
    await page.getByTestId('name-input').fill(NAMES[0]);
    await page.locator('.brand', { hasText: branding.name }).waitFor();
    await page.locator('[data-state=ready]').waitFor();
    await shoot(page, 'branded-lobby');
    await page.getByTestId('join').click();
    await page.getByTestId('empty-room').waitFor();
    await shoot(page, 'branded-alone');
    await page.getByTestId('leave').click();
    await page.getByTestId('ended').waitFor();
    await shoot(page, 'branded-ended');
    await page.close();
  },
  async arabic() {
    const a = await join('أمل حداد', 'rtl', { person: PEOPLE[0], locale: 'ar' });
    const b = await join('يوناس', 'rtl', { person: PEOPLE[1] });
    await pictures(a, 1);
    await b.keyboard.press('c');
    await b.getByTestId('chat-input').fill('صباح الخير');
    await b.keyboard.press('Enter');
    await a.getByTestId('open-chat').click();
    await shoot(a, 'arabic-chat');
    await a.getByTestId('open-chat').click();
    await a.getByTestId('more').click();
    await shoot(a, 'arabic-menu');
    await shoot(await open({ person: PEOPLE[0], locale: 'ar' }), 'arabic-lobby');
    await shoot(await open({ person: PEOPLE[0], locale: 'de' }), 'german-lobby');
  },
  async endings() {
    pwa.auth.grants = { maxRoomSize: 2 };
    await guest('one', 'tiny');
    await guest('two', 'tiny');
    const full = await join(NAMES[0], 'tiny', { person: PEOPLE[0] });
    await full.locator('[data-obstacle=full]').waitFor();
    pwa.auth.grants = {};
    await shoot(full, 'full');
    const page = await open();
    await page.getByTestId('join').waitFor();
    await patch(page, { phase: 'ended', end: 'kicked', duration: 241_000 });
    await shoot(page, 'kicked');
    await page.goto(`${pwa.origin}/offline/`);
    await shoot(page, 'offline');
  },
  async diagnostics() {
    const page = await open({ person: PEOPLE[0], query: 'diagnostics/' });
    await shoot(page, 'diagnostics');
    await page.getByTestId('run-checks').click();
    await page.getByTestId('report').waitFor();
    await shoot(page, 'diagnostics-done');
  },
};

for (const [name, scene] of Object.entries(scenes)) {
  if (only.length > 0 && !only.includes(name)) continue;
  await scene().catch((error: unknown) => console.log(`${name}: ${error}`));
  for (const session of sessions.splice(0)) session.close();
  await Promise.all(contexts.splice(0).map((context) => context.close()));
}
await browser.close();
