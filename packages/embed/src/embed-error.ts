/**
 * `invalid_url`: not https (or this machine). `not_ready`: the frame did not answer in time; mostly your origin is not in `embedOrigins` of the
 * deployment. If the line was slow and the frame comes later, methods work from then on. `removed`: after `remove`. `gone`: the frame died or loads anew; ask
 * again, and the new one answers. `not_joined`: the call ended before it began. `no_name`: joining needs a name. `not_allowed`: the token lets this person only watch. `invalid`: the frame does not take that. `failed`: it
 * broke over it.
 */
export type EmbedErrorCode =
  | 'invalid_url'
  | 'not_ready'
  | 'removed'
  | 'gone'
  | 'not_joined'
  | 'no_name'
  | 'not_allowed'
  | 'invalid'
  | 'failed';

/** Every failure of {@link EmbeddedCall}. */
export class EmbedError extends Error {
  override name = 'EmbedError';
  readonly code: EmbedErrorCode;
  constructor(code: EmbedErrorCode, message: string = code) {
    super(message);
    this.code = code;
  }
}
