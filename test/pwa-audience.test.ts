/** Who watches and listens only (no grant `publish`): no camera prompt, no tile, a number; and how a moderator lets them speak. */
import type { Page } from 'playwright-core';
import { expect, test, vi } from 'vitest';
import { PEOPLE } from './pwa/people.ts';
import { enter, expectAccessible, type Inside, noDevices, patience, pwaSuite } from './pwa/suite.ts';

const suite = pwaSuite();

/** Devices are there and were allowed before; each use of them is counted. */
function counted(): void {
  const uses: string[] = [];
  Object.assign(globalThis, { uses });
  const { mediaDevices, permissions } = navigator;
  permissions.query = async () => ({ state: 'prompt' }) as PermissionStatus;
  mediaDevices.enumerateDevices = async () => [];
  for (const name of ['getUserMedia', 'getDisplayMedia'] as const)
    mediaDevices[name] = async () => {
      uses.push(name);
      throw new DOMException('no', 'NotAllowedError');
    };
}

test('who watches only is asked for no camera, has no tile, and is a number to the others', async () => {
  const { page: ada } = await suite.join('Ada', 'stage', { before: noDevices });
  await ada.getByTestId('empty-room').waitFor();

  suite.grant({ publish: false });
  const { page: zoe } = await suite.open({ before: counted, query: '?room=stage' });
  await zoe.getByTestId('lobby-watching').waitFor();
  await expectAccessible(zoe, 'lobby of who watches only');
  await enter(zoe, 'Zoe');
  await zoe.getByTestId('watching').waitFor();
  await zoe.getByTestId('peer-tile').waitFor();
  await expectAccessible(zoe, 'watching');
  // There is no media node here, and what nothing will come of is said.
  await zoe.getByTestId('unserved').waitFor();
  await expectAccessible(zoe, 'watching without a media node');
  for (const id of ['my-tile', 'toggle-mic', 'toggle-cam', 'toggle-screen'])
    expect(await zoe.getByTestId(id).count(), id).toBe(0);
  for (const key of ['m', 'v', 's', ' ']) await zoe.keyboard.press(key);
  await zoe.getByTestId('more').click();
  await zoe.getByTestId('open-settings').waitFor();
  expect(await zoe.getByTestId('self-full').count()).toBe(0);
  await zoe.keyboard.press('Escape');
  expect(await zoe.evaluate(() => (globalThis as unknown as { uses: string[] }).uses)).toEqual([]);

  await vi.waitFor(async () => expect(await ada.getByTestId('people-count').textContent()).toContain('2'), patience);
  await ada.getByTestId('people-count').click();
  await ada.getByTestId('empty-room').getByText('1 person is watching').waitFor();
  await ada.getByTestId('watchers').getByText('1 person is watching').waitFor();
  await vi.waitFor(async () => expect(await ada.getByTestId('person').count()).toBe(1), patience);
  expect(await ada.getByTestId('peer-tile').count()).toBe(0);
  await expectAccessible(ada, 'one watches');
});

/** The first other picture of this page is at hand, and not the one frame of a still. */
const seesAnother = (page: Page) =>
  page.waitForFunction(() => {
    const [video] = document.querySelectorAll<HTMLVideoElement>('[data-testid=remote-video]');
    return video !== undefined && video.videoWidth > 100 && video.getVideoPlaybackQuality().totalVideoFrames > 5;
  });

