/** Removals that the store refuses, or that a node learns of only by reading the room again. */
import { expect, test } from 'vitest';
import { MemoryHub } from '../../backplane/memory.ts';
import { UnavailableError } from '../../backplane/types.ts';
import { systemClock } from '../clock.ts';
import { composeNode } from '../composition.ts';
import { NodeContext } from '../context.ts';
import { decodeBatch } from '../messaging/batch.ts';
import { DEFAULT_SETTINGS } from '../settings.ts';
import { Client, members, pair } from '../testing.ts';

test('S-71 a removal that the store refuses, as the member has moved on, is not reported', async () => {
  const hub = new MemoryHub(systemClock);
  const other = hub.connect();
  const heard: string[] = [];
  await other.start('n2', {
    onBatch: (batch) => void heard.push(...decodeBatch(batch).entries.map(({ frame }) => String(frame))),
    onStale: () => {},
  });
  const member = { peerId: 'p', node: 'n2', epoch: 3, order: 1, awayFor: 0, info: '{}' };
  await other.joinRoom('r', member, { limit: 0, loginSession: 'l' });
  const backplane = hub.connect();
  await backplane.start('n1', { onBatch: () => {}, onStale: () => {} });
  const { writer, outbox } = composeNode(
    new NodeContext({ name: 'n1', clock: systemClock, settings: DEFAULT_SETTINGS, events: {}, backplane }),
  );
  const drop = async (epoch: number) => {
    await writer.drop({ room: 'r', peerId: 'p', mark: { epoch, order: 4 }, reason: 'left' });
    outbox.flush();
    for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
  };
  await drop(2);
  expect(heard).toEqual([]);
  // The same writer reports one that was carried out.
  await other.joinRoom('r', { ...member, peerId: 'q' }, { limit: 0, loginSession: 'l' });
  await drop(3);
  expect(heard.map((text) => JSON.parse(text).t)).toEqual(['drop']);
});

test('S-71 a removal that is older than what is known of the member takes it from no view', async () => {
  const { cluster, n2, a, b } = await pair();
  const { version } = n2.rooms.get('r') ?? { version: 0 };
  // As a node of an older version reports one that the store refused.
  await cluster.control('n2', {
    ...{ t: 'drop', room: 'r', version: version + 1, peerId: a.peerId, reason: 'left' },
    mark: { epoch: 0, order: 9 },
  });
  await cluster.run(1000);
  expect(b.types).not.toContain('peer_left');
});

test('S-91 a member that is found missing while it may only have to be written again leaves, also when the store is away at that moment', async () => {
  const { cluster, n1, n2, a, b } = await pair();
  const isBetween = (from: number, to: number) => cluster.clock.now() >= from && cluster.clock.now() < to;
  const away = (node: string) => {
    if (node === 'n2') throw new UnavailableError('away');
  };
  cluster.before = away;
  await cluster.run(5000);
  cluster.back();
  await cluster.run(3000);
  const staleUntil = n2.rooms.get('r')?.staleUntil ?? 0;
  expect(staleUntil).toBeGreaterThan(cluster.clock.now());
  // Bob's node does not hear that Ada was removed. It sees that she is missing, and later it may not read the room for an instant.
  cluster.mute = true;
  await n1.revoke(({ userId }) => userId === 'ada', 'over');
  await cluster.run(1000);
  cluster.mute = false;
  cluster.before = (node, operation) => {
    if (operation === 'readRoom' && isBetween(staleUntil - 500, staleUntil + 2000)) away(node);
  };
  await cluster.run(60_000);
  expect(members(cluster)).toEqual([b.peerId]);
  expect(b.of('peer_left').map(({ peerId }) => peerId)).toEqual([a.peerId]);
});

test('S-44 a revocation closes every socket at once, however slow the store is', async () => {
  const { cluster, n1 } = await pair();
  const tabs = [new Client(n1, 'eve', {}, 'login 1'), new Client(n1, 'eve', {}, 'login 2')];
  for (const tab of tabs) {
    tab.send({ type: 'join', roomId: 'r' });
    await cluster.run();
  }
  const slow = cluster.gate();
  cluster.before = (_node, operation) => (operation === 'dropMember' ? slow.promise : undefined);
  const revoked = n1.revoke(({ userId }) => userId === 'eve', 'over');
  await cluster.run();
  expect(tabs.map(({ closed }) => closed)).toEqual([4001, 4001]);
  slow.open();
  await cluster.run();
  expect(await revoked).toBe(2);
});

test('S-44 a session whose token is revoked while its resume is under way ends, and does not wait for its client', async () => {
  const { cluster, n1, a, b } = await pair();
  a.connection.onClosed(1006);
  await cluster.run();
  const slow = cluster.gate();
  cluster.after = (_node, operation) => (operation === 'resumeSession' ? slow.promise : undefined);
  const back = new Client(n1, 'ada', {}, 'login of ada');
  back.send({ type: 'resume', sessionToken: a.token });
  await cluster.run();
  await n1.revoke(({ userId }) => userId === 'ada', 'over');
  slow.open();
  await cluster.run(1000);
  expect(back.closed).toBe(4001);
  expect(members(cluster)).toEqual([b.peerId]);
  expect([...n1.sessions.all()]).toEqual([]);
});
