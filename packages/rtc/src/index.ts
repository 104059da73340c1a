/** @tandem/rtc: signaling session, calls and their quality, for browsers and Node. */
export type { BackoffOptions } from './backoff.ts';
export type { Clock } from './clock.ts';
export type { DeliveryFailure, DeliveryResult } from './delivery.ts';
export type { WebSocketConstructor, WebSocketLike } from './link.ts';
export {
  type EndReason,
  GiveUp,
  type SessionEvents,
  type SessionOptions,
  type SessionState,
  SignalingError,
  SignalingSession,
  type TokenRequest,
} from './session.ts';
export type {
  DirectedBody,
  DirectedType,
  PeerInfo,
  PeerMetadata,
  ServerLimits,
  WireCandidate,
  WireDescription,
} from './wire.ts';
