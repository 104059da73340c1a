/** What the room hears and the store has, step by step; that the parts become a film is in test/recordings.test.ts. */
import { appendFile, mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Engine, EngineRoom } from '../engine.ts';
import { RoomRecorder, type RoomRecorderHost } from './room-recorder.ts';

interface Person {
  readonly peerId: string;
  readonly metadata?: { readonly encryption?: unknown };
}

const ONE = { id: 'one', startedAt: 1 } as never;

async function recorder({ minFreeBytes = 0, announce = async () => {} }: Partial<Settings> = {}) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'recorder-'));
  onTestFinished(() => folder.remove());
  /** What happened, in its order. */
  const said: string[] = [];
  /** Keys of parts, each with the people that were known when it was kept. */
  const parts: string[] = [];
  let known: readonly Person[] = [];
  const store = {
    put: async (key: string, body: string | Uint8Array) => {
      if (key.includes('/parts/')) parts.push(`${known.map(({ peerId }) => peerId).join()}: ${key.split('/').at(-2)}`);
      if (!key.includes('/node-')) return;
      const document = JSON.parse(String(body));
      known = document.people;
      if (document.why) said.push(`kept as ${document.why}`);
    },
  };
  let nameOf: Parameters<EngineRoom['record']>[0];
  const room = {
    record: async (name: typeof nameOf) => {
      nameOf = name;
      said.push(name ? 'writes' : 'writes no more');
    },
  };
  const people = new Map<string, Person>(['ada', 'bob'].map((peerId) => [peerId, { peerId }]));
  const over = async () => void said.push('its record goes');
  const settings = { store, partMs: 10, minFreeBytes, over };
  const host = {
    ...{ roomId: 'r', epoch: 1, people: people as never, changed: () => {}, say: () => {} },
    announce: async (since: number | undefined) => {
      said.push(since === undefined ? 'told the end' : 'tells');
      await announce();
      if (since !== undefined) said.push('told');
    },
    room: async () => room as unknown as EngineRoom,
  } satisfies RoomRecorderHost;
  const recording = new RoomRecorder(settings as never, { recordings: folder.path } as Engine, host);
  const sends = (peerId: string) => appendFile(join(folder.path, `${nameOf?.(peerId)}-audio-0.mjr`), 'sound');
  return { recording, people, parts, said, sends };
}
interface Settings {
  readonly minFreeBytes: number;
  readonly announce: () => Promise<void>;
}

test('R-6 no part is kept of somebody who is not written down yet', async () => {
  const { recording, parts, sends } = await recorder();
  await recording.follow(ONE);
  await sends('ada');
  await vi.waitFor(() => expect(parts).toEqual(['ada: 1-1-audio-0']));
  await sends('bob');
  await vi.waitFor(() => expect(parts).toHaveLength(2));
  await recording.close('ended');
  expect(parts).toEqual(['ada: 1-1-audio-0', 'ada,bob: 1-2-audio-0']);
});

test('R-1 nothing is written before the room knows, nor when it cannot be told', async () => {
  const { recording, said } = await recorder();
  await recording.follow(ONE);
  // Without its record, also when that is lost, it ends.
  await recording.follow(undefined);
  expect(said).toEqual(['tells', 'told', 'writes', 'writes no more', 'told the end', 'kept as stopped']);

  const silent = await recorder({ announce: () => Promise.reject(new Error('no answer')) });
  await silent.recording.follow(ONE);
  expect(silent.said).toEqual(['tells']);
  expect(silent.recording.recording).toBeUndefined();
});

test('R-3 it ends when somebody comes who encrypts, does not begin while such a person is there, and ends on a full disk', async () => {
  const { recording, people, said } = await recorder();
  await recording.follow(ONE);
  people.set('eve', { peerId: 'eve', metadata: { encryption: {} } });
  recording.peopleChanged();
  await vi.waitFor(() =>
    expect(said.slice(3)).toEqual(['writes no more', 'told the end', 'kept as encrypted', 'its record goes']),
  );
  await recording.follow({ id: 'two', startedAt: 2 } as never);
  expect(said.slice(7)).toEqual(['its record goes']);

  const full = await recorder({ minFreeBytes: Number.MAX_SAFE_INTEGER });
  await full.recording.follow(ONE);
  await vi.waitFor(() => expect(full.said.at(-1)).toBe('its record goes'));
  expect(full.said).toContain('kept as disk-full');
});
