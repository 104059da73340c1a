/** Who may come in: a moderator decides in the page, the server enforces it (S-46 to S-48), and those who wait see what goes on. */
import { expect, test, vi } from 'vitest';
import { enter, expectAccessible, noDevices, patience, pwaSuite } from './pwa/suite.ts';

const suite = pwaSuite();
const { join, open } = suite;

test('a room that asks: who comes waits without a look inside, is let in, turned away, or gives up', async () => {
  suite.grant({ kick: true });
  const { page: host } = await join('Grace', 'asks', { before: noDevices });
  await host.getByTestId('open-people').click();
  await host.getByTestId('entry-ask').click();
  await host.locator('[data-testid=entry-ask][aria-pressed=true]').waitFor();
  await expectAccessible(host, 'who may come in');
  await host.getByTestId('open-people').click();
  suite.pwa.auth.grants = {};

  const { page: eve } = await open({ query: '?room=asks', before: noDevices });
  await eve.getByTestId('inside').getByText('A moderator lets people in, so you may have to wait.').waitFor();
  expect(await eve.getByText('Grace').count()).toBe(0);
  await enter(eve, 'Eve');
  await eve.locator('[data-obstacle=waiting]').waitFor();
  await eve.getByText('Waiting for a moderator to let you in.').waitFor();
  await expectAccessible(eve, 'waiting to be let in');
  await host.getByTestId('waiting-banner').getByText('Eve asks to come in').waitFor();
  await expectAccessible(host, 'somebody asks to come in');
  expect(await host.getByTestId('peer-tile').count(), 'she is not in').toBe(0);
  await host.getByTestId('waiting-banner').getByRole('button', { name: 'Let in' }).click();
  await host.getByTestId('peer-tile').waitFor();
  await eve.getByTestId('peer-tile').waitFor();
  await host.getByTestId('waiting-banner').waitFor({ state: 'detached' });

  const [{ page: fay }, { page: gus }] = await Promise.all([
    join('Fay', 'asks', { before: noDevices }),
    join('Gus', 'asks', { before: noDevices }),
  ]);
  await host.getByTestId('waiting-banner').getByRole('button', { name: 'Show' }).click();
  const rows = host.getByTestId('waiting-people').getByRole('listitem');
  await vi.waitFor(async () => expect(await rows.count()).toBe(2), patience);
  await expectAccessible(host, 'two wait');
  await gus.getByTestId('cancel-join').click();
  await vi.waitFor(async () => expect(await rows.allTextContents()).toEqual(['FayTurn awayLet in']), patience);
  await gus.locator('[data-state=ready]').waitFor();
  await host.getByRole('button', { name: 'Turn away Fay' }).click();
  await fay.locator('[data-testid=ended][data-end=declined]').waitFor();
  await expectAccessible(fay, 'turned away');
  await host.getByTestId('waiting-people').waitFor({ state: 'detached' });

  await host.getByTestId('entry-locked').click();
  await host.locator('[data-testid=entry-locked][aria-pressed=true]').waitFor();
  await gus.getByTestId('join').click();
  await gus.locator('[data-testid=ended][data-end=locked]').waitFor();
  await host.getByTestId('entry-open').click();
  await host.locator('[data-testid=entry-open][aria-pressed=true]').waitFor();
  await gus.getByTestId('rejoin').click();
  await gus.getByTestId('peer-tile').first().waitFor();
});

