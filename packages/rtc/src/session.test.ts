import { expect, test } from 'vitest';
import type { WebSocketConstructor, WebSocketLike } from './link.ts';
import { SignalingSession } from './session.ts';
import { GiveUpError, type SessionEvents, type SessionOptions } from './session-types.ts';
import { random, VirtualTime } from './testing.ts';
import type { Frame } from './wire.ts';

/** The server's end of a socket, by hand. */
class Socket implements WebSocketLike {
  readyState = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly url: string;
  readonly protocols: string[];
  readonly got: Frame[] = [];
  closedWith: number | undefined;
  constructor(url: string, protocols: string[]) {
    this.url = url;
    this.protocols = protocols;
  }
  send(data: string): void {
    this.got.push(JSON.parse(data) as Frame);
  }
  close(code = 1000): void {
    if (this.readyState >= 2) return;
    this.readyState = 2;
    this.closedWith = code;
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.({} as never);
  }
  say(frame: Frame): void {
    this.onmessage?.({ data: JSON.stringify(frame) } as never);
  }
  drop(code: number, reason = ''): void {
    this.readyState = 3;
    this.onclose?.({ code, reason } as never);
  }
  types(): string[] {
    return this.got.map((f) => f.type);
  }
}

const WELCOME = {
  type: 'welcome',
  peerId: 'me',
  sessionToken: 'me.secret-secret',
  heartbeat: { interval: 5000, timeout: 12_000 },
  limits: { maxFrameBytes: 65_536, maxRoomSize: 50, messagesPerSecond: 100, graceSeconds: 60 },
  node: 'n1',
};
const RESUMED = { type: 'resumed', peerId: 'me', sessionToken: 'me.secret-secret', node: 'n2', peers: [], parked: 0 };

class Bench {
  readonly time = new VirtualTime();
  readonly sockets: Socket[] = [];
  readonly tokens: boolean[] = [];
  readonly events: { event: string; payload: unknown }[] = [];
  readonly session: SignalingSession;
  constructor(options: Partial<SessionOptions> = {}) {
    const { sockets } = this;
    class Recorded extends Socket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    }
    this.session = new SignalingSession({
      url: 'https://example.org/ws/signal',
      getToken: async ({ refresh }) => {
        this.tokens.push(refresh);
        return 'header.payload.signature';
      },
      WebSocket: Recorded as unknown as WebSocketConstructor,
      clock: this.time,
      random: random(1),
      probe: false,
      ...options,
    });
    for (const event of [
      'state',
      'joined',
      'left',
      'room-lost',
      'session-lost',
      'peer-left',
      'kicked',
      'undelivered',
      'error',
    ] as const)
      this.session.on(event, (payload) => this.events.push({ event, payload }));
  }
  get socket(): Socket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error('no socket yet');
    return socket;
  }
  of<K extends keyof SessionEvents>(event: K): SessionEvents[K][] {
    return this.events.filter((e) => e.event === event).map((e) => e.payload as SessionEvents[K]);
  }
  async connected(): Promise<this> {
    const done = this.session.connect();
    await this.time.settle(0);
    this.socket.open();
    this.socket.say(WELCOME);
    await done;
    return this;
  }
  async inRoom(peers: object[] = []): Promise<this> {
    await this.connected();
    const done = this.session.join('kitchen', { name: 'Ada' });
    this.socket.say({ type: 'joined', roomId: 'kitchen', peerId: 'me', peers });
    await done;
    return this;
  }
}

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

