/** Joins and resumes while a client gives up, or the store is away, slow or late. Titles name the rules of docs/service-contracts.md. */
import type { Grants } from '@tandem/protocol';
import { describe, expect, test } from 'vitest';
import { UnavailableError } from '../../backplane/types.ts';
import type { SignalingNode } from '../node.ts';
import { Client, Cluster, members, pair } from '../testing.ts';

describe('the client gives a socket up while its resume is under way', () => {
  /** Ada's socket is gone, and the next one waits for the store, which is slow. */
  async function slowResume() {
    const { cluster, n1, n2, a, b } = await pair();
    a.connection.onClosed(1006);
    await cluster.run();
    const slow = cluster.gate();
    cluster.after = (_node, operation) => (operation === 'resumeSession' ? slow.promise : undefined);
    const first = new Client(n1, 'ada');
    first.send({ type: 'resume', sessionToken: a.token });
    await cluster.run(10_000);
    const answer = async () => {
      cluster.after = () => {};
      slow.open();
      await cluster.run();
    };
    return { cluster, n2, a, b, first, answer };
  }
  async function comesBack(cluster: Cluster, n2: SignalingNode, a: Client, b: Client) {
    const second = new Client(n2, 'ada');
    second.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    expect(second.types).toContain('resumed');
    expect(b.types).not.toContain('peer_left');
    return second;
  }

  test.each([
    [4011, 'the SDK'],
    [1000, 'an SDK older than 4011'],
  ])('S-74 with %i (%s): the session waits for the next one', async (code) => {
    const { cluster, n2, a, b, first, answer } = await slowResume();
    first.connection.onClosed(code);
    await answer();
    await comesBack(cluster, n2, a, b);
  });

  test('S-74 1000 of an old SDK that crosses `resumed` is no goodbye; one that read it is', async () => {
    const { cluster, n2, a, b, first, answer } = await slowResume();
    await answer();
    expect(first.types).toContain('resumed');
    first.connection.onClosed(1000);
    await cluster.run();
    const second = await comesBack(cluster, n2, a, b);
    second.send({ type: 'update', metadata: {} });
    await cluster.run();
    second.connection.onClosed(1000);
    await cluster.run();
    expect(b.of('peer_left')).toMatchObject([{ peerId: a.peerId, reason: 'left' }]);
  });

  test('S-74 a client that only listens after its resume says goodbye with 1000 as any other, a little later', async () => {
    const { cluster, b, first, answer } = await slowResume();
    await answer();
    await cluster.run(11_000);
    first.connection.onClosed(1000);
    await cluster.run();
    expect(b.of('peer_left')).toHaveLength(1);
  });

  test('S-74 `leave` and 1000 while the resume is under way are a goodbye', async () => {
    const { cluster, b, first, answer } = await slowResume();
    first.send({ type: 'leave' });
    first.connection.onClosed(1000);
    await answer();
    await cluster.run();
    expect(b.of('peer_left')).toMatchObject([{ reason: 'left' }]);
  });

  test('S-71 what was parked is parked again: nobody has read it', async () => {
    const { cluster, n2, a, b, first, answer } = await slowResume();
    first.connection.onClosed(4011);
    await answer();
    b.send({ type: 'message', peerId: a.peerId, data: 1 });
    b.send({ type: 'message', peerId: a.peerId, data: 2 });
    await cluster.run();
    const slow = cluster.gate();
    cluster.after = (_node, operation) => (operation === 'resumeSession' ? slow.promise : undefined);
    const second = new Client(n2, 'ada');
    second.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    second.connection.onClosed(4011);
    cluster.after = () => {};
    slow.open();
    await cluster.run();
    const third = await comesBack(cluster, n2, a, b);
    expect(third.of('message').map((m) => m.data)).toEqual([1, 2]);
  });
});

