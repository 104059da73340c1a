import { connectRedis, readAssignment, writeMediaNode } from '@tandem/service';
import { startRedis } from '@tandem/service/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { RoomAgent } from './room-agent.ts';
import { RoomMover } from './room-mover.ts';

/** A room that somebody stays in, whatever it is told. */
function stayingRoom(roomId: string) {
  const room = {
    roomId,
    epoch: 1,
    state: 'serving',
    ended: new Promise<void>(() => {}),
    to: '',
    people: 2,
    needsNode: false,
    /** No node that is called comes. */
    get isWaiting() {
      return this.to === 'node';
    },
    release(_to?: string) {},
  };
  room.release = (to = 'mesh') => {
    room.state = 'closing';
    room.to = to;
  };
  return room;
}

type Staying = ReturnType<typeof stayingRoom>;

/** @param seconds until the drain ends */
async function startMover(seconds: number) {
  const redis = await startRedis();
  const client = connectRedis(redis.url, {});
  const stop = new AbortController();
  const ends = Date.now() + seconds * 1000;
  const mover = new RoomMover({
    redis: client,
    host: {
      id: 'me',
      zone: 'a',
      publicIp: '192.0.2.1',
      privateIp: '192.0.2.1',
      leaving: async () => true,
      lifecycle: async () => {},
    },
    attempt: async (_what, task) => void (await task()),
    signal: stop.signal,
    until: () => ends,
  });
  onTestFinished(async () => {
    stop.abort();
    client.disconnect();
    await redis[Symbol.asyncDispose]();
  });
  const rooms = Array.from({ length: 12 }, (_, i) => stayingRoom(`r${i}`));
  return { client, rooms, move: () => void mover.move(rooms as unknown as RoomAgent[]) };
}

test('near the end of a drain without another node each room is told, also those that no turn came to', async () => {
  const { rooms, move } = await startMover(10);
  move();
  await vi.waitFor(() => expect(rooms.map(({ to }) => to)).toEqual(rooms.map(() => 'mesh')), 20_000);
});

test('rooms whose people are away, and say nothing, do not hold up the next ones', async () => {
  const { client, rooms, move } = await startMover(600);
  await writeMediaNode(client, 'other', { zone: 'a', load: 0, state: 'serving' });
  move();
  await vi.waitFor(() => expect(rooms.map(({ to }) => to)).toEqual(rooms.map(() => 'node')), 5500);
  expect((await readAssignment(client, 'r11'))?.node).toBe('other');
});

test('near the end of a drain those that no turn came to are given to another node, all at once', async () => {
  const { client, rooms, move } = await startMover(12);
  await writeMediaNode(client, 'other', { zone: 'a', load: 0, state: 'serving' });
  move();
  await vi.waitFor(() => expect(rooms.map(({ to }) => to)).toEqual(rooms.map(() => 'node')), 5500);
});

test('near the end of a drain rooms whose called node has not come are asked to connect by pairs, where these carry them', async () => {
  const { client, rooms, move } = await startMover(9);
  await writeMediaNode(client, 'other', { zone: 'a', load: 0, state: 'serving' });
  for (const [i, room] of rooms.entries()) room.people = i === 0 ? 7 : 6;
  move();
  await vi.waitFor(
    () => expect(rooms.map(({ to }) => to)).toEqual(rooms.map((_, i) => (i === 0 ? 'node' : 'mesh'))),
    9000,
  );
});

test('near the end of a drain rooms that pairs do not carry go on here, and go to a node that comes late', async () => {
  const { client, rooms, move } = await startMover(9);
  const [away, alone, carried] = ['away', 'alone', 'carried'].map(stayingRoom) as [Staying, Staying, Staying];
  rooms.splice(0, rooms.length, away, alone, carried);
  for (const room of [away, alone]) room.needsNode = true;
  // Two were given to a node that does not come; the third one found none.
  for (const room of [away, carried]) room.release('node');
  move();
  expect(carried.to).toBe('node');
  await vi.waitFor(() => expect(carried.to).toBe('mesh'), 9000);
  expect([away.to, alone.to]).toEqual(['node', '']);
  await writeMediaNode(client, 'other', { zone: 'a', load: 0, state: 'serving' });
  await vi.waitFor(() => expect(alone.to).toBe('node'), 5000);
  expect(away.to).toBe('node');
});
