/** What the room hears and the store has, step by step; that the parts become a film is in test/recordings.test.ts. */
import { appendFile, mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { MediaNodeConfig } from '../config.ts';
import type { Engine, EngineRoom } from '../engine.ts';
import { RoomRecorder, type RoomRecorderHost } from './room-recorder.ts';

interface Person {
  readonly peerId: string;
  readonly metadata?: { readonly encryption?: unknown };
}

const ONE = { id: 'one', startedAt: 1 } as never;

/** The least, what is deployed, and the most. */
const PART_SECONDS = MediaNodeConfig.properties.RECORDING_PART_SECONDS as unknown as Record<
  'default' | 'maximum',
  number
>;
/** What Janus has not written yet, of sound (docs/recordings.md). */
const UNWRITTEN_SECONDS = 4;

async function recorder({
  minFreeBytes = 0,
  partMs = 10,
  announce = async () => {},
  put = async () => {},
}: Partial<Settings> = {}) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'recorder-'));
  onTestFinished(() => folder.remove());
  /** What happened, in its order. */
  const said: string[] = [];
  /** Keys of parts, each with the people that were known when it was kept. */
  const parts: string[] = [];
  let known: readonly Person[] = [];
  /** Bytes of each person: what was sent, less what is in a part. */
  const open = new Map<string, number>();
  const store = {
    put: async (key: string, body: string | Uint8Array) => {
      await put();
      const [, n] = /\/parts\/\d+-(\d+)-/.exec(key) ?? [];
      const of = known[Number(n) - 1]?.peerId ?? '';
      if (n) open.set(of, (open.get(of) ?? 0) - body.length);
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
  const settings = { store, partMs, minFreeBytes, over };
  const host = {
    ...{ roomId: 'r', epoch: 1, people: people as never, changed: () => {}, say: () => {} },
    announce: async (since: number | undefined) => {
      said.push(since === undefined ? 'told the end' : 'tells');
      host.isAnnounced = since !== undefined;
      await announce();
      if (since !== undefined) said.push('told');
    },
    isAnnounced: false as boolean,
    room: async () => room as unknown as EngineRoom,
  } satisfies RoomRecorderHost;
  const recording = new RoomRecorder(settings as never, { recordings: folder.path } as Engine, host);
  const names = new Map<string, string | undefined>();
  const sends = async (peerId: string, sound = 'sound') => {
    // As an engine asks: once for each connection.
    if (!names.has(peerId)) names.set(peerId, nameOf?.(peerId));
    open.set(peerId, (open.get(peerId) ?? 0) + sound.length);
    await appendFile(join(folder.path, `${names.get(peerId)}-audio-0.mjr`), sound);
  };
  return { recording, host, people, parts, said, open, sends };
}
interface Settings {
  readonly put: () => Promise<void>;
  readonly minFreeBytes: number;
  readonly partMs: number;
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
  await recording.kept;
  expect(parts).toEqual(['ada: 1-1-audio-0', 'ada,bob: 1-2-audio-0']);
});

test.each([
  ['as it is deployed', PART_SECONDS.default],
  ['with the longest parts that can be set', PART_SECONDS.maximum],
] as const)(
  'R-6 %s a node that dies takes at most 60 s of anybody with it, at whichever second',
  async (_, partSeconds) => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const { recording, open, sends } = await recorder({ partMs: partSeconds * 1000 });
    await recording.follow(ONE);
    let most = 0;
    for (let second = 0; second < 5 * partSeconds; second++) {
      // A byte is a second. The other one comes in the middle of a part.
      await sends('ada', 's');
      if (second > 1.5 * partSeconds) await sends('bob', 's');
      most = Math.max(most, ...open.values());
      vi.advanceTimersByTime(1000);
      // What it began is done when this is.
      await recording.follow(ONE);
    }
    expect(most).toBe(partSeconds);
    expect(most + UNWRITTEN_SECONDS).toBeLessThanOrEqual(60);
    await recording.close('ended');
    await recording.kept;
    expect([...open]).toEqual([
      ['ada', 0],
      ['bob', 0],
    ]);
  },
);

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
  // The room heard it all the same, late.
  await silent.recording.follow(undefined);
  expect(silent.said).toEqual(['tells', 'told the end']);
});

