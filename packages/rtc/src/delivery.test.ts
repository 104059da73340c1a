import { expect, test } from 'vitest';
import { Delivery } from './delivery.ts';
import type { DeliveryFailure, DeliveryResult } from './delivery-types.ts';
import { random, VirtualTime } from './testing.ts';
import type { Frame } from './wire.ts';

/** Two sessions, `a` and `b`, over a relay that this test misuses. */
class Pair {
  readonly time = new VirtualTime();
  readonly arrived: unknown[] = [];
  readonly failures: DeliveryFailure[] = [];
  readonly frames: Frame[] = [];
  /** What the relay does with a frame for the other side. */
  relay: (deliver: () => void, frame: Frame) => void = (deliver) => deliver();
  connected = true;
  readonly a: Delivery;
  b: Delivery;

  constructor(options: { resend?: boolean; window?: number; maxPending?: number; seed?: number } = {}) {
    const { seed = 1, ...rest } = options;
    const chance = random(seed);
    this.a = new Delivery({
      clock: this.time,
      random: chance,
      send: (frame) => this.#carry(frame, 'a', () => this.b),
      deliver: () => {},
      failed: (_peer, _type, reason) => this.failures.push(reason),
      ...rest,
    });
    this.b = this.receiver(chance);
    this.a.setConnected(true);
    this.b.setConnected(true);
  }

  receiver(chance = random(2)): Delivery {
    return new Delivery({
      clock: this.time,
      random: chance,
      send: (frame) => this.#carry(frame, 'b', () => this.a),
      deliver: (_peer, frame) => this.arrived.push(frame.data),
    });
  }

  #carry(frame: Frame, from: string, to: () => Delivery): boolean {
    if (!this.connected) return false;
    this.frames.push(frame);
    this.relay(() => to().receive({ ...frame, peerId: from }), frame);
    return true;
  }

  send(data: unknown): Promise<DeliveryResult> {
    return this.a.send('b', 'message', { data });
  }
}

test('numbers from 1 per peer, receipts are cumulative and gathered', async () => {
  const pair = new Pair();
  const results = ['x', 'y', 'z'].map((data) => pair.send(data));
  expect(pair.arrived).toEqual(['x', 'y', 'z']);
  pair.time.run(100);
  expect(await Promise.all(results)).toEqual(Array(3).fill({ ok: true, confirmed: true }));
  expect(pair.frames.filter((f) => f.type === 'receipt')).toEqual(
    [{ type: 'receipt', peerId: 'b', id: 3 }].map((f) => ({ ...f, peerId: 'a' })),
  );
  expect(pair.frames.filter((f) => f.type === 'message').map((f) => f.id)).toEqual([1, 2, 3]);
});

test('a lost message is repeated by the timer, and holds later ones back', async () => {
  const pair = new Pair();
  pair.relay = (deliver, frame) => {
    if (frame.id !== 1) deliver();
  };
  const first = pair.send('first');
  const second = pair.send('second');
  expect(pair.arrived).toEqual([]);
  pair.relay = (deliver) => deliver();
  pair.time.run(2000);
  expect(pair.arrived).toEqual(['first', 'second']);
  expect([await first, await second].every((r) => r.ok)).toBe(true);
});

test('negative control: without resend the same loss stays a loss', () => {
  const pair = new Pair({ resend: false });
  pair.relay = (deliver, frame) => {
    if (frame.id !== 1) deliver();
  };
  void pair.send('first');
  pair.relay = (deliver) => deliver();
  pair.time.run(60_000);
  pair.a.setConnected(false);
  pair.a.setConnected(true);
  pair.time.run(20_000);
  expect(pair.arrived).toEqual([]);
});

test('what is sent without a connection goes out on resume, in order', () => {
  const pair = new Pair();
  pair.connected = false;
  pair.a.setConnected(false);
  void pair.send(1);
  void pair.send(2);
  expect(pair.frames).toEqual([]);
  pair.connected = true;
  pair.a.setConnected(true);
  expect(pair.arrived).toEqual([1, 2]);
});

test('repeats wait while the peer is away, and come at once when it is back', () => {
  const pair = new Pair();
  pair.relay = () => {};
  void pair.send(1);
  pair.a.peerAway('b');
  pair.frames.length = 0;
  pair.time.run(10_000);
  expect(pair.frames, 'no repeats into a mailbox').toEqual([]);
  pair.relay = (deliver) => deliver();
  pair.a.peerBack('b');
  expect(pair.arrived).toEqual([1]);
});

test('a peer that left: pending messages fail once, with the reason', async () => {
  const pair = new Pair();
  pair.relay = () => {};
  const result = pair.send(1);
  pair.a.peerLeft('b');
  expect(await result).toEqual({ ok: false, reason: 'peer-left' });
  expect(pair.failures).toEqual(['peer-left']);
  pair.time.run(200_000);
  expect(pair.failures).toHaveLength(1);
});

