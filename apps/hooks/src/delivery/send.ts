/** One try to deliver: a POST to one pinned address, bounded in time and size, without redirects. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { checkEndpointUrl, EndpointUrlError, resolveEndpoint } from './address-guard.ts';

export type Outcome =
  | { readonly kind: 'accepted'; readonly status: number }
  /** 410: it wants nothing any more. */
  | { readonly kind: 'gone' }
  /** `why`: a word for people and metrics, such as `status_500`, `timeout`. `retryAfterMs`: the receiver's wish. */
  | { readonly kind: 'failed'; readonly why: string; readonly retryAfterMs?: number };

export interface SendOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For development, see PRIVATE_ENDPOINTS. */
  readonly isPrivateAllowed: boolean;
  /** For name, connection, TLS and answer together, ms. Default 15,000. */
  readonly timeoutMs?: number;
}

/** Of an answer's body nothing is used; more than this is not even read, bytes. */
const MAX_ANSWER_BYTES = 65_536;
/** Of an answer's headers. */
const MAX_HEADER_BYTES = 16_384;
/** A receiver may not put a try off for longer, ms. */
const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

/** Never rejects. */
export async function send(options: SendOptions): Promise<Outcome> {
  const signal = AbortSignal.timeout(options.timeoutMs ?? 15_000);
  try {
    const url = checkEndpointUrl(options.url, options.isPrivateAllowed);
    const target = await withSignal(resolveEndpoint(url, options.isPrivateAllowed), signal);
    return outcomeOf(await post(url, target, options, signal));
  } catch (error) {
    return { kind: 'failed', why: signal.aborted ? 'timeout' : wordOf(error) };
  }
}

function post(
  url: URL,
  target: { readonly address: string; readonly family: number },
  { headers, body }: SendOptions,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const open = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request: ClientRequest = open(url, {
      method: 'POST',
      headers: {
        ...headers,
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        'user-agent': 'Tandem-Webhooks/1',
      },
      // A connection of its own to the address that was checked; TLS still proves the name of the URL.
      agent: false,
      lookup: (_host, options, done) =>
        options.all
          ? done(null, [{ address: target.address, family: target.family }])
          : done(null, target.address, target.family),
      maxHeaderSize: MAX_HEADER_BYTES,
      signal,
    });
    request.once('error', reject);
    request.once('response', (response) => {
      let read = 0;
      const end = () => {
        resolve(response);
        response.destroy();
      };
      response.on('data', (chunk: Buffer) => {
        read += chunk.length;
        if (read > MAX_ANSWER_BYTES) end();
      });
      response.once('end', end);
      response.once('error', reject);
    });
    request.end(body);
  });
}

function outcomeOf(response: IncomingMessage): Outcome {
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return { kind: 'accepted', status };
  if (status === 410) return { kind: 'gone' };
  const retryAfterMs = readRetryAfter(response.headers['retry-after']);
  return { kind: 'failed', why: `status_${status}`, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

/** RFC 9110 section 10.2.3: seconds, or a date. */
function readRetryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), MAX_RETRY_AFTER_MS) : undefined;
}

function wordOf(error: unknown): string {
  if (error instanceof EndpointUrlError) return 'address_refused';
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code.toLowerCase() : 'failed';
}

function withSignal<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    work.then(resolve, reject);
  });
}
