/** The outbox: every change of a room is an event of the same script, so that folded events are the stored rooms. */

import { readOutboxEntry } from '@tandem/service/room-events';
import { startRedis, type TestRedis } from '@tandem/service/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../../../../test/simulation/random.ts';
import { differences, foldOutbox, storedPresence } from '../../../../test/support/room-events.ts';
import { createRedisBackplane } from './redis.ts';
import { OPEN_RULES } from './testing/contract-support.ts';
import { type Backplane, FORCED, type MemberRecord } from './types.ts';

let redis: TestRedis;
let client: Redis;
beforeAll(async () => {
  redis = await startRedis();
  client = new Redis(redis.url);
});
afterAll(async () => {
  client.disconnect();
  await redis[Symbol.asyncDispose]();
});

async function open(events: boolean): Promise<Backplane> {
  const backplane = createRedisBackplane({ url: redis.url, events });
  await backplane.start(`n-${events}`, { onBatch: () => {}, onStale: () => {} });
  return backplane;
}

const infoOf = (peerId: string, login = 'l', more = '') =>
  `{"userId":"user \\"${peerId}\\" ü","loginSession":"${login}"${more}}`;
const member = (peerId: string, more: Partial<MemberRecord> = {}): MemberRecord => ({
  ...{ peerId, node: 'n', epoch: 1, order: 1, awayFor: 0 },
  info: infoOf(peerId),
  ...more,
});
const rule = { limit: 9, loginSession: 'l', userId: 'u' };

async function entries(room: string) {
  const streams = await client.keys('tandem:?p:*?:out');
  const all = await Promise.all(streams.map((key) => client.xrange(key, '-', '+')));
  return all.flat().flatMap(([, [, value = '']]) => {
    const entry = readOutboxEntry(value);
    return entry.room === room ? [entry] : [];
  });
}

test('B-41 each change of presence, and of what others see, is one event with its version, reason and user; other writes are none', async () => {
  await using a = await open(true);
  await client.flushall();
  const room = 'ü-room';
  await a.joinRoom(room, member('p'), rule);
  await a.joinRoom(room, member('p', { order: 2 }), rule);
  await a.putMember(room, member('p', { order: 3, info: infoOf('p', 'l2', ',"until":1') }));
  await a.putMember(room, member('p', { order: 4, info: infoOf('p', 'l2', ',"until":22'), awayFor: 60_000 }));
  await a.putMember(room, member('p', { order: 5, info: infoOf('p', 'l2', ',"until":22,"metadata":{"name":"P"}') }));
  await a.putMember(room, member('p', { order: 6, info: infoOf('p', 'l2', ',"audience":true') }));
  await a.joinRoom(room, member('q'), { ...rule, limit: 0 });
  await a.markAway(room, 'q', 'n', 1);
  await a.dropMember(room, 'p', FORCED, { reason: 'kicked' });
  await expect.poll(async () => (await a.readRoom(room, -1))?.members).toEqual([]);
  await a.joinRoom(room, member('r'), rule);
  await a.joinRoom(room, member('s'), rule);
  await a.closeRoom(room);
  await a.readRoom(room, -1);
  const found = await entries(room);
  const first = found[0]?.firstVersion ?? 0;
  const again = found[8]?.firstVersion ?? 0;
  expect(again).toBeGreaterThan(first + 9);
  expect(
    found.map(({ members, changes }) => [
      members,
      changes.map(({ version, peerId, ...c }) => ({ at: version - first, peerId, ...c })),
    ]),
  ).toEqual([
    [1, [{ at: 1, peerId: 'p', kind: 'joined', userId: 'user "p" ü', isRestored: false }]],
    [1, [{ at: 4, peerId: 'p', kind: 'away' }]],
    [
      1,
      [
        { at: 5, peerId: 'p', kind: 'updated' },
        { at: 5, peerId: 'p', kind: 'back' },
      ],
    ],
    [1, [{ at: 6, peerId: 'p', kind: 'updated' }]],
    [2, [{ at: 7, peerId: 'q', kind: 'joined', userId: 'user "q" ü', isRestored: true }]],
    [2, [{ at: 8, peerId: 'q', kind: 'away' }]],
    [1, [{ at: 9, peerId: 'p', kind: 'left', reason: 'kicked' }]],
    [0, [{ at: 10, peerId: 'q', kind: 'left', reason: 'timeout' }]],
    [1, [{ at: again - first + 1, peerId: 'r', kind: 'joined', userId: 'user "r" ü', isRestored: false }]],
    [2, [{ at: again - first + 2, peerId: 's', kind: 'joined', userId: 'user "s" ü', isRestored: false }]],
    [
      0,
      [
        { at: again - first + 3, peerId: 'r', kind: 'left', reason: 'closed' },
        { at: again - first + 4, peerId: 's', kind: 'left', reason: 'closed' },
      ],
    ],
  ]);
});

