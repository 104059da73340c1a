/** Sessions that outlive sockets and nodes: three nodes on one real Redis. Titles name the rules of docs/service-contracts.md. */
import { connectRedis } from '@tandem/service';
import { startRedis, type TestRedis } from '@tandem/service/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { SignalingService } from '../app.ts';
import type { SignalingConfig } from '../config.ts';
import { connectClient, type Heard, startTestKeys, startTestNode, TestClient, type TestKeys } from '../testing.ts';

/** Events of a room carry its version (S-26). */
const version = expect.any(Number);

let keys: TestKeys;
let redis: TestRedis;
let rooms = 0;
const newRoom = () => `room-${++rooms}`;
const started: SignalingService[] = [];
const clients: TestClient[] = [];
beforeAll(async () => {
  keys = await startTestKeys();
  redis = await startRedis();
});
afterEach(async () => {
  for (const c of clients.splice(0)) c[Symbol.dispose]();
  await Promise.all(started.splice(0).map((n) => n[Symbol.asyncDispose]()));
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
  await keys[Symbol.asyncDispose]();
});

async function startNode(config: Partial<SignalingConfig> = {}) {
  const node = await startTestNode({
    keys,
    config: { REDIS_URL: redis.url, BEAT_MS: 200, NODE_TIMEOUT_MS: 3000, SWEEP_MS: 500, ...config },
  });
  started.push(node);
  return node;
}
async function client(node: SignalingService, userId: string, grants?: object, claims?: object) {
  const c = await connectClient(node, await keys.token(userId, grants, claims));
  clients.push(c);
  return c;
}
async function resume(node: SignalingService, userId: string, welcome: Heard, claims?: object) {
  const c = await client(node, userId, undefined, claims);
  c.send({ type: 'resume', sessionToken: welcome.sessionToken });
  return Object.assign(c, { resumed: await c.next('resumed') });
}
/** Ada on the first node, Bob on the second, in one room. */
async function pair(config: Partial<SignalingConfig> = {}) {
  const [n1, n2] = await Promise.all([startNode(config), startNode(config)]);
  const room = newRoom();
  const a = await client(n1, 'ada');
  await a.join(room, { name: 'Ada' });
  const b = await client(n2, 'bob');
  await b.join(room);
  await a.next('peer_joined');
  return { n1, n2, room, a, b, aId: a.welcome.peerId as string, bId: b.welcome.peerId as string };
}

