/** @tandem/rtc: signaling session, calls and their quality, for browsers and Node. */
export type { BackoffOptions } from './backoff.ts';
export { Call } from './call.ts';
export type {
  CallEncryption,
  CallEvents,
  CallOptions,
  CallState,
  ChatMessage,
  LocalState,
  RemotePeer,
} from './call-types.ts';
export type { Clock } from './clock.ts';
export type { DeliveryFailure, DeliveryResult } from './delivery-types.ts';
export type { ReceivedFile } from './file-transfer.ts';
export type { IceServersAnswer, IceServersRequest } from './ice-servers.ts';
export type { WebSocketConstructor, WebSocketLike } from './link.ts';
export { mos, mosFromR, rFactor } from './mos.ts';
export type { PairState, PairTimes, Slot } from './pair-types.ts';
export type { HistoryLine } from './peer-input.ts';
export { PrewarmedConnection } from './prewarmed-connection.ts';
export type { FlowQuality, Grade, PairQuality, PathQuality, RemoteView, Trouble, TroubleCode } from './quality.ts';
export { SignalingSession } from './session.ts';
export {
  type EndReason,
  GiveUpError,
  /** The earlier name of `GiveUpError`, for one release. */
  GiveUpError as GiveUp,
  type RoomLook,
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
