/** What waits, and who may have it: in a folder, as in a bucket (packages/service/src/recordings/store.integration.test.ts holds both alike). */
import { mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  newRecordingId,
  openRecordingStore,
  prefixOf,
  type RecordingStore,
  waitingOf,
} from '@tandem/service/recordings';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CLAIM_MS, claimRecording } from './claim.ts';
import { findWork, SILENT_MS } from './find-work.ts';
import { DAY_MS, removeOld } from './retention.ts';

let folder: string;
let store: RecordingStore;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'composer-'));
  store = await openRecordingStore(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const NOW = Date.now();
async function recorded(roomId: string, ...nodes: object[]): Promise<{ id: string; prefix: string }> {
  const id = newRecordingId();
  const prefix = prefixOf(roomId, id);
  await store.put(`${waitingOf(prefix)}begun`, '');
  await store.put(`${prefix}recording.json`, JSON.stringify({ id, roomId, startedAt: NOW - 1000, startedBy: 'ada' }));
  for (const [i, node] of nodes.entries())
    await store.put(
      `${prefix}node-${i + 1}.json`,
      JSON.stringify({ epoch: i + 1, people: [], updatedAt: NOW, ...node }),
    );
  return { id, prefix };
}
const ended = { endedAt: NOW, why: 'stopped' };

test('R-7 a recording waits until each node has ended or is silent; a room that moved is not over by that', async () => {
  const over = [await recorded('stopped', ended), await recorded('both', { endedAt: NOW, why: 'moved' }, ended)];
  await recorded('goes on', {});
  await recorded('moved', { endedAt: NOW, why: 'moved' });
  await recorded('not begun');
  const passing = await recorded('still passed on', {}, ended);
  const found = await findWork(store, NOW);
  expect(found.over.map(({ prefix }) => prefix).sort()).toEqual(over.map(({ prefix }) => prefix).sort());
  expect(found.isMoreSoon).toBe(false);
  await store.put(`${waitingOf(passing.prefix)}ended`, '');
  expect((await findWork(store, NOW)).isMoreSoon).toBe(true);
  // Nodes that died: three more.
  expect((await findWork(store, NOW + SILENT_MS + 1)).over).toHaveLength(5);
});

test('R-7 what is composed, was deleted or never began is looked at no more', async () => {
  const composed = await recorded('composed', ended);
  await store.put(`${composed.prefix}composed.json`, '{}');
  const deleted = await recorded('deleted', ended);
  await store.remove(deleted.prefix);
  await recorded('never');
  await findWork(store, NOW + 3600_000);
  expect(await store.list('waiting/')).toEqual([]);
});

test('R-11 what is deleted while it is composed goes as a whole, even when its composer is stopped before it knows', async () => {
  const { prefix } = await recorded('visit', ended);
  await using claim = await claimRecording(store, prefix);
  expect(await claim?.holds()).toBe(true);
  await store.remove(prefix);
  await store.put(`${prefix}composed.webm`, 'all of them');
  // It may still be at work.
  await findWork(store, Date.now() + SILENT_MS);
  expect(await store.list(prefix)).toHaveLength(1);
  await findWork(store, Date.now() + CLAIM_MS + 1);
  expect([await store.list('rooms/'), await store.list('waiting/')]).toEqual([[], []]);
});

test('R-7 a recording that a later release has described waits for its composer', async () => {
  const { prefix } = await recorded('visit', ended);
  await store.put(`${prefix}recording.json`, JSON.stringify({ layout: 'of next year' }));
  expect((await findWork(store, NOW + 3600_000)).over).toEqual([]);
  expect([await store.list(prefix), await store.list(waitingOf(prefix))].map((list) => list.length)).toEqual([2, 1]);
});

test('R-7 of several composers one has a recording, never two; a claim that is not renewed is no more', async () => {
  const { prefix } = await recorded('visit', ended);
  const many = await Promise.all(Array.from({ length: 8 }, () => claimRecording(store, prefix)));
  expect(many.filter(Boolean).length).toBeLessThanOrEqual(1);
  for (const one of many) await one?.[Symbol.asyncDispose]();
  const first = await claimRecording(store, prefix);
  expect(await claimRecording(store, prefix)).toBeUndefined();
  expect(await first?.holds()).toBe(true);
  const past = (Date.now() - CLAIM_MS) / 1000 - 1;
  for (const { key } of await store.list(`${waitingOf(prefix)}claims/`)) utimesSync(join(folder, key), past, past);
  await using second = await claimRecording(store, prefix);
  expect([await first?.holds(), await second?.holds()]).toEqual([false, true]);
  await first?.[Symbol.asyncDispose]();
});

test('R-5 a room with the longest name is kept under a name that a file may have', async () => {
  const { prefix } = await recorded('я'.repeat(128), ended);
  expect((await findWork(store, NOW)).over.map((one) => one.prefix)).toEqual([prefix]);
});

test('R-7 what is older than it is kept goes with all its files, once it is composed; what is not ours stays', async () => {
  const old = await recorded('visit', ended);
  const fresh = newRecordingId();
  await store.put(`${prefixOf('visit', fresh)}composed.webm`, 'film');
  await store.put('rooms/dmlzaXQ/notes/mine', 'x');
  const later = Date.now() + 2 * DAY_MS;
  // It waits for its composer.
  expect(await removeOld(store, DAY_MS, later)).toEqual([fresh]);
  await store.remove(waitingOf(old.prefix));
  expect(await removeOld(store, 3 * DAY_MS, later)).toEqual([]);
  expect(await removeOld(store, DAY_MS, later)).toEqual([old.id]);
  expect((await store.list('rooms/')).map(({ key }) => key)).toEqual(['rooms/dmlzaXQ/notes/mine']);
});
