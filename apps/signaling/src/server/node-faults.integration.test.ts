/** Nodes die, drain, and lose Redis: three nodes on one real Redis. Titles name the rules of docs/service-contracts.md. */
import { connectRedis } from '@tandem/service';
import { startRedis } from '@tandem/service/testing';
import { describe, expect, test, vi } from 'vitest';
import { TestClient } from '../testing.ts';
import { nodesSuite, version } from './testing-nodes.ts';

const { keys, redis, started, newRoom, startNode, client, resume, pair } = await nodesSuite();

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
