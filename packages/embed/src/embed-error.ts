/**
 * `invalid_url`: not https (or this machine). `not_ready`: the frame did not answer; mostly your origin is not in `embedOrigins` of the
 * deployment. `removed`, `reloaded`: the frame is gone, or loaded anew. `not_joined`: the call ended before it began. `no_name`: joining needs a name.
 * `invalid`: the frame does not take that.
 */
export type EmbedErrorCode =
  | 'invalid_url'
  | 'not_ready'
  | 'removed'
  | 'reloaded'
  | 'not_joined'
  | 'no_name'
  | 'invalid';

/** Every failure of {@link EmbeddedCall}. */
export class EmbedError extends Error {
  override name = 'EmbedError';
  readonly code: EmbedErrorCode;
  constructor(code: EmbedErrorCode, message: string = code) {
    super(message);
    this.code = code;
  }
}
