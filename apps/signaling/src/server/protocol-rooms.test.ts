/** The protocol over real sockets, one node: rooms, and a client of before. Titles name the rules of docs/service-contracts.md. */
import { describe, expect, test } from 'vitest';
import { connectClient, TestClient } from '../testing.ts';
import { protocolSuite } from './testing-protocol.ts';

const { client, keys, newRoom, node, pair } = await protocolSuite();

describe('rooms', () => {
  test('S-20 join answers with everybody else, and they hear peer_joined', async () => {
    const room = newRoom();
    using a = await client('ada');
    expect(await a.join(room, { name: 'Ada' })).toEqual({
      type: 'joined',
      roomId: room,
      peerId: a.welcome.peerId,
      peers: [],
      version: expect.any(Number),
    });
    using b = await client('bob');
    const joined = await b.join(room);
    expect(joined.peers).toEqual([{ peerId: a.welcome.peerId, userId: 'ada', metadata: { name: 'Ada' } }]);
    expect(await a.next('peer_joined')).toMatchObject({ peerId: b.welcome.peerId, userId: 'bob' });
  });

  test('S-21 joining the same room again is harmless, another room is already_joined', async () => {
    const { a, b, room } = await pair();
    expect((await a.join(room)).peers).toHaveLength(1);
    a.send({ type: 'join', roomId: 'elsewhere' });
    expect(await a.next('error')).toMatchObject({ code: 'already_joined', field: '/roomId' });
    await b.settle();
    expect(b.heard.filter((m) => m.type === 'peer_joined')).toEqual([]);
  });

  test('S-29 a room may be named in any script; each name is one room', async () => {
    using a = await client('ada');
    using b = await client('bob');
    using c = await client('cyd');
    await a.join('会議-s29');
    await c.join('部屋-s29');
    expect((await b.join('会議-s29')).peers, 'the same name').toHaveLength(1);
    await c.settle();
    expect(
      c.heard.filter((m) => m.type === 'peer_joined'),
      'another name',
    ).toEqual([]);
    a.send({ type: 'leave', roomId: '会議-s29' });
    expect(await a.next('left')).toEqual({ type: 'left', roomId: '会議-s29' });
  });

  test('S-22 leave: left, peer_left, and one may join again', async () => {
    const { a, b, room, aId } = await pair();
    a.send({ type: 'leave', roomId: room });
    expect(await a.next('left')).toEqual({ type: 'left', roomId: room });
    expect(await b.next('peer_left')).toMatchObject({ type: 'peer_left', peerId: aId, reason: 'left' });
    await a.join(newRoom());
    a.send({ type: 'leave' });
    await a.next('left');
    a.send({ type: 'leave' });
    expect(await a.next('error')).toMatchObject({ code: 'not_in_room' });
  });

  test('S-23 a full room is room_full; the token may lower the size, never raise it', async () => {
    const room = newRoom();
    using a = await client('ada');
    await a.join(room);
    using b = await client('bob');
    await b.join(room);
    using c = await client('eve', { maxRoomSize: 2 });
    c.send({ type: 'join', roomId: room });
    expect(await c.next('error')).toMatchObject({ code: 'room_full', field: '/roomId', replyTo: 'join' });
    using d = await client('dan', { maxRoomSize: 900 });
    expect(d.welcome.limits.maxRoomSize).toBe(50);
    await d.join(room);
  });

  test('S-23 the size that a token sets is the room’s: it holds for those whose token sets none', async () => {
    const room = newRoom();
    using a = await client('ada', { maxRoomSize: 2 });
    await a.join(room);
    using b = await client('bob');
    await b.join(room);
    using c = await client('eve');
    c.send({ type: 'join', roomId: room });
    expect(await c.next('error')).toMatchObject({ code: 'room_full', field: '/roomId' });
  });

  test('S-24 grants: rooms, publish, data', async () => {
    using c = await client('ada', { rooms: ['team-*'] });
    c.send({ type: 'join', roomId: newRoom() });
    expect(await c.next('error')).toMatchObject({ code: 'forbidden', field: '/roomId' });
    await c.join(`team-${newRoom()}`);
    const { a, b, bId } = await pair({ publish: false, data: false });
    a.send({ type: 'offer', peerId: bId, sdp: 'x' });
    expect(await a.next('error')).toMatchObject({ code: 'forbidden', replyTo: 'offer' });
    a.send({ type: 'message', data: 1 });
    expect(await a.next('error')).toMatchObject({ code: 'forbidden', replyTo: 'message' });
    a.send({ type: 'ice-candidate', peerId: bId, candidate: null });
    await b.next('ice-candidate');
    expect(b.heard.some((m) => m.type === 'offer' || m.type === 'message')).toBe(false);
  });

  test('S-27 a name that the token proves is said by the server, whatever the metadata says; a guest’s is not', async () => {
    const room = newRoom();
    using ng = await connectClient(node, await keys.token('dr-7', {}, { name: 'Dr. Ng' }));
    await ng.join(room, { name: 'Somebody', audio: true });
    using eve = await connectClient(node, await keys.token('x', {}, { name: 'Eve', guest: true }));
    const proven = { name: 'Dr. Ng', metadata: { name: 'Dr. Ng', audio: true } };
    expect((await eve.join(room, { name: 'Dr. Ng', guest: 'x' })).peers).toMatchObject([proven]);
    const heard = await ng.next('peer_joined');
    expect([heard.metadata.name, heard.name]).toEqual(['Dr. Ng', undefined]);
    ng.send({ type: 'update', metadata: { name: 'Eve' } });
    expect((await eve.next('peer_updated')).metadata).toEqual({ name: 'Dr. Ng' });
    eve.send({ type: 'update', metadata: { name: 'Dr. Ng', userId: 'dr-7' } });
    expect(await ng.next('peer_updated')).not.toHaveProperty('name');
  });

  test('S-25 update: peer_updated, in the snapshots of later peers, bounded', async () => {
    const { a, b, aId, room } = await pair();
    a.send({ type: 'update', metadata: { name: 'Ada', audio: false } });
    expect(await b.next('peer_updated')).toEqual({
      type: 'peer_updated',
      peerId: aId,
      metadata: { name: 'Ada', audio: false },
      version: expect.any(Number),
    });
    using c = await client('eve');
    expect((await c.join(room)).peers).toContainEqual({
      peerId: aId,
      userId: 'ada',
      metadata: { name: 'Ada', audio: false },
    });
    a.send({ type: 'update', metadata: { pad: 'x'.repeat(2100) } });
    expect(await a.next('error')).toMatchObject({ code: 'too_large', field: '/metadata' });
  });
});

