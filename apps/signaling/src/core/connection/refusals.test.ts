/** Which refusals count as abuse. Titles name the rules of docs/service-contracts.md. */
import { describe, expect, test } from 'vitest';
import { Client, pair } from '../testing.ts';

/** More than the 30 faults that close a socket. */
const MANY = 60;
const times = (count: number, frame: (i: number) => object) => Array.from({ length: count }, (_, i) => frame(i + 1));

async function trio() {
  const { cluster, n1, n2, a, b } = await pair();
  const c = new Client(n1, 'cyd', { kick: true });
  c.send({ type: 'join', roomId: 'r' });
  await cluster.run(1000);
  return { cluster, n1, n2, a, b, c };
}
type Trio = Awaited<ReturnType<typeof trio>>;

/** What crosses a correct client's frames on the way, and the frames of `a` that arrive behind it. */
const crossings: Record<string, (world: Trio) => Promise<object[]>> = {
  'receipts behind my own leave': async ({ a, b }) => {
    a.send({ type: 'leave' });
    return times(MANY, (id) => ({ type: 'receipt', peerId: b.peerId, id }));
  },
  'every frame of a room behind my own leave': async ({ a, b }) => {
    a.send({ type: 'leave', roomId: 'r' });
    return times(MANY, (i) => {
      const frames = [
        { type: 'offer', peerId: b.peerId, sdp: 'x', id: i },
        { type: 'ice-candidate', peerId: b.peerId, candidate: null, id: i },
        { type: 'message', data: i },
        { type: 'leave', roomId: 'r' },
        { type: 'update', metadata: { audio: true } },
      ];
      return frames[i % frames.length] as object;
    });
  },
  'messages to a peer that has just left': async ({ cluster, b }) => {
    b.send({ type: 'leave' });
    await cluster.run();
    return times(MANY, (id) => ({ type: 'message', peerId: b.peerId, id, data: id }));
  },
  'moderation of a peer that has just left': async ({ cluster, b, c }) => {
    b.send({ type: 'leave' });
    await cluster.run();
    for (const frame of times(MANY, () => ({ type: 'kick', peerId: b.peerId }))) c.send(frame);
    return [];
  },
  'frames of the next room behind a join that is refused': async ({ cluster, a, b }) => {
    a.send({ type: 'leave' });
    await cluster.run();
    cluster.away();
    a.send({ type: 'join', roomId: 's' });
    return times(MANY, (id) => ({ type: 'message', peerId: b.peerId, id, data: id }));
  },
  'more frames behind a leave than may wait, while the store is slow': async ({ cluster, a, b }) => {
    const slow = cluster.gate();
    cluster.before = (_node, operation) => (operation === 'dropMember' ? slow.promise : undefined);
    a.send({ type: 'leave' });
    for (let sent = 0; sent < 800; sent += 100) {
      await cluster.run(1000);
      for (const frame of times(100, (id) => ({ type: 'receipt', peerId: b.peerId, id: sent + id }))) a.send(frame);
    }
    slow.open();
    return [];
  },
  'all frames of a path that stalled for a minute, at once': async ({ b }) =>
    times(5000, (id) => ({ type: 'message', peerId: b.peerId, id, data: id })),
};

describe('S-9 what a correct client can do by timing alone is never abuse', () => {
  test.each(Object.entries(crossings))('%s', async (_name, cross) => {
    const world = await trio();
    const frames = await cross(world);
    for (const frame of frames) world.a.send(frame);
    await world.cluster.run(3000);
    expect(world.a.closed, JSON.stringify(world.a.heard.at(-1))).toBeUndefined();
    expect(world.c.closed).toBeUndefined();
    // Each of these scenarios reaches the refusal it is about. (Of messages over a limit not each is answered.)
    const errors = [...world.a.of('error'), ...world.c.of('error')];
    if (errors[0]?.code !== 'rate_limited') expect(errors.length).toBeGreaterThan(30);
    expect(errors.length).toBeGreaterThan(0);
    // The bucket of a flood fills again.
    await world.cluster.run(5000);
    world.cluster.back();
    world.a.send({ type: 'ping', t: 1 });
    await world.cluster.run();
    expect(world.a.of('pong')).toHaveLength(1);
  });
});

describe('S-14 what is wrong by itself is', () => {
  test.each([
    ['bad_message', { type: 'join' }],
    ['unknown_type', { type: 'nonsense' }],
    ['too_large', { type: 'update', metadata: { x: 'x'.repeat(3000) } }],
    ['forbidden', { type: 'kick', peerId: 'somebody' }],
  ])('%s', async (code, frame) => {
    const { cluster, a } = await pair();
    for (let i = 0; i < MANY; i++) a.send(frame);
    await cluster.run();
    expect(a.of('error')[0]).toMatchObject({ code });
    expect(a.of('error')).toHaveLength(31);
    expect(a.closed).toBe(4006);
  });

  test('a flood beyond what a stall can explain closes as well', async () => {
    const { cluster, a } = await pair();
    for (let i = 0; i < 7000; i++) a.send({ type: 'ping' });
    await cluster.run();
    expect(a.closed).toBe(4006);
  });
});
