/** Films of real files by ffmpeg: who is where in the picture, and when. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordingStore } from '@tandem/service/recordings';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFilm } from './film.ts';
import { MAX_SCENES, scenesOf, speakerFirst, speakerTilesOf, WIDTH } from './layout.ts';
import { loudnessOf, turnsOf } from './speaker.ts';
import type { Track } from './tracks.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'film-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ffmpeg = (...args: string[]) => execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...args]);
const SECONDS = 5;

/** Somebody in one colour who speaks from one second to another. */
function person(peerId: string, colour: string, [from, to]: readonly [number, number]): Track[] {
  const [picture, sound] = [join(folder, `${peerId}.webm`), join(folder, `${peerId}.opus`)];
  ffmpeg(
    '-f',
    'lavfi',
    '-i',
    `color=${colour}:s=320x180:r=10:d=${SECONDS}`,
    '-c:v',
    'libvpx',
    '-deadline',
    'realtime',
    picture,
  );
  const tone = `sine=frequency=300:d=${SECONDS},volume='if(between(t,${from},${to}),1,0)':eval=frame`;
  ffmpeg('-f', 'lavfi', '-i', tone, '-c:a', 'libopus', sound);
  const common = { peerId, startAt: 1000, durationMs: SECONDS * 1000 };
  return [
    { ...common, slot: 'video', path: picture, ending: 'webm' },
    { ...common, slot: 'audio', path: sound, ending: 'opus' },
  ];
}

/** Colours of two places of the film at that second: the middle of the large picture, and of the strip. */
function colours(film: string, second: number): ('red' | 'blue' | 'other')[] {
  const [columns, rows] = [20, 9];
  const picture = ['-frames:v', '1', '-vf', `scale=${columns}:${rows},format=rgb24`, '-f', 'rawvideo', '-'];
  const pixels = execFileSync('ffmpeg', ['-v', 'error', '-ss', String(second), '-i', film, ...picture]);
  return [8, 18].map((column) => {
    const at = 3 * (columns * 4 + column);
    const [r = 0, g = 0, b = 0] = pixels.subarray(at, at + 3);
    if (r > 180 && g < 90 && b < 90) return 'red';
    return b > 180 && r < 90 && g < 90 ? 'blue' : 'other';
  });
}

test('R-9 the film follows who speaks: large, the others beside', async () => {
  const tracks = [...person('ada', 'red', [0, 1.5]), ...person('bob', 'blue', [2, SECONDS])];
  const path = join(folder, 'speaker.webm');
  const work = { store: {} as RecordingStore, prefix: '', folder, signal: new AbortController().signal, say: () => {} };
  expect(await makeFilm(work, tracks, { beginning: 1000, layout: 'speaker', path })).toBe(SECONDS * 1000);
  expect(colours(path, 1)).toEqual(['red', 'blue']);
  expect(colours(path, 3.5)).toEqual(['blue', 'red']);
});

test('who comes within a scene is seen from then on, not from its beginning', async () => {
  const [dan, eve] = [person('dan', 'red', [0, 1]), person('eve', 'blue', [0, 1])];
  const tracks = [...dan, ...eve.map((track) => ({ ...track, startAt: track.startAt + 150 }))];
  const short = tracks.map((track) => ({ ...track, durationMs: 600 }));
  const path = join(folder, 'late.webm');
  const work = { store: {} as RecordingStore, prefix: '', folder, signal: new AbortController().signal, say: () => {} };
  await makeFilm(work, short, { beginning: 1000, layout: 'grid', path });
  expect([0.08, 0.3].map((second) => colours(path, second))).toEqual([
    ['red', 'other'],
    ['red', 'blue'],
  ]);
});

test('a picture that seldom changes, such as a still screen, is what it was at that time, whenever a scene begins', async () => {
  const path = join(folder, 'still.webm');
  // A frame at 0 s and one at 4 s; the second is no keyframe.
  const still = ['red', 'blue'].flatMap((colour) => ['-f', 'lavfi', '-i', `color=${colour}:s=320x180:r=25:d=4`]);
  const encoder = ['-fps_mode', 'passthrough', '-c:v', 'libvpx', '-deadline', 'realtime', '-g', '100'];
  ffmpeg(...still, '-filter_complex', "[0][1]concat,select='eq(n,0)+eq(n,100)'", ...encoder, path);
  const screen: Track = { peerId: 'ada', slot: 'screen', startAt: 1000, durationMs: 7000, path, ending: 'webm' };
  const bob = person('bob', 'red', [0, 1]).map((track) => ({ ...track, startAt: 3000 }));
  const work = { store: {} as RecordingStore, prefix: '', folder, signal: new AbortController().signal, say: () => {} };
  const film = join(folder, 'still-film.webm');
  await makeFilm(work, [screen, ...bob], { beginning: 1000, layout: 'grid', path: film });
  expect([1, 2.2, 3.7, 4.3, 6].map((second) => colours(film, second)[0])).toEqual([
    'red',
    'red',
    'red',
    'blue',
    'blue',
  ]);
});

const voice = (peerId: string, ...levels: number[]) => ({ peerId, start: 0, levels });

