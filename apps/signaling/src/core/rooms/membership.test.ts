/** What a room is told when the backplane was away, or something got lost. Titles name the rules of docs/service-contracts.md. */
import { describe, expect, test } from 'vitest';
import { UnavailableError } from '../../backplane/types.ts';
import type { MemberInfo } from '../model.ts';
import type { SignalingNode } from '../node.ts';
import { Client, type Cluster, pair } from '../testing.ts';

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
  // A gap in the versions of the room: it is read again.
  const { version } = n2.rooms.get('r') ?? { version: 0 };
  await cluster.control('n2', { t: 'drop', room: 'r', version: version + 2, peerId: 'x', reason: 'left' });
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
      if (node === 'n1') throw new UnavailableError('away');
    };
    await cluster.run(4000);
    cluster.back();
    await cluster.run(30_000);
    expect([...a.types, ...b.types].filter((type) => /^peer_(away|left)/.test(type))).toEqual([]);
  });
});

describe('the store loses writes', () => {
  /** A store's primary dies before it replicated: what it had in `r` is as it was when this was called. */
  function replica(cluster: Cluster) {
    const room = cluster.hub.rooms.get('r');
    if (!room) throw new Error('no room');
    const { version, firstVersion, startedAt, until } = room;
    const kept = new Map([...room.members].map(([peerId, member]) => [peerId, { ...member }]));
    return () => void cluster.hub.rooms.set('r', { version, firstVersion, startedAt, until, members: kept });
  }
  /** What somebody who comes in now hears of the others. */
  async function newcomer(cluster: Cluster, node: SignalingNode) {
    const c = new Client(node, 'eve');
    c.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    const peers = c.of('joined')[0]?.peers as { peerId: string; metadata?: object; away?: boolean }[];
    return (of: Client) => peers.find(({ peerId }) => peerId === of.peerId);
  }
  const saying = (audio: boolean) => ({ type: 'update', metadata: { audio } });

  test('S-92 what a peer said of itself, lost by the store, is written again by its node within 10 s', async () => {
    const { cluster, n1, n2, a, b } = await pair();
    const failOver = replica(cluster);
    a.send(saying(false));
    await cluster.run();
    failOver();
    await cluster.run(11_000);
    expect((await newcomer(cluster, n2))(a)?.metadata).toEqual({ audio: false });
    expect(a.closed ?? b.closed).toBeUndefined();
    expect(n1.rooms.get('r')?.version).toBe(cluster.hub.rooms.get('r')?.version);
  });

  test('A-5 since when it is in its room is as before when the store has lost the whole room', async () => {
    const { cluster, n2, a } = await pair();
    const joinedAt = () => {
      const { info = '{}' } = cluster.hub.rooms.get('r')?.members.get(String(a.peerId)) ?? {};
      return (JSON.parse(info) as MemberInfo).joinedAt;
    };
    const first = joinedAt();
    expect(first).toBeTypeOf('number');
    cluster.hub.rooms.clear();
    expect(joinedAt()).toBeUndefined();
    await cluster.run(30_000);
    expect(joinedAt()).toBe(first);
    expect((await newcomer(cluster, n2))(a)).not.toHaveProperty('joinedAt');
  });

  test('S-92 also when the store has counted up to the same version since', async () => {
    const { cluster, n2, a, b } = await pair();
    const n3 = await cluster.node('n3');
    const watcher = new Client(n3, 'dan');
    watcher.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    const failOver = replica(cluster);
    a.send(saying(false));
    await cluster.run();
    failOver();
    b.send(saying(true));
    await cluster.run(11_000);
    const sees = await newcomer(cluster, n2);
    expect([sees(a)?.metadata, sees(b)?.metadata]).toEqual([{ audio: false }, { audio: true }]);
    const heard = (by: Client, of: Client) => by.of('peer_updated').findLast((m) => m.peerId === of.peerId)?.metadata;
    expect([heard(b, a), heard(watcher, a)]).toEqual([{ audio: false }, { audio: false }]);
    expect([heard(a, b), heard(watcher, b)]).toEqual([{ audio: true }, { audio: true }]);
  });

  test('S-92 a write that timed out and comes after a newer one changes nothing', async () => {
    const { cluster, n2, a, b } = await pair();
    cluster.before = (_node, operation, carryOut) => {
      if (operation !== 'putMember') return;
      cluster.back();
      cluster.clock.at(4000, carryOut);
      throw new UnavailableError('timed out');
    };
    a.send(saying(true));
    await cluster.run();
    a.send(saying(false));
    await cluster.run(8000);
    expect((await newcomer(cluster, n2))(a)?.metadata).toEqual({ audio: false });
    expect(b.of('peer_updated')).toMatchObject([{ metadata: { audio: false } }]);
  });

  test('S-92 that a peer went away, said late, does not make it away after it came back', async () => {
    const { cluster, n1, n2, a, b } = await pair();
    const late: (() => void)[] = [];
    cluster.before = (_node, operation, carryOut) => {
      if (operation !== 'putMember' && operation !== 'detachSession' && operation !== 'resumeSession') return;
      if (operation !== 'resumeSession') late.push(carryOut);
      throw new UnavailableError('timed out');
    };
    a.connection.onClosed(1006);
    await cluster.run();
    const back = new Client(n1, 'ada');
    back.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    expect(back.types).toContain('resumed');
    cluster.back();
    await cluster.run(12_000);
    for (const carryOut of late) carryOut();
    await cluster.run(12_000);
    expect((await newcomer(cluster, n2))(a)?.away).toBeUndefined();
    expect(cluster.hub.session(a.peerId)?.attached).toBe(true);
    expect(b.types).not.toContain('peer_left');
  });
});

