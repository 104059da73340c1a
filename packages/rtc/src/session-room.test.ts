/** A session in its room: joins, what it says and hears there, and what it is answered. */
import { expect, test } from 'vitest';
import type { SignalingSession } from './session.ts';
import { Bench, RESUMED, WELCOME } from './testing-session.ts';
import type { Frame } from './wire.ts';

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
  bench.socket.say({ type: 'grants', publish: false, data: true, kick: true, invite: true, metadata: { role: 'x' } });
  bench.socket.say({ type: 'grants', publish: 'yes', data: 1 });
  expect(heard).toEqual([
    { publish: false, data: true, kick: true, invite: true, metadata: { role: 'x' } },
    { publish: false, data: false, kick: false, invite: false, metadata: {} },
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
