/** What goes into a signaling session and what comes out of it. */
import type { CloseName } from '@tandem/protocol/codes';
import type { BackoffOptions } from './backoff.ts';
import type { Clock } from './clock.ts';
import type { DeliveryFailure, DeliveryOptions } from './delivery-types.ts';
import type { WebSocketConstructor } from './link.ts';
import type { DirectedBody, DirectedType, PeerInfo, RoomEntry, RoomMedia } from './wire.ts';

/** Why a token is asked for. `refresh`: the one given before was refused or runs out, so a cached copy will not do. */
export interface TokenRequest {
  readonly refresh: boolean;
  /** The same until one is given: send it as `Idempotency-Key`, so that a lost answer costs no refresh token. */
  readonly idempotencyKey: string;
}

/** What a {@link SignalingSession} needs. Only `url` and `getToken` are required. @public */
export interface SessionOptions {
  /** Where signaling listens, e.g. `wss://example.org/ws/signal`; http(s) and paths relative to the page work too. */
  readonly url: string;
  /** Gives an access token. Throw `GiveUpError` when there will never be one; any other error is retried with backoff. */
  readonly getToken: (request: TokenRequest) => Promise<string>;
  /** Default: `globalThis.WebSocket` (browsers, Node ≥ 22). That of `ws` works as well. */
  readonly WebSocket?: WebSocketConstructor;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Source of jitter, 0 to 1. Default `Math.random`. */
  readonly random?: () => number;
  readonly backoff?: BackoffOptions;
  /**
   * How long `getToken` may take, a new socket to open, and the server to answer on it, in ms each. Then the attempt is given up and the next
   * one begins; the session goes on, and what comes later is ignored. Default 10,000.
   */
  readonly connectTimeout?: number;
  /**
   * Asked when a handshake failed, because a browser hides why: ms that the server wants to be left alone, or undefined.
   * Default: a GET of the socket's address, reading `Retry-After` of a 503 or 429. `false` switches it off.
   */
  readonly probe?: ((url: string) => Promise<number | undefined>) | false;
  /**
   * Share of sessions whose joins, resumes, offers, answers and candidates carry a sampled `traceparent` (W3C trace context), so that servers
   * with a collector record each hop, 0 to 1. The id is random and says nothing of the person. Default 0.
   */
  readonly traceSampling?: number;
  /** Times and bounds of end-to-end delivery; see delivery.ts. */
  readonly delivery?: Pick<DeliveryOptions, 'resendAfter' | 'maxResend' | 'timeout' | 'maxPending' | 'resend'>;
}

/**
 * - `idle`: not connected yet, - `connecting`: first connection, - `open`, - `reconnecting`: the session goes on without a
 * socket, - `closed`: over for good; `reason` of the event says why.
 */
export type SessionState = 'idle' | 'connecting' | 'open' | 'reconnecting' | 'closed';

/** Why a session is over: a close code's name, or `token_refused` when the supplier gave up. */
export type EndReason = CloseName | 'token_refused';

/** Events of a {@link SignalingSession}, by name, with what the handler receives. @public */
export interface SessionEvents {
  state: { state: SessionState; reason?: EndReason | 'network' | 'deaf' | 'drain'; message?: string; retryIn?: number };
  /** In the room (first time or again). `again`: after a lost session; my peer id is a new one. */
  joined: { roomId: string; peers: PeerInfo[]; again: boolean };
  /** I am out of the room: by `leave()`, `close()`, or because the session is over. The others are still in it. */
  left: { roomId: string };
  /** The room is lost though the session goes on, e.g. it was full when I came back. */
  'room-lost': { roomId: string; code: string; message: string };
  /** The server forgot this session; peers saw me leave, and a new session has begun. */
  'session-lost': { oldPeerId: string };
  'peer-joined': { peer: PeerInfo; before: boolean };
  /** Somebody else left. After a lost session or membership also everybody, before I am in again and see who is there (`peer-joined`). */
  'peer-left': { peer: PeerInfo; reason: string };
  'peer-updated': { peer: PeerInfo };
  'peer-away': { peer: PeerInfo };
  'peer-back': { peer: PeerInfo };
  /** Another media node serves the room, or none, or whether it records the room has changed. */
  media: { media: RoomMedia | undefined };
  /** Offer, answer or candidate of a peer, in order, once. */
  signal: { [T in Exclude<DirectedType, 'message'>]: { type: T; peerId: string } & DirectedBody[T] }[Exclude<
    DirectedType,
    'message'
  >];
  /** App message of a peer, in order, once. */
  message: { peerId: string; data: unknown };
  /** A message of mine was given up. */
  undelivered: { peerId: string; type: DirectedType; reason: DeliveryFailure };
  /** The backend of the deployment tells something, by the server API. `move`, followed by `kicked` with the reason `moved`: rule S-38. */
  'server-message': { topic: string; data: unknown };
  /**
   * Who may enter the room, whether people without the grant `kick` may share a screen, write in the chat and read names from outside (`look`), and,
   * for moderators, who waits to be let in. Everything is open until this says otherwise.
   */
  entry: { entry: RoomEntry; share: boolean; chat: boolean; look: boolean; waiting: PeerInfo[] };
  /**
   * The backend, or a moderator, has changed what I may do in this room, until something else is said: send picture and sound, send app data, moderate,
   * let listeners speak. The server refuses the rest. Without `publish`, stop your tracks: a `Call` does not do it. `metadata` is what the backend says
   * of me there: the others see it in mine, whatever I say.
   */
  grants: { publish: boolean; data: boolean; kick: boolean; invite: boolean; metadata: Record<string, unknown> };
  /** A moderator has decided about me, whose `join` was refused with `room_waiting`: join again, or not. */
  admission: { admitted: boolean };
  kicked: { reason: string };
  'mute-requested': { peerId: string; kind: 'audio' | 'video' };
  /** The server refused something, also when the promise of the request is not awaited. */
  error: { code: string; message: string; field?: string | undefined; replyTo?: string | undefined };
}

/** A room from outside. @public */
export interface RoomLook {
  /** How many people are in. */
  readonly count: number;
  /** Display names of those who have one, at most 12. Undefined: the room does not tell them, or has more than 50 people. */
  readonly names: readonly string[] | undefined;
}

/** The server refused a request, with a code of ERROR_CODES (or `closed`, `disconnected`, `timeout`). */
export class SignalingError extends Error {
  readonly code: string;
  readonly retryAfter: number | undefined;
  constructor(code: string, message: string, retryAfter?: number) {
    super(message);
    this.name = 'SignalingError';
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** Thrown by a token supplier: there will be no token, so the session ends as `token_refused`. */
export class GiveUpError extends Error {
  override name = 'GiveUpError';
}
