/** Sessions that outlive sockets, and their limits: nodes on one real Redis. Titles name the rules of docs/service-contracts.md. */
import { describe, expect, test, vi } from 'vitest';
import type { SignalingService } from '../app.ts';
import { nodesSuite, version } from './testing-nodes.ts';

const { started, newRoom, startNode, client, resume, pair } = await nodesSuite();

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
