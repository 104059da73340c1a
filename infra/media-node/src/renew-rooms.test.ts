import { assignRoom, connectRedis, readAssignment } from '@tandem/service';
import { startRedis } from '@tandem/service/testing';
import { expect, test } from 'vitest';
import { renewRooms } from './renew-rooms.ts';
import type { RoomAgent } from './room-agent.ts';

test('a room that has another node is released to that one, not to pairs', async () => {
  await using redis = await startRedis();
  const client = connectRedis(redis.url);
  const mine = await assignRoom(client, 'room', undefined, 'm1');
  const released: unknown[] = [];
  const agent = { roomId: 'room', epoch: mine?.epoch, state: 'serving', release: (to?: string) => released.push(to) };
  await renewRooms(client, 'm1', [agent as unknown as RoomAgent]);
  expect(released).toEqual([]);
  expect((await readAssignment(client, 'room'))?.epoch).toBe(mine?.epoch);
  // The node drains: its mover has written this, and waits for the answer.
  await assignRoom(client, 'room', mine, 'm2');
  await renewRooms(client, 'm1', [agent as unknown as RoomAgent]);
  expect(released).toEqual(['node']);
  client.disconnect();
});
