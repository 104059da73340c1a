/** What the store has when the node dies between two steps; that the parts become a film is in test/recordings.test.ts. */
import { appendFile, mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { Engine, EngineRoom } from '../engine.ts';
import { RoomRecorder, type RoomRecorderHost } from './room-recorder.ts';

test('R-6 no part is kept of somebody who is not written down yet', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'recorder-'));
  /** Keys of parts, each with the people that were known when it was kept. */
  const parts: string[] = [];
  let known: readonly { peerId: string }[] = [];
  const store = {
    put: async (key: string, body: string | Uint8Array) => {
      if (key.includes('/node-')) known = JSON.parse(String(body)).people;
      if (key.includes('/parts/')) parts.push(`${known.map(({ peerId }) => peerId).join()}: ${key.split('/').at(-2)}`);
    },
  };
  let nameOf: Parameters<EngineRoom['record']>[0];
  const room = {
    record: async (name: typeof nameOf) => {
      nameOf = name;
    },
  };
  const people = new Map(['ada', 'bob'].map((peerId) => [peerId, { peerId }]));
  const settings = { store, partMs: 10, minFreeBytes: 0, over: async () => {} };
  const recorder = new RoomRecorder(settings as never, { recordings: folder.path } as Engine, {
    ...{ roomId: 'r', epoch: 1, people, announce: async () => {}, changed: () => {}, say: () => {} },
    room: async () => room as unknown as EngineRoom,
  } satisfies RoomRecorderHost);
  await recorder.follow({ id: 'one', startedAt: 1 } as never);
  const comes = (peerId: string) => appendFile(join(folder.path, `${nameOf?.(peerId)}-audio-0.mjr`), 'sound');
  await comes('ada');
  await vi.waitFor(() => expect(parts).toEqual(['ada: 1-1-audio-0']));
  await comes('bob');
  await vi.waitFor(() => expect(parts).toHaveLength(2));
  await recorder.close('ended');
  expect(parts).toEqual(['ada: 1-1-audio-0', 'ada,bob: 1-2-audio-0']);
});
