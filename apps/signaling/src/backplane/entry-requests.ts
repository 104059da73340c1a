/** Those who ask to come into a room. */

/** Somebody who asks to come in. One of a login session at a time; it knows nothing of the room. */
export interface EntryRequest {
  readonly peerId: string;
  /** Node that holds the session. */
  readonly node: string;
  /** JSON of what moderators read of it. Opaque to the backplane. */
  readonly info: string;
  /** ms until it is forgotten unless it asks again. */
  readonly endsIn: number;
}
/** `admit`: let in. `refuse`: kept out for a while. `withdraw`: it asks no more. */
export interface EntryAnswer {
  readonly kind: 'admit' | 'refuse' | 'withdraw';
  /** How long it may come in, or is kept out. */
  readonly ms: number;
}
/** Somebody who asks is forgotten after this, ms, unless asked again: longer than the minute in which browsers let a hidden page act once. */
export const ENTRY_REQUEST_TTL_MS = 75_000;
/** More people than that do not wait in one room: then it is locked. */
export const MAX_ENTRY_REQUESTS = 100;