test('S-49 a moderator keeps the chat and the screen to moderators, and the page says why', async () => {
  suite.grant({ kick: true });
  const { page: host } = await join('Grace', 'kept', { before: noDevices });
  await host.getByTestId('open-people').click();
  suite.pwa.auth.grants = {};
  const { page: eve } = await open({ query: '?room=kept', before: noDevices });
  await eve
    .getByTestId('inside')
    .getByText(/^Inside: .Grace.$/)
    .waitFor();
  await expectAccessible(eve, 'who is inside');
  await enter(eve, 'Eve');
  await eve.getByTestId('peer-tile').waitFor();
  await eve.getByTestId('toggle-screen').click();
  await eve.getByTestId('sharing-bar').waitFor();
  const forbid = async (part: 'share' | 'chat') => {
    await host.getByTestId(`may-${part}`).click();
    await host.locator(`[data-testid=may-${part}][aria-checked=false]`).waitFor();
  };
  await forbid('share');
  // A word that goes away by itself.
  await eve.getByText('Only moderators can share their screen in this room.').first().waitFor();
  await eve.getByTestId('sharing-bar').waitFor({ state: 'detached' });
  await forbid('chat');
  await expectAccessible(host, 'what others may do');
  // A border of the browser's own is a style that was lost.
  const bare = host
    .locator('button, fieldset')
    .evaluateAll((all) =>
      all
        .filter((element) => /outset|groove/.test(getComputedStyle(element).borderStyle))
        .map(({ className }) => className),
    );
  expect(await bare).toEqual([]);
  await eve.getByTestId('toggle-screen').waitFor({ state: 'detached' });
  await eve.getByTestId('open-chat').click();
  await eve.getByTestId('chat-closed').waitFor();
  await expectAccessible(eve, 'the chat of moderators');
  // What goes past the server, as a page of an older version sends it, is dropped by who receives it.
  await eve.evaluate(() => (globalThis as unknown as WithCall).__tandem.call.chat('unheard'));
  await host.getByTestId('open-chat').click();
  await host.getByTestId('chat-input').fill('only me');
  await host.keyboard.press('Enter');
  await eve.getByText('only me').waitFor();
  await host.getByTestId('open-people').click();
  await host.getByTestId('may-chat').click();
  await eve.getByTestId('chat-input').fill('again');
  await eve.keyboard.press('Enter');
  await host.getByTestId('open-chat').click();
  await host.getByText('again').first().waitFor();
  expect(await host.getByText('unheard').count()).toBe(0);
  await host.getByTestId('open-people').click();
  await host.getByTestId('may-look').click();
  await host.locator('[data-testid=may-look][aria-checked=false]').waitFor();
  const { page: outside } = await open({ query: '?room=kept', before: noDevices });
  await outside.getByTestId('inside').getByText('2 people are inside.').waitFor();
  expect(await outside.getByText('Grace').count()).toBe(0);
  // The same of a code or a link that is typed, once it is a room.
  const { page: typing } = await open({ before: noDevices });
  await typing.getByTestId('have-link').click();
  await typing.getByTestId('room-input').fill(`${suite.pwa.origin}/?room=kept`);
  await typing.getByTestId('inside').getByText('2 people are inside.').waitFor();
  await typing.getByTestId('room-input').fill('kept?');
  await vi.waitFor(async () => expect(await typing.getByTestId('inside').textContent()).toBe(''));
});

interface WithCall {
  __tandem: { call: { chat(text: string): void } };
}

test('S-38 S-39 a backend takes and gives grants, and sends somebody to another room: the page goes along', async () => {
  const token = await suite.pwa.backendToken();
  const ask = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${suite.pwa.origin}/v1/rooms/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return response.status === 204 ? undefined : await response.json();
  };
  const { page } = await join('Eve', 'old-room');
  await page.getByTestId('empty-room').waitFor();
  const { peers } = await ask('GET', 'old-room/peers');
  const { peerId, userId } = peers[0];
  const peer = `old-room/peers/${peerId}`;
  const live = () =>
    page.evaluate(() => {
      const { audioTrack, videoTrack } = (
        globalThis as unknown as {
          __tandem: { media: { get(): Record<'audioTrack' | 'videoTrack', MediaStreamTrack | undefined> } };
        }
      ).__tandem.media.get();
      return [audioTrack, videoTrack].map((track) => track?.readyState ?? 'none');
    });
  await vi.waitFor(async () => expect(await live()).toEqual(['live', 'live']), patience);
  await ask('PATCH', peer, { grants: { publish: false, data: false } });
  await page.getByText('What you may do in this room has changed.').first().waitFor();
  await page.getByTestId('watching').waitFor();
  await page.getByTestId('toggle-screen').waitFor({ state: 'detached' });
  await vi.waitFor(async () => expect(await live()).not.toContain('live'), patience);
  await ask('PATCH', peer, { grants: { publish: true, data: true, kick: true } });
  await page.getByTestId('toggle-screen').waitFor();

  const grace = await suite.peer('new-room', 'Grace');
  await ask('POST', `${peer}/move`, {
    roomId: 'new-room',
    token: await suite.pwa.token(userId, { rooms: ['new-room'] }),
  });
  await page.getByText('You are in another room now: new-room.').first().waitFor();
  expect(new URL(page.url()).searchParams.get('room')).toBe('new-room');
  await vi.waitFor(() => expect([...grace.peers.values()].map((one) => one.metadata?.name)).toEqual(['Eve']), patience);
  expect(await ask('GET', 'old-room/peers'), 'nobody is left there').toMatchObject({ code: 'room_unknown' });
});
