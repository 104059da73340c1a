/** The protocol over real sockets, one node: who may do what to others. Titles name the rules of docs/service-contracts.md. */
import { describe, expect, test } from 'vitest';
import { connectClient, TestClient } from '../testing.ts';
import { protocolSuite } from './testing-protocol.ts';

const { client, keys, newRoom, node, pair } = await protocolSuite();

describe('moderation', () => {
  test('S-40 kick: kicked, 4003, peer_left, and not back on the same token', async () => {
    const room = newRoom();
    const mod = await client('mod', { kick: true });
    await mod.join(room);
    const token = await keys.token('eve');
    const eve = await connectClient(node, token);
    await eve.join(room);
    mod.send({ type: 'kick', peerId: eve.welcome.peerId, reason: 'noise' });
    expect(await eve.next('kicked')).toEqual({ type: 'kicked', reason: 'noise' });
    expect(await eve.whenClosed()).toBe(4003);
    expect(await mod.next('peer_left')).toMatchObject({ peerId: eve.welcome.peerId, reason: 'kicked' });
    using again = await connectClient(node, token);
    again.send({ type: 'resume', sessionToken: eve.welcome.sessionToken });
    expect(await again.next('error')).toMatchObject({ code: 'session_unknown' });
    again.send({ type: 'join', roomId: room });
    expect(await again.next('error')).toMatchObject({ code: 'forbidden', field: '/roomId' });
  });

  test('S-40 a kicked user is out with any login; of a guest, whose id anybody can take, only the login is', async () => {
    const room = newRoom();
    using mod = await client('mod', { kick: true });
    await mod.join(room);
    const as = async (userId: string, guest: boolean, session_id: string) =>
      connectClient(node, await keys.token(userId, {}, { session_id, ...(guest ? { guest } : {}) }));
    for (const guest of [false, true]) {
      using first = await as('eve', guest, `first-${guest}`);
      await first.join(room);
      mod.send({ type: 'kick', peerId: first.welcome.peerId });
      expect(await first.whenClosed()).toBe(4003);
      await mod.next('peer_left');
      using again = await as('eve', guest, `second-${guest}`);
      again.send({ type: 'join', roomId: room });
      if (guest) await again.next('joined');
      else expect(await again.next('error')).toMatchObject({ code: 'forbidden', field: '/roomId' });
      using same = await as('eve', guest, `first-${guest}`);
      same.send({ type: 'join', roomId: room });
      expect(await same.next('error')).toMatchObject({ code: 'forbidden' });
    }
    // A guest who calls himself as a kicked user is none; nor is a user with another id.
    using named = await as('eve2', false, 'third');
    await named.join(room);
  });

  test('S-41 kick, mute and close-room need the grant and a peer of the room', async () => {
    const { a, b, bId } = await pair();
    for (const message of [
      { type: 'kick', peerId: bId },
      { type: 'mute', peerId: bId, kind: 'audio' },
      { type: 'close-room' },
    ]) {
      a.send(message);
      expect(await a.next('error')).toMatchObject({ code: 'forbidden', replyTo: message.type });
    }
    using mod = await client('mod', { kick: true });
    await mod.join(newRoom());
    mod.send({ type: 'kick', peerId: bId });
    expect(await mod.next('error')).toMatchObject({ code: 'unknown_peer' });
    await b.settle();
    expect(b.closed).toBeUndefined();
  });

  test('S-42 mute asks the peer, and names who asked', async () => {
    const { a, b, aId, bId } = await pair({ kick: true });
    a.send({ type: 'mute', peerId: bId, kind: 'audio' });
    expect(await b.next('mute_requested')).toEqual({ type: 'mute_requested', peerId: aId, kind: 'audio' });
  });

  test('S-43 close-room ends it for everybody with 4009', async () => {
    const { a, b } = await pair({ kick: true });
    a.send({ type: 'close-room' });
    expect(await b.whenClosed()).toBe(4009);
    expect(await a.whenClosed()).toBe(4009);
  });

  test('S-45 what carries ref is answered: done or error, and without ref nothing is', async () => {
    const { room, a, bId } = await pair({ kick: true });
    using eve = await client('eve');
    await eve.join(room);
    a.send({ type: 'mute', peerId: bId, kind: 'audio', ref: 1 });
    expect(await a.next('done')).toEqual({ type: 'done', replyTo: 'mute', ref: 1 });
    eve.send({ type: 'kick', peerId: bId, ref: 7 });
    expect(await eve.next('error')).toMatchObject({ code: 'forbidden', replyTo: 'kick', ref: 7 });
    a.send({ type: 'kick', peerId: 'nobody', ref: 2 });
    expect(await a.next('error')).toMatchObject({ code: 'unknown_peer', ref: 2 });
    a.send({ type: 'kick', peerId: eve.welcome.peerId, ref: 3 });
    expect(await a.next('done')).toEqual({ type: 'done', replyTo: 'kick', ref: 3 });
    a.send({ type: 'mute', peerId: bId, kind: 'audio' });
    await a.settle();
    a.send({ type: 'close-room', ref: 4 });
    expect(await a.next('done'), 'before it ends the one who asked').toEqual({
      type: 'done',
      replyTo: 'close-room',
      ref: 4,
    });
    expect(await a.whenClosed()).toBe(4009);
    expect(a.heard.filter((m) => m.type === 'done')).toHaveLength(3);
  });

  test('S-44 a revoked login session is kicked with 4001, and its token opens nothing any more', async () => {
    const { a } = await pair();
    const token = await keys.token('eve', {}, { session_id: 'login-7' });
    using eve = await connectClient(node, token);
    keys.revoke('session', 'login-7');
    await eve.next('kicked');
    expect(await eve.whenClosed()).toBe(4001);
    using again = new TestClient(node.wsUrl, ['signal.v1', `bearer.${token}`]);
    expect(await again.whenClosed()).toBe(4001);
    await a.settle();
  });
});
