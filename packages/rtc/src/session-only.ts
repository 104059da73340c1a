/** `@tandem/rtc/session`: the signaling session alone. Nothing here, types included, needs the DOM. */
export type { BackoffOptions } from './backoff.ts';
export type { Clock } from './clock.ts';
export type { DeliveryFailure, DeliveryResult } from './delivery-types.ts';
export type { WebSocketConstructor, WebSocketLike } from './link.ts';
export { SignalingSession } from './session.ts';
export {
  type EndReason,
  GiveUpError,
  /** The earlier name of `GiveUpError`, for one release. */
  GiveUpError as GiveUp,
  type SessionEvents,
  type SessionOptions,
  type SessionState,
  SignalingError,
  type TokenRequest,
} from './session-types.ts';
export type {
  DirectedBody,
  DirectedType,
  PeerInfo,
  PeerMetadata,
  RoomEntry,
  ServerLimits,
  WireCandidate,
  WireDescription,
} from './wire.ts';
