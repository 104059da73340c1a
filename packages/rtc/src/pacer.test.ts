import { expect, test } from 'vitest';
import { Delivery } from './delivery.ts';
import { Pacer } from './pacer.ts';
import { random, VirtualTime } from './testing.ts';
import type { Frame } from './wire.ts';

/** A pacer of 80 frames a second that has used up its burst. */
function paced() {
  const time = new VirtualTime();
  const sent: Frame[] = [];
  const pacer = new Pacer(time, (frame) => sent.push(frame) > 0);
  pacer.setRate(100);
  for (let i = 0; i < 25; i++) pacer.push({ type: 'look' });
  sent.length = 0;
  return { time, sent, pacer };
}
const message = (peerId: string, id: number, more = {}): Frame => ({ type: 'message', peerId, id, ...more });
const receipt = (peerId: string, id: number): Frame => ({ type: 'receipt', peerId, id });

test('what is said again while it waits keeps its place, as it is now', () => {
  const { time, sent, pacer } = paced();
  for (let i = 1; i <= 50; i++) {
    pacer.push(receipt('bob', i));
    pacer.push(message('cyd', 7, { base: i }));
    pacer.push(message('bob', 7));
    pacer.push({ type: 'update', metadata: { i } });
  }
  expect(pacer.waiting).toBe(4);
  time.run(1000);
  expect(sent).toEqual([
    { type: 'update', metadata: { i: 50 } },
    receipt('bob', 50),
    message('cyd', 7, { base: 50 }),
    message('bob', 7),
  ]);
  pacer.push(message('bob', 7));
  expect(sent, 'what went out may be said again').toHaveLength(5);
});

test('what was said again during a pause goes out once', () => {
  const { time, sent, pacer } = paced();
  time.run(1000);
  pacer.pause(5000);
  for (let second = 0; second < 5; second++) {
    for (let id = 1; id <= 32; id++) pacer.push(message('bob', id));
    pacer.push(receipt('bob', second));
    time.run(990);
  }
  expect(sent).toEqual([]);
  time.run(2000);
  expect(sent.map(({ id }) => id)).toEqual([...Array.from({ length: 32 }, (_, i) => i + 1), 4]);
});

test('negotiation and requests go first, with what was said to the same peer before and after', () => {
  const { time, sent, pacer } = paced();
  for (let id = 1; id <= 3; id++) for (const peer of ['ann', 'bob']) pacer.push(message(peer, id));
  pacer.push(receipt('bob', 9));
  pacer.push({ type: 'offer', peerId: 'bob', id: 4 });
  pacer.push(message('bob', 5));
  pacer.push({ type: 'kick', peerId: 'eve' });
  time.run(1000);
  expect(sent.map(({ type, peerId, id }) => [type, peerId, id].join(' '))).toEqual([
    'message bob 1',
    'message bob 2',
    'message bob 3',
    // One of four is of what waits longer.
    'message ann 1',
    'offer bob 4',
    'message bob 5',
    'kick eve ',
    'message ann 2',
    'message ann 3',
    'receipt bob 9',
  ]);
});

test('S-32 whatever goes first, what one peer receives is in the order it was said', () => {
  const types = ['message', 'message', 'receipt', 'offer', 'ice-candidate', 'update', 'message'];
  for (let seed = 1; seed <= 200; seed++) {
    const chance = random(seed);
    const { time, sent, pacer } = paced();
    const said = new Map<unknown, number[]>();
    for (let n = 1; n <= 200; n++) {
      const type = types[Math.floor(chance() * types.length)] ?? '';
      const peerId = `p${Math.floor(chance() * 4)}`;
      // Some peers are of another kind, and without numbers.
      const frame = peerId === 'p0' ? { type, peerId, n } : { type, peerId, id: n, n };
      pacer.push(frame);
      if (type !== 'receipt' && type !== 'update') said.set(peerId, [...(said.get(peerId) ?? []), n]);
      if (chance() < 0.1) time.run(chance() * 100);
    }
    time.run(10_000);
    for (const [peerId, ns] of said) {
      const got = sent.filter((f) => f.peerId === peerId && f.type !== 'receipt' && f.type !== 'update');
      expect(
        got.map(({ n }) => n),
        `seed ${seed}`,
      ).toEqual(ns);
    }
    expect(pacer.waiting).toBe(0);
  }
});

test('who makes me negotiate without end does not silence me', () => {
  const { time, sent, pacer } = paced();
  pacer.push(message('bob', 1));
  for (let n = 0; n < 100; n++) pacer.push({ type: 'answer', peerId: 'eve', id: n });
  time.run(100);
  expect(sent).toContainEqual(message('bob', 1));
});