test('4002: a fresh token, at once', async () => {
  const bench = await new Bench().connected();
  bench.socket.drop(4002);
  await bench.time.settle(250);
  expect(bench.tokens).toEqual([false, true]);
  expect(bench.sockets).toHaveLength(2);
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

test('S-93 a node whose store is away is left for another one, and the join goes on there', async () => {
  const bench = await new Bench().connected();
  const joining = bench.session.join('kitchen');
  const [cutOff] = bench.sockets;
  const refuse = () =>
    cutOff?.say({ type: 'error', code: 'unavailable', message: 'away', replyTo: 'join', retryAfter: 500 });
  for (let i = 0; i < 10 && bench.sockets.length === 1; i++) {
    refuse();
    await bench.time.settle(1000);
  }
  expect(bench.sockets).toHaveLength(2);
  expect(bench.time.now(), 'not for the first refusal').toBeGreaterThan(3000);
  expect(cutOff?.closedWith, 'first: two sessions of one identity must not join at once').toBe(4011);
  bench.socket.open();
  expect(bench.socket.types(), 'it may have come in, its answer lost').toEqual(['resume']);
  bench.socket.say({ ...WELCOME, peerId: 'me2', node: 'n2' });
  bench.socket.say({ type: 'error', code: 'session_unknown', message: 'no', replyTo: 'resume' });
  expect(bench.socket.types()).toEqual(['resume', 'join']);
  bench.socket.say({ type: 'joined', roomId: 'kitchen', peerId: 'me2', peers: [] });
  await joining;
  expect(bench.of('session-lost'), 'nobody has seen the first one').toEqual([]);
  // The join that the cut-off node could not answer is carried out after all, and replaces this one.
  bench.socket.drop(4004);
  await bench.time.settle(1000);
  expect(bench.session.state, 'once').toBe('reconnecting');
  bench.socket.open();
  bench.socket.say({ ...RESUMED, peerId: 'me2', roomId: 'kitchen' });
  bench.socket.drop(4004);
  expect(bench.session.state).toBe('closed');
});

test('S-93 while the store is away for everybody, moves become rare', async () => {
  const bench = await new Bench().inRoom([{ peerId: 'bob', metadata: { delivery: 1 } }]);
  for (let i = 0; i < 300; i++) {
    await bench.time.settle(1000);
    const { socket } = bench;
    if (socket.readyState === 0) {
      socket.open();
      socket.say({ ...RESUMED, roomId: 'kitchen', peers: [{ peerId: 'bob', metadata: { delivery: 1 } }] });
    }
    socket.say({ type: 'pong' });
    socket.say({ type: 'error', code: 'unavailable', message: 'away', replyTo: 'message', peerId: 'bob', id: 1 });
  }
  expect(bench.sockets.length).toBeGreaterThan(3);
  expect(bench.sockets.length).toBeLessThan(12);
});

test('S-26 an event that is older than the list says nothing new', async () => {
  const bench = await new Bench().connected();
  const done = bench.session.join('kitchen');
  bench.socket.say({
    type: 'joined',
    roomId: 'kitchen',
    peerId: 'me',
    peers: [{ peerId: 'bob', away: true }],
    version: 7,
  });
  await done;
  const away = () => bench.session.peers.get('bob')?.away;
  bench.socket.say({ type: 'peer_back', peerId: 'bob', version: 6 });
  expect(away()).toBe(true);
  bench.socket.say({ type: 'peer_back', peerId: 'bob', version: 8 });
  expect(away()).toBeUndefined();
  // The store lost its data and began anew: the list counts, whatever its number.
  bench.socket.say({ type: 'room', roomId: 'kitchen', peers: [{ peerId: 'bob' }], version: 2 });
  bench.socket.say({ type: 'peer_away', peerId: 'bob', version: 3 });
  expect(away()).toBe(true);
  bench.socket.say({ type: 'room', roomId: 'kitchen', peers: [{ peerId: 'bob' }] });
  bench.socket.say({ type: 'peer_away', peerId: 'bob', version: 1 });
  expect(away(), 'a server that states no version').toBe(true);
});

test('S-9 leaving: receipts that are owed go before it, and nothing answers what crosses it', async () => {
  const bench = await new Bench().inRoom([{ peerId: 'bob', metadata: { delivery: 1 } }]);
  const heard: unknown[] = [];
  bench.session.on('message', ({ data }) => heard.push(data));
  bench.socket.say({ type: 'message', peerId: 'bob', id: 1, data: 'before' });
  bench.session.leave();
  bench.socket.say({ type: 'message', peerId: 'bob', id: 2, data: 'crossing' });
  await bench.time.settle(1000);
  expect(bench.socket.types().slice(-2)).toEqual(['receipt', 'leave']);
  expect(heard).toEqual(['before']);
  bench.socket.say({ type: 'left', roomId: 'kitchen' });
});

test('S-9 nobody answers a peer that left', async () => {
  const bench = await new Bench().inRoom([{ peerId: 'bob', metadata: { delivery: 1 } }]);
  bench.socket.say({ type: 'message', peerId: 'bob', id: 1, data: 'bye' });
  bench.socket.say({ type: 'peer_left', peerId: 'bob', reason: 'left' });
  await bench.time.settle(1000);
  expect(bench.socket.types()).not.toContain('receipt');
});

test('S-15 a frame that was dropped unnamed is said again: join, leave, metadata', async () => {
  const bench = await new Bench().connected();
  const drop = async () => {
    bench.socket.say({ type: 'error', code: 'rate_limited', message: 'slower', retryAfter: 500 });
    bench.socket.say({ type: 'error', code: 'rate_limited', message: 'slower', retryAfter: 500 });
    await bench.time.settle(3000);
  };
  const count = (type: string) => bench.socket.types().filter((t) => t === type).length;
  const joining = bench.session.join('kitchen', { name: 'Ada' });
  await drop();
  expect(count('join')).toBe(2);
  bench.socket.say({ type: 'joined', roomId: 'kitchen', peerId: 'me', peers: [] });
  await joining;
  bench.session.update({ name: 'Ada', audio: false });
  await drop();
  expect(count('update')).toBe(2);
  bench.session.leave();
  await drop();
  expect(count('leave')).toBe(2);
  bench.socket.say({ type: 'left', roomId: 'kitchen' });
  await drop();
  expect(count('leave')).toBe(2);
});

test.each([
  ['close()', (session: SignalingSession) => session.close()],
  ['leave()', (session: SignalingSession) => session.leave()],
])('my own %s is `left`; nobody else is reported as peer-left', async (_name, act) => {
  const bench = await new Bench().inRoom([{ peerId: 'bob' }, { peerId: 'cyd' }]);
  act(bench.session);
  expect(bench.of('peer-left')).toEqual([]);
  expect(bench.of('left')).toEqual([{ roomId: 'kitchen' }]);
  expect(bench.session.peers.size).toBe(0);
  expect(bench.session.roomId).toBeUndefined();
});

test('removed for good: `left`, and nobody else is reported as peer-left', async () => {
  const bench = await new Bench().inRoom([{ peerId: 'bob' }]);
  bench.socket.drop(4003);
  expect(bench.of('peer-left')).toEqual([]);
  expect(bench.of('left')).toEqual([{ roomId: 'kitchen' }]);
});

test('S-45 kick, requestMute, grant and closeRoom end with what the server answers', async () => {
  const bench = await new Bench().inRoom([{ peerId: 'bob' }]);
  const { session, socket } = bench;
  const asked = () => socket.got.at(-1) as Frame;
  const kicked = session.kick('bob', 'rude');
  expect(asked()).toEqual({ type: 'kick', peerId: 'bob', reason: 'rude', ref: 1 });
  socket.say({ type: 'done', replyTo: 'kick', ref: 1 });
  await kicked;
  const granted = session.grant('bob', { publish: true });
  expect(asked()).toEqual({ type: 'grant', peerId: 'bob', publish: true, ref: 2 });
  socket.say({ type: 'done', replyTo: 'grant', ref: 2 });
  await granted;
  const refused = session.closeRoom();
  socket.say({ type: 'error', code: 'forbidden', message: 'no grant', replyTo: 'close-room', ref: asked().ref });
  await expect(refused).rejects.toMatchObject({ code: 'forbidden' });
  expect(bench.of('error'), 'for who does not wait').toMatchObject([{ code: 'forbidden', replyTo: 'close-room' }]);
  const silent = session.requestMute('bob', 'audio');
  await bench.time.settle(4000);
  socket.say({ type: 'pong' });
  await bench.time.settle(7000);
  await expect(silent, 'a server older than `done`').rejects.toMatchObject({ code: 'timeout' });
  const lost = session.kick('bob');
  socket.drop(1006);
  await expect(lost).rejects.toMatchObject({ code: 'disconnected' });
  await expect(session.kick('bob')).rejects.toMatchObject({ code: 'disconnected' });
});

test('S-46 S-48 setEntry, admit and refuse end with what the server answers', async () => {
  const { session, socket } = await new Bench().inRoom();
  for (const [ask, frame] of [
    [() => session.setEntry('ask'), { type: 'set-entry', entry: 'ask' }],
    [() => session.setEntry('open', { chat: false }), { type: 'set-entry', entry: 'open', chat: false }],
    [() => session.admit('bob'), { type: 'admit', peerId: 'bob' }],
    [() => session.refuse('bob'), { type: 'refuse', peerId: 'bob' }],
  ] as const) {
    const asked = ask();
    expect(socket.got.at(-1)).toMatchObject(frame);
    socket.say({ type: 'done', replyTo: frame.type, ref: (socket.got.at(-1) as Frame).ref });
    await asked;
    const refused = ask();
    const { ref } = socket.got.at(-1) as Frame;
    socket.say({ type: 'error', code: 'forbidden', message: 'no grant', replyTo: frame.type, ref });
    await expect(refused).rejects.toMatchObject({ code: 'forbidden' });
  }
});

test('S-39 what I may do now is an event; what is not granted in so many words is not', async () => {
  const bench = await new Bench().inRoom();
  const heard: unknown[] = [];
  bench.session.on('grants', (grants) => heard.push(grants));
  bench.socket.say({ type: 'grants', publish: false, data: true, kick: true });
  bench.socket.say({ type: 'grants', publish: 'yes', data: 1 });
  expect(heard).toEqual([
    { publish: false, data: true, kick: true },
    { publish: false, data: false, kick: false },
  ]);
});

test('S-47 who waits, and whether I am let in, are events; what is no list of peers is none', async () => {
  const bench = await new Bench().inRoom();
  const heard: unknown[] = [];
  bench.session.on('entry', (entry) => heard.push(entry));
  bench.session.on('admission', (admission) => heard.push(admission));
  const bob = { peerId: 'bob', userId: 'u', metadata: { name: 'Bob' } };
  bench.socket.say({ type: 'entry', roomId: 'kitchen', entry: 'ask', chat: false, waiting: [bob, 7, { peerId: 7 }] });
  bench.socket.say({ type: 'entry', roomId: 'kitchen', entry: 'open', waiting: 'nobody' });
  bench.socket.say({ type: 'admission', roomId: 'kitchen', admitted: true });
  bench.socket.say({ type: 'admission', roomId: 'kitchen', admitted: 'yes' });
  expect(heard).toEqual([
    { entry: 'ask', share: true, chat: false, look: true, waiting: [bob] },
    { entry: 'open', share: true, chat: true, look: true, waiting: [] },
    { admitted: true },
    { admitted: false },
  ]);
});

test('accessToken: one request for it and the socket, whichever comes first; a new one when it runs out', async () => {
  const seconds = () => Math.floor(Date.now() / 1000);
  let exp = seconds() + 3600;
  const asked: boolean[] = [];
  const make = () =>
    new Bench({
      getToken: async ({ refresh }) => {
        asked.push(refresh);
        return `x.${btoa(JSON.stringify({ exp: exp }))}.${asked.length}`;
      },
    });
  const first = make();
  const [, token] = await Promise.all([first.connected(), first.session.accessToken()]);
  expect(first.socket.protocols[1]).toBe(`bearer.${token}`);
  expect(asked).toEqual([false]);
  const second = make();
  const early = await second.session.accessToken();
  await second.connected();
  expect(second.socket.protocols[1]).toBe(`bearer.${early}`);
  expect(asked).toEqual([false, false]);
  exp = seconds() + 5;
  const third = await make().connected();
  await third.session.accessToken();
  expect(asked).toEqual([false, false, false, true]);
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

test('join: refused with its code; retried while unavailable', async () => {
  const bench = await new Bench().connected();
  const refused = bench.session.join('kitchen');
  bench.socket.say({ type: 'error', code: 'room_full', message: 'full', replyTo: 'join' });
  await expect(refused).rejects.toMatchObject({ code: 'room_full' });
  const retried = bench.session.join('garden');
  bench.socket.say({ type: 'error', code: 'unavailable', message: 'away', replyTo: 'join', retryAfter: 500 });
  await bench.time.settle(2000);
  expect(bench.socket.got.filter((f) => f.type === 'join' && f.roomId === 'garden')).toHaveLength(2);
  bench.socket.say({ type: 'joined', roomId: 'garden', peerId: 'me', peers: [] });
  await retried;
});

test('metadata says that receipts are sent, and is repeated after a resume', async () => {
  const bench = await new Bench().inRoom();
  expect(bench.socket.got.find((f) => f.type === 'join')).toMatchObject({ metadata: { name: 'Ada', delivery: 1 } });
  bench.session.update({ name: 'Ada', audio: false });
  bench.session.update({ name: 'Ada', audio: false });
  expect(
    bench.socket.got.filter((f) => f.type === 'update'),
    'nothing new, nothing sent',
  ).toHaveLength(1);
  bench.socket.drop(1001);
  await bench.time.settle(300);
  bench.socket.open();
  bench.socket.say({ ...RESUMED, roomId: 'kitchen' });
  expect(bench.socket.got.at(-1)).toMatchObject({ type: 'update', metadata: { audio: false } });
});

test('a token supplier that gives up ends the session; one that fails is asked again', async () => {
  let calls = 0;
  const bench = new Bench({
    getToken: async () => {
      calls++;
      if (calls < 3) throw new Error('network');
      throw new GiveUpError('your account is closed');
    },
  });
  const done = bench.session.connect();
  const refused = expect(done).rejects.toMatchObject({ code: 'token_refused', message: 'your account is closed' });
  await bench.time.settle(5000);
  await refused;
  expect(calls).toBe(3);
});

test('a token that is asked for again has the same idempotency key; the next one another', async () => {
  const keys: string[] = [];
  const bench = new Bench({
    getToken: async ({ idempotencyKey }) => {
      keys.push(idempotencyKey);
      if (keys.length < 3) throw new Error('the answer got lost');
      return 'token';
    },
  });
  bench.session.connect().catch(() => {});
  await bench.time.settle(5000);
  bench.socket.open();
  bench.socket.say(WELCOME);
  bench.socket.drop(1001);
  await bench.time.settle(5000);
  expect(keys).toHaveLength(4);
  expect(new Set(keys.slice(0, 3)).size).toBe(1);
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys[3]).not.toBe(keys[0]);
});

test('a token that runs out soon: a move with a fresh one before the server must close', async () => {
  const exp = Math.floor(Date.now() / 1000) + 600;
  const token = `x.${btoa(JSON.stringify({ exp }))}.y`;
  const asked: boolean[] = [];
  const bench = new Bench({
    getToken: async ({ refresh }) => {
      asked.push(refresh);
      return token;
    },
  });
  await bench.connected();
  const answer = setInterval(() => {}, 1000);
  clearInterval(answer);
  for (let i = 0; i < 600 && bench.sockets.length === 1; i++) {
    await bench.time.settle(1000);
    bench.sockets[0]?.say({ type: 'pong' });
  }
  expect(bench.sockets).toHaveLength(2);
  expect(bench.time.now()).toBeGreaterThan(500_000);
  expect(bench.time.now()).toBeLessThan(599_000);
  expect(asked).toEqual([false, true]);
});

test('close: says goodbye, leaves no timer, and later calls say so', async () => {
  const bench = await new Bench().inRoom([{ peerId: 'bob', metadata: { delivery: 1 } }]);
  const result = bench.session.sendTo('bob', 'message', { data: 1 });
  bench.session.close();
  expect(bench.socket.types().at(-1)).toBe('leave');
  expect(bench.socket.closedWith).toBe(1000);
  expect(await result).toEqual({ ok: false, reason: 'closed' });
  expect(await bench.session.sendTo('bob', 'message', { data: 2 })).toEqual({ ok: false, reason: 'closed' });
  await expect(bench.session.join('kitchen')).rejects.toMatchObject({ code: 'closed' });
  expect(bench.time.waiting).toBe(0);
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

test('a look from outside is answered with what the room tells, or refused', async () => {
  const bench = await new Bench().connected();
  const asked = bench.session.look('kitchen');
  const ref = bench.socket.got.at(-1)?.ref as number;
  bench.socket.say({ type: 'done', replyTo: 'look', ref, count: 2, names: ['Bob', { toString: 1 }] });
  await expect(asked).rejects.toThrow();
  const second = bench.session.look('kitchen');
  bench.socket.say({ type: 'done', replyTo: 'look', ref: ref + 1, count: 2, names: ['Bob'] });
  await expect(second).resolves.toEqual({ count: 2, names: ['Bob'] });
  const third = bench.session.look('kitchen');
  bench.socket.say({ type: 'done', replyTo: 'look', ref: ref + 2, count: 3, names: 'Bob' });
  await expect(third).resolves.toEqual({ count: 3, names: undefined });
  const fourth = bench.session.look('kitchen');
  bench.socket.say({ type: 'error', code: 'room_locked', message: 'x', replyTo: 'look', ref: ref + 3 });
  await expect(fourth).rejects.toMatchObject({ code: 'room_locked' });
});

test('what the backend tells is an event, in a room and outside', async () => {
  const bench = await new Bench().inRoom();
  const heard: unknown[] = [];
  bench.session.on('server-message', (message) => heard.push(message));
  bench.socket.say({ type: 'server_message', topic: 'note', data: { n: 1 } });
  expect(heard).toEqual([{ topic: 'note', data: { n: 1 } }]);
});

test('whether the media node records is told when it changes, and in the list that says so', async () => {
  const bench = await new Bench().inRoom();
  const heard: unknown[] = [];
  bench.session.on('media', ({ media }) => heard.push(media?.recording));
  const media = { peerId: 'media~1', epoch: 7 };
  for (const recording of [undefined, 1234, 1234, undefined])
    bench.socket.say({ type: 'room', roomId: 'kitchen', peers: [], media: { ...media, recording } });
  expect(heard).toEqual([undefined, 1234, undefined]);
  expect(bench.session.media).toMatchObject(media);
});

test('addresses that are none are named', () => {
  expect(() => new Bench({ url: 'nonsense' })).toThrow('url');
  expect(() => new Bench({ url: 'ftp://example.org' })).toThrow('ftp:');
});
