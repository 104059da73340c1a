/**
 * Operations of several steps, with the backplane away, slow or answering late in the middle of them. Virtual time, one hub, the real core.
 * Titles name the rules of docs/service-contracts.md.
 */
import type { Grants } from '@tandem/protocol';
import { describe, expect, test } from 'vitest';
import { PartClock, VirtualClock } from '../../../../test/simulation/clock.ts';
import { Random } from '../../../../test/simulation/random.ts';
import { MemoryHub } from '../backplane/memory.ts';
import { Unavailable } from '../backplane/types.ts';
import type { Connection } from './connection.ts';
import { SignalingNode } from './node.ts';

interface Heard {
  readonly type: string;
  readonly peerId?: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any message
  readonly [field: string]: any;
}

class Cluster {
  readonly clock = new VirtualClock();
  readonly random = new Random(1);
  readonly problems: string[] = [];
  /** What an operation of a node meets before it is carried out, and its answer afterwards. */
  before: (node: string, operation: string) => Promise<void> | void = () => {};
  after: (node: string, operation: string) => Promise<void> | void = () => {};
  /** Nothing passes between nodes, and nobody is told. */
  mute = false;
  readonly hub = new MemoryHub(new PartClock(this.clock, this.random.fork()), {
    beforeOperation: (node, operation) => this.before(node, operation),
    afterOperation: (node, operation) => this.after(node, operation),
    carry: (_from, _to, deliver) => {
      if (!this.mute) this.clock.at(0, deliver);
    },
  });

  async node(name: string): Promise<SignalingNode> {
    const node = new SignalingNode({
      name,
      clock: new PartClock(this.clock, this.random.fork()),
      backplane: this.hub.connect(),
      events: { log: (level, event) => void (level === 'error' && this.problems.push(`${name} ${event}`)) },
    });
    await node.start();
    return node;
  }

  /** Time goes on, and everything that is due happens. */
  async run(ms = 50): Promise<void> {
    const until = this.clock.now() + ms;
    this.clock.at(ms, () => {});
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.clock.step(until));
  }

  /** A gate: until it opens, nothing passes it. */
  gate() {
    const { promise, resolve } = Promise.withResolvers<void>();
    return { promise, open: resolve };
  }

  away(): void {
    this.before = () => {
      throw new Unavailable('away');
    };
  }
  back(): void {
    this.before = () => {};
  }
}

class Client {
  readonly heard: Heard[] = [];
  readonly connection: Connection;
  closed: number | undefined;
  constructor(node: SignalingNode, userId: string, grants: Grants = {}, loginSession = `login of ${userId}`) {
    this.connection = node.accept(
      {
        send: (frame) => void this.heard.push(JSON.parse(String(frame)) as Heard),
        close: (code) => {
          this.closed = code;
        },
        ping: () => this.connection.alive(),
      },
      { userId, loginSession, jti: userId, expiresAt: Infinity, grants },
    );
  }
  send(message: object): void {
    this.connection.onFrame(Buffer.from(JSON.stringify(message)));
  }
  of(type: string): Heard[] {
    return this.heard.filter((m) => m.type === type);
  }
  get peerId(): string {
    return this.of('welcome')[0]?.peerId as string;
  }
  get token(): string {
    return this.of('welcome')[0]?.sessionToken as string;
  }
  get types(): string[] {
    return this.heard.map((m) => m.type);
  }
}

async function pair() {
  const cluster = new Cluster();
  const [n1, n2] = [await cluster.node('n1'), await cluster.node('n2')];
  const [a, b] = [new Client(n1, 'ada'), new Client(n2, 'bob')];
  for (const c of [a, b]) {
    c.send({ type: 'join', roomId: 'r' });
    await cluster.run();
  }
  expect(a.of('peer_joined')).toHaveLength(1);
  return { cluster, n1, n2, a, b };
}

const members = (cluster: Cluster, room = 'r') => [...(cluster.hub.rooms.get(room)?.members.keys() ?? [])].sort();

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