describe('across nodes', () => {
  test.each([
    ['a user', {}, {}],
    ['a guest at the same address', { guest: true }, { guest: true }],
  ])('S-28 a page that is loaded again in a full room has its seat: %s', async (_who, before, after) => {
    const [n1, n2] = await Promise.all([startNode(), startNode()]);
    const room = newRoom();
    const two = { maxRoomSize: 2 };
    const a = await client(n1, 'ada', two, { session_id: 'before', ...before });
    await a.join(room);
    const b = await client(n2, 'bob', two);
    await b.join(room);
    const stranger = async () => {
      const c = await client(n2, 'eve', {}, { session_id: 'x' });
      c.send({ type: 'join', roomId: room });
      return (await c.next('error')).code;
    };
    expect(await stranger()).toBe('room_full');
    a.ws.terminate();
    await b.next('peer_away');
    expect(await stranger()).toBe('room_full');
    const again = await client(n2, 'ada', two, { session_id: 'after', ...after });
    const { peers } = await again.join(room);
    expect(peers).toMatchObject([{ userId: 'bob' }]);
    expect(await b.next('peer_left')).toMatchObject({ peerId: a.welcome.peerId, reason: 'replaced' });
    await b.next('peer_joined');
    expect(await stranger()).toBe('room_full');
    // What it was before is over on its own node, and nothing brings it back.
    await vi.waitFor(() => expect(n1.node.sessions.size).toBe(0));
    const late = await client(n1, 'ada', two, { session_id: 'before', ...before });
    late.send({ type: 'resume', sessionToken: a.welcome.sessionToken });
    expect((await late.next('error')).code).toBe('session_unknown');
  });

  test('S-28 nobody has the seat of a guest by calling himself so at another address', async () => {
    const node = await startNode({ TRUSTED_PROXIES: 1 });
    const room = newRoom();
    const guest = async (session_id: string, address: string) => {
      const token = await keys.token('ada', { maxRoomSize: 2 }, { session_id, guest: true });
      const c = new TestClient(node.wsUrl, ['signal.v1', `bearer.${token}`], {
        headers: { 'x-forwarded-for': address },
      });
      clients.push(c);
      await c.next('welcome');
      return c;
    };
    const a = await guest('a', '192.0.2.1');
    await a.join(room);
    const b = await client(node, 'bob');
    await b.join(room);
    a.ws.terminate();
    await b.next('peer_away');
    const eve = await guest('e', '192.0.2.2');
    eve.send({ type: 'join', roomId: room });
    expect((await eve.next('error')).code).toBe('room_full');
  });

  test('S-60 relaying, broadcast, update, leave work between nodes as on one', async () => {
    const { a, b, aId, bId } = await pair();
    for (let i = 1; i <= 100; i++) a.send({ type: 'message', peerId: bId, data: i });
    await b.next('message', (m) => m.data === 100);
    expect(b.heard.filter((m) => m.type === 'message').map((m) => m.data)).toEqual(
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
    b.send({ type: 'message', data: 'all' });
    expect(await a.next('message')).toEqual({ type: 'message', peerId: bId, data: 'all' });
    a.send({ type: 'update', metadata: { audio: false } });
    expect(await b.next('peer_updated')).toMatchObject({ peerId: aId, metadata: { audio: false } });
    a.send({ type: 'leave' });
    expect(await b.next('peer_left')).toMatchObject({ peerId: aId, reason: 'left' });
  });

  test('S-61 a message between peers of one node never touches Redis', async () => {
    const { n1, room, a } = await pair();
    const c = await client(n1, 'eve');
    await c.join(room);
    const batches = n1.node.counters.batches;
    for (let i = 0; i < 50; i++) a.send({ type: 'message', peerId: c.welcome.peerId, data: i });
    await c.next('message', (m) => m.data === 49);
    expect(n1.node.counters.batches).toBe(batches);
  });

  test('S-62 many messages of one turn to one node are one publish', async () => {
    const { n1, a, b, bId } = await pair();
    const before = n1.node.counters.batches;
    // One write on the wire, so that the node reads them in one turn.
    const socket = (a.ws as unknown as { _socket: { cork(): void; uncork(): void } })._socket;
    socket.cork();
    for (let i = 0; i < 50; i++) a.send({ type: 'message', peerId: bId, data: i });
    socket.uncork();
    await b.next('message', (m) => m.data === 49);
    expect(n1.node.counters.batches - before).toBeLessThan(10);
  });

  test('S-63 kick and mute reach peers of other nodes, and the kicked one stays out on every node', async () => {
    const { n1, n2, room, b } = await pair();
    const mod = await client(n1, 'mod', { kick: true });
    await mod.join(room);
    const token = await keys.token('eve');
    const eve = await connectClient(n2, token);
    clients.push(eve);
    await eve.join(room);
    await mod.next('peer_joined', (m) => m.peerId === eve.welcome.peerId);
    mod.send({ type: 'mute', peerId: eve.welcome.peerId, kind: 'video' });
    expect(await eve.next('mute_requested')).toMatchObject({ kind: 'video' });
    mod.send({ type: 'kick', peerId: eve.welcome.peerId });
    expect(await eve.next('kicked')).toEqual({ type: 'kicked' });
    expect(await eve.whenClosed()).toBe(4003);
    expect(await b.next('peer_left')).toMatchObject({ reason: 'kicked' });
    const again = await connectClient(n1, token);
    clients.push(again);
    again.send({ type: 'join', roomId: room });
    expect(await again.next('error')).toMatchObject({ code: 'forbidden' });
  });

  test('S-64 close-room ends it on every node', async () => {
    const { n1, room, a, b } = await pair();
    const mod = await client(n1, 'mod', { kick: true });
    await mod.join(room);
    mod.send({ type: 'close-room', reason: 'over' });
    for (const c of [a, b, mod]) expect(await c.whenClosed()).toBe(4009);
    await vi.waitFor(() => expect(n1.node.sessions.size).toBe(0));
  });
});

describe('sessions', () => {
  test('S-70 a lost socket is peer_away at once and, after the grace, peer_left timeout', async () => {
    const { a, b, aId } = await pair({ GRACE_MS: 700 });
    a.ws.terminate();
    expect(await b.next('peer_away')).toEqual({ type: 'peer_away', peerId: aId, version });
    expect(await b.next('peer_left')).toEqual({ type: 'peer_left', peerId: aId, reason: 'timeout', version });
  });

  test.each([
    ['the same node', 0],
    ['another node', 1],
  ])('S-71 resume on %s: the room as it is, what was parked in order, peer_back for the others', async (_n, at) => {
    const { n1, n2, room, a, b, aId, bId } = await pair();
    a.ws.terminate();
    await b.next('peer_away');
    for (let i = 1; i <= 20; i++) b.send({ type: 'ice-candidate', peerId: aId, candidate: i });
    await b.settle();
    await vi.waitFor(() => expect(n1.node.counters.parked + n2.node.counters.parked).toBe(20));
    const back = await resume([n1, n2][at] as SignalingService, 'ada', a.welcome);
    expect(back.resumed).toMatchObject({
      peerId: aId,
      sessionToken: a.welcome.sessionToken,
      roomId: room,
      peers: [{ peerId: bId, userId: 'bob' }],
      parked: 20,
    });
    await back.next('ice-candidate', (m) => m.candidate === 20);
    expect(back.heard.filter((m) => m.type === 'ice-candidate').map((m) => m.candidate)).toEqual(
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    expect(await b.next('peer_back')).toEqual({ type: 'peer_back', peerId: aId, version });
    b.send({ type: 'message', peerId: aId, data: 'direct' });
    expect(await back.next('message')).toEqual({ type: 'message', peerId: bId, data: 'direct' });
    expect(b.heard.filter((m) => ['peer_joined', 'peer_left', 'peer_updated'].includes(m.type))).toEqual([]);
  });

  test('S-72 resume with a wrong secret or as another user is session_unknown, and the socket stays usable', async () => {
    const { n1, room, a } = await pair();
    const c = await client(n1, 'eve');
    c.send({ type: 'resume', sessionToken: a.welcome.sessionToken });
    expect(await c.next('error')).toMatchObject({ code: 'session_unknown' });
    const d = await client(n1, 'ada');
    d.send({ type: 'resume', sessionToken: `${a.welcome.peerId}.wrong-wrong-wrong` });
    expect(await d.next('error')).toMatchObject({ code: 'session_unknown' });
    await d.join(room);
    d.send({ type: 'resume', sessionToken: a.welcome.sessionToken });
    expect(await d.next('error')).toMatchObject({ code: 'bad_message' });
    await a.settle();
  });

  test.each([
    ['the same node', 0],
    ['another node', 1],
  ])('S-73 a resume while the old socket still lives, on %s: the old one gets 4010, nobody leaves', async (_n, at) => {
    const { n1, n2, a, b, aId } = await pair();
    const back = await resume([n1, n2][at] as SignalingService, 'ada', a.welcome);
    expect(await a.whenClosed()).toBe(4010);
    await b.next('peer_back');
    b.send({ type: 'offer', peerId: aId, sdp: 'x' });
    await back.next('offer');
    expect(b.heard.some((m) => m.type === 'peer_left' || m.type === 'peer_away')).toBe(false);
  });

  test('S-74 closing with 1000 is a goodbye: peer_left at once', async () => {
    const { a, b, aId } = await pair();
    a.ws.close(1000);
    expect(await b.next('peer_left')).toEqual({ type: 'peer_left', peerId: aId, reason: 'left', version });
  });

  test('S-75 a full mailbox is mailbox_full, with the id of the message', async () => {
    const { a, b, aId } = await pair({ MESSAGES_PER_SECOND: 10_000, USER_MESSAGES_PER_SECOND: 10_000 });
    a.ws.terminate();
    await b.next('peer_away');
    for (let id = 1; id <= 300; id++) b.send({ type: 'message', peerId: aId, data: 1, id });
    const error = await b.next('error');
    expect(error).toMatchObject({ code: 'mailbox_full', replyTo: 'message', peerId: aId });
    expect(error.id).toBeGreaterThan(1);
  });

  test.each([
    ['the same node', 0],
    ['another node', 1],
  ])('S-77 a resume with a token that does not grant the room ends the session, on %s', async (_n, at) => {
    const { n1, n2, a, b, aId } = await pair();
    a.ws.terminate();
    await b.next('peer_away');
    const c = await client([n1, n2][at] as SignalingService, 'ada', { rooms: ['elsewhere'] });
    c.send({ type: 'resume', sessionToken: a.welcome.sessionToken });
    expect(await c.next('error')).toMatchObject({ code: 'session_unknown', field: '/sessionToken' });
    expect(await b.next('peer_left')).toMatchObject({ peerId: aId });
    // It has nothing of the room, and can go where it may.
    b.send({ type: 'offer', peerId: aId, sdp: 'x', id: 1 });
    expect(await b.next('error')).toMatchObject({ code: 'unknown_peer' });
    await c.join('elsewhere');
  });

  test('S-76 an expired token closes with 4002, and a fresh one resumes the session', async () => {
    const { n1, n2, a, b } = await pair();
    // The clock of the token is the wall clock: reach in rather than wait.
    for (const c of n1.node.connections) Object.assign(c.identity, { expiresAt: Date.now() - 1 });
    expect(await a.whenClosed()).toBe(4002);
    await b.next('peer_away');
    await resume(n2, 'ada', a.welcome);
    await b.next('peer_back');
  });
});

describe('one identity, two sockets', () => {
  const same = { session_id: 'one-login' };

  test('S-80 newest (the default): the older one gets 4004, on whichever node it is', async () => {
    const { n1, n2, b } = await pair();
    const room = newRoom();
    const first = await client(n1, 'kim', undefined, same);
    await first.join(room);
    const second = await client(n2, 'kim', undefined, same);
    expect((await second.join(room)).peers).toEqual([]);
    expect(await first.whenClosed()).toBe(4004);
    await b.settle();
  });

  test('S-81 reject: the second one is refused and closed with 4005; after the first is gone it may come', async () => {
    const { n1, n2 } = await pair();
    const room = newRoom();
    const login = { session_id: 'reject-login' };
    const first = await client(n1, 'kim', { duplicate: 'reject' }, login);
    await first.join(room);
    const second = await client(n2, 'kim', { duplicate: 'reject' }, login);
    second.send({ type: 'join', roomId: room });
    expect(await second.next('error')).toMatchObject({ code: 'forbidden' });
    expect(await second.whenClosed()).toBe(4005);
    await first.settle();
    first.ws.close(1000);
    await first.whenClosed();
    // Its place is given back with its record.
    const peerId = first.welcome.peerId as string;
    await vi.waitFor(async () => expect(await n2.node.backplane.findSession(peerId)).toBeUndefined());
    const third = await client(n2, 'kim', { duplicate: 'reject' }, login);
    await third.join(room);
  });

  test('S-82 allow: both live', async () => {
    const { n1, n2 } = await pair();
    const room = newRoom();
    const login = { session_id: 'allow-login' };
    const first = await client(n1, 'kim', { duplicate: 'allow' }, login);
    await first.join(room);
    const second = await client(n2, 'kim', { duplicate: 'allow' }, login);
    expect((await second.join(room)).peers).toHaveLength(1);
    await first.next('peer_joined');
  });
});

describe('sessions of one user', () => {
  test('S-116 they are limited over all nodes; who is away, over, or on a dead node gives its place up', async () => {
    const [n1, n2] = await Promise.all([startNode({ SESSIONS_PER_USER: 3 }), startNode({ SESSIONS_PER_USER: 3 })]);
    const room = newRoom();
    const userId = `user-${room}`;
    const tryJoin = async (node: SignalingService) => {
      const c = await client(node, userId);
      c.send({ type: 'join', roomId: room });
      const answer = await c.until('answer', () => c.heard.find((m) => m.type === 'joined' || m.type === 'error'));
      if (answer.type === 'error') {
        c.ws.close(1000);
        await c.whenClosed();
      }
      return { c, code: answer.code as string | undefined };
    };
    const first = await tryJoin(n1);
    const second = await tryJoin(n2);
    const third = await tryJoin(n2);
    expect([first.code, second.code, third.code]).toEqual([undefined, undefined, undefined]);
    expect((await tryJoin(n1)).code).toBe('too_many_sessions');
    first.c.ws.close(1000);
    await third.c.next('peer_left');
    expect((await tryJoin(n1)).code).toBeUndefined();
    // Its socket is gone without a goodbye: as soon as that is sure, its place is free.
    second.c.ws.terminate();
    await vi.waitFor(async () => expect((await tryJoin(n1)).code).toBeUndefined(), { timeout: 15_000, interval: 300 });
    expect((await tryJoin(n2)).code).toBe('too_many_sessions');
    await n1.kill();
    started.splice(started.indexOf(n1), 1);
    await vi.waitFor(async () => expect((await tryJoin(n2)).code).toBeUndefined(), { timeout: 15_000, interval: 300 });
  });
});

describe('faults', () => {
  test('S-90 a dead node: its peers become away, what is sent to them waits, they resume elsewhere', async () => {
    const { n1, n2, a, b, aId } = await pair();
    await n1.kill();
    started.splice(started.indexOf(n1), 1);
    a.ws.terminate();
    b.send({ type: 'message', peerId: aId, data: 'before anybody knows' });
    b.send({ type: 'message', data: 'to all, before anybody knows' });
    await vi.waitFor(() => expect(n2.node.counters.parked).toBe(2), 10_000);
    expect(await b.next('peer_away')).toEqual({ type: 'peer_away', peerId: aId, version });
    b.send({ type: 'message', peerId: aId, data: 'after' });
    b.send({ type: 'message', data: 'to all, after' });
    await b.settle();
    await vi.waitFor(() => expect(n2.node.counters.parked).toBe(4), 10_000);
    const back = await resume(n2, 'ada', a.welcome);
    await back.next('message', (m) => m.data === 'to all, after');
    expect(back.heard.filter((m) => m.type === 'message').map((m) => m.data)).toEqual([
      'before anybody knows',
      'to all, before anybody knows',
      'after',
      'to all, after',
    ]);
    await b.next('peer_back');
  });

  test('S-91 peers of a dead node that do not come back leave: no ghosts, also for later joiners', async () => {
    const { n1, n2, a, b, aId, room } = await pair({ GRACE_MS: 1000 });
    await n1.kill();
    started.splice(started.indexOf(n1), 1);
    a.ws.terminate();
    await b.next('peer_away');
    expect(await b.next('peer_left')).toEqual({ type: 'peer_left', peerId: aId, reason: 'timeout', version });
    const c = await client(n2, 'eve');
    expect((await c.join(room)).peers.map((p: { userId: string }) => p.userId)).toEqual(['bob']);
  });

  test('S-91 a room whose last node died: whoever finds its ghosts there sees them go away and leave', async () => {
    const [n1, n2] = await Promise.all([startNode(), startNode({ GRACE_MS: 1000 })]);
    const room = newRoom();
    const a = await client(n1, 'ada');
    await a.join(room);
    await n1.kill();
    started.splice(started.indexOf(n1), 1);
    const b = await client(n2, 'bob');
    const { peerId } = a.welcome;
    expect((await b.join(room)).peers).toMatchObject([{ peerId }]);
    expect(await b.next('peer_away')).toEqual({ type: 'peer_away', peerId, version });
    expect(await b.next('peer_left')).toEqual({ type: 'peer_left', peerId, reason: 'timeout', version });
  });

  test('S-92 a room event that was lost heals by itself, and a snapshot tells', async () => {
    const { room, a, b } = await pair();
    // Somebody joins and nobody is told: written as another node would, its event lost.
    const { createRedisBackplane } = await import('../backplane/redis.ts');
    await using ghostly = createRedisBackplane({ url: redis.url });
    await ghostly.start('silent', { onBatch: () => {}, onStale: () => {} });
    await ghostly.beat(60_000);
    const info = '{"userId":"zoe","loginSession":"z"}';
    await ghostly.joinRoom(
      room,
      { peerId: 'zoe', node: 'silent', epoch: 1, order: 1, awayFor: 0, info },
      { limit: 0, loginSession: 'z' },
    );
    for (const c of [a, b]) {
      expect(await c.next('peer_joined', (m) => m.peerId === 'zoe')).toMatchObject({ userId: 'zoe' });
      const snapshot = await c.next('room');
      expect(snapshot).toMatchObject({ roomId: room });
      expect(snapshot.peers.map((p: { userId: string }) => p.userId)).toContain('zoe');
    }
  });

  test('S-93 Redis away: one node relays on, joins get unavailable with retryAfter, liveness is green; it recovers', async () => {
    await using own = await startRedis();
    const config = { REDIS_URL: own.url };
    const n1 = await startNode(config);
    const room = newRoom();
    const a = await client(n1, 'ada');
    await a.join(room);
    const b = await client(n1, 'bob');
    await b.join(room);
    own.kill('SIGSTOP');
    await vi.waitFor(() => expect(n1.node.up).toBe(false), 15_000);
    a.send({ type: 'offer', peerId: b.welcome.peerId, sdp: 'x' });
    await b.next('offer');
    const c = await client(n1, 'eve');
    c.send({ type: 'join', roomId: room });
    const error = await c.next('error');
    expect(error).toMatchObject({ code: 'unavailable', replyTo: 'join' });
    expect(error.retryAfter).toBeGreaterThan(0);
    expect((await fetch(`${n1.url}/health/live`)).status).toBe(200);
    const ready = await fetch(`${n1.url}/health/ready`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ dependencies: { backplane: { state: 'down' } } });
    // Its socket goes and comes back while Redis is away: the node itself holds the session.
    b.ws.terminate();
    await a.next('peer_away');
    const back = await resume(n1, 'bob', b.welcome);
    await a.next('peer_back');
    own.kill('SIGCONT');
    await vi.waitFor(() => expect(n1.node.up).toBe(true), 15_000);
    await c.join(room);
    await back.next('peer_joined', (m) => m.peerId === c.welcome.peerId);
    expect((await fetch(`${n1.url}/health/ready`)).status).toBe(200);
  });

  test('S-94 Redis comes back empty: rooms, sessions and mailboxes are written again by their owners', async () => {
    await using own = await startRedis();
    const config = { REDIS_URL: own.url };
    const [n1, n2] = await Promise.all([startNode(config), startNode(config)]);
    const room = newRoom();
    const a = await client(n1, 'ada');
    await a.join(room);
    const b = await client(n2, 'bob');
    await b.join(room);
    own.kill('SIGKILL');
    await own.restart();
    const c = await client(n1, 'eve');
    // A node that never saw the room knows only what is stored.
    const n3 = await startNode(config);
    await vi.waitFor(async () => {
      const d = await client(n3, 'dan');
      const { peers } = await d.join(room);
      d.send({ type: 'leave' });
      await d.next('left');
      expect(peers.map((p: { userId: string }) => p.userId).sort()).toEqual(['ada', 'bob']);
    }, 20_000);
    a.ws.terminate();
    await b.next('peer_away');
    await resume(n2, 'ada', a.welcome);
    await c.settle();
    expect(b.heard.filter((m) => m.type === 'peer_left' && m.peerId === a.welcome.peerId)).toEqual([]);
  }, 60_000);

  test('S-95 killed subscriptions: nothing ends, and messages flow again', async () => {
    const { a, b, bId } = await pair();
    const admin = connectRedis(redis.url);
    await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    admin.disconnect();
    await vi.waitFor(async () => {
      a.send({ type: 'message', peerId: bId, data: 'again' });
      await a.settle();
      expect(b.heard.some((m) => m.type === 'message')).toBe(true);
    }, 15_000);
    expect([...a.heard, ...b.heard].some((m) => m.type === 'peer_left')).toBe(false);
  });
});

describe('drain', () => {
  test('S-100 SIGTERM: no new sockets, clients are told, sessions are handed over, nobody leaves', async () => {
    const { n1, n2, a, b, aId } = await pair({ RECONNECT_WITHIN_MS: 400 });
    started.splice(started.indexOf(n1), 1);
    const ended = n1[Symbol.asyncDispose]();
    expect(await a.next('draining')).toEqual({ type: 'draining', reconnectWithin: 400 });
    using late = new TestClient(n1.wsUrl, ['signal.v1', `bearer.${await keys.token('late')}`]);
    await late.until('refusal', () => late.refused ?? (late.closed ? { status: 0, retryAfter: '' } : undefined));
    if (late.refused) expect(late.refused).toMatchObject({ status: 503, retryAfter: '1' });
    // This client does not move by itself: it is closed, and finds its session elsewhere.
    expect(await a.whenClosed()).toBe(1001);
    await b.next('peer_away');
    b.send({ type: 'message', peerId: aId, data: 'parked' });
    await ended;
    const back = await resume(n2, 'ada', a.welcome);
    expect(await back.next('message')).toMatchObject({ data: 'parked' });
    expect(b.heard.some((m) => m.type === 'peer_left')).toBe(false);
  });

  test('S-101 when everybody has moved the node goes at once', async () => {
    const { n1, n2, a, b } = await pair({ RECONNECT_WITHIN_MS: 60_000 });
    started.splice(started.indexOf(n1), 1);
    const ended = n1[Symbol.asyncDispose]();
    await a.next('draining');
    await resume(n2, 'ada', a.welcome);
    await ended;
    expect(b.heard.some((m) => m.type === 'peer_left' || m.type === 'peer_away')).toBe(false);
  });
});