describe('the backplane is away', () => {
  test('S-93 who left meanwhile leaves nothing behind: its login session may come in again', async () => {
    const { cluster, n1, n2 } = await pair();
    const reject: Grants = { duplicate: 'reject' };
    const first = new Client(n1, 'kim', reject);
    first.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    cluster.away();
    await cluster.run(5000);
    first.connection.onClosed(1000);
    await cluster.run(5000);
    cluster.back();
    await cluster.run(30_000);
    expect(members(cluster)).not.toContain(first.peerId);
    expect(cluster.hub.session(first.peerId)).toBeUndefined();
    const second = new Client(n2, 'kim', reject);
    second.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    expect(second.types).toContain('joined');
  });

  test('S-93 a join with a lost answer is undone, also when the next join is under way at that moment', async () => {
    const { cluster, n1, n2 } = await pair();
    const dan = new Client(n2, 'dan');
    dan.send({ type: 'join', roomId: 's' });
    await cluster.run();
    const c = new Client(n1, 'eve');
    cluster.after = (_node, operation) => {
      if (operation === 'joinRoom' || operation === 'openSession') throw new UnavailableError('the answer was lost');
    };
    c.send({ type: 'join', roomId: 's' });
    await cluster.run();
    expect(c.of('error')).toMatchObject([{ code: 'unavailable' }]);
    expect(members(cluster, 's')).toContain(c.peerId);
    cluster.after = () => {};
    const slow = cluster.gate();
    cluster.before = (_node, operation) => (operation === 'joinRoom' ? slow.promise : undefined);
    c.send({ type: 'join', roomId: 'elsewhere' });
    await cluster.run(15_000);
    slow.open();
    cluster.back();
    await cluster.run(30_000);
    expect(members(cluster, 'elsewhere')).toEqual([c.peerId]);
    expect(members(cluster, 's')).toEqual([dan.peerId]);
    expect(cluster.hub.session(c.peerId)).toMatchObject({ room: 'elsewhere' });
  });

  test('S-93 undoing a join takes nothing from the one that came in its place', async () => {
    const { cluster, n1, n2 } = await pair();
    const c = new Client(n1, 'eve');
    cluster.after = (_node, operation) => {
      if (operation === 'joinRoom') throw new UnavailableError('the answer was lost');
    };
    c.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    cluster.after = () => {};
    const dropped = cluster.gate();
    cluster.after = (_node, operation) => (operation === 'dropMember' ? dropped.promise : undefined);
    await cluster.run(15_000);
    const slow = cluster.gate();
    cluster.before = (_node, operation) => (operation === 'joinRoom' ? slow.promise : undefined);
    c.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    dropped.open();
    await cluster.run();
    slow.open();
    cluster.back();
    cluster.after = () => {};
    await cluster.run();
    expect(c.types).toContain('joined');
    c.connection.onClosed(1006);
    await cluster.run();
    const back = new Client(n2, 'eve');
    back.send({ type: 'resume', sessionToken: c.token });
    await cluster.run();
    expect(back.types).toContain('resumed');
  });

  test('S-91 a session that was taken over but not brought into its room leaves after its grace', async () => {
    const { cluster, n2, a, b } = await pair();
    cluster.before = (node, operation) => {
      if (node === 'n2' && operation === 'joinRoom') throw new UnavailableError('away');
    };
    const back = new Client(n2, 'ada');
    back.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    expect(back.of('error')).toMatchObject([{ code: 'unavailable' }]);
    back.connection.onClosed(1006);
    cluster.back();
    await cluster.run(120_000);
    expect(n2.sessions.size).toBe(1);
    expect(b.of('peer_left')).toHaveLength(1);
    expect(members(cluster)).toEqual([b.peerId]);
  });
});

