/** Pictures of small calls. */
import path from 'node:path';
import { PEOPLE } from './people.ts';
import {
  closePanel,
  type Exposed,
  folder,
  guest,
  invite,
  join,
  NAMES,
  open,
  patch,
  pictures,
  ROOM,
  shoot,
} from './shooting.ts';

export const CALL: Record<string, () => Promise<void>> = {
  async alone() {
    const page = await join(NAMES[0], ROOM, { person: PEOPLE[0] });
    await page.getByTestId('empty-room').waitFor();
    await shoot(page, 'alone');
    await invite(page);
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
    await closePanel(a);
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
    await b.getByTestId('stop-sharing').click();
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
    await a.getByTestId('pip').click();
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
};
