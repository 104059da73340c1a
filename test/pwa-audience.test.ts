/** Who watches and listens only (no grant `publish`): no camera prompt, no tile, a number. */
import { expect, test, vi } from 'vitest';
import { enter, expectAccessible, noDevices, patience, pwaSuite } from './pwa/suite.ts';

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
  await ada.getByTestId('empty-room').getByText('1 person watches').waitFor();
  await ada.getByTestId('watchers').getByText('1 person watches').waitFor();
  await vi.waitFor(async () => expect(await ada.getByTestId('person').count()).toBe(1), patience);
  expect(await ada.getByTestId('peer-tile').count()).toBe(0);
  await expectAccessible(ada, 'one watches');
});