describe('answers that come behind a leave', () => {
  test.each(['revocation', 'goodbye'])(
    'S-74 an update that is still being written brings nobody back: %s',
    async (how) => {
      const { cluster, n1, a } = await pair();
      const c = new Client(n1, 'cyd');
      c.send({ type: 'join', roomId: 'r' });
      await cluster.run();
      const [write, removal] = [cluster.gate(), cluster.gate()];
      cluster.after = (_node, operation) =>
        operation === 'putMember' ? write.promise : operation === 'dropMember' ? removal.promise : undefined;
      a.send({ type: 'update', metadata: { audio: false } });
      await cluster.run();
      // Another socket's end does not wait behind its own frames.
      if (how === 'revocation') void n1.revoke((identity) => identity.userId === 'ada', 'test');
      else a.connection.onClosed(1000);
      await cluster.run();
      write.open();
      await cluster.run();
      removal.open();
      await cluster.run();
      const about = c.heard.filter((m) => m.type.startsWith('peer_') && m.peerId === a.peerId).map((m) => m.type);
      expect(about).toEqual(['peer_updated', 'peer_left']);
    },
  );

  test('S-22 nor does the answer to a write of somebody else', async () => {
    const { cluster, n1, a } = await pair();
    const [c, d] = [new Client(n1, 'cyd'), new Client(n1, 'dan')];
    for (const client of [c, d]) client.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    const [write, removal] = [cluster.gate(), cluster.gate()];
    cluster.after = (_node, operation) =>
      operation === 'putMember' ? write.promise : operation === 'dropMember' ? removal.promise : undefined;
    d.send({ type: 'update', metadata: { audio: false } });
    a.send({ type: 'leave' });
    await cluster.run();
    write.open();
    await cluster.run();
    removal.open();
    await cluster.run();
    const about = c.heard.filter((m) => m.type.startsWith('peer_') && m.peerId === a.peerId).map((m) => m.type);
    expect(about).toEqual(['peer_left']);
  });
});

test('B-38 a room in which somebody writes all the time is read as often as a quiet one: the read keeps what belongs to it', async () => {
  const { cluster, a } = await pair();
  const reads = { n1: 0, n2: 0 };
  cluster.before = (node, operation) => {
    if (operation === 'readRoom') reads[node as keyof typeof reads]++;
  };
  for (let i = 0; i < 40; i++) {
    a.send({ type: 'update', metadata: { hand: i % 2 === 0 } });
    await cluster.run(30_000);
  }
  // Within the ten minutes for which a room is kept that nobody reads, twice over.
  expect(Math.min(reads.n1, reads.n2)).toBeGreaterThanOrEqual(4);
});