test('R-9 a cough makes nobody large; two seconds of being the loudest do, from their beginning', () => {
  const soft = -70;
  const ada = voice('ada', soft, -20, -20, -20, -20, -20, -20, -20, -20, soft, soft, soft, soft, soft);
  const bob = voice('bob', soft, soft, soft, -10, -10, soft, soft, soft, soft, -20, -20, -20, -20, -20);
  expect(turnsOf([ada, bob], 7000)).toEqual([
    { from: 500, peerId: 'ada' },
    { from: 4500, peerId: 'bob' },
  ]);
  expect(turnsOf([voice('ada', soft, soft)], 1000)).toEqual([]);
  expect(turnsOf([{ ...voice('late', -20), start: 1000 }], 2000)).toEqual([{ from: 1000, peerId: 'late' }]);
});

test('R-9 a shared screen is large, then who spoke last of those who are seen', () => {
  const shown = ['ada video', 'bob video', 'ada screen'].map((name) => {
    const [peerId = '', slot = ''] = name.split(' ');
    return { name, track: { peerId, slot } };
  });
  const order = (...speakers: string[]) => speakerFirst(shown, speakers).map(({ name }) => name);
  expect(order('bob')).toEqual(['ada screen', 'bob video', 'ada video']);
  expect(order('gone', 'ada', 'bob')).toEqual(['ada screen', 'ada video', 'bob video']);
  expect(order()).toEqual(['ada screen', 'ada video', 'bob video']);
});

test('tiles are inside the picture, do not overlap, and have even numbers; scenes are cut where somebody else speaks', () => {
  for (const count of [0, 1, 2, 5, 6, 7, 25]) {
    const tiles = speakerTilesOf(count);
    expect(tiles).toHaveLength(Math.min(count, 6));
    for (const { x, y, width, height } of tiles) {
      expect([x, y, width, height].every((value) => value >= 0 && value % 2 === 0)).toBe(true);
      expect([x + width <= WIDTH, y + height <= 720]).toEqual([true, true]);
    }
    const [large, ...strip] = tiles;
    for (const { x } of strip) expect(x).toBeGreaterThanOrEqual((large?.x ?? 0) + (large?.width ?? 0));
    for (const [i, { y }] of strip.slice(1).entries()) expect(y).toBe((strip[i]?.y ?? 0) + (strip[i]?.height ?? 0));
  }
  const cuts = scenesOf([{ start: 0, end: 6000 }], 6000, [2000]).map(({ from, to }) => [from, to]);
  expect(cuts).toEqual([
    [0, 2000],
    [2000, 6000],
  ]);
});

test('R-9 a film has a bounded number of scenes, however often somebody comes, goes or speaks; they leave no gap', () => {
  const length = 4 * 3_600_000;
  const everySecond = Array.from({ length: 14_000 }, (_, i) => 1000 * (i + 1));
  const scenes = scenesOf([{ start: 0, end: length }], length, everySecond);
  expect(scenes).toHaveLength(MAX_SCENES);
  expect([scenes[0]?.from, scenes.at(-1)?.to]).toEqual([0, length]);
  for (const [i, { from }] of scenes.slice(1).entries()) expect(from).toBe(scenes[i]?.to);
  // Of a few too many the shortest alone go, and none where somebody comes.
  const turns = Array.from({ length: 1080 }, (_, i) => 20_000 * (i + 1));
  const talk = scenesOf([{ start: 25_000, end: 1081 * 20_000 }], 1081 * 20_000, turns);
  expect(talk).toHaveLength(MAX_SCENES);
  expect(Math.max(...talk.map(({ from, to }) => to - from))).toBeLessThanOrEqual(40_000);
  expect(talk.map(({ from }) => from)).toContain(25_000);
  // Who comes in the second half of a scene that is long for want of more is not missing from it.
  const late = Array.from({ length: 2600 }, (_, i) => ({ start: 10_000 * (i + 1), end: 2601 * 10_000 }));
  const crowd = scenesOf(late, 2601 * 10_000);
  const merged = crowd.filter(({ from, to, shown }) => to - from > 20_000 && shown.length < 25);
  expect(merged.length).toBeGreaterThan(0);
  for (const { to, shown } of merged) expect(shown).toHaveLength(late.filter(({ start }) => start < to).length);
  // Changes that follow each other within less than the shortest scene are seen all the same.
  const often = scenesOf([{ start: 0, end: 1000 }], 1000, [150, 300, 450, 600, 750, 900]);
  expect(often.map(({ from }) => from)).toEqual([0, 300, 600, 900]);
});

test('R-7 a meeting in which people have connected more often than one program mixes has all of its sound', async () => {
  const sound = join(folder, 'many.opus');
  ffmpeg('-f', 'lavfi', '-i', 'sine=frequency=300:d=0.2', '-c:a', 'libopus', sound);
  // One at each fifth of a second: none of them may be missing.
  const tracks: Track[] = Array.from({ length: 120 }, (_, i) => ({
    ...{ peerId: `p${i}`, slot: 'audio', path: sound, ending: 'opus' },
    ...{ startAt: 1000 + 200 * i, durationMs: 200 },
  }));
  const path = join(folder, 'many.webm');
  const work = { store: {} as RecordingStore, prefix: '', folder, signal: new AbortController().signal, say: () => {} };
  expect(await makeFilm(work, tracks, { beginning: 1000, layout: 'grid', path })).toBe(24_000);
  const levels = (await loudnessOf(path, work.signal)).slice(0, 48);
  expect(levels).toHaveLength(48);
  expect(Math.min(...levels)).toBeGreaterThan(-40);
});
