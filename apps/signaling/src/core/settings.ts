/** Everything that bounds the core. Times in ms. */
export interface CoreSettings {
  /** Server pings every so many ms; below the shortest idle timeout on the way (ALB and CloudFront: 60 s). Default 25,000. */
  readonly heartbeatInterval: number;
  /** Silence of so many ms means dead. Default 60,000. */
  readonly heartbeatTimeout: number;
  /** A session outlives its socket so long. Default 60,000. */
  readonly grace: number;
  /** Default 65,536 bytes; a session description of a big call is about 10 KB. */
  readonly maxFrameBytes: number;
  /** JSON bytes of peer metadata. Default 2,048. */
  readonly maxMetadataBytes: number;
  /** Default 50. */
  readonly maxRoomSize: number;
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
  /** This node says so often that it lives. Default 2,000. */
  readonly beatInterval: number;
  /** A node silent for so long is dead. Default 7,000. */
  readonly nodeTimeout: number;
  /** Every room is compared with the stored truth so often, in case an event was lost. Default 10,000. */
  readonly sweepInterval: number;
  /** A kicked login session stays out of the room so long. Default 3,600,000 (the longest life of an access token). */
  readonly banTime: number;
  /** `retryAfter` of `unavailable`. Default 2,000. */
  readonly retryAfter: number;
}

export const DEFAULT_SETTINGS: CoreSettings = {
  heartbeatInterval: 25_000,
  heartbeatTimeout: 60_000,
  grace: 60_000,
  maxFrameBytes: 65_536,
  maxMetadataBytes: 2048,
  maxRoomSize: 50,
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
  retryAfter: 2000,
};
