/** Forwarding to the best node, with failover while nothing was answered yet. Sockets are spliced, never decoded. */
import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { refuseUpgrade } from '@tandem/service';
import type { Target, TargetPool } from './targets.ts';

/** RFC 9110 section 7.6.1: meant for one hop only. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'proxy-connection'];
/** Time for a node to answer the handshake or the first byte of a response, ms. */
const ANSWER_TIMEOUT = 10_000;
/** A socket that was refused is closed after this time, ms. */
const LINGER_MS = 2000;

function forwardedHeaders(request: IncomingMessage, encrypted: boolean): IncomingHttpHeaders {
  const from = request.socket.remoteAddress ?? 'unknown';
  const before = request.headers['x-forwarded-for'];
  return {
    ...request.headers,
    // Appended, never replaced: the services trust as many entries, from the right, as there are proxies.
    'x-forwarded-for': before ? `${Array.isArray(before) ? before.join(', ') : before}, ${from}` : from,
    'x-forwarded-proto': encrypted ? 'https' : 'http',
    'x-forwarded-host': request.headers.host ?? '',
  };
}

/** The node, and the path as it came: reading the two as one URL would let the path name another host. */
function addressOf({ url }: Target, request: IncomingMessage) {
  return { hostname: url.hostname, port: url.port, path: request.url ?? '/' };
}

export class NoTargetError extends Error {
  override name = 'NoTargetError';
}

/**
 * Forward a request whose body was read already, so that another node can be tried when one does not answer.
 * @returns the answer of the first node that gave one
 * @throws NoTargetError when none did
 */
export async function forwardRequest(
  pool: TargetPool,
  agent: http.Agent,
  request: IncomingMessage,
  body: Buffer | undefined,
  encrypted: boolean,
): Promise<IncomingMessage> {
  const headers = forwardedHeaders(request, encrypted);
  for (const name of HOP_BY_HOP) delete headers[name];
  headers['content-length'] = body ? String(body.length) : undefined;
  if (!body) delete headers['content-length'];
  for (const target of pool.candidates()) {
    target.open += 1;
    try {
      const answer = await attempt(target, agent, request, headers, body);
      answer.once('close', () => {
        target.open -= 1;
      });
      return answer;
    } catch (error) {
      target.open -= 1;
      // Sent to a node that then broke: only what changes nothing may be sent again.
      const refused = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
      if (!refused && request.method !== 'GET' && request.method !== 'HEAD') break;
    }
  }
  throw new NoTargetError('no node answers');
}

function attempt(
  target: Target,
  agent: http.Agent,
  request: IncomingMessage,
  headers: IncomingHttpHeaders,
  body: Buffer | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const upstream = http.request({ ...addressOf(target, request), method: request.method, headers, agent });
    upstream.setTimeout(ANSWER_TIMEOUT, () => upstream.destroy(new Error('no answer in time')));
    upstream.once('error', reject).once('response', (answer) => {
      // A stream of events may be silent for as long as it likes.
      upstream.setTimeout(0);
      resolve(answer);
    });
    upstream.end(body);
  });
}

/** Response headers that travel on to the client. */
export function answerHeaders(answer: IncomingMessage): Record<string, string | string[]> {
  const out: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(answer.headers))
    if (value !== undefined && !HOP_BY_HOP.includes(name)) out[name] = value;
  return out;
}

function rawHead(answer: IncomingMessage): string {
  let head = `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n`;
  for (let i = 0; i < answer.rawHeaders.length; i += 2)
    head += `${answer.rawHeaders[i]}: ${answer.rawHeaders[i + 1]}\r\n`;
  return `${head}\r\n`;
}

/** Counts one open socket of `target` until the returned function is called; further calls do nothing. */
function countOpen(target: Target): () => void {
  target.open += 1;
  let counted = true;
  return () => {
    if (counted) target.open -= 1;
    counted = false;
  };
}

/** One side of a spliced connection: its socket, and the bytes read from it after the head. */
interface Side {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Copies bytes both ways until either socket ends, which ends the other. */
function splice(client: Side, node: Side): void {
  for (const { socket, head } of [client, node]) {
    if ('setNoDelay' in socket && typeof socket.setNoDelay === 'function') socket.setNoDelay(true);
    if (head.length > 0) socket.unshift(head);
  }
  node.socket.on('error', () => node.socket.destroy());
  node.socket.once('close', () => client.socket.destroy());
  client.socket.once('close', () => node.socket.destroy());
  node.socket.pipe(client.socket).pipe(node.socket);
}

/**
 * Splice an upgrade request to the node with the fewest open sockets; the next one when it refuses or is gone.
 * @param socket has a listener of errors
 */
export function forwardUpgrade(
  pool: TargetPool,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  encrypted: boolean,
): void {
  const headers = forwardedHeaders(request, encrypted);
  const rest = pool.candidates();
  let current: http.ClientRequest | undefined;
  socket.once('close', () => current?.destroy());

  const next = (): void => {
    if (socket.destroyed) return;
    const target = rest.shift();
    if (!target) {
      refuseUpgrade(socket, { status: 503, reason: 'unavailable', retryAfter: 1 });
      return;
    }
    const done = countOpen(target);
    const upstream = http.request({ ...addressOf(target, request), headers, agent: false });
    current = upstream;
    upstream.setTimeout(ANSWER_TIMEOUT, () => upstream.destroy(new Error('no answer in time')));
    upstream.once('error', () => {
      done();
      next();
    });
    upstream.once('response', (answer) => {
      done();
      // Draining or full: another node may have room.
      if (answer.statusCode === 503 && rest.length > 0) {
        answer.resume();
        return next();
      }
      socket.write(rawHead(answer));
      answer.on('error', () => socket.destroy()).pipe(socket);
      // A client that does not close its side must not keep the descriptor.
      answer.once('end', () => setTimeout(() => socket.destroy(), LINGER_MS).unref());
    });
    upstream.once('upgrade', (answer, peer, peerHead) => {
      upstream.setTimeout(0);
      peer.setTimeout(0);
      peer.once('close', done);
      socket.write(rawHead(answer));
      splice({ socket, head }, { socket: peer, head: peerHead });
    });
    upstream.end();
  };
  next();
}
