/** Several nodes on one real Redis work as one. Titles name the rules of docs/service-contracts.md. */
import { describe, expect, test, vi } from 'vitest';
import { connectClient, TestClient } from '../testing.ts';
import { nodesSuite } from './testing-nodes.ts';

const { keys, clients, newRoom, startNode, client, pair } = await nodesSuite();

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
