/** Pictures of states that people seldom see: what is in the way, how calls end, long chats, menus, lines, the live page. */
import type { Page } from 'playwright-core';
import { PEOPLE } from './people.ts';
import {
  closePanel,
  type Exposed,
  guest,
  join,
  NAMES,
  open,
  openSettings,
  patch,
  pictures,
  pwa,
  ROOM,
  shoot,
} from './shooting.ts';

const LINK = 'https://example.org/reports/2026/q3/harbour-extension-north-side-draft-7-final.pdf?version=7';
const LONG =
  'Here is what I understood: the north side opens first, the south side stays as it is until spring, and the ferry keeps its place in between. Did I get that right?';

/** Lines of a chat as they are when they are there: long, with a link, private, from before, a file. */
function fillChat(words: { names: readonly string[]; long: string; link: string }) {
  const { model } = (globalThis as unknown as Exposed).__tandem;
  const [, jonas, grace] = words.names;
  const at = Date.now();
  const lines = [
    { name: grace, text: 'Good morning! We begin in a minute.', by: jonas },
    { name: jonas, text: words.long },
    { name: grace, text: words.link },
    { name: 'me', mine: true, text: 'Yes. I send the plan in a minute.' },
    {
      name: 'me',
      mine: true,
      text: '',
      file: { name: 'harbour-extension-plan-final-2026-11.pdf', size: 2_400_000, url: '#' },
    },
    { name: jonas, text: '', file: { name: 'notes.txt', size: 812, url: '#' } },
    { name: grace, text: 'Only for you: they will ask about the budget.', only: { id: 'me', name: words.names[0] } },
    { name: 'me', mine: true, text: 'I have the numbers.', only: { id: 'grace', name: grace } },
    { name: grace, text: 'Thank you!', host: true },
  ];
  model.set({
    chat: lines.map((line, key) => ({
      ...{
        id: `l${key}`,
        key,
        peerId: line.mine ? 'me' : `p${line.name}`,
        shownAt: at - 60_000 * (9 - key),
        mine: false,
      },
      ...line,
    })),
  });
}

/** Somebody in `room` with others who have no picture. */
async function withOthers(room: string, count: number): Promise<Page> {
  const page = await join(NAMES[0], room, { person: PEOPLE[0] });
  await page.getByTestId('empty-room').waitFor();
  for (let i = 1; i <= count; i++) await guest(NAMES[i % 4] ?? '', room);
  await page
    .getByTestId('peer-tile')
    .nth(count - 1)
    .waitFor();
  return page;
}

async function wheel(page: Page, part: number): Promise<void> {
  await page
    .locator('.dialog-body')
    .evaluate((body, share) => body.scrollTo(0, (body.scrollHeight - body.clientHeight) * share), part);
}

