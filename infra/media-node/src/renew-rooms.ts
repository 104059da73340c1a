import { type RedisClient, readAssignment, renewRoom } from '@tandem/service';
import type { RoomAgent } from './room-agent.ts';

/** Says of each room that this node serves it still; one that another node has is released. @throws when Redis is away */
export async function renewRooms(redis: RedisClient, node: string, agents: Iterable<RoomAgent>): Promise<void> {
  for (const agent of agents) {
    if (agent.state !== 'serving') continue;
    const { roomId, epoch } = agent;
    const stillMine = await renewRoom(redis, roomId, { node, epoch, at: Date.now() });
    // Another node has it. A record that Redis lost needs nothing: the agent's membership says who serves.
    if (!stillMine && (await readAssignment(redis, roomId))) agent.release('node');
  }
}
