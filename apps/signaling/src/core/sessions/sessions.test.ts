/** Joins, resumes and ends of several steps, with something happening between them. Titles name the rules of docs/service-contracts.md. */
import type { Grants } from '@tandem/protocol';
import { describe, expect, test } from 'vitest';
import type { SignalingNode } from '../node.ts';
import { Client, type Cluster, members, pair } from '../testing.ts';

describe('what a peer says of itself', () => {
  const metadataOf = (by: Client, of: Client) => {
    const peers = by.of('joined')[0]?.peers as { peerId: string; metadata?: object }[] | undefined;
    return peers?.find(({ peerId }) => peerId === of.peerId)?.metadata;
  };

  test('S-71 goes with it to another node, as it said it last', async () => {
    const { cluster, n1, n2, a, b } = await pair();
    a.send({ type: 'update', metadata: { name: 'Ada', audio: false } });
    await cluster.run();
    a.connection.onClosed(1006);
    await cluster.run();
    const moved = new Client(n2, 'ada');
    moved.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    // And back, where an old copy of the session may still be.
    moved.send({ type: 'update', metadata: { name: 'Ada', audio: true } });
    await cluster.run();
    moved.connection.onClosed(1006);
    const back = new Client(n1, 'ada');
    back.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    const late = new Client(n2, 'eve');
    late.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    expect(metadataOf(late, a)).toEqual({ name: 'Ada', audio: true });
    expect(b.of('peer_updated').map((m) => (m.metadata as { audio: boolean }).audio)).toEqual([false, true]);
  });

  test('S-71 also when the old node never hears that the session moved on', async () => {
    const { cluster, n1, n2, a } = await pair();
    cluster.mute = true;
    const moved = new Client(n2, 'ada');
    moved.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    moved.send({ type: 'update', metadata: { audio: true } });
    await cluster.run();
    const back = new Client(n1, 'ada');
    back.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    cluster.mute = false;
    expect(back.types).toContain('resumed');
    const late = new Client(n2, 'eve');
    late.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    expect(metadataOf(late, a)).toEqual({ audio: true });
  });
});

describe('two sockets of one session', () => {
  test('S-73 a resume whose socket went meanwhile takes nothing from the next one that resumed', async () => {
    const { cluster, n1, a, b } = await pair();
    a.connection.onClosed(1006);
    await cluster.run();
    const slow = cluster.gate();
    cluster.before = (_node, operation) => (operation === 'joinRoom' ? slow.promise : undefined);
    const first = new Client(n1, 'ada');
    first.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    first.connection.onClosed(1006);
    const second = new Client(n1, 'ada');
    second.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    slow.open();
    cluster.back();
    await cluster.run();
    expect(second.types).toContain('resumed');
    b.send({ type: 'message', peerId: a.peerId, data: 'hello' });
    await cluster.run();
    expect(second.of('message')).toMatchObject([{ data: 'hello' }]);
    await cluster.run(70_000);
    expect(b.types).not.toContain('peer_left');
    expect(b.of('peer_away')).toHaveLength(1);
  });
});

