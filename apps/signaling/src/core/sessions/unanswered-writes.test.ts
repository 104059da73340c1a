/** Writes that the store carries out late or loses, and what each node does about them by itself. */
import { expect, test } from 'vitest';
import { UnavailableError } from '../../backplane/types.ts';
import { Client, type Cluster, members, pair } from '../testing.ts';

/** The first of these operations gets no answer, and is given up when the gate opens. */
function loseFirst(cluster: Cluster, wanted: string) {
  const slow = cluster.gate();
  let count = 0;
  cluster.before = async (_node, operation) => {
    if (operation !== wanted || count++ > 0) return;
    await slow.promise;
    throw new UnavailableError('no answer in time');
  };
  return slow;
}

test('S-93 a membership that the store writes behind the end of its session is taken out again', async () => {
  const { cluster, n1, n2, a, b } = await pair();
  n1.kill();
  cluster.hub.inboxes.delete('n1');
  // The membership of the first resume is given up, and written 6 s later.
  cluster.before = (_node, operation, carryOut) => {
    if (operation !== 'joinRoom') return;
    cluster.back();
    cluster.clock.at(6000, carryOut);
    throw new UnavailableError('timed out');
  };
  const first = new Client(n2, 'ada');
  first.send({ type: 'resume', sessionToken: a.token });
  await cluster.run();
  first.connection.onClosed(4011);
  const second = new Client(n2, 'ada');
  second.send({ type: 'resume', sessionToken: a.token });
  await cluster.run();
  expect(second.types).toContain('resumed');
  second.send({ type: 'ping' });
  // Both leave: no node has a replica of the room that would show it.
  for (const { connection } of [second, b]) connection.onClosed(1000);
  await cluster.run(1000);
  expect(members(cluster)).toEqual([]);
  await cluster.run(5000);
  expect(members(cluster)).toEqual([a.peerId]);
  await cluster.run(30_000);
  expect(members(cluster)).toEqual([]);
});

test('S-70 a resume that could not enter its room is no later one: the next goes on with it, and with what it said last', async () => {
  const { cluster, n1, n2, a, b } = await pair();
  a.send({ type: 'update', metadata: { said: 'last' } });
  await cluster.run();
  n1.kill();
  cluster.hub.inboxes.delete('n1');
  cluster.before = (_node, operation) => {
    if (operation === 'joinRoom') throw new UnavailableError('away for an instant');
  };
  const sessions = n2.sessions.size;
  const first = new Client(n2, 'ada');
  first.send({ type: 'resume', sessionToken: a.token });
  await cluster.run();
  expect(first.of('error')[0]).toMatchObject({ code: 'unavailable' });
  first.connection.onClosed(4011);
  cluster.back();
  // A failover to a replica that has not heard of the first resume.
  const stored = cluster.hub.session(a.peerId);
  if (!stored) throw new Error('no session');
  Object.assign(stored, { epoch: 1, node: 'n1' });
  const second = new Client(n2, 'ada');
  second.send({ type: 'resume', sessionToken: a.token });
  await cluster.run();
  expect(second.closed).toBeUndefined();
  expect(second.types).toContain('resumed');
  await cluster.run(30_000);
  expect(b.types).not.toContain('peer_left');
  expect(n2.rooms.get('r')?.members.get(a.peerId)?.info.metadata).toEqual({ said: 'last' });
  expect(n2.sessions.size).toBe(sessions + 1);
});

test('S-73 a resume whose membership is not written takes nothing from a later one, and leaves no session behind', async () => {
  const { cluster, n1, a } = await pair();
  a.connection.onClosed(1006);
  await cluster.run();
  const slow = loseFirst(cluster, 'joinRoom');
  const first = new Client(n1, 'ada');
  first.send({ type: 'resume', sessionToken: a.token });
  await cluster.run();
  const second = new Client(n1, 'ada');
  second.send({ type: 'resume', sessionToken: a.token });
  await cluster.run();
  slow.open();
  await cluster.run();
  expect(first.closed).toBe(4010);
  expect(second.closed).toBeUndefined();
  first.connection.onClosed(4010);
  await cluster.run();
  expect([...n1.sessions.all()].map(({ peerId }) => peerId)).not.toContain(first.peerId);
});

test('S-73 a resume that is not answered takes nothing from one that was answered meanwhile', async () => {
  const { cluster, n1, a, b } = await pair();
  a.connection.onClosed(1006);
  await cluster.run();
  const slow = loseFirst(cluster, 'resumeSession');
  const first = new Client(n1, 'ada');
  first.send({ type: 'resume', sessionToken: a.token });
  await cluster.run();
  first.connection.onClosed(4011);
  const second = new Client(n1, 'ada');
  second.send({ type: 'resume', sessionToken: a.token });
  await cluster.run();
  slow.open();
  await cluster.run();
  expect(second.closed).toBeUndefined();
  b.send({ type: 'message', peerId: a.peerId, data: 1 });
  await cluster.run();
  expect(second.of('message').map((m) => m.data)).toEqual([1]);
});

test('S-70 a session record that the store lost alone is written again', async () => {
  const { cluster, a } = await pair();
  cluster.hub.sessions.delete(a.peerId);
  await cluster.run(90_000);
  expect(cluster.hub.session(a.peerId)).toMatchObject({ node: 'n1', attached: true });
});

