/** What the settings of a room do to those who want in and those who are in. */
import { expect, test } from 'vitest';
import type { RoomRules } from '../../backplane/room-settings.ts';
import { OPEN_RULES } from '../../backplane/testing/contract-support.ts';
import { UnavailableError } from '../../backplane/types.ts';
import { Client, Cluster, members, pair } from '../testing.ts';

async function set(cluster: Cluster, rules: Partial<RoomRules>, room = 'r') {
  const settings = { rules: { ...OPEN_RULES, ...rules }, doc: '{}' };
  const backplane = cluster.hub.connect();
  const result = await backplane.writeSettings(room, settings, 'new');
  if (result.kind === 'exists') await backplane.writeSettings(room, settings, 'any');
}

async function join(cluster: Cluster, client: Client, roomId = 'r'): Promise<string> {
  client.send({ type: 'join', roomId });
  await cluster.run();
  // Behind `joined` comes what the room lets its people do.
  const last = client.heard.findLast(({ type }) => type !== 'entry');
  return last?.type === 'error' ? last.code : (last?.type ?? '');
}

test('S-35 a room that is full, locked or over refuses with a code of its own, and nobody who is in', async () => {
  const { cluster, n1, a } = await pair();
  const eve = new Client(n1, 'eve');
  await set(cluster, { maxPeers: 2 });
  expect(await join(cluster, eve)).toBe('room_full');
  await set(cluster, { entry: 'locked' });
  expect(await join(cluster, eve)).toBe('room_locked');
  await set(cluster, { closesAt: cluster.clock.now() + 30 });
  await cluster.run(40);
  expect(await join(cluster, eve)).toBe('room_over');
  expect(a.closed).toBeUndefined();
  expect(members(cluster)).toHaveLength(2);
});

test('S-35 a refusal by the settings of a room is no fault of the client', async () => {
  const { cluster, n1 } = await pair();
  await set(cluster, { entry: 'locked' });
  const eve = new Client(n1, 'eve');
  for (let i = 0; i < 40; i++) await join(cluster, eve);
  expect(eve.of('error')).toHaveLength(40);
  expect(eve.closed).toBeUndefined();
});

test('S-35 in a locked room a page that was loaded again has its seat', async () => {
  const { cluster, n1, a, b } = await pair();
  await set(cluster, { entry: 'locked' });
  a.connection.onClosed(1006);
  await cluster.run();
  const again = new Client(n1, 'ada', {}, 'another login');
  expect(await join(cluster, again)).toBe('joined');
  expect(members(cluster)).toEqual([again.peerId, b.peerId].sort());
});

test('S-35 where only created rooms are entered, a room without settings is unknown', async () => {
  const cluster = new Cluster();
  const node = await cluster.node('n1', { createdRoomsOnly: true });
  const ada = new Client(node, 'ada');
  expect(await join(cluster, ada)).toBe('room_unknown');
  await set(cluster, {});
  expect(await join(cluster, ada)).toBe('joined');
});

test('S-35 at its end a room is emptied on every node, and an end that was put off is kept', async () => {
  const { cluster, a, b } = await pair();
  await set(cluster, { endsAt: cluster.clock.now() + 60_000, closesAt: cluster.clock.now() + 60_000 });
  await cluster.run(30_000);
  await set(cluster, { endsAt: cluster.clock.now() + 120_000 });
  await cluster.run(90_000);
  expect([a.closed, b.closed]).toEqual([undefined, undefined]);
  await cluster.run(50_000);
  expect([a.closed, b.closed]).toEqual([4009, 4009]);
  expect(members(cluster)).toEqual([]);
});

test.each(['before', 'after'] as const)(
  'S-35 a room whose end fails once (%s) ends at the next sweep',
  async (step) => {
    const { cluster, a, b } = await pair();
    await set(cluster, { endsAt: cluster.clock.now() + 60_000 });
    const failed = new Set<string>();
    cluster[step] = (node, operation) => {
      if (operation !== 'endRoom' || failed.has(node)) return;
      failed.add(node);
      throw new UnavailableError('a failover in the middle');
    };
    await cluster.run(100_000);
    expect(failed.size).toBeGreaterThan(0);
    expect([a.closed, b.closed]).toEqual([4009, 4009]);
    expect(members(cluster)).toEqual([]);
  },
);