test('S-51 a raised hand is invited, says not now, is invited again, speaks, and watches again in the same room only', async () => {
  suite.grant({ kick: true, invite: true });
  const { page: ada } = await suite.join('Ada', 'podium', { person: PEOPLE[0] });
  await ada.getByTestId('empty-room').waitFor();
  suite.grant({ publish: false });
  const { page: zoe } = await suite.open({ person: PEOPLE[1], query: '?room=podium' });
  await zoe.getByTestId('lobby-watching').waitFor();
  await enter(zoe, 'Zoe');
  await zoe.getByTestId('watching').waitFor();
  await ada.getByTestId('people-count').click();
  const invite = async () => {
    await zoe.getByTestId('toggle-hand').click();
    await ada.getByTestId('invite-to-speak').click();
    await zoe.getByTestId('invited').waitFor();
  };
  await invite();
  await expectAccessible(ada, 'one of the audience is invited');
  await expectAccessible(zoe, 'invited to speak');
  expect(await zoe.getByTestId('toggle-mic').count()).toBe(0);
  expect(await ada.getByTestId('peer-tile').count(), 'who is only asked is no tile').toBe(0);
  await zoe.getByTestId('decline-invite').click();
  await ada.getByTestId('hand-queue').waitFor({ state: 'detached' });
  await zoe.getByTestId('invited').waitFor({ state: 'detached' });

  await invite();
  await ada.getByRole('button', { name: 'Withdraw the invitation: Zoe' }).click();
  await zoe.getByTestId('invited').waitFor({ state: 'detached' });
  await ada.getByRole('button', { name: 'Invite to speak: Zoe' }).click();
  // She sees herself before anybody else does: nothing of it is sent, and an invitation that is taken back closes it.
  const held = () =>
    zoe.evaluate(() => (globalThis as unknown as Inside).__tandem.media.get().videoTrack !== undefined);
  await zoe.getByTestId('accept-invite').click();
  await zoe.getByTestId('rehearsal').getByTestId('local-video').waitFor();
  await expectAccessible(zoe, 'a look at oneself before speaking');
  await zoe.keyboard.press('Escape');
  await zoe.getByTestId('rehearsal').waitFor({ state: 'detached' });
  expect(await held()).toBe(false);
  await zoe.getByTestId('accept-invite').click();
  await zoe.getByTestId('rehearsal').getByTestId('local-video').waitFor();
  expect(await ada.getByTestId('peer-tile').count(), 'who looks at herself is no tile').toBe(0);
  await ada.getByRole('button', { name: 'Withdraw the invitation: Zoe' }).click();
  await zoe.getByTestId('rehearsal').waitFor({ state: 'detached' });
  expect(await held()).toBe(false);
  await ada.getByRole('button', { name: 'Invite to speak: Zoe' }).click();
  await zoe.getByTestId('accept-invite').click();
  await zoe.getByTestId('rehearsal').getByTestId('local-video').waitFor();
  await zoe.getByTestId('speak').click();
  await zoe.getByTestId('toggle-mic').waitFor();
  await Promise.all([seesAnother(ada), seesAnother(zoe)]);
  await vi.waitFor(async () => expect(await ada.getByTestId('person').count()).toBe(2), patience);
  expect(await ada.getByTestId('watchers').count()).toBe(0);
  expect(await ada.getByTestId('hand-queue').count(), 'the hand has done its work').toBe(0);

  await ada.getByTestId('person-more').click();
  await ada.getByTestId('to-audience').click();
  await zoe.getByTestId('watching').waitFor();
  await ada.getByTestId('watchers').waitFor();
  expect(await zoe.evaluate(() => (globalThis as unknown as Inside).__tandem.media.get().audioTrack)).toBeUndefined();
  // This call can send: the switches are back, and it is hers to use them.
  await zoe.getByTestId('toggle-hand').click();
  await ada.getByTestId('invite-to-speak').click();
  await zoe.getByTestId('toggle-mic').waitFor();

  // What a room grants stays in it.
  await zoe.getByTestId('leave').click();
  await zoe.getByTestId('ended').waitFor();
  await zoe.evaluate(() => (globalThis as unknown as Inside).__tandem.model.join('stalls', 'Zoe'));
  await zoe.getByTestId('watching').waitFor();
  expect(await zoe.getByTestId('toggle-mic').count()).toBe(0);
});

test('S-51 a moderator without the grant `invite` has no button for those who may only watch', async () => {
  suite.grant({ kick: true });
  const { page: ada } = await suite.join('Ada', 'balcony', { before: noDevices });
  await ada.getByTestId('empty-room').waitFor();
  suite.grant({ publish: false });
  const { page: zoe } = await suite.open({ before: noDevices, query: '?room=balcony' });
  await zoe.getByTestId('lobby-watching').waitFor();
  await enter(zoe, 'Zoe');
  await zoe.getByTestId('toggle-hand').click();
  await ada.getByTestId('people-count').click();
  await ada.getByTestId('hand-queue').getByText('Zoe').waitFor();
  expect(await ada.getByTestId('invite-to-speak').count()).toBe(0);
});

test('who may record says how the film looks: everybody in a grid, or who speaks large', async () => {
  suite.grant({ record: true });
  const { page } = await suite.join('Ada', 'taped', { before: noDevices });
  const asked: string[] = [];
  // No media node is here: what the API makes of it is held by R-… of its own tests.
  await page.route('**/v1/rooms/taped/recordings*', async (route) => {
    asked.push(`${route.request().method()} ${new URL(route.request().url()).search}`);
    await route.fulfill({ status: 201, json: {} });
  });
  await page.getByTestId('people-count').click();
  const layout = page.getByTestId('record-layout');
  await layout.waitFor();
  await expectAccessible(page, 'recording: the choice of the film');
  await page.getByTestId('record').click();
  await vi.waitFor(() => expect(asked).toEqual(['POST ?layout=grid']), patience);
  await layout.selectOption('speaker');
  await page.getByTestId('record').click();
  await vi.waitFor(() => expect(asked).toEqual(['POST ?layout=grid', 'POST ?layout=speaker']), patience);
});

test('a recording that is refused is told in words of the page, not in those for who runs the server', async () => {
  suite.grant({ record: true });
  const { page } = await suite.join('Ada', 'unset', { before: noDevices, expected: /404/ });
  await page.getByTestId('people-count').click();
  // This server has no place for recordings.
  await page.getByTestId('record').click();
  const said = page.locator('.room-moderation [role=alert]');
  await said.getByText('Calls cannot be recorded here: recordings are not set up.').waitFor();
  expect(await said.textContent()).not.toContain('RECORDINGS');
  await expectAccessible(page, 'recording: refused');
});