test('R-1 a node that came with the word that it records says the end when somebody has stopped it meanwhile', async () => {
  const { recording, host, said } = await recorder();
  host.isAnnounced = true;
  await recording.follow(undefined);
  await recording.follow(undefined);
  expect(said).toEqual(['told the end']);
});

test('R-1 R-6 a store that does not answer holds up no end, is asked for one thing at a time, and has everything once it answers', async () => {
  const answers = Promise.withResolvers<void>();
  const put = vi.fn(() => answers.promise);
  const { recording, said, parts, sends } = await recorder({ put });
  void recording.follow(ONE);
  await vi.waitFor(() => expect(said).toEqual(['tells', 'told', 'writes']));
  await sends('ada');
  // As long as several parts.
  await new Promise((resolve) => setTimeout(resolve, 100));
  const stopped = recording.follow(undefined);
  await vi.waitFor(() => expect(said.slice(3)).toEqual(['writes no more', 'told the end']));
  expect(put).toHaveBeenCalledOnce();
  answers.resolve();
  await stopped;
  expect(parts).toEqual(['ada: 1-1-audio-0']);
  expect(said.slice(5)).toEqual(['kept as stopped']);
});

test('R-6 a store that refuses gets the same again, also the first word of a recording and its rest', async () => {
  let isAway = true;
  const { recording, said, parts, sends } = await recorder({
    put: async () => {
      if (isAway) throw new Error('away');
    },
  });
  await recording.follow(ONE);
  expect(said).toEqual(['tells', 'told', 'writes']);
  await sends('ada');
  isAway = false;
  await vi.waitFor(() => expect(parts).toHaveLength(1));
  isAway = true;
  await sends('ada');
  setTimeout(() => {
    isAway = false;
  }, 50);
  await recording.follow(undefined);
  expect(parts).toHaveLength(2);
  expect(said.at(-1)).toBe('kept as stopped');
});

test('R-1 what is said while the room is told counts when it has been told: nothing is written of what was stopped meanwhile', async () => {
  const told = Promise.withResolvers<void>();
  const { recording, said } = await recorder({ announce: () => told.promise });
  void recording.follow(ONE);
  await vi.waitFor(() => expect(said).toEqual(['tells']));
  // A look every two seconds, then somebody stops it.
  for (let look = 0; look < 3; look++) void recording.follow(ONE);
  const stopped = recording.follow(undefined);
  told.resolve();
  await stopped;
  expect(said).toEqual(['tells', 'told', 'writes no more', 'told the end', 'kept as stopped']);
});

test('R-1 looks at the record do not pile up behind a room that cannot be told', async () => {
  const silent = Promise.withResolvers<void>();
  const { recording, said } = await recorder({ announce: () => silent.promise });
  void recording.follow(ONE);
  await vi.waitFor(() => expect(said).toEqual(['tells']));
  const looks = [ONE, ONE, ONE, ONE, ONE].map((one) => recording.follow(one));
  silent.reject(new Error('no answer'));
  await Promise.all(looks);
  expect(said).toEqual(['tells', 'tells']);
});

test('R-3 it ends when somebody comes who encrypts, does not begin while such a person is there, and ends on a full disk', async () => {
  const { recording, people, said } = await recorder();
  await recording.follow(ONE);
  people.set('eve', { peerId: 'eve', metadata: { encryption: {} } });
  recording.peopleChanged();
  await vi.waitFor(() =>
    expect(said.slice(3).toSorted()).toEqual([
      'its record goes',
      'kept as encrypted',
      'told the end',
      'writes no more',
    ]),
  );
  await recording.follow({ id: 'two', startedAt: 2 } as never);
  expect(said.slice(7)).toEqual(['its record goes']);

  const full = await recorder({ minFreeBytes: Number.MAX_SAFE_INTEGER });
  await full.recording.follow(ONE);
  await vi.waitFor(() => expect(full.said).toEqual(expect.arrayContaining(['its record goes', 'kept as disk-full'])));
});
