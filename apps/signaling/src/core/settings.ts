/** Everything that bounds the core. Times in ms. */
import { DEFAULT_HEARTBEAT } from '@tandem/protocol/codes';

export interface CoreSettings {
  /** Silence after which the server pings. Default 25,000, see DEFAULT_HEARTBEAT. */
  readonly heartbeatInterval: number;
  /** Silence after which a socket is dead. Default 60,000. */
  readonly heartbeatTimeout: number;
  /** How long a session survives after its socket closes. Default 60,000. */
  readonly grace: number;
  /** Default 65,536 bytes; a session description of a big call is about 10 KB. */
  readonly maxFrameBytes: number;
  /** JSON bytes of peer metadata. Default 2,048. */
  readonly maxMetadataBytes: number;
  /** People of a room without its audience. Default 50. */
  readonly maxRoomSize: number;
  /** People of a room who only receive. Default 300. */
  readonly maxAudience: number;
  /** People enter only rooms that a backend created. Default false. */
  readonly createdRoomsOnly: boolean;
  /** Sustained messages a second of one connection; bursts of three seconds' worth pass. Default 100. */
  readonly messagesPerSecond: number;
  /** The same over all connections of one user on this node. Default 400. */
  readonly userMessagesPerSecond: number;
  /**
   * Bytes a second of one connection, in frames of any kind; bursts of two seconds' worth pass. Default 262,144: a burst is half of what a
   * reader may leave unread, so no sender alone gets a slow reader closed.
   */
  readonly bytesPerSecond: number;
  /** Bytes a second that leave for receivers, over all connections of one user on this node: a broadcast counts for each. Default 2,097,152. */
  readonly userFanOutBytesPerSecond: number;
  /** Sessions of one user in rooms, over all nodes. Default 20. */
  readonly sessionsPerUser: number;
  /** Malformed or refused messages in ten seconds before the socket is closed (4006). Default 30. */
  readonly maxFaults: number;
  /** Interval in which this node reports itself alive. Default 2,000. */
  readonly beatInterval: number;
  /** Silence after which a node is dead. Default 7,000. */
  readonly nodeTimeout: number;
  /** Interval in which every room is compared with the store, in case an event was lost. Default 10,000. */
  readonly sweepInterval: number;
  /** How long a kicked login session stays out of the room. Default 3,600,000 (the longest life of an access token). */
  readonly banTime: number;
  /** How long somebody who was let in may come in again, also after a lost session. Default 3,600,000. */
  readonly admissionTime: number;
  /** How long somebody who was refused may not ask again. Default 60,000. */
  readonly refusalTime: number;
  /** `retryAfter` of `room_waiting`, at most half a minute: who asks no more is forgotten after 75 s. Default 10,000. */
  readonly askAgain: number;
  /** `retryAfter` of `unavailable`. Default 2,000. */
  readonly retryAfter: number;
}

export const DEFAULT_SETTINGS: CoreSettings = {
  heartbeatInterval: DEFAULT_HEARTBEAT.interval,
  heartbeatTimeout: DEFAULT_HEARTBEAT.timeout,
  grace: 60_000,
  maxFrameBytes: 65_536,
  maxMetadataBytes: 2048,
  maxRoomSize: 50,
  maxAudience: 300,
  createdRoomsOnly: false,
  messagesPerSecond: 100,
  userMessagesPerSecond: 400,
  bytesPerSecond: 262_144,
  userFanOutBytesPerSecond: 2_097_152,
  sessionsPerUser: 20,
  maxFaults: 30,
  beatInterval: 2000,
  nodeTimeout: 7000,
  sweepInterval: 10_000,
  banTime: 3_600_000,
  admissionTime: 3_600_000,
  refusalTime: 60_000,
  askAgain: 10_000,
  retryAfter: 2000,
};
