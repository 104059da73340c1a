/** One try to deliver: a POST to one pinned address, bounded in time and size, without redirects. */
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
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
  /** For name, connection, TLS and answer together, ms. Default {@link TRY_MS}. */
  readonly timeoutMs?: number;
  /** Default: {@link resolveEndpoint}. */
  readonly resolve?: typeof resolveEndpoint;
}

/** A try ends after that, ms. */
export const TRY_MS = 15_000;

/** An address that was checked. */
interface Target {
  readonly address: string;
}

/** Idle connections end before receivers end them (5 s is the default of Node's server, and none of the usual ones is shorter), ms. */
const IDLE_MS = 4000;
/** Idle connections to one address: as many as one endpoint may have tries under way. */
const IDLE_MOST = 32;
const kept = { keepAlive: true, timeout: IDLE_MS, maxFreeSockets: IDLE_MOST };
const agents = { http: new HttpAgent(kept), https: new HttpsAgent(kept) };

/** Of an answer's body nothing is used; more than this is not even read, bytes. */
const MAX_ANSWER_BYTES = 65_536;
/** Of an answer's headers. */
const MAX_HEADER_BYTES = 16_384;
/** A receiver may not put a try off for longer, ms. */
const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

/** Never rejects. */
export async function send(options: SendOptions): Promise<Outcome> {
  const signal = AbortSignal.timeout(options.timeoutMs ?? TRY_MS);
  try {
    const url = checkEndpointUrl(options.url, options.isPrivateAllowed);
    const { resolve = resolveEndpoint } = options;
    const target = await withSignal(resolve(url, options.isPrivateAllowed), signal);
    return outcomeOf(await postKept(url, target, options, signal));
  } catch (error) {
    return { kind: 'failed', why: signal.aborted ? 'timeout' : wordOf(error) };
  }
}

/** On a connection that was kept, if there is one. The receiver may be ending it at that moment: then on one of its own. */
async function postKept(url: URL, target: Target, options: SendOptions, signal: AbortSignal): Promise<IncomingMessage> {
  try {
    return await post(url, target, options, signal, url.protocol === 'https:' ? agents.https : agents.http);
  } catch (error) {
    if (!(error instanceof StaleConnectionError)) throw error;
    return post(url, target, options, signal, false);
  }
}

/** A connection that was used before ended without an answer. */
class StaleConnectionError extends Error {
  override name = 'StaleConnectionError';
}

function post(
  url: URL,
  { address }: Target,
  { headers, body }: SendOptions,
  signal: AbortSignal,
  agent: HttpAgent | false,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const open = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request: ClientRequest = open({
      method: 'POST',
      // The address that was checked, and a kept connection to that one only; TLS proves the name in `host`.
      host: address,
      port: url.port,
      path: url.pathname + url.search,
      headers: {
        ...headers,
        host: url.host,
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(body)),
        'user-agent': 'Tandem-Webhooks/1',
      },
      agent,
      maxHeaderSize: MAX_HEADER_BYTES,
      signal,
    });
    // However it ends, the wait does too.
    const close = () => reject(new Error('closed'));
    request.once('close', close);
    request.once('error', (error: NodeJS.ErrnoException) => {
      const isStale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      reject(isStale && !signal.aborted ? new StaleConnectionError() : error);
    });
    request.once('response', (response) => {
      // Its own end and error say more, and may come after that of the request.
      request.off('close', close);
      response.once('close', close);
      let read = 0;
      response.on('data', (chunk: Buffer) => {
        read += chunk.length;
        if (read <= MAX_ANSWER_BYTES) return;
        resolve(response);
        response.destroy();
      });
      response.once('end', () => resolve(response));
      response.once('error', reject);
    });
    // The answer 101, which has no `response`: a failed try like other answers that are not 2xx.
    request.once('upgrade', (response, socket) => {
      socket.destroy();
      resolve(response);
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
