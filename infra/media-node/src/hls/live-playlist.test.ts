import { mkdtempDisposable, rename, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queryObjects } from 'node:v8';
import { expect, onTestFinished, test, vi } from 'vitest';
import { LivePlaylist } from './live-playlist.ts';

/** A folder that grows as ffmpeg lets it: a file for each part, then the list. */
async function followed() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'live-playlist-'));
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const playlist = new LivePlaylist(folder.path, { id: 'ID', base: 0, discontinuity: 0 });
  const ended = Promise.withResolvers<void>();
  const over = playlist.follow(ended.promise);
  const end = async () => {
    ended.resolve();
    await over;
  };
  onTestFinished(end);
  const write = async (name: string, text: string) => {
    await writeFile(join(folder.path, `${name}.tmp`), text);
    await rename(join(folder.path, `${name}.tmp`), join(folder.path, name));
  };
  /** @param next number of the part that comes then */
  const grow = async (next: number, last = '') => {
    for (let part = 0; part < next; part++) await write(`${part}.m4s`, `<${part}>`);
    const lines = Array.from(
      { length: next },
      (_, part) => `#EXTINF:0.500000,\n#EXT-X-PROGRAM-DATE-TIME:2026-11-29T12:00:00.000+0000\n${part}.m4s\n`,
    );
    await write('live.m3u8', `#EXTM3U\n${lines.join('')}${last}`);
  };
  const read = async (name: string) => (await playlist.read(name, 1000))?.toString();
  return { playlist, path: folder.path, write, grow, read, end };
}

/** Whether it settles before something else does that is begun after it. */
async function isHeld(asked: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  void asked.then(() => {
    isSettled = true;
  });
  await new Promise((done) => setTimeout(done, 20));
  return !isSettled;
}

test('W-13 who asks for a part that is not there gets the playlist with it; what is there is answered at once', async () => {
  const { playlist, grow } = await followed();
  const first = playlist.first(8000);
  await grow(5);
  expect(await first).toContain('URI="ID/2.0.m4s"');
  expect(await playlist.at({ sequence: 2, part: 0 })).toBe(await first);
  expect(await playlist.at({ sequence: 1, part: undefined })).toBe(await first);
  const part = playlist.at({ sequence: 2, part: 1 });
  const whole = playlist.at({ sequence: 2, part: undefined });
  const next = playlist.at({ sequence: 3, part: 0 });
  expect(await isHeld(Promise.race([part, whole, next]))).toBe(true);
  await grow(6);
  expect(await part).toContain('URI="ID/2.1.m4s"');
  expect(await whole).toContain('\nID/2.m4s\n');
  expect(await isHeld(next)).toBe(true);
  await grow(7);
  expect(await next).toContain('URI="ID/3.0.m4s"');
});

test('W-13 who asks before anything is there waits for it', async () => {
  const { playlist, grow } = await followed();
  const [near, far] = [playlist.at({ sequence: 0, part: 0 }), playlist.at({ sequence: 900, part: 0 })];
  expect(await isHeld(Promise.race([near, far]))).toBe(true);
  await grow(1);
  expect(await near).toContain('URI="ID/0.0.m4s"');
  expect(await far).toBe('too far');
});

test('W-13 a segment is its parts one after the other; the next part is waited for, and no other file', async () => {
  const { playlist, grow, write, read } = await followed();
  await write('init.mp4', 'head');
  await grow(3);
  await playlist.first(8000);
  expect([await read('init.mp4'), await read('0.m4s'), await read('0.1.m4s')]).toEqual(['head', '<0><1>', '<1>']);
  expect([await read('1.m4s'), await read('2.0.m4s'), await read('in.sdp'), await read('../0.m4s')]).toEqual(
    Array(4).fill(undefined),
  );
  const hinted = read('1.1.m4s');
  expect(await isHeld(hinted)).toBe(true);
  await grow(4);
  expect([await hinted, await read('1.m4s')]).toEqual(['<3>', '<2><3>']);
});

test('W-13 of a segment that lost a part, or has a link or a flood in the place of one, nothing is sent', async () => {
  const { playlist, path, grow, write, read } = await followed();
  await write('secret', 'not for viewers');
  await grow(6);
  await playlist.first(8000);
  await unlink(join(path, '1.m4s'));
  await unlink(join(path, '3.m4s'));
  await symlink(join(path, 'secret'), join(path, '3.m4s'));
  await write('5.m4s', 'x'.repeat(1001));
  for (const name of ['0.m4s', '0.1.m4s', '1.m4s', '1.1.m4s', '2.m4s', '2.1.m4s'])
    expect(await read(name), name).toBeUndefined();
  expect(await read('0.0.m4s')).toBe('<0>');
});

test('W-13 nobody waits when nothing follows', async () => {
  const { playlist, grow, read } = await followed();
  await grow(3);
  await playlist.first(8000);
  const held = [playlist.at({ sequence: 2, part: undefined }), playlist.at({ sequence: 1, part: 1 })];
  const part = read('1.1.m4s');
  await grow(3, '#EXT-X-ENDLIST\n');
  for (const one of held) expect(await one).toMatch(/#EXT-X-ENDLIST\n$/);
  expect([await part, await read('1.m4s')]).toEqual([undefined, '<2>']);
  expect(await playlist.at({ sequence: 99, part: 0 })).toContain('#EXT-X-ENDLIST');
});

test('W-13 a packager that ends without a word lets those who wait go; what it wrote last is seen', async () => {
  const { playlist, grow, read, end } = await followed();
  await grow(3);
  await playlist.first(8000);
  const held = [playlist.at({ sequence: 1, part: 1 }), playlist.at({ sequence: 2, part: 0 }), read('2.0.m4s')];
  await grow(4);
  await end();
  const last = expect.stringMatching(/\nID\/1\.m4s\n#EXT-X-ENDLIST\n$/);
  expect(await Promise.all(held)).toEqual([expect.stringContaining('URI="ID/1.1.m4s"'), last, undefined]);
  expect(await playlist.first(8000)).toEqual(last);
});

test('W-13 what does not come is said after three target durations, of a playlist and of a part', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { playlist, grow, read } = await followed();
  await grow(3);
  expect(await playlist.first(8000)).toBeDefined();
  let settled = 0;
  const all = [playlist.at({ sequence: 1, part: 1 }), read('1.1.m4s')].map((one) => one.finally(() => settled++));
  await vi.advanceTimersByTimeAsync(2900);
  expect(settled).toBe(0);
  await vi.advanceTimersByTimeAsync(200);
  expect(await Promise.all(all)).toEqual([undefined, undefined]);
});

test('W-13 of those who waited in vain nothing is left, however long the picture stands still', async () => {
  const { playlist } = await followed();
  const promises = () => queryObjects(Promise, { format: 'count' });
  await playlist.first(0);
  const before = promises();
  await Promise.all(Array.from({ length: 2000 }, () => playlist.first(1)));
  expect(promises() - before).toBeLessThan(1000);
});

test.for([
  ['goes back', (grow: (next: number) => Promise<void>) => grow(2)],
  [
    'is too long',
    (_: unknown, write: (name: string, text: string) => Promise<void>) => write('live.m3u8', '#'.repeat(20_000)),
  ],
] as const)('W-13 a list that %s changes nothing for viewers', async ([, change]) => {
  const { playlist, grow, write, end } = await followed();
  await grow(4);
  const text = await playlist.first(8000);
  await change(grow, write);
  // It looks once more.
  await end();
  expect(await playlist.first(8000)).toBe(text?.replace(/#EXT-X-PRELOAD-HINT.*/, '#EXT-X-ENDLIST'));
});
