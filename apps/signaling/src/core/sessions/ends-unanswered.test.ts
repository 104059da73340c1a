/** Kicks and ends of rooms of which the store does not answer one step: the rest is done when it answers again, and a second request completes it. */
import { expect, test } from 'vitest';
import { UnavailableError } from '../../backplane/types.ts';
import { Client, Cluster, members, pair } from '../testing.ts';

const STEPS = ['before', 'after'] as const;

/** One operation of that kind fails, the `nth`: before it is carried out, or only its answer is lost. */
function failOnce(cluster: Cluster, wanted: string, { step, nth = 1 }: { step: (typeof STEPS)[number]; nth?: number }) {
  let count = 0;
  cluster[step] = (_node, operation) => {
    if (operation === wanted && ++count === nth) throw new UnavailableError('a failover in the middle');
  };
}

/** Ada moderates on n1; the others are on both nodes. */
async function party(size: number) {
  const cluster = new Cluster();
  const nodes = [await cluster.node('n1'), await cluster.node('n2')] as const;
  const people = Array.from(
    { length: size },
    (_, i) => new Client(nodes[i % 2 ? 1 : 0], `user-${i}`, i === 0 ? { kick: true } : {}),
  );
  for (const one of people) {
    one.send({ type: 'join', roomId: 'r' });
    await cluster.run();
  }
  return { cluster, n1: nodes[0], n2: nodes[1], people, ada: people[0] as Client };
}

const settings = {
  rules: { maxPeers: 0, entry: 'locked', closesAt: 0, endsAt: 0, emptyMs: 86_400_000, keptUntil: 0 },
  doc: '{}',
} as const;

const REMOVAL = ['endSession', 'dropMember'].flatMap((operation) => STEPS.map((step) => [operation, step] as const));

test.each(REMOVAL)(
  'S-63 a kick of which %s fails (%s) is done when the store answers, with its ban',
  async (operation, step) => {
    const { cluster, n2, people, ada } = await party(3);
    const bob = people[1] as Client;
    failOnce(cluster, operation, { step });
    ada.send({ type: 'kick', peerId: bob.peerId, ref: 1 });
    await cluster.run();
    expect(ada.of('error').map(({ code, ref }) => [code, ref])).toEqual([['unavailable', 1]]);
    await cluster.run(12_000);
    expect([bob.closed, bob.types.at(-1)]).toEqual([4003, 'kicked']);
    expect(members(cluster)).not.toContain(bob.peerId);
    expect(ada.of('peer_left')).toMatchObject([{ peerId: bob.peerId, reason: 'kicked' }]);
    const again = new Client(n2, 'user-1');
    again.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    expect(again.of('error').map(({ code }) => code)).toEqual(['forbidden']);
  },
);

const END = [
  ['endSession', 'before', 3],
  ['endSession', 'after', 3],
  ['closeRoom', 'before', 1],
  ['closeRoom', 'after', 1],
  ['forgetRoom', 'before', 1],
] as const;

test.each(END)(
  'A-1 a room whose end fails at %s (%s, %i) ends for everybody, and can be ended again',
  async (operation, step, nth) => {
    const { cluster, n1, n2, people } = await party(6);
    await n1.backplane.writeSettings('r', settings, 'new');
    failOnce(cluster, operation, { step, nth });
    await expect(n1.admin.forgetRoom('r')).rejects.toThrow(UnavailableError);
    // Found by the next request, whatever node has it, and still locked.
    expect((await n2.backplane.describeRooms(['r']))[0]?.settings?.rules.entry).toBe('locked');
    await cluster.run(25_000);
    expect(people.map(({ closed }) => closed)).toEqual(Array(6).fill(4009));
    expect(members(cluster)).toEqual([]);
    await n2.admin.forgetRoom('r');
    expect(await n2.backplane.describeRooms(['r'])).toEqual([undefined]);
  },
);

test.each(END.slice(0, 4))(
  'S-43 close-room that fails at %s (%s, %i) ends the room for everybody',
  async (operation, step, nth) => {
    const { cluster, people, ada } = await party(6);
    failOnce(cluster, operation, { step, nth });
    ada.send({ type: 'close-room', ref: 1 });
    await cluster.run(25_000);
    expect(people.map(({ closed }) => closed)).toEqual(Array(6).fill(4009));
    expect(members(cluster)).toEqual([]);
  },
);

test('S-80 the session that a newer one replaces ends, also when the store was away at that moment', async () => {
  const { cluster, n2, a, b } = await pair();
  failOnce(cluster, 'endSession', { step: 'before' });
  const next = new Client(n2, 'ada');
  for (let tries = 0; tries < 2; tries++) {
    next.send({ type: 'join', roomId: 'r' });
    await cluster.run();
  }
  expect(next.types.slice(1)).toEqual(['error', 'joined']);
  await cluster.run(25_000);
  expect(a.closed).toBe(4004);
  expect(members(cluster)).toEqual([b.peerId, next.peerId].sort());
});
