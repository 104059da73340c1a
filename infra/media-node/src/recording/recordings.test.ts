import { connectRedis } from '@tandem/service';
import { beginRecording, endRecording, type RunningRecording, readRunning } from '@tandem/service/recordings';
import { startRedis } from '@tandem/service/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { MediaNodeConfig } from '../config.ts';
import type { RoomAgent } from '../room-agent.ts';
import { Recordings } from './recordings.ts';

const RECORDING: RunningRecording = { id: 'a'.repeat(20), startedAt: 1, startedBy: 'ada' };

/** A room of this node that is given away: its people are here until the next node is in the room. */
async function closingRoom(recording?: RunningRecording) {
  const redis = await startRedis();
  const client = connectRedis(redis.url);
  onTestFinished(async () => {
    client.disconnect();
    await redis[Symbol.asyncDispose]();
  });
  await beginRecording(client, 'room', RECORDING);
  const follow = vi.fn(async () => {});
  const agent = { roomId: 'room', state: 'closing', recorder: { recording, follow } } as unknown as RoomAgent;
  const recordings = new Recordings({} as MediaNodeConfig, client, () => {});
  return { client, follow, look: () => recordings.follow(agent) };
}

test('a room that is given away is recorded until it has the next node, and its record lives as long', async () => {
  const { client, follow, look } = await closingRoom(RECORDING);
  const key = 'tandem:{media}:recording:room';
  await client.expire(key, 20);
  await look();
  expect(await client.ttl(key)).toBeGreaterThan(100);
  expect(follow).toHaveBeenLastCalledWith(RECORDING);
});

test('a recording that somebody stops ends also in a room that is given away, and no other one begins there', async () => {
  const { client, follow, look } = await closingRoom(RECORDING);
  await endRecording(client, 'room', RECORDING.id);
  await look();
  expect(follow).toHaveBeenLastCalledWith(undefined);
  await beginRecording(client, 'room', { ...RECORDING, id: 'b'.repeat(20) });
  await look();
  expect(follow).toHaveBeenLastCalledWith(undefined);
  expect((await readRunning(client, 'room'))?.id).toBe('b'.repeat(20));
});

test('in a room that is given away no recording begins: the next node does that', async () => {
  const { follow, look } = await closingRoom();
  await look();
  expect(follow).toHaveBeenLastCalledWith(undefined);
});
