/** What a client without the schemas needs: no import here, so that a browser bundle stays small. */

/** WebSocket subprotocol of this version. The token travels beside it as `bearer.<jwt>`. */
export const SUBPROTOCOL = 'signal.v1';

/**
 * How sockets are watched where nothing else is said, ms: a ping after `interval` of silence, dead after `timeout`. The interval is below
 * the shortest idle timeout on the way (60 s of an Application Load Balancer and of CloudFront).
 */
export const DEFAULT_HEARTBEAT = { interval: 25_000, timeout: 60_000 } as const;

/**
 * Topic of the server message by which media nodes alone hear of people who are away until when their tokens are good: `data` is ms since the
 * epoch by peer id (S-127).
 */
export const TOKEN_ENDS_TOPIC = 'token-ends';

/** Every `error.code` on the wire, with what a client does about it. */
export const ERROR_CODES = {
  bad_json: 'The frame is not a JSON object.',
  bad_message: 'A field is missing or has the wrong shape; `field` names it.',
  unknown_type: 'This server does not know that message type.',
  too_large: 'The frame or the metadata is over the limit in `welcome.limits`.',
  rate_limited: 'Too many messages; retry after `retryAfter` ms.',
  not_in_room: 'Join a room first.',
  already_joined: 'This session is in another room; leave it first.',
  unknown_peer: 'No such peer in your room.',
  room_full: 'The room has reached its size.',
  room_locked: 'The room is locked: no one else can enter.',
  room_waiting: 'A moderator decides whether you come in: join again after `admission`, or after `retryAfter` ms.',
  room_over: 'The time of the room is over.',
  room_unknown: 'There is no such room; here a backend has to create it first.',
  forbidden: 'Your token does not grant that.',
  too_many_sessions: 'This user has as many sessions as one may have; end another one.',
  session_unknown: 'That session is over; start a new one (join).',
  mailbox_full: 'The peer is away and its mailbox is full; it was not delivered.',
  unavailable: 'A dependency is away; retry after `retryAfter` ms.',
} as const;
export type ErrorCode = keyof typeof ERROR_CODES;

/** What a client does after a close: come back at once, come back after a backoff, or give up. */
export type AfterClose = 'reconnect' | 'backoff' | 'give-up';

/** Every close code of the service (RFC 6455 section 7.4: 4000 to 4999 are the application's). */
export const CLOSE_CODES = {
  /** Normal closure by the client: it leaves. A client that only gives up a socket closes with 4011. */
  normal: { code: 1000, after: 'give-up', reason: 'The client left.' },
  /** The node goes away (RFC 6455): drain or restart. */
  goingAway: { code: 1001, after: 'reconnect', reason: 'The node goes away; resume on another.' },
  /** Network loss, seen by the client only. */
  abnormal: { code: 1006, after: 'backoff', reason: 'The connection broke.' },
  tooBig: { code: 1009, after: 'backoff', reason: 'A frame was over the limit.' },
  internal: { code: 1011, after: 'backoff', reason: 'The server failed; it is in its log.' },
  tryLater: { code: 1013, after: 'backoff', reason: 'Overload.' },
  tokenRefused: { code: 4001, after: 'give-up', reason: 'The token was revoked or refused.' },
  tokenExpired: { code: 4002, after: 'reconnect', reason: 'The token ran out: fetch a new one and resume.' },
  kicked: { code: 4003, after: 'give-up', reason: 'A moderator removed you.' },
  replaced: { code: 4004, after: 'give-up', reason: 'A newer socket of the same identity took over.' },
  duplicate: { code: 4005, after: 'give-up', reason: 'This identity is connected already and the policy is `reject`.' },
  abuse: { code: 4006, after: 'give-up', reason: 'Too many malformed or refused messages.' },
  slowConsumer: { code: 4007, after: 'backoff', reason: 'You read too slowly; your buffer ran over.' },
  heartbeat: { code: 4008, after: 'reconnect', reason: 'No answer to pings.' },
  roomClosed: { code: 4009, after: 'give-up', reason: 'The room was closed.' },
  /** `backoff` for a client whose only socket this is and that sent a resume within the last 60 s: rule S-73. */
  fenced: { code: 4010, after: 'give-up', reason: 'This session continues on another socket.' },
  /** Sent by clients only: no answer came in time, or the session moved to another socket. The session goes on. */
  abandoned: { code: 4011, after: 'backoff', reason: 'The client gave this socket up; its session goes on.' },
} as const satisfies Record<string, { code: number; after: AfterClose; reason: string }>;
export type CloseName = keyof typeof CLOSE_CODES;

const byCode = new Map<number, AfterClose>(Object.values(CLOSE_CODES).map((c) => [c.code, c.after]));

/** What to do after a close with `code`. Unknown codes count as network trouble: `backoff`. */
export function afterClose(code: number): AfterClose {
  return byCode.get(code) ?? 'backoff';
}
