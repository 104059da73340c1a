/** What goes wrong, as classes with stable codes. */

/** More about a {@link TandemError}. */
export interface TandemErrorDetails {
  /** HTTP status; 0: there was no answer. */
  readonly status: number;
  /** See {@link TandemError.code}. */
  readonly code: string;
  readonly field?: string | undefined;
  readonly retryAfter?: number | undefined;
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

/** Every failure of a call of {@link TandemServer}. Its message never holds a key or a token. */
export class TandemError extends Error {
  override name = 'TandemError';
  /** HTTP status; 0: there was no answer. */
  readonly status: number;
  /**
   * `code` of the API's problem (RFC 9457), such as `room_exists`, `etag_mismatch`, `scope_missing`, `rate_limited`. Without a problem:
   * `unreachable`, `timeout`, `aborted` (your signal), `invalid_argument` (nothing was sent) or `http_<status>` (a proxy answered).
   */
  readonly code: string;
  /** JSON pointer to the wrong field, or the name of a header. */
  readonly field: string | undefined;
  /** Seconds until a retry makes sense. */
  readonly retryAfter: number | undefined;
  /** Id of the request in the log of the service. */
  readonly requestId: string | undefined;

  constructor(message: string, details: TandemErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.status = details.status;
    this.code = details.code;
    this.field = details.field;
    this.retryAfter = details.retryAfter;
    this.requestId = details.requestId;
  }
}

/** Why {@link verifyWebhook} refused a request. */
export type WebhookRefusal =
  | 'header_missing'
  | 'timestamp_invalid'
  | 'timestamp_out_of_range'
  | 'signature_mismatch'
  | 'body_invalid';

/** A request that does not come from the service, or not now: answer it with 400. */
export class WebhookError extends Error {
  override name = 'WebhookError';
  readonly code: WebhookRefusal;
  constructor(code: WebhookRefusal, message: string) {
    super(message);
    this.code = code;
  }
}