describe('the store is slow, or late', () => {
  const stored = (cluster: Cluster, of: Client) => cluster.hub.session(of.peerId);

  test('S-70 sessions of a node that others took for dead are attached again as soon as it is heard', async () => {
    const { cluster, a, b } = await pair();
    // The beats of n1 take longer than a node may be silent.
    cluster.before = (node, operation) =>
      node === 'n1' && operation === 'beat'
        ? new Promise((resolve) => void cluster.clock.at(9000, resolve))
        : undefined;
    await cluster.run(15_000);
    expect(b.types).toContain('peer_away');
    cluster.back();
    await cluster.run(25_000);
    expect(stored(cluster, a)).toMatchObject({ attached: true, node: 'n1' });
    expect(b.types.filter((type) => type.startsWith('peer_')).at(-1)).toBe('peer_back');
    await cluster.run(70_000);
    expect(stored(cluster, a)).toBeDefined();
  });

  test('S-73 a resume that is answered behind a later one takes nothing', async () => {
    const { cluster, n1, a, b } = await pair();
    a.connection.onClosed(1006);
    await cluster.run();
    b.send({ type: 'message', peerId: a.peerId, data: 1 });
    await cluster.run();
    const slow = cluster.gate();
    cluster.after = (_node, operation) => (operation === 'resumeSession' ? slow.promise : undefined);
    const first = new Client(n1, 'ada');
    first.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    cluster.after = () => {};
    const second = new Client(n1, 'ada');
    second.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    slow.open();
    await cluster.run();
    expect(first.closed).toBe(4010);
    expect(second.closed).toBeUndefined();
    b.send({ type: 'message', peerId: a.peerId, data: 2 });
    await cluster.run();
    expect(second.of('message').map((m) => m.data)).toEqual([1, 2]);
    await cluster.run(70_000);
    expect(b.types).not.toContain('peer_left');
  });

  test.each(['n1', 'n2'])(
    'S-71 a resume that %s gave up and the store carried out later takes the session from nobody',
    async (late) => {
      const { cluster, n1, n2, a, b } = await pair();
      a.connection.onClosed(1006);
      await cluster.run();
      cluster.before = (_node, operation, carryOut) => {
        if (operation !== 'resumeSession') return;
        cluster.back();
        cluster.clock.at(3000, carryOut);
        throw new UnavailableError('timed out');
      };
      const given = new Client(late === 'n1' ? n1 : n2, 'ada');
      given.send({ type: 'resume', sessionToken: a.token });
      await cluster.run();
      given.connection.onClosed(4011);
      const back = new Client(n1, 'ada');
      back.send({ type: 'resume', sessionToken: a.token });
      await cluster.run(25_000);
      expect(back.closed).toBeUndefined();
      expect(stored(cluster, a)).toMatchObject({ attached: true, node: 'n1' });
      await cluster.run(70_000);
      expect(stored(cluster, a)).toMatchObject({ attached: true, node: 'n1' });
      expect(b.types).not.toContain('peer_left');
      back.connection.onClosed(1000);
      await cluster.run();
      expect(stored(cluster, a)).toBeUndefined();
    },
  );
});

test('S-81 a claim whose answer was lost is no other session to the same socket, also where a second one is rejected', async () => {
  const cluster = new Cluster();
  const node = await cluster.node('n1');
  const client = new Client(node, 'kim', { duplicate: 'reject' });
  let lost = 0;
  cluster.after = (_node, operation) => {
    if (operation === 'openSession' && lost++ === 0) throw new UnavailableError('the answer is lost');
  };
  client.send({ type: 'join', roomId: 'r' });
  await cluster.run();
  expect(client.of('error')).toMatchObject([{ code: 'unavailable' }]);
  await cluster.run(2000);
  client.send({ type: 'join', roomId: 'r' });
  await cluster.run();
  expect([client.of('joined').length, client.closed]).toEqual([1, undefined]);
});

test('S-81 a session of a node that could not beat while the store was away is not taken for dead right after', async () => {
  const cluster = new Cluster();
  const [n1, n2] = [await cluster.node('n1'), await cluster.node('n2')];
  await cluster.run(8000);
  const ada = new Client(n1, 'ada', { duplicate: 'reject' });
  ada.send({ type: 'join', roomId: 'r' });
  await cluster.run();
  cluster.away();
  await cluster.run(10_000);
  // Its node is the last one that reaches the store again.
  cluster.before = (node) => {
    if (node === 'n1') throw new UnavailableError('away');
  };
  await cluster.run(2500);
  const second = new Client(n2, 'ada', { duplicate: 'reject' });
  second.send({ type: 'join', roomId: 'r' });
  await cluster.run();
  cluster.back();
  await cluster.run(3000);
  expect([second.closed, ada.closed]).toEqual([4005, undefined]);
  expect(members(cluster)).toEqual([ada.peerId]);
});
