/** A recording whose store fails, or which is deleted, while it is composed: real files of Janus' form, janus-pp-rec and ffmpeg. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRecordingStore, type RecordingStore, waitingOf } from '@tandem/service/recordings';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { composeRecording, GrownError } from './compose.ts';
import { findWork, KEPT_MS, SILENT_MS } from './find-work.ts';
import { keepRecording, silence } from './testing.ts';

let folder: string;
let store: RecordingStore;
let id: string;
let prefix: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'compose-test-'));
  store = await openRecordingStore(join(folder, 'kept'));
  ({ id, prefix } = await keepRecording(store, 'visit', silence()));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The store, of which one operation does something else. */
const otherwise = (own: Partial<RecordingStore>): RecordingStore => {
  const get = (kept: RecordingStore, name: keyof RecordingStore) => own[name] ?? kept[name].bind(kept);
  return new Proxy(store, { get: (kept, name) => get(kept, name as keyof RecordingStore) });
};
const away = () => Promise.reject(new Error('the store is away'));

const compose = (from: RecordingStore, holds = true, said: string[] = []) =>
  composeRecording({
    ...{ id, prefix, store: from, workDir: folder, signal: new AbortController().signal },
    holds: async () => holds,
    say: (event) => said.push(event),
  });
const names = async () => (await store.list(prefix)).map(({ key }) => key.slice(prefix.length));
/** Of the node, as it says it now. */
const said = (more: object = {}) =>
  store.put(
    `${prefix}node-1.json`,
    JSON.stringify({ epoch: 1, people: [{ n: 1, peerId: 'ada' }], updatedAt: Date.now(), ...more }),
  );
/** By then all who say nothing are taken for dead. */
const work = (later = SILENT_MS + 1) => findWork(store, Date.now() + later);

test('R-7 a store that is away for a moment makes no failed recording: it is composed the next time', async () => {
  for (const own of [{ putFile: away }, { read: away }]) {
    await expect(compose(otherwise(own))).rejects.toThrow('the store is away');
    expect(await names()).toEqual(['node-1.json', 'parts/1-1-audio-0/000001', 'recording.json']);
    expect(await store.list(waitingOf(prefix))).toHaveLength(1);
  }
  expect(await compose(store)).toMatchObject({ files: [{ name: 'composed.webm' }, { name: 'track-1-audio.opus' }] });
  expect(await names()).toEqual([
    'composed.json',
    'composed.webm',
    'node-1.json',
    'recording.json',
    'track-1-audio.opus',
  ]);
  expect(await store.list('waiting/')).toEqual([]);
});

test('R-7 a track of which nothing can be made is left out, and what was recorded of it stays', async () => {
  const unknown = silence();
  unknown.write('opuz', unknown.indexOf('opus'));
  await store.put(`${prefix}parts/1-1-audio-1/000001`, unknown);
  // Janus writes its header with the first packet: of this one there is none.
  await store.put(`${prefix}parts/1-1-audio-2/000001`, unknown.subarray(0, 8));
  const said: string[] = [];
  expect((await compose(store, true, said)).files).toHaveLength(2);
  expect(said).toEqual(['composer.track-lost', 'composer.composed']);
  expect((await names()).filter((name) => name.startsWith('parts/'))).toHaveLength(3);
});

test('R-11 what is deleted while its last file is written does not come back', async () => {
  const put = async (key: string, body: Uint8Array | string) => {
    if (key.endsWith('composed.json')) await store.remove(prefix);
    await store.put(key, body);
  };
  await compose(otherwise({ put }));
  expect([await store.list('rooms/'), await store.list('waiting/')]).toEqual([[], []]);
});

test.each([true, false])(
  'R-11 what is deleted while it is composed does not come back; still its composer: %s',
  async (holds) => {
    const putFile = async (key: string, path: string) => {
      await store.remove(prefix);
      await store.putFile(key, path);
    };
    await compose(otherwise({ putFile }), holds);
    expect([await store.list('rooms/'), await store.list('waiting/')]).toEqual([[], []]);
  },
);

test('R-7 a node that had no way to the store for two minutes is not dead: what it brings later is in the film', async () => {
  await said();
  expect((await work()).over).toHaveLength(1);
  expect(await compose(store)).toMatchObject({ durationMs: 2000 });
  // It is composed, and nobody knows whether it is over.
  expect(await work()).toEqual({ over: [], isMoreSoon: false });
  // The same file goes on where it was.
  const [head, rest] = [silence(), silence(4)];
  await store.put(`${prefix}parts/1-1-audio-0/000002`, rest.subarray(head.length));
  await said();
  expect((await work(0)).over).toEqual([]);
  await said({ endedAt: Date.now(), why: 'stopped' });
  await store.put(`${waitingOf(prefix)}ended`, '');
  expect((await work(0)).over).toHaveLength(1);
  expect(await compose(store)).toMatchObject({ durationMs: 4000 });
  await work(0);
  expect([(await names()).filter((name) => name.startsWith('parts/')), await store.list('waiting/')]).toEqual([[], []]);
});

test('R-7 of a node that stays silent the parts go a day after its film was made', async () => {
  await said();
  await compose(store);
  await work(KEPT_MS - 60_000);
  expect(await names()).toContain('parts/1-1-audio-0/000001');
  await work(KEPT_MS + 60_000);
  expect([await names(), await store.list('waiting/')]).toEqual([
    ['composed.json', 'composed.webm', 'node-1.json', 'recording.json', 'track-1-audio.opus'],
    [],
  ]);
});

test('R-7 what a node brings while the film is made is not lost: it is composed again', async () => {
  const putFile = async (key: string, path: string) => {
    await store.putFile(key, path);
    if (key.endsWith('composed.webm')) await store.put(`${prefix}parts/1-1-audio-0/000002`, '');
  };
  await expect(compose(otherwise({ putFile }))).rejects.toThrow(GrownError);
  expect(await names()).toContain('parts/1-1-audio-0/000001');
  expect(await names()).not.toContain('composed.json');
  expect((await work(0)).over).toHaveLength(1);
});
