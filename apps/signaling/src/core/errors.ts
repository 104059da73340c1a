import type { ErrorCode } from '@tandem/protocol';

/**
 * Does a refusal say that the client is wrong (S-14)? Exhaustive, so that each new code gets its answer here. What depends on the state of
 * the room, of other peers or of the store at the moment of arrival is no fault: a correct client's frame and the change that makes it
 * refusable cross on the way. `rate_limited` has a count of its own.
 */
const IS_FAULT: Readonly<Record<ErrorCode, boolean>> = {
  bad_json: true,
  bad_message: true,
  unknown_type: true,
  too_large: true,
  forbidden: true,
  rate_limited: false,
  not_in_room: false,
  already_joined: false,
  unknown_peer: false,
  room_full: false,
  room_locked: false,
  room_waiting: false,
  room_over: false,
  room_unknown: false,
  too_many_sessions: false,
  session_unknown: false,
  mailbox_full: false,
  unavailable: false,
};

/** A refusal that the client hears as `error`; the connection goes on. */
export class RefusalError extends Error {
  override name = 'RefusalError';
  readonly code: ErrorCode;
  /** JSON pointer into the refused message. */
  readonly field: string | undefined;
  /** ms until a retry makes sense. */
  readonly retryAfter: number | undefined;
  /** Closes the socket with this code right behind the error. */
  readonly closeWith: number | undefined;
  /** Counts to the limit of malformed and refused messages. */
  readonly fault: boolean;
  constructor(
    code: ErrorCode,
    message: string,
    more: { field?: string; retryAfter?: number; closeWith?: number } = {},
  ) {
    super(message);
    this.code = code;
    this.fault = IS_FAULT[code];
    this.field = more.field;
    this.retryAfter = more.retryAfter;
    this.closeWith = more.closeWith;
  }
}
