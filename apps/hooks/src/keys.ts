/** Names of the keys in Redis. What belongs to the rooms of a partition has its hash tag, so that one script may touch all of it. */
import { outboxKey, partitionOf, partitionTag } from '@tandem/service/room-events';

const PREFIX = 'tandem';

/** Beginning of the keys of a partition, as the scripts get it. */
export const partitionPrefix = (partition: number) => `${PREFIX}:{${partitionTag(partition)}}`;

export const keys = {
  /** Hash: endpoint id -> JSON of {@link Endpoint}. */
  endpoints: `${PREFIX}:{hooks}:endpoints`,
  /** Sorted set: each dispatcher and when it said last that it lives. */
  dispatchers: `${PREFIX}:{hooks}:dispatchers`,
  /** Sorted set: each signaling node and when it said last that it lives (scripts/node-beat.lua of signaling). */
  nodes: `${PREFIX}:{nodes}`,
  outbox: (partition: number) => outboxKey(PREFIX, partition),
  /** String "dispatcher fence": who works on the partition. */
  lease: (partition: number) => `${partitionPrefix(partition)}:lease`,
  /** Counts the leases. */
  fence: (partition: number) => `${partitionPrefix(partition)}:fence`,
  /** String: the outbox is folded up to this entry. */
  cursor: (partition: number) => `${partitionPrefix(partition)}:cursor`,
  /** Hash: room -> JSON of {@link ToldRoom}. */
  told: (partition: number) => `${partitionPrefix(partition)}:told`,
  /** Stream of whole events, as receivers get them. */
  log: (partition: number) => `${partitionPrefix(partition)}:log`,
  /** Sorted set of an endpoint: room -> when its first event is due, ms. */
  due: (partition: number, endpointId: string) => `${partitionPrefix(partition)}:due:${endpointId}`,
  /** List of the entries of {@link keys.log} that an endpoint is owed, of one room. */
  queue: (partition: number, endpointId: string, room: string) =>
    `${partitionPrefix(partition)}:q:${endpointId}:${room}`,
  /** Hash of an endpoint: room -> "failed tries of its first event, what failed last". */
  tries: (partition: number, endpointId: string) => `${partitionPrefix(partition)}:tries:${endpointId}`,
  /** Stream of the events that were given up. */
  dead: (partition: number, endpointId: string) => `${partitionPrefix(partition)}:dead:${endpointId}`,
  /** Sorted set of signaling: the rooms of a partition that are listed. */
  rooms: (partition: number) => `${partitionPrefix(partition)}:rooms`,
  /** Hash of signaling: the settings of a room. */
  settings: (room: string) => `${partitionPrefix(partitionOf(room))}:s:${room}`,
  /** Hash of signaling: the members of a room. */
  room: (room: string) => `${partitionPrefix(partitionOf(room))}:r:${room}`,
};
