/** What a node owes the store, where the store is away for a part of it: one shard of several. */
import { expect, test } from 'vitest';
import { MemoryHub } from '../backplane/memory.ts';
import { UnavailableError } from '../backplane/types.ts';
import { systemClock } from './clock.ts';
import { NodeContext } from './context.ts';
import { PendingRemovals } from './rooms/pending-removals.ts';
import { SessionRegistry } from './sessions/session-registry.ts';
import { DEFAULT_SETTINGS } from './settings.ts';
import { Client, pair } from './testing.ts';

test('S-93 a removal that the store refuses again and again does not hold up those of other rooms', async () => {
  const context = new NodeContext({
    ...{ name: 'n1', clock: systemClock, settings: DEFAULT_SETTINGS, events: {} },
    backplane: new MemoryHub(systemClock).connect(),
  });
  const removed: string[] = [];
  const pending = new PendingRemovals(context, new SessionRegistry(context), {
    removeMember: async ({ room }) => {
      if (room === 'away') throw new UnavailableError('CLUSTERDOWN');
      removed.push(room);
    },
    removeRecord: async () => {},
  });
  for (const room of ['r1', 'away', 'r2', 'r3'])
    pending.add({ room, peerId: `p of ${room}`, mark: { epoch: 1, order: 1 }, reason: 'left' });
  await expect(pending.flush()).rejects.toThrow('CLUSTERDOWN');
  await expect(pending.flush()).rejects.toThrow('CLUSTERDOWN');
  expect(removed).toEqual(['r1', 'r2', 'r3']);
});

test('S-94 sessions are written again, though a removal cannot be yet', async () => {
  const { cluster, n1, a } = await pair();
  const gone = new Client(n1, 'eve');
  gone.send({ type: 'join', roomId: 'other' });
  await cluster.run();
  cluster.away();
  await cluster.run(5000);
  gone.connection.onClosed(1000);
  await cluster.run(3000);
  cluster.hub.sessions.delete(a.peerId);
  cluster.before = (node, operation) => {
    if (node === 'n1' && operation === 'dropMember') throw new UnavailableError('CLUSTERDOWN');
  };
  await cluster.run(4000);
  expect(cluster.hub.session(a.peerId)).toMatchObject({ node: 'n1', attached: true });
});
