/** Pictures of large rooms, and of rooms with a moderator. */
import { PEOPLE } from './people.ts';
import { type Exposed, guest, join, NAMES, open, patch, pictures, pwa, shoot } from './shooting.ts';

export const ROOMS: Record<string, () => Promise<void>> = {
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
    await eve.locator('[data-testid=inside] span').waitFor();
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
    await row.locator('small').waitFor();
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
        { id: 'a', name: NAMES[2], text: 'So the question is what we do with the old harbour.' },
        { id: 'b', name: NAMES[1], text: 'I would keep it, and open the north side.' },
      ],
    });
    await shoot(eve, 'captions-recording');
  },
  /** Who watches only, and how the others see that. */
  async audience() {
    pwa.auth.grants = { kick: true, invite: true };
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
};
