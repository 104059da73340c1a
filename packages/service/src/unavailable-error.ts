/** Alone in its file, so that signaling's core, which runs in simulations too, loads nothing else of this package. */
export interface UnavailableOptions {
  /** Name of what is away. Default `store`. */
  readonly dependency?: string;
  /** Why it was not tried, or what became of the try. Default `failed`. */
  readonly reason?: 'breaker-open' | 'bulkhead-full' | 'timeout' | 'failed';
  /** Seconds until a retry makes sense. Default 1. */
  readonly retryAfter?: number;
  readonly cause?: unknown;
}

/** A dependency does not answer, or was not asked because it does not. Over HTTP: 503 with Retry-After. */
export class UnavailableError extends Error {
  override name = 'UnavailableError';
  readonly dependency: string;
  readonly reason: NonNullable<UnavailableOptions['reason']>;
  /** Seconds until a retry makes sense. */
  readonly retryAfter: number;
  constructor(
    message: string,
    { dependency = 'store', reason = 'failed', retryAfter = 1, cause }: UnavailableOptions = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.dependency = dependency;
    this.reason = reason;
    this.retryAfter = retryAfter;
  }
}
