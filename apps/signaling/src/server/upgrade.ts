/** `GET /ws/signal` becomes a WebSocket, or gets an HTTP answer that says why not. */
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type AccessClaims, CLOSE_CODES, SUBPROTOCOL } from '@tandem/protocol';
import { identityOf, quotaUserOf } from '../core/identity.ts';
import type { SignalingNode } from '../core/node.ts';
import { FlushScheduler, SocketServer } from '../wire/index.ts';
import type { Admission, Denial } from './admission.ts';
import { clientAddress } from './client-address.ts';
import { originAllowed } from './origin.ts';
import { SocketTransport } from './socket-transport.ts';

export const SIGNAL_PATH = '/ws/signal';

export interface UpgradeOptions {
  readonly node: SignalingNode;
  readonly admission: Admission;
  /** @throws with `reason` (see TokenError) */
  readonly verify: (token: string | undefined) => Promise<AccessClaims>;
  readonly allowedOrigins: string;
  readonly trustedProxies: number;
  readonly maxBufferedBytes: number;
  onDenied?(denial: Denial): void;
}

/** Installs the upgrade handler. */
export function acceptUpgrades(server: Server, options: UpgradeOptions): void {
  const { node, admission } = options;
  const scheduler = new FlushScheduler();
  // A little over the limit gets an `error`, far over it 1009.
  const sockets = new SocketServer({ protocol: SUBPROTOCOL, maxPayload: node.settings.maxFrameBytes * 2 });

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', destroyThis);
    void decide(request, socket, head).catch((error: unknown) => {
      node.events.log?.('error', 'upgrade.failed', { err: error });
      socket.destroy();
    });
  });

  async function decide(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const [path, query] = (request.url ?? '/').split('?', 2);
    if (path !== SIGNAL_PATH) {
      answer(socket, { status: 404, reason: 'not-found' });
      return;
    }
    // `ws` also takes version 8, a draft whose browsers send their origin in another header (RFC 6455 section 4.2.1: the version is 13).
    if (request.headers['sec-websocket-version'] !== '13') {
      answer(socket, { status: 426, reason: 'websocket-version' }, ['Sec-WebSocket-Version: 13', 'Upgrade: websocket']);
      return;
    }
    const address = clientAddress(request, options.trustedProxies);
    const denial =
      (originAllowed(request.headers, options.allowedOrigins)
        ? undefined
        : ({ status: 403, reason: 'origin' } as const)) ?? admission.beforeToken(address);
    if (denial) {
      deny(socket, denial);
      return;
    }
    const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((p) => p.trim());
    const bearer = protocols.find((p) => p.startsWith('bearer.'))?.slice('bearer.'.length);
    let claims: AccessClaims;
    admission.handshakes++;
    try {
      claims = await options.verify(
        bearer ??
          new URLSearchParams(query).get('token') ??
          // CloudFront's function moves ?token= here, so that no access log holds it.
          request.headers.authorization?.replace(/^Bearer /i, ''),
      );
    } catch (error) {
      const reason = String((error as { reason?: unknown }).reason ?? 'refused');
      if (reason === 'unavailable') deny(socket, { status: 503, reason: 'no-keys', retryAfter: 2 });
      else if (protocols.includes(SUBPROTOCOL)) refuseToken(request, socket, head, reason);
      else deny(socket, { status: 401, reason: `token-${reason}` });
      return;
    } finally {
      admission.handshakes--;
    }
    if (socket.destroyed) return;
    const identity = identityOf(claims, address);
    const entry = admission.enter(address, quotaUserOf(identity));
    if (typeof entry !== 'function') {
      deny(socket, entry);
      return;
    }
    const open = sockets.upgrade(
      request,
      socket,
      head,
      (ws) =>
        new SocketTransport(ws, {
          node,
          identity,
          dialect: protocols.includes(SUBPROTOCOL) ? SUBPROTOCOL : 'seed',
          socket,
          scheduler,
          maxBufferedBytes: options.maxBufferedBytes,
          onGone: entry,
        }),
    );
    if (!open) entry();
  }

  /** Browsers hide the status of a refused upgrade, and the SDK must know: it gets a socket that closes with 4001 or 4002. */
  function refuseToken(request: IncomingMessage, socket: Duplex, head: Buffer, reason: string): void {
    options.onDenied?.({ status: 401, reason: `token-${reason}` });
    const { code, reason: text } = reason === 'expired' ? CLOSE_CODES.tokenExpired : CLOSE_CODES.tokenRefused;
    sockets.upgrade(request, socket, head, (ws) => ws.close(code, text));
  }

  function deny(socket: Duplex, denial: Denial): void {
    options.onDenied?.(denial);
    answer(socket, denial, [
      ...(denial.retryAfter === undefined ? [] : [`Retry-After: ${denial.retryAfter}`]),
      ...(denial.status === 401 ? ['WWW-Authenticate: Bearer'] : []),
    ]);
  }
}

function destroyThis(this: Duplex): void {
  this.destroy();
}

function answer(
  socket: Duplex,
  { status, reason }: { readonly status: number; readonly reason: string },
  headers: readonly string[] = [],
): void {
  if (socket.destroyed) return;
  const body = JSON.stringify({ error: reason });
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Connection: close',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...headers,
      '',
      body,
    ].join('\r\n'),
  );
  // A client that does not close its side must not keep the descriptor.
  setTimeout(() => socket.destroy(), 2000).unref();
}
