/**
 * The wire contract of `signal.v1`: every message as a schema, one source for types, validation and AsyncAPI.
 *
 * Rules that hold for all of them (docs/service-contracts.md has them numbered):
 * - One JSON object per text frame, with a string `type`.
 * - An unknown `type` gets `error {code: 'unknown_type'}` and nothing else happens; unknown fields are carried, not refused.
 * - *Directed* messages name a `peerId`: the addressee on the way in, the sender (set by the server) on the way out.
 * - Directed messages may carry `id`, a positive integer that the sender counts up from 1 per addressee; the addressee
 *   answers `receipt {peerId, id}` (cumulative: everything up to `id` arrived). The server relays both blindly.
 */
import type { Static, TObject } from 'typebox';
import type { ClientMessages } from './client-messages.ts';
import { type Entry, Metadata, type Peer } from './message-parts.ts';
import type { ServerMessages } from './server-messages.ts';

export { ClientMessages } from './client-messages.ts';
export * from './relayed-messages.ts';
export { ServerMessages } from './server-messages.ts';

export type PeerInfo = Static<typeof Peer>;
export type RoomEntry = Static<typeof Entry>;
/** Shape of {@link PeerMetadata}: the fields that have a meaning here. */
export const PeerMetadataSchema = Metadata;
export type PeerMetadata = Static<typeof Metadata>;
type Messages<T extends Record<string, TObject>> = { [K in keyof T]: Static<T[K]> };
export type ClientMessageMap = Messages<typeof ClientMessages>;
export type ServerMessageMap = Messages<typeof ServerMessages>;
/** Any message a client may send. */
export type ClientMessage = ClientMessageMap[keyof ClientMessageMap];
/** Any message a server may send. */
export type ServerMessage = ServerMessageMap[keyof ServerMessageMap];
