/** One HTTP request and its answer; what may be sent again, and when. */
import { setTimeout as wait } from 'node:timers/promises';
import { TandemError } from './errors.ts';

/** An `AbortSignal`: the type of that name would need the DOM or the types of Node. */
export interface CancelSignal {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** A request, and whether it may be carried out twice. */
export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** From the root, with the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
  /**
   * Twice is the same as once: it is sent again when it is not known whether the first one arrived. Of a DELETE, `unsure`: that it is gone by
   * then does not say that all was done.
   */
  readonly isRepeatable: boolean | 'unsure';
  readonly signal?: CancelSignal | undefined;
}

/** A successful answer. */
export interface HttpAnswer {
  readonly body: unknown;
  readonly etag: string | undefined;
}

/** How a {@link HttpCall} is tried. */
export interface HttpSettings {
  /** Without a slash at the end. */
  readonly url: string;
  /** For one try, ms. */
  readonly timeoutMs: number;
  readonly maxRetries: number;
}

/** First and longest ceiling of a delay between tries, ms; of Retry-After no longer one is waited for. */
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 5000;
const LONGEST_RETRY_AFTER_S = 30;

/**
 * Sends `call`, again after failures that pass, with full jitter and never before `Retry-After`.
 * @throws TandemError
 */
export async function send(settings: HttpSettings, call: HttpCall): Promise<HttpAnswer> {
  let isMaybeDone = false;
  for (let tries = 0; ; tries++) {
    try {
      return await sendOnce(settings, call);
    } catch (error) {
      if (!(error instanceof TandemError)) throw error;
      // An earlier try removed it, and its answer was lost. A proxy's 404 has no code.
      if (
        isMaybeDone &&
        call.method === 'DELETE' &&
        call.isRepeatable === true &&
        /_unknown|not_found/.test(error.code)
      )
        return { body: undefined, etag: undefined };
      // 429 is said before anything is done.
      isMaybeDone ||= error.status !== 429;
      if (tries >= settings.maxRetries || !isPassing(error, call)) throw error;
      const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** tries);
      await waitFor((error.retryAfter ?? 0) * 1000 + Math.random() * ceiling, call);
    }
  }
}

function isPassing({ status, code, retryAfter = 0 }: TandemError, { isRepeatable }: HttpCall): boolean {
  if (retryAfter > LONGEST_RETRY_AFTER_S || code === 'aborted') return false;
  return status === 429 || (isRepeatable && (status === 0 || status >= 500));
}

async function waitFor(ms: number, call: HttpCall): Promise<void> {
  try {
    await wait(ms, undefined, { signal: call.signal as AbortSignal });
  } catch (cause) {
    throw aborted(call, cause);
  }
}

const aborted = ({ method, path }: Pick<HttpCall, 'method' | 'path'>, cause: unknown) =>
  new TandemError(`${method} ${path}: aborted by the caller`, { status: 0, code: 'aborted', cause });

/**
 * The result of `work`, which goes on for others when the signal of `call` ends the wait for it.
 * @throws TandemError
 */
export function unlessAborted<T>(
  call: Pick<HttpCall, 'method' | 'path' | 'signal'>,
  work: () => Promise<T>,
): Promise<T> {
  const { signal } = call;
  if (!signal) return work();
  return new Promise((resolve, reject) => {
    const stop = () => reject(aborted(call, signal.reason));
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop);
    void work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
}

async function sendOnce({ url, timeoutMs }: HttpSettings, call: HttpCall): Promise<HttpAnswer> {
  const { method, path, headers, body, signal } = call;
  const limit = AbortSignal.timeout(timeoutMs);
  let answer: Response;
  let text: string;
  try {
    answer = await fetch(`${url}${path}`, {
      method,
      headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
      // A redirect would take the key to wherever it points.
      redirect: 'error',
      signal: signal ? AbortSignal.any([signal as AbortSignal, limit]) : limit,
      ...(body === undefined ? {} : { body }),
    });
    text = await answer.text();
  } catch (cause) {
    if (signal?.aborted) throw aborted(call, cause);
    const [code, what] = limit.aborted
      ? ['timeout', `no answer within ${timeoutMs} ms`]
      : ['unreachable', 'the service cannot be reached'];
    throw new TandemError(`${method} ${path}: ${what}`, { status: 0, code, cause });
  }
  if (!answer.ok) throw problemOf(call, answer, text);
  try {
    return { body: text === '' ? undefined : JSON.parse(text), etag: answer.headers.get('etag') ?? undefined };
  } catch (cause) {
    const details = { status: answer.status, code: `http_${answer.status}`, cause };
    throw new TandemError(`${method} ${path}: the answer is no JSON: is the url that of a deployment?`, details);
  }
}

/** A stream that is silent for longer while it is waited for is dead, ms: three times what the service leaves between two signs of life. */
const SILENCE_MS = 45_000;

/**
 * Opens a stream: server-sent events, or a file. The chunks end with the connection. Who reads may take any time between two of them.
 * @throws TandemError also while it is read
 */
export async function openStream({ url, timeoutMs }: HttpSettings, call: HttpCall): Promise<AsyncIterable<Uint8Array>> {
  const { path, headers, signal } = call;
  const silence = new AbortController();
  const all = signal ? AbortSignal.any([signal as AbortSignal, silence.signal]) : silence.signal;
  /** Only what the service does is limited, never what is done with it. */
  const within = async <T>(ms: number, work: () => Promise<T>): Promise<T> => {
    const timer = setTimeout(() => silence.abort(), ms);
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof TandemError) throw cause;
      if (signal?.aborted) throw aborted(call, cause);
      throw new TandemError(`GET ${path}: the stream broke`, { status: 0, code: 'unreachable', cause });
    } finally {
      clearTimeout(timer);
    }
  };
  const answer = await within(timeoutMs, async () => {
    const opened = await fetch(`${url}${path}`, { headers, redirect: 'error', signal: all });
    if (!opened.ok) throw problemOf(call, opened, await opened.text());
    return opened;
  });
  return (async function* () {
    try {
      const reader = answer.body?.getReader();
      while (reader) {
        const { done, value } = await within(SILENCE_MS, () => reader.read());
        if (done) return;
        yield value;
      }
    } finally {
      // Who stops reading closes the connection.
      silence.abort();
    }
  })();
}

/** The answer's problem (RFC 9457), or what can be said without one. */
function problemOf({ method, path }: HttpCall, { status, headers }: Response, text: string): TandemError {
  let problem: Readonly<Record<string, unknown>> = {};
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read === 'object' && read !== null) problem = read as typeof problem;
  } catch {}
  const string = (name: string) => (typeof problem[name] === 'string' ? problem[name] : undefined);
  const code = string('code') ?? `http_${status}`;
  return new TandemError(`${method} ${path}: ${status} ${code}: ${string('detail') ?? 'no problem details'}`, {
    status,
    code,
    field: string('field'),
    retryAfter: retryAfterOf(headers.get('retry-after'), problem.retryAfter),
    requestId: string('instance'),
  });
}

/** Seconds or an HTTP date (RFC 9110 section 10.2.3), as proxies send it. */
function retryAfterOf(header: string | null, field: unknown): number | undefined {
  if (typeof field === 'number') return field;
  if (header === null) return undefined;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, Math.ceil(seconds));
}
