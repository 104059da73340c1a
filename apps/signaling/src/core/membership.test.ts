/** What a room is told when the backplane was away, or something got lost. Titles name the rules of docs/service-contracts.md. */
import { describe, expect, test } from 'vitest';
import { Unavailable } from '../backplane/types.ts';
import { Client, pair } from './testing.ts';

describe('the backplane is away', () => {
  test('S-93 what a peer says of itself meanwhile reaches the other nodes afterwards', async () => {
    const { cluster, a, b } = await pair();
    cluster.away();
    await cluster.run(5000);
    a.send({ type: 'update', metadata: { audio: false } });
    await cluster.run(5000);
    cluster.back();
    await cluster.run(30_000);
    expect(b.of('peer_updated')).toMatchObject([{ peerId: a.peerId, metadata: { audio: false } }]);
  });

  test('S-93 who came back meanwhile is back for the other nodes too, and never gone', async () => {
    const { cluster, n1, a, b } = await pair();
    a.connection.onClosed(1006);
    await cluster.run(45_000);
    cluster.away();
    await cluster.run(5000);
    const back = new Client(n1, 'ada');
    back.send({ type: 'resume', sessionToken: a.token });
    await cluster.run(1000);
    expect(back.types).toContain('resumed');
    cluster.back();
    await cluster.run(5000);
    expect(b.of('peer_back')).toHaveLength(1);
    await cluster.run(60_000);
    expect(b.types.filter((type) => type.startsWith('peer_'))).toEqual(['peer_away', 'peer_back']);
  });
});

test('S-91 who is away too long leaves, also when the room is being read in the moment that its time is over', async () => {
  const { cluster, n1, n2, a, b } = await pair();
  a.connection.onClosed(1006);
  await cluster.run();
  n1.kill();
  await cluster.run(59_900);
  const slow = cluster.gate();
  cluster.after = (_node, operation) => (operation === 'readRoom' ? slow.promise : undefined);
  for (const room of n2.membership.rooms.values()) n2.membership.doubt(room);
  await cluster.run(1000);
  slow.open();
  await cluster.run(5000);
  expect(b.of('peer_left')).toMatchObject([{ peerId: a.peerId, reason: 'timeout' }]);
});

describe('doubts', () => {
  test('S-92 what was lost between nodes is noticed at once by what comes next', async () => {
    const { cluster, a, b } = await pair();
    cluster.mute = true;
    a.send({ type: 'update', metadata: { audio: false } });
    await cluster.run(20);
    cluster.mute = false;
    expect(b.types).not.toContain('peer_updated');
    a.send({ type: 'message', peerId: b.peerId, data: 1 });
    await cluster.run(20);
    expect(b.of('peer_updated')).toMatchObject([{ peerId: a.peerId, metadata: { audio: false } }]);
    expect(b.of('room')).toHaveLength(1);
  });

  test('S-93 after an outage nobody is taken for dead before everybody could say that they live', async () => {
    const { cluster, a, b } = await pair();
    cluster.away();
    await cluster.run(30_000);
    // Not all come back in the same moment.
    cluster.before = (node) => {
      if (node === 'n1') throw new Unavailable('away');
    };
    await cluster.run(4000);
    cluster.back();
    await cluster.run(30_000);
    expect([...a.types, ...b.types].filter((type) => /^peer_(away|left)/.test(type))).toEqual([]);
  });
});
