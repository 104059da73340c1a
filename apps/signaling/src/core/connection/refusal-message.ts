/** The `error` that answers a refused message. */
import { CLOSE_CODES, type CloseName, type ServerMessage } from '@tandem/protocol';
import type { RefusalError } from '../errors.ts';

/** What of a message its refusal names. Not checked by a schema: each field may have any type. */
export type Subject = {
  readonly type?: unknown;
  readonly peerId?: unknown;
  readonly id?: unknown;
  readonly ref?: unknown;
};

export function refusalMessage(refusal: RefusalError, about: Subject): ServerMessage {
  return {
    type: 'error',
    code: refusal.code,
    message: refusal.message,
    ...(refusal.field === undefined ? {} : { field: refusal.field }),
    ...(typeof about.type === 'string' ? { replyTo: about.type.slice(0, 64) } : {}),
    ...(typeof about.peerId === 'string' ? { peerId: about.peerId.slice(0, 64) } : {}),
    ...(typeof about.id === 'number' ? { id: about.id } : {}),
    ...(typeof about.ref === 'number' ? { ref: about.ref } : {}),
    ...(refusal.retryAfter === undefined ? {} : { retryAfter: refusal.retryAfter }),
  };
}

/** The close that a refusal asks for. */
export function closeNameOf(code: number): CloseName {
  const names = Object.keys(CLOSE_CODES) as CloseName[];
  return names.find((name) => CLOSE_CODES[name].code === code) ?? 'internal';
}
