import { connectRedis } from '@tandem/service';
import { startRedis } from '@tandem/service/testing';
import { expect, test, vi } from 'vitest';
import type { RoomAgent } from './room-agent.ts';
import { RoomMover } from './room-mover.ts';

/** A room that somebody stays in, whatever it is told. */
function stayingRoom(roomId: string) {
  const room = {
    roomId,
    epoch: 1,
    state: 'serving',
    ended: new Promise<void>(() => {}),
    release() {},
  };
  room.release = () => {
    room.state = 'closing';
  };
  return room;
}

test('near the end of a drain without another node each room is told, also those that no turn came to', async () => {
  await using redis = await startRedis();
  const client = connectRedis(redis.url, {});
  const stop = new AbortController();
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
    until: () => Date.now() + 10_000,
  });
  const rooms = Array.from({ length: 12 }, (_, i) => stayingRoom(`r${i}`));
  const moved = mover.move(rooms as unknown as RoomAgent[]);
  await vi.waitFor(() => expect(rooms.map((room) => room.state)).toEqual(rooms.map(() => 'closing')), 20_000);
  stop.abort();
  void moved;
  client.disconnect();
});