export const STATES: Record<string, () => Promise<void>> = {
  /** What keeps somebody out of a room, and joining that takes long. */
  async obstacles() {
    const page = await open({ person: PEOPLE[0], query: `?room=${ROOM}` });
    await page.getByTestId('name-input').fill(NAMES[0]);
    await page.locator('[data-state=ready]').waitFor();
    await patch(page, { phase: 'joining' });
    await page.getByTestId('still-trying').waitFor();
    await shoot(page, 'still-trying');
    for (const obstacle of ['offline', 'websocket', 'service', 'slow']) {
      await patch(page, { obstacle });
      await shoot(page, `obstacle-${obstacle}`);
    }
    pwa.auth.status = 503;
    const failing = await open({ person: PEOPLE[0] });
    await failing.locator('[data-testid=readiness][data-state=failed]').waitFor();
    await shoot(failing, 'service-away');
  },
  async typed() {
    const page = await open({ person: PEOPLE[0] });
    await page.getByTestId('join').click();
    await page.getByTestId('have-link').click();
    await page.getByTestId('room-input').fill('golden harbor/7?');
    await page.getByTestId('join').click();
    await shoot(page, 'typed-wrong');
    await guest(NAMES[1], 'golden');
    await guest(NAMES[2], 'golden');
    await page.getByTestId('room-input').fill('golden');
    await page.locator('[data-testid=inside] span').waitFor();
    await shoot(page, 'typed-inside');
  },
  async ends() {
    const page = await open({ query: `?room=${ROOM}` });
    await page.getByTestId('join').waitFor();
    const kinds =
      'left kicked replaced duplicate closed refused locked declined over unknown link encryption unreachable lost failed';
    for (const end of kinds.split(' ')) {
      await patch(page, { phase: 'ended', end, room: ROOM, duration: end === 'left' ? 3_725_000 : 0, detail: '' });
      await page.locator(`[data-testid=ended][data-end=${end}]`).waitFor();
      await shoot(page, `end-${end}`);
    }
  },
  async settings() {
    const page = await open({ person: PEOPLE[0] });
    await page.getByTestId('local-video').waitFor();
    await openSettings(page);
    await page.waitForTimeout(500);
    for (const part of [0, 0.5, 1]) {
      await wheel(page, part);
      await shoot(page, `settings-${part * 100}`);
    }
  },
  async chat() {
    const page = await withOthers('chat', 2);
    await page.keyboard.press('c');
    await page.getByTestId('chat-input').waitFor();
    await page.evaluate(fillChat, { names: NAMES, long: LONG, link: LINK });
    await page.getByTestId('chat-line').first().scrollIntoViewIfNeeded();
    await shoot(page, 'chat-top');
    await page.getByTestId('chat-line').last().scrollIntoViewIfNeeded();
    await shoot(page, 'chat-end');
    await page.getByTestId('chat-to').selectOption({ index: 1 });
    await page.getByTestId('chat-input').fill(LONG);
    await shoot(page, 'chat-private');
  },
  /** What one may do about a person, and what is asked once more. */
  async menus() {
    pwa.auth.grants = { kick: true, invite: true, record: true };
    const page = await join(NAMES[0], 'menus', { person: PEOPLE[0] });
    await page.getByTestId('empty-room').waitFor();
    pwa.auth.grants = {};
    await join(NAMES[1], 'menus', { person: PEOPLE[1] });
    await pictures(page, 1);
    await page.getByTestId('people-count').click();
    await page.getByTestId('person-more').first().click();
    await shoot(page, 'menu-person');
    await page.getByTestId('remove-person').click();
    await page.getByTestId('remove-person-sure').scrollIntoViewIfNeeded();
    await shoot(page, 'menu-remove');
    await page.getByTestId('end-for-all').click();
    await page.getByTestId('end-for-all-sure').scrollIntoViewIfNeeded();
    await shoot(page, 'menu-end');
  },
  async hands() {
    const page = await withOthers('hands', 1);
    const at = Date.now();
    for (const [i, name] of ['Priya Nair', 'Bartholomew Featherstonehaugh-Cavendish', 'Li'].entries())
      await guest(name, 'hands', { hand: true, handAt: at - 60_000 * (4 - i) });
    await page.getByTestId('peer-tile').nth(3).waitFor();
    await page.getByTestId('people-count').click();
    await page.getByTestId('hand-queue').waitFor();
    await shoot(page, 'hands');
    await closePanel(page);
    await page.locator('#main').focus();
    await page.keyboard.press('h');
    await shoot(page, 'hand-up');
  },
  /** Lines that come and go, held; and each banner. */
  async lines() {
    const page = await withOthers('lines', 3);
    const lines: [string, object?][] = [
      ['call.joined', { name: 'Bartholomew Featherstonehaugh-Cavendish' }],
      ['call.joinedMany', { name: NAMES[1], count: 2 }],
      ['host.shareClosed'],
    ];
    await page.evaluate((all) => {
      const { model } = (globalThis as unknown as Exposed).__tandem;
      setInterval(() => model.set({ notices: all.map(([key, values], id) => ({ id, key, values })) }), 50);
    }, lines);
    await shoot(page, 'lines');
    await patch(page, { talkingMuted: true });
    await shoot(page, 'banner-talking');
    await patch(page, {
      talkingMuted: false,
      offer: { label: 'Plantronics Voyager Focus 2 (Bluetooth)', devices: [] },
    });
    await shoot(page, 'banner-offer');
    await patch(page, { offer: undefined, soundBlocked: true });
    await shoot(page, 'banner-sound');
    await patch(page, { soundBlocked: false, network: 'offline' });
    await shoot(page, 'banner-offline');
  },
  async loud() {
    const page = await withOthers('loud', 1);
    await page.evaluate(() => {
      const { model } = (globalThis as unknown as Exposed).__tandem;
      const canvas = document.createElement('canvas');
      const [sharing] = canvas.captureStream(1).getTracks();
      const [sharedSound] = new AudioContext().createMediaStreamDestination().stream.getTracks();
      model.set({ sharing, sharedSound });
    });
    await page.getByTestId('shared-volume').waitFor();
    await shoot(page, 'share-volume');
  },
  /** Who is invited to speak looks at themselves. */
  async rehearsal() {
    const page = await withOthers('rehearsal', 2);
    await patch(page, { watching: true, invited: true, rehearsing: true });
    await page.getByTestId('rehearsal').waitFor();
    await shoot(page, 'rehearsal');
  },
  async lost() {
    const page = await open();
    await page.goto(`${pwa.origin}/nowhere`);
    await shoot(page, 'not-found');
    const broken = await open({ query: `?room=${ROOM}` });
    await broken.route('**/_next/static/**', (route) => route.abort());
    await broken.getByTestId('join').waitFor();
    await patch(broken, { phase: 'ended', end: 'left', room: ROOM });
    await shoot(broken, 'part-broken');
  },
};