test('after a failure the receiver does not wait for the gap: base tells it', async () => {
  const pair = new Pair();
  pair.relay = () => {};
  const lost = pair.send('lost');
  pair.a.peerLeft('b');
  expect((await lost).ok).toBe(false);
  pair.relay = (deliver) => deliver();
  const kept = pair.send('kept');
  pair.time.run(100);
  expect(pair.arrived).toEqual(['kept']);
  expect(await kept).toEqual({ ok: true, confirmed: true });
  expect(pair.frames.at(-2)).toMatchObject({ id: 2, base: 2 });
});

test('a message refused for good fails alone; the next ones pass', async () => {
  const pair = new Pair();
  pair.relay = (deliver, frame) => {
    if (frame.id !== 2) deliver();
  };
  const results = [pair.send(1), pair.send('too large'), pair.send(3)];
  pair.time.run(50);
  pair.a.refused('b', 2);
  pair.time.run(50);
  expect(await Promise.all(results)).toEqual([
    { ok: true, confirmed: true },
    { ok: false, reason: 'refused' },
    { ok: true, confirmed: true },
  ]);
  expect(pair.arrived).toEqual([1, 3]);
});

test('nothing waits for ever: a silent peer times out', async () => {
  const pair = new Pair();
  pair.relay = () => {};
  const result = pair.send(1);
  pair.time.run(91_000);
  expect(await result).toEqual({ ok: false, reason: 'timeout' });
});

test('the queue is bounded', async () => {
  const pair = new Pair({ maxPending: 3, window: 2 });
  pair.relay = () => {};
  for (let i = 0; i < 3; i++) void pair.send(i);
  expect(
    pair.frames.filter((f) => f.type === 'message'),
    'only the window is on the wire',
  ).toHaveLength(2);
  expect(await pair.send(3)).toEqual({ ok: false, reason: 'overflow' });
});

test('a session that ended starts from nothing', async () => {
  const pair = new Pair();
  pair.relay = () => {};
  const result = pair.send(1);
  pair.a.reset('session-lost');
  expect(await result).toEqual({ ok: false, reason: 'session-lost' });
  expect(pair.a.pending).toBe(0);
  expect(pair.time.waiting).toBe(0);
});

test('peers without receipts get best effort', async () => {
  const sent: Frame[] = [];
  const delivery = new Delivery({
    clock: new VirtualTime(),
    random: random(1),
    send: (frame) => sent.push(frame) > 0,
    deliver: () => {},
    peer: () => ({}),
  });
  expect(await delivery.send('old', 'message', { data: 1 })).toEqual({ ok: true, confirmed: false });
  expect(sent).toEqual([{ type: 'message', peerId: 'old', data: 1 }]);
});

test('frames that are not numbered properly are handed over as they are', () => {
  const pair = new Pair();
  for (const id of [undefined, 0, -1, 1.5, '1', null])
    pair.b.receive({ type: 'message', peerId: 'a', id, data: 'raw' });
  expect(pair.arrived).toEqual(Array(6).fill('raw'));
});

test('peers that come and go are forgotten', () => {
  const pair = new Pair();
  pair.relay = () => {};
  for (let i = 0; i < 5000; i++) {
    void pair.a.send(`p${i}`, 'message', {});
    pair.a.peerLeft(`p${i}`);
  }
  expect(pair.a.remembered).toBeLessThanOrEqual(1024);
  expect(pair.a.pending).toBe(0);
});

test('exactly once and in order over a relay that loses, repeats, delays and reorders (2,000 seeds)', async () => {
  for (let seed = Number(process.env.SEED ?? 1), last = process.env.SEED ? seed : 2000; seed <= last; seed++) {
    const chance = random(seed);
    const pair = new Pair({ seed, window: 4 + Math.floor(chance() * 8) });
    const loss = chance() * 0.35;
    const repeat = chance() * 0.4;
    pair.relay = (deliver) => {
      for (let copies = chance() < repeat ? 2 : 1; copies > 0; copies--)
        if (chance() > loss) pair.time.setTimeout(deliver, chance() * 400);
    };
    const results: Promise<DeliveryResult>[] = [];
    for (let i = 0; i < 20; i++) pair.time.setTimeout(() => results.push(pair.send(i)), Math.floor(chance() * 5000));
    for (let i = 0; i < 3; i++) {
      const from = chance() * 6000;
      pair.time.setTimeout(() => {
        pair.connected = false;
        pair.a.setConnected(false);
      }, from);
      pair.time.setTimeout(
        () => {
          pair.connected = true;
          pair.a.setConnected(true);
        },
        from + chance() * 1500,
      );
    }
    pair.time.run(120_000);
    const sent = results.length;
    const outcome = (await Promise.all(results)).filter((r) => r.ok).length;
    expect({ seed, outcome, sent, arrived: pair.arrived.length }).toEqual({ seed, outcome: 20, sent: 20, arrived: 20 });
    expect(new Set(pair.arrived).size, `seed ${seed}: each once`).toBe(20);
  }
});