describe('the backplane is away', () => {
  test('S-93 what a peer says of itself meanwhile reaches the other nodes afterwards', async () => {
    const { cluster, a, b } = await pair();
    cluster.away();
    await cluster.run(5000);
    a.send({ type: 'update', metadata: { audio: false } });
    await cluster.run(5000);
    cluster.back();
    await cluster.run(30_000);
    expect(b.of('peer_updated')).toMatchObject([{ peerId: a.peerId, metadata: { audio: false } }]);
  });

  test('S-93 who came back meanwhile is back for the other nodes too, and never gone', async () => {
    const { cluster, n1, a, b } = await pair();
    a.connection.onClosed(1006);
    await cluster.run(45_000);
    cluster.away();
    await cluster.run(5000);
    const back = new Client(n1, 'ada');
    back.send({ type: 'resume', sessionToken: a.token });
    await cluster.run(1000);
    expect(back.types).toContain('resumed');
    cluster.back();
    await cluster.run(5000);
    expect(b.of('peer_back')).toHaveLength(1);
    await cluster.run(60_000);
    expect(b.types.filter((type) => type.startsWith('peer_'))).toEqual(['peer_away', 'peer_back']);
  });

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
      if (operation === 'joinRoom' || operation === 'openSession') throw new Unavailable('the answer was lost');
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
      if (operation === 'joinRoom') throw new Unavailable('the answer was lost');
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
      if (node === 'n2' && operation === 'joinRoom') throw new Unavailable('away');
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

test('S-91 who is away too long leaves, also when the room is being read in the moment that its time is over', async () => {
  const { cluster, n1, n2, a, b } = await pair();
  a.connection.onClosed(1006);
  await cluster.run();
  n1.kill();
  await cluster.run(59_900);
  const slow = cluster.gate();
  cluster.after = (_node, operation) => (operation === 'readRoom' ? slow.promise : undefined);
  for (const room of n2.membership.rooms.values()) n2.membership.doubt(room);
  await cluster.run(1000);
  slow.open();
  await cluster.run(5000);
  expect(b.of('peer_left')).toMatchObject([{ peerId: a.peerId, reason: 'timeout' }]);
});

describe('a join that comes to nothing', () => {
  /** What is stored of somebody. */
  const stored = (cluster: Cluster, c: Client) => ({
    rooms: [...cluster.hub.rooms].filter(([, room]) => room.members.has(c.peerId)).map(([name]) => name),
    session: cluster.hub.session(c.peerId),
    user: [...cluster.hub.users.values()].some((peers) => peers.has(c.peerId)),
    holder: [...cluster.hub.identities.values()].includes(c.peerId),
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

describe('order and limits', () => {
  test('S-32 frames right behind a join or a resume wait for it', async () => {
    const { cluster, n1, n2, b } = await pair();
    const slow = cluster.gate();
    cluster.before = (_node, operation) => (operation === 'joinRoom' ? slow.promise : undefined);
    const c = new Client(n1, 'eve');
    c.send({ type: 'join', roomId: 'r' });
    for (let n = 1; n <= 3; n++) c.send({ type: 'message', data: n });
    await cluster.run();
    const moved = new Client(n2, 'eve');
    slow.open();
    await cluster.run();
    expect(b.of('message').map((m) => m.data)).toEqual([1, 2, 3]);
    moved.send({ type: 'resume', sessionToken: c.token });
    moved.send({ type: 'message', peerId: b.peerId, data: 4 });
    await cluster.run();
    expect(moved.of('error')).toEqual([]);
    expect(b.of('message').map((m) => [m.peerId, m.data])).toEqual([1, 2, 3, 4].map((n) => [c.peerId, n]));
  });

  test('S-32 what is on its way to a mailbox when the peer comes back arrives before what comes next', async () => {
    const { cluster, n1, a } = await pair();
    const c = new Client(n1, 'eve');
    c.send({ type: 'join', roomId: 'r' });
    await cluster.run();
    a.connection.onClosed(1006);
    await cluster.run();
    const slow = cluster.gate();
    cluster.before = (_node, operation) => (operation === 'park' ? slow.promise : undefined);
    c.send({ type: 'message', peerId: a.peerId, data: 1 });
    const back = new Client(n1, 'ada');
    back.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    c.send({ type: 'message', peerId: a.peerId, data: 2 });
    await cluster.run();
    slow.open();
    await cluster.run();
    expect(back.of('message').map((m) => m.data)).toEqual([1, 2]);
  });

  test('S-15 the connections of one user share what one user may send', async () => {
    const { cluster, n1 } = await pair();
    const all = Array.from({ length: 5 }, (_, i) => new Client(n1, 'eve', {}, `login ${i}`));
    for (const c of all) for (let i = 0; i < 280; i++) c.send({ type: 'ping' });
    const refused = all.map((c) => c.of('error').filter((m) => m.code === 'rate_limited').length);
    expect(refused.slice(0, 4)).toEqual([0, 0, 0, 0]);
    expect(refused[4]).toBeGreaterThan(0);
    const other = new Client(n1, 'dan');
    other.send({ type: 'ping' });
    expect(other.types).toContain('pong');
    await cluster.run(30_000);
    for (const c of all.slice(0, 4)) {
      c.send({ type: 'ping' });
      expect(c.heard.at(-1)).toMatchObject({ type: 'pong' });
    }
  });

  test('S-93 who keeps sending while the backplane is away is told so each time, and not closed for it', async () => {
    const { cluster, a, b } = await pair();
    cluster.away();
    await cluster.run(5000);
    for (let id = 1; id <= 100; id++) a.send({ type: 'message', peerId: b.peerId, id, data: id });
    expect(a.of('error')).toHaveLength(100);
    expect(a.of('error')[0]).toMatchObject({ code: 'unavailable', id: 1, peerId: b.peerId, retryAfter: 2000 });
    expect(a.closed).toBeUndefined();
  });
});

describe('doubts', () => {
  test('S-92 what was lost between nodes is noticed at once by what comes next', async () => {
    const { cluster, a, b } = await pair();
    cluster.mute = true;
    a.send({ type: 'update', metadata: { audio: false } });
    await cluster.run(20);
    cluster.mute = false;
    expect(b.types).not.toContain('peer_updated');
    a.send({ type: 'message', peerId: b.peerId, data: 1 });
    await cluster.run(20);
    expect(b.of('peer_updated')).toMatchObject([{ peerId: a.peerId, metadata: { audio: false } }]);
    expect(b.of('room')).toHaveLength(1);
  });

  test('S-93 after an outage nobody is taken for dead before everybody could say that they live', async () => {
    const { cluster, a, b } = await pair();
    cluster.away();
    await cluster.run(30_000);
    // Not all come back in the same moment.
    cluster.before = (node) => {
      if (node === 'n1') throw new Unavailable('away');
    };
    await cluster.run(4000);
    cluster.back();
    await cluster.run(30_000);
    expect([...a.types, ...b.types].filter((type) => /^peer_(away|left)/.test(type))).toEqual([]);
  });
});

describe('a stale owner', () => {
  test('S-73 a fence that comes late ends nothing that came back meanwhile', async () => {
    const { cluster, n1, n2, a } = await pair();
    cluster.mute = true;
    const there = new Client(n2, 'ada');
    there.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    const back = new Client(n1, 'ada');
    back.send({ type: 'resume', sessionToken: a.token });
    await cluster.run();
    n1.sessions.fence(a.peerId, 2);
    await cluster.run();
    expect(back.types).toContain('resumed');
    expect(back.closed).toBeUndefined();
    expect(n1.sessions.get(a.peerId)?.epoch).toBe(3);
    n1.sessions.fence(a.peerId, 4);
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
