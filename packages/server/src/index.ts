/** Server SDK: a deployment's rooms, peers, messages and tokens, from a backend. */
export type { CallOptions } from './api.ts';
export type {
  Ban,
  DecidedGrants,
  NewRoom,
  NewToken,
  Peer,
  Recording,
  RecordingFile,
  Room,
  RoomPatch,
  ServerMessage,
  WebhookEndpoint,
} from './api-types.ts';
export { TandemError, type TandemErrorDetails, WebhookError, type WebhookRefusal } from './errors.ts';
export type { Events, EventsOptions } from './events.ts';
export type { CancelSignal } from './http.ts';
export type { Messages } from './messages.ts';
export type { MovePeerOptions, PeerChange, PeerGrants, Peers, RemovePeerOptions, TaggedPeer } from './peers.ts';
export type { ListRecordingsOptions, Recordings, StartRecordingOptions } from './recordings.ts';
export type { CreateRoomOptions, ListRoomsOptions, Rooms, TaggedRoom, UpdateRoomOptions } from './rooms.ts';
export { TandemServer, type TandemServerOptions } from './tandem-server.ts';
export type { Token, Tokens } from './tokens.ts';
export { type VerifyWebhookOptions, verifyWebhook, type WebhookEvent, type WebhookHeaders } from './webhook.ts';
export type {
  NewWebhookEndpoint,
  ReplayOptions,
  WebhookDelivery,
  WebhookEndpointPatch,
  WebhookEndpoints,
} from './webhook-endpoints.ts';
