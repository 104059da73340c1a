/** Sockets of a session: opened, lost, moved, given up and closed. */
import { expect, test } from 'vitest';
import { Bench, RESUMED, WELCOME } from './testing-session.ts';
import type { Frame } from './wire.ts';

test('connects with the subprotocol and the token beside it, over wss for an https address', async () => {
  const bench = await new Bench().connected();
  expect(bench.socket.url).toBe('wss://example.org/ws/signal');
  expect(bench.socket.protocols).toEqual(['signal.v1', 'bearer.header.payload.signature']);
  expect(bench.session.state).toBe('open');
  expect(bench.session.peerId).toBe('me');
  expect(bench.session.node).toBe('n1');
});

test('a broken socket resumes as the first frame, with the peers as the snapshot says', async () => {
  const bench = await new Bench().inRoom([{ peerId: 'bob' }, { peerId: 'cyd' }]);
  bench.socket.drop(1006);
  expect(bench.session.state).toBe('reconnecting');
  await bench.time.settle(600);
  expect(bench.sockets).toHaveLength(2);
  bench.socket.open();
  expect(bench.socket.got).toEqual([{ type: 'resume', sessionToken: 'me.secret-secret' }]);
  bench.socket.say(WELCOME); // a server that greets every socket
  bench.socket.say({ ...RESUMED, roomId: 'kitchen', peers: [{ peerId: 'cyd', away: true }] });
  expect(bench.session.state).toBe('open');
  expect(bench.session.peerId).toBe('me');
  expect(bench.of('peer-left').map((e) => e.peer.peerId)).toEqual(['bob']);
  expect(bench.session.peers.get('cyd')?.away).toBe(true);
});

test('backoff is fully jittered from the first retry, grows, and is bounded', async () => {
  const bench = await new Bench().connected();
  bench.socket.drop(1006);
  for (let i = 0; i < 12; i++) {
    await bench.time.settle(20_000);
    bench.socket.drop(1006);
  }
  const waits = bench.of('state').flatMap((s) => (s.retryIn === undefined ? [] : [s.retryIn]));
  expect(waits.length).toBeGreaterThan(10);
  for (const [i, wait] of waits.entries()) expect(wait).toBeLessThanOrEqual(Math.min(15_000, 500 * 2 ** i));
  expect(new Set(waits).size, 'no fixed pace').toBeGreaterThan(8);
});

test.each([
  [4001, 'tokenRefused'],
  [4003, 'kicked'],
  [4004, 'replaced'],
  [4005, 'duplicate'],
  [4006, 'abuse'],
  [4009, 'roomClosed'],
])('close code %i ends the session as %s', async (code, reason) => {
  const bench = await new Bench().inRoom([{ peerId: 'bob' }]);
  bench.socket.drop(code);
  expect(bench.session.state).toBe('closed');
  expect(bench.of('state').at(-1)).toMatchObject({ state: 'closed', reason });
  await bench.time.settle(120_000);
  expect(bench.sockets).toHaveLength(1);
  expect(bench.time.waiting, 'no timer is left').toBe(0);
});

test('Retry-After of the probe is a floor', async () => {
  const bench = new Bench({ probe: async () => 5000 });
  void bench.session.connect().catch(() => {});
  await bench.time.settle(0);
  bench.socket.drop(1006);
  await bench.time.settle(4900);
  expect(bench.sockets).toHaveLength(1);
  await bench.time.settle(3000);
  expect(bench.sockets).toHaveLength(2);
});

test('1013 with retry-after in its reason is a floor as well', async () => {
  const bench = await new Bench().connected();
  bench.socket.drop(1013, 'retry-after 8');
  await bench.time.settle(7900);
  expect(bench.sockets).toHaveLength(1);
  await bench.time.settle(4500);
  expect(bench.sockets).toHaveLength(2);
});

test('a socket that is open but deaf is found and left', async () => {
  const bench = await new Bench().connected();
  await bench.time.settle(6000);
  expect(bench.socket.types()).toContain('ping');
  await bench.time.settle(7000);
  expect(bench.sockets[0]?.closedWith).toBe(4008);
  expect(bench.sockets).toHaveLength(2);
  expect(bench.of('state').some((s) => s.reason === 'deaf')).toBe(true);
});

test('a socket that answers pings is left alone', async () => {
  const bench = await new Bench().connected();
  const answered = new Set<Frame>();
  for (let i = 0; i < 60; i++) {
    await bench.time.settle(1000);
    for (const frame of bench.socket.got)
      if (frame.type === 'ping' && !answered.has(frame)) {
        answered.add(frame);
        bench.socket.say({ type: 'pong', t: frame.t });
      }
  }
  expect(bench.sockets).toHaveLength(1);
  expect(answered.size).toBeGreaterThan(5);
});