describe('a join that comes to nothing', () => {
  /** What is stored of somebody. */
  const stored = (cluster: Cluster, c: Client) => ({
    rooms: [...cluster.hub.rooms].filter(([, room]) => room.members.has(c.peerId)).map(([name]) => name),
    session: cluster.hub.session(c.peerId),
    user: [...cluster.hub.users.values()].some(({ peerIds }) => peerIds.has(c.peerId)),
    holder: [...cluster.hub.identities.values()].some(({ peerId }) => peerId === c.peerId),
  });
  const nothing = { rooms: [], session: undefined, user: false, holder: false };

  test('S-23 a full room keeps nothing of whom it refused', async () => {
    const { cluster, n1 } = await pair();
    const c = new Client(n1, 'eve', { maxRoomSize: 2 });
    c.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    expect(c.of('error')).toMatchObject([{ code: 'room_full' }]);
    expect(stored(cluster, c)).toEqual(nothing);
  });

  test('S-81 a login session that is held, S-116 and a user with too many sessions: nobody stays in the room', async () => {
    const { cluster, n1, n2 } = await pair();
    const join = async (node: SignalingNode, userId: string, grants?: Grants, login?: string) => {
      const c = new Client(node, userId, grants, login);
      c.send({ type: 'join', roomId: 's' });
      await cluster.run();
      return c;
    };
    const dan = await join(n2, 'dan');
    await join(n1, 'kim', { duplicate: 'reject' });
    const twin = await join(n2, 'kim', { duplicate: 'reject' });
    expect(twin.of('error')).toMatchObject([{ code: 'forbidden' }]);
    expect(twin.closed).toBe(4005);
    expect(stored(cluster, twin)).toEqual(nothing);
    for (let i = 0; i < 20; i++) await join(n1, 'lee', {}, `login ${i}`);
    const late = await join(n2, 'lee', {}, 'one more');
    expect(late.of('error')).toMatchObject([{ code: 'too_many_sessions' }]);
    expect(stored(cluster, late)).toEqual(nothing);
    for (const { peerId } of [twin, late])
      expect(dan.heard.filter((m) => m.peerId === peerId && m.type === 'peer_joined').length).toBe(
        dan.heard.filter((m) => m.peerId === peerId && m.type === 'peer_left').length,
      );
  });

  test.each(['openSession', 'joinRoom'])(
    'S-91 the socket goes while the answer of %s is on its way: nothing stays',
    async (late) => {
      const { cluster, n1, b } = await pair();
      const slow = cluster.gate();
      cluster.after = (_node, operation) => (operation === late ? slow.promise : undefined);
      const c = new Client(n1, 'eve');
      c.send({ type: 'join', roomId: 'r' });
      await cluster.run();
      c.connection.onClosed(1006);
      slow.open();
      await cluster.run();
      expect(stored(cluster, c)).toEqual(nothing);
      await cluster.run(20_000);
      expect(b.heard.filter((m) => m.peerId === c.peerId).map((m) => m.type)).toEqual([]);
    },
  );

  test('S-80 two sockets of one login session join in the same moment: one is in, the other has 4004', async () => {
    const { cluster, n1, n2, b } = await pair();
    const twins = [new Client(n1, 'kim'), new Client(n2, 'kim')];
    for (const twin of twins) twin.send({ type: 'join', roomId: 'r' });
    await cluster.run(20_000);
    expect(twins.map((twin) => twin.closed).sort()).toEqual([4004, undefined]);
    const winner = twins.find((twin) => twin.closed === undefined) as Client;
    expect(winner.types).toContain('joined');
    expect(members(cluster)).toContain(winner.peerId);
    expect(members(cluster)).toHaveLength(3);
    const here = new Set<string>();
    for (const m of b.heard)
      if (m.type === 'peer_joined') here.add(m.peerId as string);
      else if (m.type === 'peer_left') here.delete(m.peerId as string);
    expect([...here]).toEqual([winner.peerId]);
  });

  test('S-40 a kick in the middle of a join holds', async () => {
    const { cluster, n1, n2 } = await pair();
    const mod = new Client(n2, 'mod', { kick: true });
    mod.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    const slow = cluster.gate();
    cluster.after = (node, operation) => (node === 'n1' && operation === 'openSession' ? slow.promise : undefined);
    const c = new Client(n1, 'eve');
    c.send({ type: 'join', roomId: 'r' });
    // The moderator's node finds the member before its own node has heard that it is in.
    await cluster.run(12_000);
    expect(mod.of('peer_joined').map((m) => m.peerId)).toContain(c.peerId);
    mod.send({ type: 'kick', peerId: c.peerId });
    await cluster.run();
    slow.open();
    await cluster.run();
    expect(c.closed).toBe(4003);
    expect(stored(cluster, c)).toMatchObject({ rooms: [], user: false, holder: false });
    const again = new Client(n1, 'eve');
    again.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    expect(again.of('error')).toMatchObject([{ code: 'forbidden' }]);
  });
});

describe('a stale owner', () => {
  test('S-73 a fence that comes late ends nothing that came back meanwhile', async () => {
    const { cluster, n1, n2, a } = await pair();
    /** As another node sends it. */
    const fence = (epoch: number) => cluster.control('n1', { t: 'fence', peerId: a.peerId, epoch });
    cluster.mute = true;
    const there = new Client(n2, 'ada');
    there.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    const back = new Client(n1, 'ada');
    back.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    await fence(2);
    expect(back.types).toContain('resumed');
    expect(back.closed).toBeUndefined();
    expect(n1.sessions.get(a.peerId)?.epoch).toBe(3);
    await fence(4);
    expect(back.closed).toBe(4010);
  });

  test('S-80 gives back no place of the session that went on elsewhere', async () => {
    const { cluster, n1, n2, a } = await pair();
    a.connection.onClosed(1006);
    await cluster.run(59_900);
    // n1 hears of the resume too late.
    cluster.hub.inboxes.delete('n1');
    const back = new Client(n2, 'ada');
    back.send({ type: 'resume', sessionToken: a.token });
    await cluster.run(200);
    expect(n1.sessions.get(a.peerId)).toBeUndefined();
    const other = new Client(n2, 'ada');
    other.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    expect(back.closed).toBe(4004);
  });
});
