import type { EndKind } from './types.ts';

/** From the SDK's reasons (close codes by name, error codes) to what the page says. */
export function endKind(code: string | undefined): EndKind {
  switch (code) {
    case 'normal':
    case 'left':
      return 'left';
    case 'kicked':
      return 'kicked';
    case 'replaced':
    case 'fenced':
      return 'replaced';
    case 'duplicate':
      return 'duplicate';
    case 'too_many_sessions':
      return 'crowded';
    case 'roomClosed':
      return 'closed';
    case 'forbidden':
    case 'token_refused':
    case 'tokenRefused':
      return 'refused';
    case 'room_locked':
      return 'locked';
    case 'not_admitted':
      return 'declined';
    case 'room_over':
      return 'over';
    case 'room_unknown':
      return 'unknown';
    case 'broken_link':
      return 'link';
    case 'cannot_encrypt':
      return 'encryption';
    case 'unavailable':
    case 'timeout':
    case 'tryLater':
      return 'unreachable';
    case 'room-lost':
    case 'abnormal':
    case 'session_unknown':
      return 'lost';
    default:
      return 'failed';
  }
}