test('draining: the new socket first, then the old one closes; nothing is reported away', async () => {
  const bench = await new Bench().inRoom([{ peerId: 'bob', metadata: { delivery: 1 } }]);
  const [old] = bench.sockets;
  old?.say({ type: 'draining', reconnectWithin: 3000 });
  await bench.time.settle(3000);
  expect(bench.sockets).toHaveLength(2);
  expect(old?.closedWith, 'still serving').toBeUndefined();
  void bench.session.sendTo('bob', 'message', { data: 1 });
  expect(old?.types()).toContain('message');
  bench.socket.open();
  bench.socket.say({ ...RESUMED, roomId: 'kitchen', peers: [{ peerId: 'bob', metadata: { delivery: 1 } }] });
  await bench.time.settle(1500);
  expect(old?.closedWith, 'not 1000: that would end the session').toBe(4011);
  expect(
    bench.socket.got.find((f) => f.type === 'message'),
    'what the old socket may have lost',
  ).toMatchObject({ id: 1 });
  expect(bench.of('state').map((s) => s.state)).toEqual(['connecting', 'open']);
  expect(bench.of('peer-left')).toEqual([]);
});

test('a move that fails keeps the old socket, and is tried again', async () => {
  const bench = await new Bench().inRoom();
  bench.socket.say({ type: 'draining', reconnectWithin: 1000 });
  await bench.time.settle(1000);
  bench.socket.drop(1006);
  expect(bench.session.state).toBe('open');
  await bench.time.settle(4000);
  expect(bench.sockets).toHaveLength(3);
});

test('fenced by its own move, heard first: the session goes on', async () => {
  const bench = await new Bench().inRoom();
  const [old] = bench.sockets;
  old?.say({ type: 'draining', reconnectWithin: 0 });
  await bench.time.settle(10);
  bench.socket.open();
  old?.drop(4010);
  bench.socket.say({ ...RESUMED, roomId: 'kitchen' });
  expect(bench.session.state).toBe('open');
});

test('S-74 a resume that is not answered in time is given up with 4011, and the next socket resumes', async () => {
  const bench = await new Bench().inRoom();
  bench.socket.drop(1001);
  await bench.time.settle(300);
  const [, slow] = bench.sockets;
  await bench.time.settle(9000);
  slow?.open();
  await bench.time.settle(9900);
  expect(slow?.closedWith, 'the answer has its own ten seconds').toBeUndefined();
  await bench.time.settle(1000);
  expect(slow?.closedWith, 'not 1000: that would end the session').toBe(4011);
  expect(bench.sockets).toHaveLength(3);
  bench.socket.open();
  slow?.say({ ...RESUMED, roomId: 'kitchen' });
  expect(bench.session.state, 'a late answer on a socket given up counts for nothing').toBe('reconnecting');
  bench.socket.say({ ...RESUMED, roomId: 'kitchen' });
  expect(bench.session.state).toBe('open');
  expect(bench.of('session-lost')).toEqual([]);
});

test.each([
  ['unavailable', 'refused for now'],
  ['session_unknown', 'forgotten by the store while the old socket serves its room'],
])('S-74 a move answered with %s (%s) gives up the new socket only', async (code) => {
  const bench = await new Bench().inRoom([{ peerId: 'bob' }]);
  const [old] = bench.sockets;
  old?.say({ type: 'draining', reconnectWithin: 0 });
  await bench.time.settle(10);
  bench.socket.open();
  bench.socket.say({ type: 'error', code, message: 'no', replyTo: 'resume' });
  expect(bench.socket.closedWith).toBe(4011);
  expect(old?.closedWith).toBeUndefined();
  expect(bench.session.state).toBe('open');
  expect(bench.of('session-lost')).toEqual([]);
  await bench.time.settle(2000);
  expect(bench.sockets, 'tried again').toHaveLength(3);
});

test('S-74 only close() ends a socket with 1000', async () => {
  const bench = await new Bench().inRoom();
  const codes = () => bench.sockets.map((s) => s.closedWith);
  bench.socket.drop(1006);
  await bench.time.settle(1000);
  bench.socket.open();
  bench.socket.say({ type: 'error', code: 'unavailable', message: 'later', replyTo: 'resume', retryAfter: 100 });
  await bench.time.settle(3000);
  bench.socket.open();
  bench.socket.say({ type: 'error', code: 'session_unknown', message: 'gone', replyTo: 'resume' });
  bench.socket.say(WELCOME);
  await bench.time.settle(60_000);
  bench.session.close();
  expect(codes().slice(0, -1)).not.toContain(1000);
  expect(codes().slice(1, 2)).toEqual([4011]);
});

