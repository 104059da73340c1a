/** Which rooms get a media node, with real Redis. Titles name the rules of docs/service-contracts.md. */
import { assignRoom, connectRedis, nextCall, readAssignment, writeMediaNode } from '@tandem/service';
import { startRedis, type TestRedis } from '@tandem/service/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { SignalingService } from '../app.ts';
import { connectClient, startTestKeys, startTestNode, type TestKeys } from '../testing.ts';

let keys: TestKeys;
let redis: TestRedis;
let nodes: SignalingService[];
beforeAll(async () => {
  keys = await startTestKeys();
  redis = await startRedis();
  nodes = await Promise.all([1, 2].map(() => startTestNode({ keys, config: { REDIS_URL: redis.url, MEDIA_FROM: 3 } })));
});
afterAll(async () => {
  for (const node of nodes) await node[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
  await keys[Symbol.asyncDispose]();
});

test('S-123 a room of its size is given to one node once, and to the next when that one does not come', async () => {
  const directory = connectRedis(redis.url);
  const live = setInterval(() => {
    for (const id of ['m1', 'm2']) void writeMediaNode(directory, id, { zone: 'z', load: 0, state: 'serving' });
  }, 200);
  try {
    using ada = await connectClient(nodes[0] as SignalingService, await keys.token('ada'));
    using bob = await connectClient(nodes[1] as SignalingService, await keys.token('bob'));
    await ada.join('room');
    await ada.settle();
    expect(await readAssignment(directory, 'room')).toBeUndefined();
    await bob.join('room');
    using eve = await connectClient(nodes[1] as SignalingService, await keys.token('eve'));
    await eve.join('room');
    const first = await vi.waitFor(
      async () => {
        const assignment = await readAssignment(directory, 'room');
        if (!assignment) throw new Error('not assigned');
        return assignment;
      },
      { timeout: 10_000 },
    );
    expect(await nextCall(directory, first.node, 1)).toEqual({ room: 'room', epoch: first.epoch });
    // Nobody comes.
    const second = await vi.waitFor(
      async () => {
        const assignment = await readAssignment(directory, 'room');
        if (assignment?.epoch === first.epoch) throw new Error('still the first');
        return assignment;
      },
      { timeout: 15_000, interval: 200 },
    );
    expect(second?.node).not.toBe(first.node);
    expect(second?.epoch).toBeGreaterThan(first.epoch);
    // The called node comes: the room keeps it.
    using agent = await connectClient(nodes[0] as SignalingService, await keys.token('media-x', { media: true }));
    await agent.join('room', { media: second?.epoch });
    await ada.next('room', (m) => m.media?.epoch === second?.epoch);
    await new Promise((resolve) => setTimeout(resolve, 5000));
    expect(await readAssignment(directory, 'room')).toEqual(second);
  } finally {
    clearInterval(live);
    directory.disconnect();
  }
});

test('S-123 a room that its node gave to another one is given to a third when that one does not come', async () => {
  const directory = connectRedis(redis.url);
  const live = setInterval(() => {
    for (const id of ['m2', 'm3']) void writeMediaNode(directory, id, { zone: 'z', load: 0, state: 'serving' });
  }, 200);
  try {
    using ada = await connectClient(nodes[0] as SignalingService, await keys.token('ada'));
    using bob = await connectClient(nodes[1] as SignalingService, await keys.token('bob'));
    using agent = await connectClient(nodes[0] as SignalingService, await keys.token('media-y', { media: true }));
    const moved = await assignRoom(directory, 'moved', undefined, 'm2');
    if (!moved) throw new Error('not assigned');
    // It serves on, as a node does that drains.
    await agent.join('moved', { media: moved.epoch - 1 });
    await ada.join('moved');
    await bob.join('moved');
    const next = await vi.waitFor(
      async () => {
        const assignment = await readAssignment(directory, 'moved');
        if (assignment?.epoch === moved.epoch) throw new Error('still the one that does not come');
        return assignment;
      },
      { timeout: 30_000, interval: 200 },
    );
    expect(next).toMatchObject({ node: 'm3' });
    expect(next?.epoch).toBeGreaterThan(moved.epoch);
  } finally {
    clearInterval(live);
    directory.disconnect();
  }
});

test('S-125 a room with an audience gets a node, whatever its size', async () => {
  const directory = connectRedis(redis.url);
  const live = setInterval(() => void writeMediaNode(directory, 'm1', { zone: 'z', load: 0, state: 'serving' }), 200);
  try {
    using ada = await connectClient(nodes[0] as SignalingService, await keys.token('ada'));
    using zoe = await connectClient(nodes[1] as SignalingService, await keys.token('zoe', { publish: false }));
    await zoe.join('stage');
    await ada.join('stage');
    await vi.waitFor(async () => expect(await readAssignment(directory, 'stage')).toBeDefined(), { timeout: 10_000 });
  } finally {
    clearInterval(live);
    directory.disconnect();
  }
});
