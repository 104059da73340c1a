/** Files of a recording on their way to a store that is away, and to one that a process before this one had not reached. */
import { appendFile, mkdir, mkdtempDisposable, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RedisClient } from '@tandem/service';
import { openRecordingStore, prefixOf, type RecordingStore, waitingOf } from '@tandem/service/recordings';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { MediaNodeConfig } from '../config.ts';
import { type FilesPlace, RecordedFiles } from './recorded-files.ts';
import { Recordings } from './recordings.ts';

const ID = 'a'.repeat(20);
const PREFIX = prefixOf('visit', ID);

async function begun({ roomId = 'visit' } = {}) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'recorded-'));
  onTestFinished(() => folder.remove());
  const [engine, notes, kept] = ['engine-1/recordings', 'recordings', 'kept'].map((name) => join(folder.path, name));
  for (const one of [engine, notes]) await mkdir(one as string, { recursive: true });
  const store = await openRecordingStore(kept as string);
  /** Undefined: it takes nothing. */
  const world = { store: store as RecordingStore | undefined, asked: 0, refused: 'nothing' };
  const put: RecordingStore['put'] = async (key, body) => {
    world.asked++;
    if (!world.store || key.includes(world.refused)) throw new Error('away');
    await world.store.put(key, body);
  };
  const place = { store: { put } as RecordingStore, partMs: 10, notes: notes as string, say: () => {} };
  const note = { roomId, id: ID, epoch: 3, name: `${ID}-0123`, people: [], folders: [], copied: {} };
  const files = new RecordedFiles(place satisfies FilesPlace, note);
  files.addFolder(engine as string);
  files.begin();
  const writes = (name: string, text: string) => appendFile(join(engine as string, `${name}-audio-0.mjr`), text);
  const left = async () => [...(await readdir(engine as string)), ...(await readdir(notes as string))];
  const track = async (name: string) => {
    const parts = await store.list(`${PREFIX}parts/${name}/`);
    return (await Promise.all(parts.map(({ key }) => store.text(key)))).join('');
  };
  return {
    folder: folder.path,
    engine: engine as string,
    kept: kept as string,
    store,
    world,
    files,
    writes,
    left,
    track,
  };
}

test('R-6 a file that the store refuses holds up no other file of its recording', async () => {
  const { world, files, writes, track } = await begun();
  world.refused = '/parts/3-1-';
  for (const peerId of ['ada', 'bob', 'eve'])
    await writes(files.nameOf(peerId, { peerId, metadata: {} }) as string, peerId);
  await vi.waitFor(async () => {
    files.pass();
    await files.settled;
    expect(await Promise.all([2, 3].map((n) => track(`3-${n}-audio-0`)))).toEqual(['bob', 'eve']);
  });
  expect(await track('3-1-audio-0')).toBe('');
});

const ada = { peerId: 'ada', metadata: { name: 'Ada' } };

test.each([
  ['has what is left when it is back', 5, 'onetwo'],
  ['has not after a day: then the files go', 25, 'one'],
])('R-6 a store that refuses for hours %s', async (_, hours, kept) => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const { world, store, files, writes, left, track } = await begun();
  const name = files.nameOf('ada', ada) as string;
  await writes(name, 'one');
  files.pass();
  await files.settled;
  world.store = undefined;
  await writes(name, 'two');
  files.end('stopped');
  const refusedAgain = async () => {
    const { asked } = world;
    await vi.waitFor(() => expect(world.asked).toBeGreaterThan(asked + 1));
  };
  await refusedAgain();
  vi.setSystemTime(Date.now() + hours * 3600_000);
  await (hours < 24 ? refusedAgain() : files.settled);
  world.store = store;
  await files.settled;
  expect(await track('3-1-audio-0')).toBe(kept);
  expect(await left()).toEqual([]);
});

test('R-6 while much is passed on the store hears that the node lives', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const { world, store, files, writes } = await begun();
  await files.settled;
  for (let n = 0; n < 5; n++) await writes(files.nameOf(`p${n}`, { peerId: `p${n}` }) as string, 'sound');
  let [heardAt, silentMs] = [Date.now(), 0];
  const put: RecordingStore['put'] = async (key, body) => {
    vi.setSystemTime(Date.now() + 40_000);
    silentMs = Math.max(silentMs, Date.now() - heardAt);
    if (key.includes('/node-')) heardAt = Date.now();
    await store.put(key, body);
  };
  world.store = { put } as RecordingStore;
  files.pass();
  await files.settled;
  // A composer takes a node for dead after two minutes.
  expect(silentMs).toBeLessThan(120_000);
});

test('R-6 what a process that died has left is sent by the next one, and nothing stays that nobody knows', async () => {
  const { folder, engine, kept, store, files, writes, left, track } = await begun();
  const name = files.nameOf('ada', ada) as string;
  await writes(name, 'one');
  files.pass();
  await files.settled;
  // It dies here, with these.
  await writes(name, 'two');
  await writes('of-a-release-before', 'sound');
  const config = { RECORDINGS: kept, RECORDING_PART_SECONDS: 1, RECORDING_MIN_FREE_MB: 1, RUN_DIR: folder };
  const next = new Recordings(config as MediaNodeConfig, {} as RedisClient, () => {});
  await next.open([engine, join(folder, 'engine-2/recordings')]);
  await next.kept();
  expect(await track('3-1-audio-0')).toBe('onetwo');
  expect(await left()).toEqual([]);
  const document = JSON.parse((await store.text(`${PREFIX}node-3.json`)) ?? '');
  // The room may go on with another node.
  expect(document).toMatchObject({ epoch: 3, people: [{ n: 1, peerId: 'ada', name: 'Ada' }], why: 'moved' });
  expect(await store.list(waitingOf(PREFIX))).toEqual([]);
});

test('R-11 what a recording is sent long after its end may have been deleted: a composer looks, and removes it again', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  const { store, files } = await begun();
  await files.settled;
  files.end('moved', Date.now() - 90_000);
  await files.settled;
  expect((await store.list(waitingOf(PREFIX))).map(({ key }) => key)).toEqual([`${waitingOf(PREFIX)}ended`]);
});

test('R-6 a note has what the store has of each file before the next part is written', async () => {
  const { folder, store, world, files, writes } = await begun();
  const name = files.nameOf('ada', ada) as string;
  const noted: unknown[] = [];
  const put: RecordingStore['put'] = async (key, body) => {
    if (key.includes('/parts/'))
      noted.push(JSON.parse(await readFile(join(folder, 'recordings', `${ID}-0123.json`), 'utf8')).copied);
    await store.put(key, body);
  };
  world.store = { put } as RecordingStore;
  await writes(name, 'x'.repeat(9 * 1024 * 1024));
  files.pass();
  await files.settled;
  expect(noted).toEqual([{}, { [`${name}-audio-0.mjr`]: { bytes: 8 * 1024 * 1024, parts: 1 } }]);
});
