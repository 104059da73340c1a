/** Why a stream was not taken, as HTTP says it. */
import { ProblemError } from '@tandem/service';
import { StreamRefusedError } from './stream-leg.ts';

const STATUS: Readonly<Record<string, number>> = {
  forbidden: 403,
  encrypted: 403,
  kicked: 403,
  room_locked: 403,
  room_waiting: 403,
  room_over: 403,
  room_unknown: 404,
  room_full: 409,
  duplicate: 409,
  replaced: 409,
  roomClosed: 409,
  rate_limited: 429,
  too_many_sessions: 429,
  tokenRefused: 401,
  tokenExpired: 401,
  token_refused: 401,
};

/** @returns what to throw: a problem for a refusal, anything else as it is */
export function refusalProblem(error: unknown): unknown {
  if (!(error instanceof StreamRefusedError)) return error;
  const { refusal } = error;
  switch (refusal.kind) {
    case 'no-node':
      return new ProblemError(503, 'no_media_node', 'No media node takes the room now; try again soon.', {
        retryAfter: 2,
      });
    case 'no-media':
      return new ProblemError(422, 'no_media', 'Not all of the offer is taken. Send Opus, and VP8 or H.264.');
    case 'refused': {
      const status = STATUS[refusal.code] ?? 503;
      const detail = `The room does not take this stream: ${refusal.message}`;
      return new ProblemError(status, refusal.code, detail, status === 503 || status === 429 ? { retryAfter: 2 } : {});
    }
    default:
      return refusal satisfies never;
  }
}