test('close while a resume is under way says that it is a goodbye', async () => {
  const bench = await new Bench().inRoom();
  bench.socket.drop(1006);
  await bench.time.settle(1000);
  bench.socket.open();
  bench.session.close();
  expect(bench.socket.types()).toEqual(['resume', 'leave']);
  expect(bench.socket.closedWith).toBe(1000);
});

test('a session that the server forgot: told, and back in the room as somebody new on the same socket', async () => {
  const bench = await new Bench().inRoom([{ peerId: 'bob', metadata: { delivery: 1 } }]);
  const result = bench.session.sendTo('bob', 'message', { data: 1 });
  bench.socket.drop(1006);
  await bench.time.settle(600);
  bench.socket.open();
  bench.socket.say({ ...WELCOME, peerId: 'me2' });
  bench.socket.say({ type: 'error', code: 'session_unknown', message: 'gone', replyTo: 'resume' });
  expect(bench.of('session-lost')).toEqual([{ oldPeerId: 'me' }]);
  expect(await result).toEqual({ ok: false, reason: 'session-lost' });
  expect(bench.of('peer-left')[0]).toMatchObject({ reason: 'session-lost' });
  expect(bench.socket.types()).toEqual(['resume', 'join']);
  bench.socket.say({ type: 'joined', roomId: 'kitchen', peerId: 'me2', peers: [{ peerId: 'bob' }] });
  expect(bench.session.peerId).toBe('me2');
  expect(bench.of('joined').at(-1)).toMatchObject({ again: true });
});

test('close: says goodbye, leaves no timer, and later calls say so', async () => {
  const bench = await new Bench().inRoom([{ peerId: 'bob', metadata: { delivery: 1 } }]);
  const result = bench.session.sendTo('bob', 'message', { data: 1 });
  bench.session.close();
  expect(bench.socket.types().at(-1)).toBe('leave');
  expect(bench.socket.closedWith).toBe(1000);
  expect(bench.of('peer-left'), 'the others are where they were').toEqual([]);
  expect(await result).toEqual({ ok: false, reason: 'closed' });
  expect(await bench.session.sendTo('bob', 'message', { data: 2 })).toEqual({ ok: false, reason: 'closed' });
  await expect(bench.session.join('kitchen')).rejects.toMatchObject({ code: 'closed' });
  expect(bench.time.waiting).toBe(0);
});

test('addresses that are none are named', () => {
  expect(() => new Bench({ url: 'nonsense' })).toThrow('url');
  expect(() => new Bench({ url: 'ftp://example.org' })).toThrow('ftp:');
});

test('a burst is paced below the rate that the server allows', async () => {
  const bench = await new Bench().inRoom(
    Array.from({ length: 10 }, (_, i) => ({ peerId: `p${i}`, metadata: { delivery: 1 } })),
  );
  const began = bench.time.now();
  for (let i = 0; i < 30; i++) for (let p = 0; p < 10; p++) void bench.session.sendTo(`p${p}`, 'message', { data: i });
  const sent = () => bench.socket.got.filter((f) => f.type === 'message').length;
  expect(sent()).toBeLessThanOrEqual(100);
  await bench.time.settle(700);
  expect(sent()).toBeLessThanOrEqual(40 + 0.8 * 100 * ((bench.time.now() - began) / 1000) + 1);
});

test('garbage from the server is ignored', async () => {
  const bench = await new Bench().inRoom([{ peerId: 'bob' }]);
  for (const data of [
    '',
    'null',
    '[]',
    '7',
    '{"type":7}',
    '{"type":"peer_left"}',
    '{"type":"brand_new","peerId":"bob"}',
  ])
    bench.socket.onmessage?.({ data } as never);
  expect([...bench.session.peers.keys()]).toEqual(['bob']);
});

test.each([
  ['error', { code: { toString: 1 }, message: 'x' }],
  ['error', { code: 'forbidden', message: { toString: 1 } }],
  ['kicked', { reason: { toString: 1 } }],
  ['joined', { roomId: { toString: 1 }, peers: [] }],
  ['mute_requested', { peerId: { toString: 1 }, kind: 'audio' }],
  ['server_message', { topic: { toString: 1 }, data: 1 }],
  ['server_message', { data: 1 }],
  ['entry', { entry: { toString: 1 }, waiting: [] }],
  ['entry', { waiting: [] }],
  ['draining', { reconnectWithin: { valueOf: 1, toString: 1 } }],
  ['message', { peerId: { toString: 1 }, id: 1, data: 1 }],
])('%s with a field that is no text or number is ignored: %j', async (type, fields) => {
  const bench = await new Bench().inRoom();
  const before = bench.events.length;
  expect(() => bench.socket.say({ type, ...fields })).not.toThrow();
  expect(bench.events.slice(before)).toEqual([]);
  expect(bench.session.state).toBe('open');
});
