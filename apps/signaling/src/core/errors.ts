import type { ErrorCode } from '@tandem/protocol';

/** A refusal that the client hears as `error`; the connection goes on. */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly code: ErrorCode;
  /** JSON pointer into the refused message. */
  readonly field: string | undefined;
  /** ms until a retry makes sense. */
  readonly retryAfter: number | undefined;
  /** Closes the socket with this code right behind the error. */
  readonly closeWith: number | undefined;
  constructor(
    code: ErrorCode,
    message: string,
    more: { field?: string; retryAfter?: number; closeWith?: number } = {},
  ) {
    super(message);
    this.code = code;
    this.field = more.field;
    this.retryAfter = more.retryAfter;
    this.closeWith = more.closeWith;
  }
}
