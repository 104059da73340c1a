import { expect, test } from 'vitest';
import { UnavailableError } from '../../backplane/types.ts';
import { Client, members, pair } from '../testing.ts';

test('S-73 a session that this node was given back while it is resumed here: its only socket stays', async () => {
  const { cluster, n1, n2, a, b } = await pair();
  // n2 gets the session and does not hear of it.
  cluster.after = (node, operation) => {
    if (node === 'n2' && operation === 'resumeSession') throw new UnavailableError('the answer is lost');
  };
  const given = new Client(n2, 'ada');
  given.send({ type: 'resume', sessionToken: a.token });
  await cluster.run();
  given.connection.onClosed(1006);
  a.connection.onClosed(1006);
  await cluster.run();
  // n2 says so to n1, whose write of it is slow.
  const slow = cluster.gate();
  cluster.before = (node, operation) => (node === 'n1' && operation === 'syncSession' ? slow.promise : undefined);
  await cluster.control('n1', { t: 'keep', peerId: a.peerId, epoch: 2 });
  const back = new Client(n1, 'ada');
  back.send({ type: 'resume', sessionToken: a.token });
  await cluster.run();
  expect(back.closed).toBeUndefined();
  expect(back.types).toContain('resumed');
  cluster.back();
  slow.open();
  await cluster.run(20_000);
  b.send({ type: 'message', peerId: a.peerId, data: 1 });
  await cluster.run();
  expect(back.closed).toBeUndefined();
  expect(back.of('message').map((m) => m.data)).toEqual([1]);
  expect(cluster.hub.session(a.peerId)).toMatchObject({ node: 'n1', attached: true });
  expect(b.types.filter((type) => type.startsWith('peer_')).at(-1)).toBe('peer_back');
});

test('S-73 a resume that its client gave up arrives late: 4010 for the only socket, and the next resume loses nothing', async () => {
  const { cluster, n1, n2, a, b } = await pair();
  a.connection.onClosed(1006);
  await cluster.run();
  // Its path stalls behind the handshake: the client gives it up and dials again.
  const stalled = new Client(n2, 'ada');
  const second = new Client(n1, 'ada');
  second.send({ type: 'resume', sessionToken: a.token });
  await cluster.run();
  stalled.send({ type: 'resume', sessionToken: a.token });
  await cluster.run();
  expect(second.closed).toBe(4010);
  stalled.connection.onClosed(4011);
  b.send({ type: 'message', peerId: a.peerId, data: 1 });
  await cluster.run();
  const third = new Client(n1, 'ada');
  third.send({ type: 'resume', sessionToken: a.token });
  await cluster.run();
  expect(third.types).toContain('resumed');
  expect(third.of('message').map((m) => m.data)).toEqual([1]);
  await cluster.run(70_000);
  expect(third.closed).toBeUndefined();
  expect(b.types).not.toContain('peer_left');
});

test.each(['its answer is lost', 'its node dies', 'it cannot enter its room'])(
  'S-71 what a resume took is handed over by the next one where %s',
  async (why) => {
    const { cluster, n1, n2, a, b } = await pair();
    a.connection.onClosed(1006);
    await cluster.run();
    for (const data of [1, 2]) b.send({ type: 'message', peerId: a.peerId, data });
    await cluster.run();
    const lost = (operation: string) => (_node: string, asked: string) => {
      if (asked === operation) throw new UnavailableError('the answer is lost');
    };
    if (why === 'its answer is lost') cluster.after = lost('resumeSession');
    if (why === 'its node dies')
      cluster.after = (_node, asked) => (asked === 'resumeSession' ? new Promise(() => {}) : undefined);
    if (why === 'it cannot enter its room') cluster.before = lost('joinRoom');
    const dead = await cluster.node('n3');
    const first = new Client(dead, 'ada');
    first.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    if (why === 'its node dies') dead.kill();
    first.connection.onClosed(1006);
    cluster.after = () => {};
    cluster.back();
    await cluster.run();
    const next = new Client(n1, 'ada');
    next.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    expect(next.of('message').map((m) => m.data)).toEqual([1, 2]);
    // That one was heard of: who comes next gets nothing twice.
    const last = new Client(n2, 'ada');
    last.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    expect(last.types).toContain('resumed');
    expect(last.of('message')).toEqual([]);
  },
);

test('S-63 a kick that is heard before the answer to a resume ends that session as well', async () => {
  const { cluster, n1, n2, a, b } = await pair();
  const moderator = new Client(n1, 'mod', { kick: true });
  moderator.send({ type: 'join', roomId: 'r' });
  await cluster.run();
  a.connection.onClosed(1006);
  await cluster.run();
  const slow = cluster.gate();
  cluster.after = (_node, operation) => (operation === 'resumeSession' ? slow.promise : undefined);
  const back = new Client(n2, 'ada');
  back.send({ type: 'resume', sessionToken: a.token });
  await cluster.run();
  moderator.send({ type: 'kick', peerId: a.peerId, ref: 1 });
  await cluster.run();
  expect(moderator.types).toContain('done');
  slow.open();
  await cluster.run(2000);
  expect(back.types).not.toContain('resumed');
  expect(members(cluster)).toEqual([b.peerId, moderator.peerId].sort());
});
