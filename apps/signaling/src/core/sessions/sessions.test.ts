/** Joins, resumes and ends of several steps, with something happening between them. Titles name the rules of docs/service-contracts.md. */
import type { Grants } from '@tandem/protocol';
import { describe, expect, test } from 'vitest';
import { UnavailableError } from '../../backplane/types.ts';
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

describe('the client gives a socket up while its resume is under way', () => {
  /** Ada's socket is gone, and the next one waits for the store, which is slow. */
  async function slowResume() {
    const { cluster, n1, n2, a, b } = await pair();
    a.connection.onClosed(1006);
    await cluster.run();
    const slow = cluster.gate();
    cluster.after = (_node, operation) => (operation === 'resumeSession' ? slow.promise : undefined);
    const first = new Client(n1, 'ada');
    first.send({ type: 'resume', sessionToken: a.token });
    await cluster.run(10_000);
    const answer = async () => {
      cluster.after = () => {};
      slow.open();
      await cluster.run();
    };
    return { cluster, n2, a, b, first, answer };
  }
  async function comesBack(cluster: Cluster, n2: SignalingNode, a: Client, b: Client) {
    const second = new Client(n2, 'ada');
    second.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    expect(second.types).toContain('resumed');
    expect(b.types).not.toContain('peer_left');
    return second;
  }

  test.each([
    [4011, 'the SDK'],
    [1000, 'an SDK older than 4011'],
  ])('S-74 with %i (%s): the session waits for the next one', async (code) => {
    const { cluster, n2, a, b, first, answer } = await slowResume();
    first.connection.onClosed(code);
    await answer();
    await comesBack(cluster, n2, a, b);
  });

  test('S-74 1000 of an old SDK that crosses `resumed` is no goodbye; one that read it is', async () => {
    const { cluster, n2, a, b, first, answer } = await slowResume();
    await answer();
    expect(first.types).toContain('resumed');
    first.connection.onClosed(1000);
    await cluster.run();
    const second = await comesBack(cluster, n2, a, b);
    second.send({ type: 'update', metadata: {} });
    await cluster.run();
    second.connection.onClosed(1000);
    await cluster.run();
    expect(b.of('peer_left')).toMatchObject([{ peerId: a.peerId, reason: 'left' }]);
  });

  test('S-74 a client that only listens after its resume says goodbye with 1000 as any other, a little later', async () => {
    const { cluster, b, first, answer } = await slowResume();
    await answer();
    await cluster.run(11_000);
    first.connection.onClosed(1000);
    await cluster.run();
    expect(b.of('peer_left')).toHaveLength(1);
  });

  test('S-74 `leave` and 1000 while the resume is under way are a goodbye', async () => {
    const { cluster, b, first, answer } = await slowResume();
    first.send({ type: 'leave' });
    first.connection.onClosed(1000);
    await answer();
    await cluster.run();
    expect(b.of('peer_left')).toMatchObject([{ reason: 'left' }]);
  });

  test('S-71 what was parked is parked again: nobody has read it', async () => {
    const { cluster, n2, a, b, first, answer } = await slowResume();
    first.connection.onClosed(4011);
    await answer();
    b.send({ type: 'message', peerId: a.peerId, data: 1 });
    b.send({ type: 'message', peerId: a.peerId, data: 2 });
    await cluster.run();
    const slow = cluster.gate();
    cluster.after = (_node, operation) => (operation === 'resumeSession' ? slow.promise : undefined);
    const second = new Client(n2, 'ada');
    second.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    second.connection.onClosed(4011);
    cluster.after = () => {};
    slow.open();
    await cluster.run();
    const third = await comesBack(cluster, n2, a, b);
    expect(third.of('message').map((m) => m.data)).toEqual([1, 2]);
  });
});