test('B-41 settings that are written are an event of a room with people, with their revision, and of no other', async () => {
  await using a = await open(true);
  await client.flushall();
  const settings = { rules: { ...OPEN_RULES, maxPeers: 5 }, doc: '{}' };
  await a.writeSettings('r', settings, 'new');
  expect(await entries('r')).toEqual([]);
  await a.joinRoom('r', member('p'), rule);
  const written = await a.writeSettings('r', settings, 'any');
  expect(await a.writeSettings('r', settings, 'new')).toEqual({ kind: 'exists' });
  await a.joinRoom('r', member('q'), rule);
  const found = await entries('r');
  const first = found[0]?.firstVersion ?? 0;
  expect(found.slice(1).map(({ members, changes }) => [members, changes])).toEqual([
    [
      1,
      [{ kind: 'settings', peerId: '-', version: first + 2, revision: 'revision' in written ? written.revision : 0 }],
    ],
    [2, [{ kind: 'joined', peerId: 'q', version: first + 3, userId: 'user "q" ü', isRestored: false }]],
  ]);
});

test('B-41 off: nothing is written', async () => {
  await using a = await open(false);
  await client.flushall();
  await a.joinRoom('r', member('p'), rule);
  await a.closeRoom('r');
  expect(await client.keys('*:out')).toEqual([]);
});

test('B-41 the outbox is bounded', async () => {
  await using a = await open(true);
  await client.flushall();
  await a.joinRoom('r', member('p'), rule);
  const [key = ''] = await client.keys('*:out');
  const fill = client.pipeline();
  for (let i = 0; i < 25_000; i++) fill.xadd(key, '*', 'e', 'x');
  await fill.exec();
  await a.dropMember('r', 'p', FORCED);
  const length = await client.xlen(key);
  expect(length).toBeGreaterThanOrEqual(20_000);
  expect(length).toBeLessThan(20_100);
});

test('B-41 folded events are the stored rooms after any sequence of operations; without one entry they are not', async () => {
  await using a = await open(true);
  let compared = 0;
  for (let seed = 1; seed <= 6; seed++) {
    await client.flushall();
    const random = new Random(seed);
    for (let i = 0; i < 60; i++) {
      await act(a, random);
      if (i % 10 !== 9) continue;
      const [folded, stored] = [await foldOutbox(client), await storedPresence(client)];
      expect(differences(folded.presence, stored), `seed ${seed}, operation ${i}`).toEqual([]);
      expect(folded.faults, `seed ${seed}, operation ${i}`).toEqual([]);
      compared += stored.size;
    }
  }
  expect(compared).toBeGreaterThan(100);
  await client.flushall();
  await a.joinRoom('r', member('p'), rule);
  await client.del(...(await client.keys('*:out')));
  expect(differences((await foldOutbox(client)).presence, await storedPresence(client))).toHaveLength(1);
});

/** A random operation on one of three rooms. */
async function act(a: Backplane, random: Random): Promise<void> {
  const pick = <T>(...list: T[]): T => random.pick(list) as T;
  const room = pick('r0', 'r1', 'r2');
  const peerId = `p${random.int(0, 4)}`;
  const one = member(peerId, { epoch: random.int(1, 3), order: random.int(0, 3), awayFor: pick(0, 0, 1, 600_000) });
  const seat = '{"userId"';
  switch (random.int(0, 9)) {
    case 0:
    case 1:
    case 2:
      await a.joinRoom(room, one, { ...rule, limit: pick(0, 2, 3), seat, replaces: `p${random.int(0, 4)}` });
      return;
    case 3:
    case 4:
      await a.putMember(room, one);
      return;
    case 5:
      await a.markAway(room, peerId, 'n', pick(1, 600_000));
      return;
    case 6:
      await a.dropMember(room, peerId, random.chance(0.5) ? FORCED : one, {
        reason: pick('left', 'kicked', 'refused'),
      });
      return;
    case 7:
      await a.readRoom(room, -1);
      return;
    case 8:
      await a.writeSettings(room, { rules: { ...OPEN_RULES, maxPeers: 2 }, doc: '{}' }, pick('new', 'any'));
      return;
    default:
      await (random.chance(0.3) ? a.closeRoom(room) : a.forgetRoom(room));
  }
}
