/**
 * Pictures of every state, in both schemes, on a phone and a desk: `node test/pwa/shots.ts FOLDER [name…]`.
 * `two` with its stats, at the desk in light, is docs/images/call.png.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { startPwa } from './harness.ts';
import { PEOPLE, type Person, paintCamera } from './people.ts';

const folder = process.argv[2] ?? 'test-results/shots';
const only = process.argv.slice(3);
mkdirSync(folder, { recursive: true });
await using pwa = await startPwa();
const browser = await launchBrowser();

const SIZES = {
  extra: { width: 420, height: 420 },
  phone: { width: 390, height: 844 },
  desk: { width: 1280, height: 800 },
} as const;
type Look = { size: keyof typeof SIZES; scheme: 'light' | 'dark'; locale?: string };

async function open(
  look: Look,
  person: Person | undefined,
  query = '',
): Promise<{ context: BrowserContext; page: Page }> {
  const context = await browser.newContext({
    viewport: SIZES[look.size],
    colorScheme: look.scheme,
    locale: look.locale ?? 'en-GB',
    serviceWorkers: 'block',
    permissions: person ? ['camera', 'microphone'] : [],
  });
  if (person) await context.addInitScript(paintCamera, person);
  else
    await context.addInitScript(() => {
      navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException('Permission denied', 'NotAllowedError');
      };
    });
  const page = await context.newPage();
  page.setDefaultTimeout(90_000);
  page.on('console', (m) => m.type() === 'error' && console.log('console:', m.text()));
  page.on('pageerror', (e) => console.log('page error:', e.message));
  await page.goto(`${pwa.origin}/${query}`);
  return { context, page };
}

async function join(look: Look, person: Person | undefined, name: string, room: string) {
  const opened = await open(look, person, `?room=${room}`);
  await opened.page.getByTestId('name-input').fill(name);
  if (person) await opened.page.getByTestId('local-video').waitFor();
  await opened.page.getByTestId('join').click();
  await opened.page.getByTestId('leave').waitFor({ timeout: 60_000 });
  return opened;
}

async function settled(page: Page, peers: number) {
  await page.waitForFunction(
    (n) =>
      [...document.querySelectorAll<HTMLVideoElement>('[data-testid=remote-video]')].filter((v) => v.videoWidth > 100)
        .length >= n,
    peers,
    { timeout: 90_000 },
  );
  await page.waitForTimeout(8000);
}

const NAMES = ['Amal Haddad', 'Jonas Weber', 'Grace Okafor', 'Mei Lindqvist'];
const scenes: Record<string, (look: Look, shoot: (page: Page, name?: string) => Promise<void>) => Promise<void>> = {
  async lobby(look, shoot) {
    const { context, page } = await open(look, PEOPLE[0]);
    await page.getByTestId('name-input').fill('Amal Haddad');
    await page.getByTestId('local-video').waitFor();
    await page.locator('[data-state=ready]').waitFor();
    await page.waitForTimeout(500);
    await shoot(page);
    await context.close();
  },
  async refused(look, shoot) {
    const { context, page } = await open(look, undefined);
    await page.getByTestId('allow-media').click();
    await page.getByTestId('permission-help').waitFor();
    await shoot(page);
    await context.close();
  },
  async empty(look, shoot) {
    const { context, page } = await join(look, PEOPLE[0], 'Amal Haddad', 'golden-harbor-x7kqzm');
    await page.waitForTimeout(800);
    await shoot(page);
    await context.close();
  },
  async two(look, shoot) {
    const a = await join(look, PEOPLE[0], NAMES[0] ?? '', 'two');
    const b = await join(look, PEOPLE[1], NAMES[1] ?? '', 'two');
    await settled(a.page, 1);
    await shoot(a.page);
    await a.page.getByTestId('more').click();
    await a.page.waitForTimeout(300);
    await shoot(a.page, 'menu');
    await a.page.getByTestId('open-stats').click();
    await a.page.waitForTimeout(6000);
    await shoot(a.page, 'stats');
    await a.page.getByTestId('leave').click();
    await a.page.getByTestId('ended').waitFor();
    await shoot(a.page, 'ended');
    await b.context.close();
    await a.context.close();
  },
  async call(look, shoot) {
    const room = 'golden-harbor-x7kqzm';
    const opened = [];
    // Three: a mesh of four encodes twelve pictures, which two cores only manage when nothing else runs.
    for (const [i, person] of PEOPLE.slice(0, 3).entries()) {
      const size = i === 0 ? look : ({ size: 'extra', scheme: 'light' } as const);
      opened.push(await join(size, person, NAMES[i] ?? '', room));
    }
    const [a, b, c] = opened;
    if (!a || !b || !c) throw new Error('three at least');
    await settled(a.page, 2).catch(async (error: unknown) => {
      await shoot(a.page, 'unsettled');
      throw error;
    });
    await shoot(a.page, 'grid');
    await b.page.keyboard.press('c');
    await b.page.getByTestId('chat-input').fill('Here are the numbers from yesterday. Looks good to me.');
    await b.page.keyboard.press('Enter');
    if (look.size === 'desk') await a.page.getByTestId('open-chat').click();
    await c.page.keyboard.press('c');
    await c.page.getByTestId('chat-input').fill('Agreed. Shall we ship on Thursday?');
    await c.page.keyboard.press('Enter');
    if (look.size === 'desk') {
      await a.page.getByTestId('chat-input').fill('Thursday it is.');
      await a.page.keyboard.press('Enter');
    }
    await c.page.getByTestId('react').click();
    await c.page.getByTestId('reaction-heart').click();
    await a.page.waitForTimeout(1100);
    await shoot(a.page);
    await Promise.all(opened.map((o) => o.context.close()));
  },
  async settings(look, shoot) {
    const { context, page } = await open(look, PEOPLE[0]);
    await page.getByTestId('local-video').waitFor();
    await page.locator('header .icon-button').click();
    await page.getByTestId('language').waitFor();
    await page.waitForTimeout(300);
    await shoot(page);
    await context.close();
  },
  async diagnostics(look, shoot) {
    const { context, page } = await open(look, PEOPLE[0], 'diagnostics/');
    await page.getByTestId('run-checks').click();
    await page.getByTestId('report').waitFor({ timeout: 60_000 });
    await shoot(page);
    await context.close();
  },
};

for (const [name, scene] of Object.entries(scenes)) {
  if (only.length > 0 && !only.includes(name)) continue;
  const looks: Look[] = (['phone', 'desk'] as const).flatMap((size) =>
    (['light', 'dark'] as const).map((scheme) => ({ size, scheme })),
  );
  if (name === 'lobby') looks.push({ size: 'desk', scheme: 'light', locale: 'ar' });
  for (const look of looks) {
    if (process.env.LOOK && process.env.LOOK !== `${look.size}-${look.scheme}`) continue;
    const shoot = async (page: Page, part?: string) => {
      const file = [name, part, look.size, look.scheme, look.locale].filter(Boolean).join('-');
      await page.screenshot({ path: path.join(folder, `${file}.png`) });
      console.log(file);
    };
    await scene(look, shoot).catch((error: unknown) => console.log(`${name}: ${error}`));
  }
}
await browser.close();