describe('the backplane is away', () => {
  test('S-93 who left meanwhile leaves nothing behind: its login session may come in again', async () => {
    const { cluster, n1, n2 } = await pair();
    const reject: Grants = { duplicate: 'reject' };
    const first = new Client(n1, 'kim', reject);
    first.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    cluster.away();
    await cluster.run(5000);
    first.connection.onClosed(1000);
    await cluster.run(5000);
    cluster.back();
    await cluster.run(30_000);
    expect(members(cluster)).not.toContain(first.peerId);
    expect(cluster.hub.session(first.peerId)).toBeUndefined();
    const second = new Client(n2, 'kim', reject);
    second.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    expect(second.types).toContain('joined');
  });

  test('S-93 a join with a lost answer is undone, also when the next join is under way at that moment', async () => {
    const { cluster, n1, n2 } = await pair();
    const dan = new Client(n2, 'dan');
    dan.send({ type: 'join', roomId: 's' });
    await cluster.run();
    const c = new Client(n1, 'eve');
    cluster.after = (_node, operation) => {
      if (operation === 'joinRoom' || operation === 'openSession') throw new UnavailableError('the answer was lost');
    };
    c.send({ type: 'join', roomId: 's' });
    await cluster.run();
    expect(c.of('error')).toMatchObject([{ code: 'unavailable' }]);
    expect(members(cluster, 's')).toContain(c.peerId);
    cluster.after = () => {};
    const slow = cluster.gate();
    cluster.before = (_node, operation) => (operation === 'joinRoom' ? slow.promise : undefined);
    c.send({ type: 'join', roomId: 'elsewhere' });
    await cluster.run(15_000);
    slow.open();
    cluster.back();
    await cluster.run(30_000);
    expect(members(cluster, 'elsewhere')).toEqual([c.peerId]);
    expect(members(cluster, 's')).toEqual([dan.peerId]);
    expect(cluster.hub.session(c.peerId)).toMatchObject({ room: 'elsewhere' });
  });

  test('S-93 undoing a join takes nothing from the one that came in its place', async () => {
    const { cluster, n1, n2 } = await pair();
    const c = new Client(n1, 'eve');
    cluster.after = (_node, operation) => {
      if (operation === 'joinRoom') throw new UnavailableError('the answer was lost');
    };
    c.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    cluster.after = () => {};
    const dropped = cluster.gate();
    cluster.after = (_node, operation) => (operation === 'dropMember' ? dropped.promise : undefined);
    await cluster.run(15_000);
    const slow = cluster.gate();
    cluster.before = (_node, operation) => (operation === 'joinRoom' ? slow.promise : undefined);
    c.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    dropped.open();
    await cluster.run();
    slow.open();
    cluster.back();
    cluster.after = () => {};
    await cluster.run();
    expect(c.types).toContain('joined');
    c.connection.onClosed(1006);
    await cluster.run();
    const back = new Client(n2, 'eve');
    back.send({ type: 'resume', sessionToken: c.token });
    await cluster.run();
    expect(back.types).toContain('resumed');
  });

  test('S-91 a session that was taken over but not brought into its room leaves after its grace', async () => {
    const { cluster, n2, a, b } = await pair();
    cluster.before = (node, operation) => {
      if (node === 'n2' && operation === 'joinRoom') throw new UnavailableError('away');
    };
    const back = new Client(n2, 'ada');
    back.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    expect(back.of('error')).toMatchObject([{ code: 'unavailable' }]);
    back.connection.onClosed(1006);
    cluster.back();
    await cluster.run(120_000);
    expect(n2.sessions.size).toBe(1);
    expect(b.of('peer_left')).toHaveLength(1);
    expect(members(cluster)).toEqual([b.peerId]);
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

describe('lists are made when they are sent', () => {
  interface Seen {
    readonly away: boolean;
    readonly audio: unknown;
  }
  /** What a client without the SDK makes of what one socket hears: a list replaces its view, an event changes it. */
  function viewOf(client: Client) {
    const view = new Map<string, Seen>();
    let listed: number | undefined;
    const stale: string[] = [];
    for (const { type, version, peers, peerId, metadata, away } of client.heard) {
      const isList = type === 'joined' || type === 'resumed' || type === 'room';
      if (!isList && !type.startsWith('peer_')) continue;
      if (isList) {
        view.clear();
        for (const p of peers) view.set(p.peerId, { away: p.away === true, audio: p.metadata?.audio });
        listed = version;
        continue;
      }
      if (listed === undefined || version < listed) stale.push(`${type} of ${version} after a list of ${listed}`);
      const known = view.get(peerId as string);
      if (type === 'peer_left') view.delete(peerId as string);
      else if (type === 'peer_joined') view.set(peerId as string, { away: away === true, audio: metadata?.audio });
      else if (known && type === 'peer_updated') view.set(peerId as string, { ...known, audio: metadata.audio });
      else if (known) view.set(peerId as string, { ...known, away: type === 'peer_away' });
    }
    return { view, stale };
  }

  test('S-26 eight who resume at once on one node see each other, here and as they are', async () => {
    const { cluster, n1, a, b } = await pair();
    const eight = [a, ...Array.from({ length: 7 }, (_, i) => new Client(n1, `user ${i}`))];
    for (const c of eight.slice(1)) c.send({ type: 'join', roomId: 'r', metadata: { audio: true } });
    await cluster.run();
    for (const c of eight) c.connection.onClosed(1006);
    await cluster.run();
    // Each answer of the store takes its own time.
    cluster.after = () => new Promise((resolve) => void cluster.clock.at(cluster.random.int(1, 9), resolve));
    const back = eight.map((c) => {
      const next = new Client(n1, c.connection.identity.userId);
      next.send({ type: 'resume', sessionToken: c.token });
      return next;
    });
    await cluster.run(200);
    const others = (of: Client) => [...eight, b].map((c) => c.peerId).filter((id) => id !== of.peerId);
    for (const [i, c] of back.entries()) {
      const { view, stale } = viewOf(c);
      expect(stale).toEqual([]);
      const self = eight[i] as Client;
      expect([...view].filter(([, seen]) => seen.away)).toEqual([]);
      expect([...view.keys()].sort()).toEqual(others(self).sort());
      expect(c.types.slice(0, 2)).toEqual(['welcome', 'resumed']);
    }
  });

  test('S-26 nothing about a room reaches a socket before its list, and nothing behind it that is in it', async () => {
    const { cluster, n1, n2 } = await pair();
    cluster.after = () => new Promise((resolve) => void cluster.clock.at(cluster.random.int(1, 9), resolve));
    const all = Array.from({ length: 12 }, (_, i) => new Client(i % 2 ? n1 : n2, `user ${i}`));
    for (const c of all) {
      c.send({ type: 'join', roomId: 'r', metadata: { audio: false } });
      c.send({ type: 'update', metadata: { audio: true } });
      await cluster.run(cluster.random.int(0, 3));
    }
    await cluster.run(200);
    for (const c of all) {
      const { view, stale } = viewOf(c);
      expect(stale).toEqual([]);
      expect([...view.values()].filter((seen) => seen.audio === true)).toHaveLength(11);
    }
  });

  test('S-71 what a peer sends while a resume is under way comes behind what was parked', async () => {
    const { cluster, n1, a } = await pair();
    const c = new Client(n1, 'eve');
    c.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    a.connection.onClosed(1006);
    await cluster.run();
    const say = (data: number) => c.send({ type: 'message', peerId: a.peerId, data });
    say(1);
    await cluster.run();
    const slow = cluster.gate();
    cluster.after = (_node, operation) => (operation === 'joinRoom' ? slow.promise : undefined);
    const back = new Client(n1, 'ada');
    back.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    say(2);
    await cluster.run();
    expect(back.types).toEqual(['welcome']);
    slow.open();
    await cluster.run();
    say(3);
    await cluster.run();
    expect(back.types.filter((type) => !type.startsWith('peer_'))).toEqual([
      'welcome',
      'resumed',
      'message',
      'message',
      'message',
    ]);
    expect(back.of('message').map((m) => m.data)).toEqual([1, 2, 3]);
  });

  test('S-26 after a store that went back the list says so, and what comes next counts from there', async () => {
    const { cluster, a, b } = await pair();
    const room = cluster.hub.rooms.get('r');
    if (!room) throw new Error('no room');
    room.version -= 1;
    await cluster.run(12_000);
    a.send({ type: 'update', metadata: { audio: true } });
    await cluster.run();
    const { view, stale } = viewOf(b);
    expect(stale).toEqual([]);
    expect(view.get(a.peerId)?.audio).toBe(true);
  });
});

describe('what is kept of a peer is bounded', () => {
  test('S-25 metadata that grows by joining again and again is refused at the bound of all of it', async () => {
    const { cluster, n1, b } = await pair();
    const c = new Client(n1, 'eve');
    for (let n = 0; n < 90; n++) {
      c.send({ type: 'join', roomId: 'r', metadata: { [`key${n}`]: 'x'.repeat(1800) } });
      await cluster.run();
      c.send({ type: 'leave' });
      await cluster.run(1000);
    }
    const largest = Math.max(...b.of('peer_joined').map((m) => JSON.stringify(m).length));
    expect(largest).toBeLessThan(2500);
    const refused = c.of('error').filter((m) => m.replyTo === 'join');
    expect(refused).toHaveLength(89);
    for (const error of refused) expect(error).toMatchObject({ code: 'too_large', field: '/metadata' });
  });

  test('S-21 joining again with other metadata is an update', async () => {
    const { cluster, a, b } = await pair();
    a.send({ type: 'join', roomId: 'r', metadata: { name: 'Ada', audio: false } });
    await cluster.run();
    a.send({ type: 'join', roomId: 'r', metadata: { audio: true } });
    a.send({ type: 'join', roomId: 'r', metadata: { audio: true } });
    await cluster.run();
    expect(b.of('peer_updated').map((m) => m.metadata)).toEqual([
      { name: 'Ada', audio: false },
      { name: 'Ada', audio: true },
    ]);
    expect(a.of('joined')).toHaveLength(4);
  });
});

describe('the store is slow, or late', () => {
  const stored = (cluster: Cluster, of: Client) => cluster.hub.session(of.peerId);

  test('S-70 sessions of a node that others took for dead are attached again as soon as it is heard', async () => {
    const { cluster, a, b } = await pair();
    // The beats of n1 take longer than a node may be silent.
    cluster.before = (node, operation) =>
      node === 'n1' && operation === 'beat'
        ? new Promise((resolve) => void cluster.clock.at(9000, resolve))
        : undefined;
    await cluster.run(15_000);
    expect(b.types).toContain('peer_away');
    cluster.back();
    await cluster.run(25_000);
    expect(stored(cluster, a)).toMatchObject({ attached: true, node: 'n1' });
    expect(b.types.filter((type) => type.startsWith('peer_')).at(-1)).toBe('peer_back');
    await cluster.run(70_000);
    expect(stored(cluster, a)).toBeDefined();
  });

  test('S-73 a resume that is answered behind a later one takes nothing', async () => {
    const { cluster, n1, a, b } = await pair();
    a.connection.onClosed(1006);
    await cluster.run();
    b.send({ type: 'message', peerId: a.peerId, data: 1 });
    await cluster.run();
    const slow = cluster.gate();
    cluster.after = (_node, operation) => (operation === 'resumeSession' ? slow.promise : undefined);
    const first = new Client(n1, 'ada');
    first.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    cluster.after = () => {};
    const second = new Client(n1, 'ada');
    second.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    slow.open();
    await cluster.run();
    expect(first.closed).toBe(4010);
    expect(second.closed).toBeUndefined();
    b.send({ type: 'message', peerId: a.peerId, data: 2 });
    await cluster.run();
    expect(second.of('message').map((m) => m.data)).toEqual([1, 2]);
    await cluster.run(70_000);
    expect(b.types).not.toContain('peer_left');
  });

  test.each(['n1', 'n2'])(
    'S-71 a resume that %s gave up and the store carried out later takes the session from nobody',
    async (late) => {
      const { cluster, n1, n2, a, b } = await pair();
      a.connection.onClosed(1006);
      await cluster.run();
      cluster.before = (_node, operation, carryOut) => {
        if (operation !== 'resumeSession') return;
        cluster.back();
        cluster.clock.at(3000, carryOut);
        throw new UnavailableError('timed out');
      };
      const given = new Client(late === 'n1' ? n1 : n2, 'ada');
      given.send({ type: 'resume', sessionToken: a.token });
      await cluster.run();
      given.connection.onClosed(4011);
      const back = new Client(n1, 'ada');
      back.send({ type: 'resume', sessionToken: a.token });
      await cluster.run(25_000);
      expect(back.closed).toBeUndefined();
      expect(stored(cluster, a)).toMatchObject({ attached: true, node: 'n1' });
      await cluster.run(70_000);
      expect(stored(cluster, a)).toMatchObject({ attached: true, node: 'n1' });
      expect(b.types).not.toContain('peer_left');
      back.connection.onClosed(1000);
      await cluster.run();
      expect(stored(cluster, a)).toBeUndefined();
    },
  );
});