test('S-91 a session whose node died while it was away ends, also if the store lost that it was away', async () => {
  const { cluster, n1, a } = await pair();
  a.connection.onClosed(1006);
  await cluster.run();
  const stored = cluster.hub.session(a.peerId);
  if (!stored) throw new Error('no session');
  Object.assign(stored, { attached: true, until: Infinity });
  n1.kill();
  await cluster.run(120_000);
  expect(cluster.hub.session(a.peerId)).toBeUndefined();
});

test('S-71 two nodes are given a session at one epoch, as a failover lost the first: the one of the store has it, without a storm of writes', async () => {
  const { cluster, n1, n2, a, b } = await pair();
  const resumed = async (node: typeof n1) => {
    const client = new Client(node, 'ada');
    client.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    expect(client.types).toContain('resumed');
    return client;
  };
  a.connection.onClosed(1006);
  await cluster.run();
  (await resumed(n1)).connection.onClosed(1006);
  await cluster.run();
  Object.assign(cluster.hub.session(a.peerId) ?? {}, { epoch: 1, order: 9 });
  // n1 does not hear that the session moved.
  cluster.mute = true;
  const moved = await resumed(n2);
  cluster.mute = false;
  expect([...n1.sessions.all()].map(({ peerId }) => peerId)).toContain(a.peerId);
  let writes = 0;
  cluster.before = (_node, operation) => {
    if (operation === 'putMember' && ++writes > 100) throw new Error('a storm of writes');
  };
  await cluster.run(20_000);
  expect([...n1.sessions.all()].map(({ peerId }) => peerId)).not.toContain(a.peerId);
  expect(cluster.hub.session(a.peerId)).toMatchObject({ node: 'n2', attached: true });
  b.send({ type: 'message', peerId: a.peerId, data: 1 });
  await cluster.run(70_000);
  expect(moved.of('message').map((m) => m.data)).toEqual([1]);
  expect(moved.closed).toBeUndefined();
  expect(b.types).not.toContain('peer_left');
});

test('S-70 a session that its node had resumed when it died, and the room not yet, ends after its grace', async () => {
  const { cluster, n1, a } = await pair();
  a.connection.onClosed(1006);
  await cluster.run();
  cluster.before = (_node, operation) => (operation === 'joinRoom' ? new Promise<never>(() => {}) : undefined);
  new Client(n1, 'ada').send({ type: 'resume', sessionToken: a.token });
  await cluster.run();
  expect(cluster.hub.session(a.peerId)).toMatchObject({ epoch: 2, attached: true });
  n1.kill();
  await cluster.run(150_000);
  expect(cluster.hub.session(a.peerId)).toBeUndefined();
});

test('S-71 who resumes on a node whose replica is ahead of a store that went back is back there too', async () => {
  const { cluster, n1, n2, a, b } = await pair();
  a.send({ type: 'update', metadata: { said: 'last' } });
  await cluster.run();
  a.connection.onClosed(1006);
  await cluster.run();
  expect(b.types.at(-1)).toBe('peer_away');
  n1.kill();
  const room = cluster.hub.rooms.get('r');
  const replica = n2.rooms.get('r');
  if (!room || !replica) throw new Error('no room');
  replica.version += 10;
  const back = new Client(n2, 'ada');
  back.send({ type: 'resume', sessionToken: a.token });
  await cluster.run(30_000);
  expect(b.types.filter((type) => type === 'peer_back')).toHaveLength(1);
  expect(replica.members.get(a.peerId)).toMatchObject({ away: false, info: { metadata: { said: 'last' } } });
});

test('S-73 a session that a node took and could not bring into its room is given back to the node that has it', async () => {
  const { cluster, n1, n2, a, b } = await pair();
  a.connection.onClosed(1006);
  await cluster.run();
  const away = (ofNode: string, ofOperation?: string) => {
    cluster.before = (node, operation) => {
      if (node === ofNode && operation === (ofOperation ?? operation)) throw new UnavailableError('away for a while');
    };
  };
  // n1 does not hear that n2 took the session, and n2 has no answer about the room.
  cluster.mute = true;
  away('n2', 'joinRoom');
  const first = new Client(n2, 'ada');
  first.send({ type: 'resume', sessionToken: a.token });
  await cluster.run();
  first.connection.onClosed(4011);
  cluster.mute = false;
  // Ada comes back on n1, which cannot ask the store.
  away('n1');
  await cluster.run(3000);
  const back = new Client(n1, 'ada');
  back.send({ type: 'resume', sessionToken: a.token });
  await cluster.run();
  expect(back.types).toContain('resumed');
  cluster.back();
  await cluster.run(50_000);
  expect(back.closed).toBeUndefined();
  expect(cluster.hub.session(a.peerId)).toMatchObject({ node: 'n1', attached: true });
  expect(b.types).not.toContain('peer_left');
});

test('S-80 who joins again, as the answer to its join was given up, still takes the place of its earlier session', async () => {
  const { cluster, n1, n2, a, b } = await pair();
  const page = new Client(n2, 'ada');
  cluster.after = (_node, operation) => {
    if (operation !== 'openSession') return;
    cluster.after = () => {};
    throw new UnavailableError('no answer in time');
  };
  page.send({ type: 'join', roomId: 'r' });
  await cluster.run();
  expect(page.of('error')[0]).toMatchObject({ code: 'unavailable' });
  page.send({ type: 'join', roomId: 'r' });
  await cluster.run();
  expect(page.types).toContain('joined');
  expect(a.closed).toBe(4004);
  expect(n1.sessions.size).toBe(0);
  expect(members(cluster)).toEqual([b.peerId, page.peerId].sort());
});
