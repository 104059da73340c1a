/** Whose failure it is that viewers get nothing. The packager itself, with ffmpeg: ../../../hls-packager. */
import { existsSync } from 'node:fs';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Forwarding } from '../engine.ts';
import { Packager } from './packager.ts';

/** A room whose camera sends nothing, and a packager that says this when its description goes, or at once. */
async function packaged(says: string | undefined, isAtOnce = false, sound: Partial<Forwarding> = {}) {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  await using folder = await mkdtempDisposable(join(tmpdir(), 'packager-'));
  const failed = vi.fn();
  const say = vi.fn();
  const forwarding = {
    ...{ hasAudio: false, videoCodec: 'vp8' as const, ended: new Promise<void>(() => {}) },
    ...{ keyframe: () => {}, close: async () => {}, isSounding: () => false, ...sound },
  };
  const viewers = { forward: async () => forwarding };
  const packager = new Packager({
    room: 'r',
    viewers,
    count: () => 1,
    folder: folder.path,
    host: '127.0.0.1',
    say,
    failed,
  });
  const at = (name: string) => join(packager.folder, name);
  const isBegun = () => existsSync(at('in.sdp'));
  while (!isBegun()) await sleep(5);
  let toEnd = isAtOnce;
  while (!packager.isOver) {
    // The packager answers before time goes on: what is virtual does not wait for a slow disk.
    if (says !== undefined && (isAtOnce ? toEnd : toEnd && !isBegun())) {
      toEnd = false;
      await writeFile(at('ended'), says);
    } else if (!isAtOnce) toEnd ||= isBegun();
    vi.advanceTimersByTime(200);
    await sleep(5);
  }
  await packager.remove();
  const said = (wanted: string) => say.mock.calls.filter(([event]) => event === wanted).map(([, words]) => words);
  const sounds = said('media.packager').map((words) => words.sound);
  return { failures: failed.mock.calls.length, words: said('media.packager-ended')[0]?.error, sounds };
}

test('W-13 a camera that is off is no failure of the packager, and neither is one that is stopped', async () => {
  expect(await packaged('over')).toMatchObject({ failures: 0, words: 'Error: no picture came' });
  expect(await packaged('over', true)).toMatchObject({ failures: 0, words: 'Error: over' });
});

test('W-13 a microphone that sends nothing is left out, and one that sends is not when the picture is late', async () => {
  const words = 'Error: no picture came';
  const off = await packaged('over', false, { hasAudio: true, isSounding: () => false });
  expect(off).toEqual({ failures: 0, words, sounds: [true, false] });
  const on = await packaged('over', false, { hasAudio: true, isSounding: () => true });
  expect(on).toEqual({ failures: 0, words, sounds: [true] });
});

test('W-13 a packager that does nothing, or whose program fails, has failed', async () => {
  expect(await packaged(undefined)).toMatchObject({ failures: 1, words: 'PackagerError: it does nothing' });
  expect(await packaged('ffmpeg ended with 1', true)).toMatchObject({ failures: 1 });
});

test('media that is not encrypted is forwarded into no network but an own one: the packager of another one is not there', async () => {
  const forward = vi.fn();
  const failed = vi.fn();
  const say = vi.fn();
  // RFC 5737: of nobody.
  const options = { room: 'r', count: () => 1, folder: tmpdir(), host: '203.0.113.7', say, failed };
  const packager = new Packager({ ...options, viewers: { forward } });
  await packager.ended;
  expect([forward.mock.calls, failed.mock.calls.length]).toEqual([[], 1]);
  expect(say.mock.calls).toEqual([
    ['media.packager-ended', expect.objectContaining({ error: expect.stringContaining('203.0.113.7') })],
  ]);
});