describe('a client written for the seed', () => {
  test('S-50 works unchanged: ?token=, no subprotocol, no ids, unknown server messages ignored', async () => {
    /** What such a client does: knows six types, and skips the others. */
    class OldClient extends TestClient {
      known() {
        const types = ['joined', 'peer_joined', 'offer', 'answer', 'ice-candidate', 'error'];
        return this.heard.filter((m) => types.includes(m.type));
      }
    }
    const open = async (userId: string) => {
      const c = new OldClient(`${node.wsUrl}?token=${await keys.token(userId)}`);
      await new Promise((resolve) => c.ws.once('open', resolve));
      return c;
    };
    const room = newRoom();
    using a = await open('ada');
    a.send({ type: 'join', roomId: room });
    const mine = await a.next('joined');
    expect(mine).toMatchObject({ roomId: room, peers: [] });
    using b = await open('bob');
    b.send({ type: 'join', roomId: room });
    const joined = await b.next('joined');
    // As the seed's client does: whoever is there is called, by the first entry.
    const remote: unknown = joined.peers[0];
    expect(remote).toBe(mine.peerId);
    expect(joined.members).toEqual([{ peerId: mine.peerId, userId: 'ada' }]);
    // Next to one that offered the subprotocol, which reads details.
    using c = await client('cyd');
    const sdk = await c.join(room);
    expect(sdk.peers).toContainEqual({ peerId: mine.peerId, userId: 'ada' });
    expect(sdk.members).toBeUndefined();
    c.send({ type: 'leave' });
    await c.next('left');
    const { peerId: bId } = await a.next('peer_joined');
    a.send({ type: 'offer', peerId: bId as string, sdp: 'v=0 offer' });
    expect(await b.next('offer')).toEqual({ type: 'offer', peerId: mine.peerId, sdp: 'v=0 offer' });
    b.send({ type: 'answer', peerId: mine.peerId, sdp: 'v=0 answer' });
    expect(await a.next('answer')).toEqual({ type: 'answer', peerId: bId, sdp: 'v=0 answer' });
    b.send({ type: 'ice-candidate', peerId: mine.peerId, candidate: { candidate: 'c', sdpMid: '0' } });
    expect(await a.next('ice-candidate')).toEqual({
      type: 'ice-candidate',
      peerId: bId,
      candidate: { candidate: 'c', sdpMid: '0' },
    });
    b.send({ type: 'leave', roomId: room });
    expect(await a.next('peer_left')).toMatchObject({ peerId: bId });
    b.send({ type: 'dance' });
    expect(await b.next('error')).toMatchObject({ code: 'unknown_type' });
    expect(a.known().map((m) => m.type)).toEqual(['joined', 'peer_joined', 'peer_joined', 'answer', 'ice-candidate']);
  });
});
