/**
 * The wire contract as plain types, so that the browser bundle and the published typings need no schema library.
 * wire.test.ts holds them to the schemas of @tandem/protocol.
 */

/** What a peer says of itself to its room. At most 2 KiB as JSON. */
export interface PeerMetadata {
  /** Display name. */
  name?: string;
  /** Microphone is on. */
  audio?: boolean;
  /** Camera is on. */
  video?: boolean;
  /** Screen is shared. */
  screen?: boolean;
  /** Sends nothing until it joins again, whatever it may: it is audience like those who may not. */
  audience?: boolean;
  /** Has the grant `kick`: said by the server alone. */
  moderator?: boolean;
  /** Has it by its own token, so that whom a moderator made one in the room cannot remove it: said by the server alone. */
  moderatorByToken?: boolean;
  /** Names of the fields that the backend says: said by the server alone. Of any other field, the peer itself says what it likes. */
  fromBackend?: string[];
  /** A hand is raised. */
  hand?: boolean;
  /** When it was raised, by its owner's clock, ms since the epoch. */
  handAt?: number;
  [key: string]: unknown;
}

/** One member of a room. */
export interface PeerInfo {
  peerId: string;
  /** `sub` of its token. */
  userId?: string;
  /** Receives only, by a media node: there is no pair with it. */
  audience?: boolean;
  metadata?: PeerMetadata;
  /** Its socket is gone, its session still lives. Its media may well go on. */
  away?: boolean;
}

/** Who may enter a room: everybody, those whom a moderator admits, or no more people. Moderators always may. */
export type RoomEntry = 'open' | 'ask' | 'locked';

/** Limits that the server states in `welcome`. */
export interface ServerLimits {
  maxFrameBytes: number;
  maxRoomSize: number;
  messagesPerSecond: number;
  graceSeconds: number;
}

/** How the server watches sockets, as it states in `welcome`. */
export interface Heartbeat {
  /** A ping is sent after this silence, ms. */
  readonly interval: number;
  /** A socket is dead after this silence, ms. */
  readonly timeout: number;
}

/** A session description as it travels: JSEP fields plus what orders it (see negotiation.ts). */
export interface WireDescription {
  type: 'offer' | 'answer' | 'pranswer' | 'rollback';
  sdp: string;
  /** Generation of the pair's connection: a higher one replaces it. */
  gen?: number;
  /** Number of this offer within the generation. */
  n?: number;
  /** The offer that this answer answers. */
  to?: number;
}

/** A candidate as it travels; null ends the candidates. */
export interface WireCandidate {
  candidate?: string;
  sdpMid?: string | null;
  sdpMLineIndex?: number | null;
  usernameFragment?: string | null;
  gen?: number;
}

/** Which media node serves the room. */
export interface RoomMedia {
  /** Peer id of its agent. */
  peerId: string;
  /** Grows with each node that takes the room over. */
  epoch: number;
  /** The node records the room since then, ms since the epoch; undefined: it does not. */
  recording?: number | undefined;
}

/** Message types from one peer to another, or to a media node. @public */
export type DirectedType = 'offer' | 'answer' | 'ice-candidate' | 'media-want' | 'media-state' | 'message';

/** Payloads of directed messages. */
export interface DirectedBody {
  offer: { sdp: WireDescription | string };
  answer: { sdp: WireDescription | string };
  'ice-candidate': { candidate: WireCandidate | null };
  /** To a media node: what to receive. */
  'media-want': { want: unknown };
  /** From and to media nodes and between peers: what of the media tier is true now. */
  'media-state': { state: unknown };
  message: { data: unknown };
}

/** Any frame: an object with a `type`. Its fields are read defensively: a peer may be of another version. */
export interface Frame {
  type: string;
  [key: string]: unknown;
}