test('a leave waits for a second of what was said before it; what is later is not said at all', () => {
  const { time, sent, pacer } = paced();
  for (let n = 1; n <= 500; n++) pacer.push(message(`p${n}`, 1));
  pacer.push({ type: 'leave', roomId: 'kitchen' });
  pacer.push({ type: 'join', roomId: 'hall' });
  time.run(10_000);
  expect(sent).toHaveLength(82);
  expect(sent.at(0)).toEqual(message('p1', 1));
  expect(sent.slice(-2).map(({ type }) => type)).toEqual(['leave', 'join']);
  for (let n = 1; n <= 30; n++) pacer.push({ type: 'message', data: n });
  time.run(1000);
  expect(sent, 'and the pace goes on').toHaveLength(112);
});

test('what waits is bounded in number and size; negotiation is taken, and so is what is said again', () => {
  const { time, pacer } = paced();
  const taken = (n: number, frame: (i: number) => Frame) =>
    Array.from({ length: n }, (_, i) => pacer.push(frame(i))).filter(Boolean).length;
  expect(taken(2000, (i) => message(`p${i}`, 1))).toBe(1024);
  expect(taken(2000, (i) => message(`p${i}`, 1))).toBe(1024);
  expect(pacer.push({ type: 'offer', peerId: 'bob', id: 1 })).toBe(true);
  expect(pacer.push({ type: 'leave', roomId: 'kitchen' })).toBe(true);
  time.run(60_000);
  const large = (): Frame => ({ type: 'message', data: 'x'.repeat(60_000) });
  const most = taken(200, large);
  expect(most, 'the burst of 40, and 4 MiB').toBeLessThan(115);
  time.run(60_000);
  expect(pacer.waiting).toBe(0);
  expect(taken(200, large), 'what went out does not count').toBe(most);
});

test('what is no JSON harms nothing else', () => {
  const { time, sent, pacer } = paced();
  const data: { self?: unknown } = {};
  data.self = data;
  for (const id of [1, 2]) pacer.push(message('bob', id, { data }));
  pacer.push(message('bob', 3));
  time.run(1000);
  expect(sent).toHaveLength(3);
});

test('applause in a room of a media node: nothing is given up, and an offer leaves at once', async () => {
  const people = 16;
  const time = new VirtualTime();
  const chance = random(1);
  const sent: { at: number; frame: Frame }[] = [];
  const all: Delivery[] = [];
  let [handed, failed] = [0, 0];
  for (let i = 0; i < people; i++) {
    const pacer = new Pacer(time, (frame) => {
      sent.push({ at: time.now(), frame });
      time.setTimeout(() => all[Number(frame.peerId)]?.receive({ ...frame, peerId: `${i}` }), 30);
      return true;
    });
    pacer.setRate(100);
    const delivery = new Delivery({
      clock: time,
      random: chance,
      send: (frame) => pacer.push(frame) !== false,
      deliver: () => handed++,
      failed: () => failed++,
    });
    delivery.setConnected(true);
    all.push(delivery);
  }
  // Five clicks a second of everybody are 75 messages and 75 receipts for each, twice what may be sent.
  for (let click = 0; click < 25; click++) {
    for (const [i, delivery] of all.entries())
      for (let j = 0; j < people; j++) if (j !== i) void delivery.send(`${j}`, 'message', { data: 'applause' });
    time.run(200);
  }
  const said = time.now();
  void all[0]?.send('1', 'offer', { sdp: 'x' });
  time.run(1500);
  const offer = sent.find(({ frame }) => frame.type === 'offer');
  expect((offer?.at ?? Infinity) - said).toBeLessThan(500);
  time.run(15_000);
  expect([handed, failed]).toEqual([people * (people - 1) * 25 + 1, 0]);
  expect(all.map(({ pending }) => pending)).toEqual(all.map(() => 0));
});

test('whoever makes me owe receipts without end fills no queue', () => {
  const { time, sent, pacer } = paced();
  const delivery = new Delivery({
    clock: time,
    random: () => 0.5,
    send: (frame) => pacer.push(frame) !== false,
    deliver: () => {},
  });
  delivery.setConnected(true);
  for (let n = 0; n < 500; n++) {
    for (const eve of ['eve1', 'eve2', 'eve3', 'eve4']) delivery.receive(message(eve, 1));
    time.run(20);
  }
  expect(pacer.waiting).toBeLessThanOrEqual(4);
  const { length } = sent;
  void delivery.send('bob', 'message', { data: 'help' });
  time.run(100);
  expect(sent.slice(length)).toContainEqual(message('bob', 1, { data: 'help' }));
});
