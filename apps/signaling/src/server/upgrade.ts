/** The door: GET /ws/signal becomes a WebSocket, or gets an HTTP answer that says why not. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type AccessClaims, CLOSE_CODES, SUBPROTOCOL } from '@tandem/protocol';
import { identityOf } from '../core/identity.ts';
import type { SignalingNode } from '../core/node.ts';
import { acceptWire, FlushScheduler, handshakeFault, type WireSocket } from '../wire/index.ts';
import type { Admission, Denial } from './admission.ts';
import { clientAddress } from './client-address.ts';
import { originAllowed } from './origin.ts';
import { attachSocket } from './ws-transport.ts';

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

/** Installs the upgrade handler; dispose it to refuse everything and release the WebSocket server. */
export function acceptUpgrades(server: Server, options: UpgradeOptions): void {
  const { node, admission } = options;
  const scheduler = new FlushScheduler();
  // A little over the limit gets an `error`, far over it 1009.
  const maxPayload = node.settings.maxFrameBytes * 2;
  const accept = (request: IncomingMessage, socket: Duplex, head: Buffer, protocols: readonly string[]): WireSocket =>
    acceptWire(request, socket, head, protocols.includes(SUBPROTOCOL) ? SUBPROTOCOL : undefined, maxPayload);

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
      answer(socket, 404, 'not-found');
      return;
    }
    const fault = handshakeFault(request);
    if (fault) {
      answer(socket, 400, `handshake-${fault}`);
      return;
    }
    const address = clientAddress(request, options.trustedProxies);
    const denial =
      (originAllowed(request.headers.origin, request.headers.host, options.allowedOrigins)
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
      else if (protocols.includes(SUBPROTOCOL)) refuseToken(accept(request, socket, head, protocols), reason);
      else deny(socket, { status: 401, reason: `token-${reason}` });
      return;
    } finally {
      admission.handshakes--;
    }
    if (socket.destroyed) return;
    const entry = admission.enter(address, claims.sub);
    if (typeof entry !== 'function') {
      deny(socket, entry);
      return;
    }
    attachSocket(
      node,
      accept(request, socket, head, protocols),
      identityOf(claims, address),
      scheduler,
      options.maxBufferedBytes,
      entry,
    );
  }

  /** Browsers hide the status of a refused upgrade, and the SDK must know: it gets a socket that closes with 4001 or 4002. */
  function refuseToken(wire: WireSocket, reason: string): void {
    options.onDenied?.({ status: 401, reason: `token-${reason}` });
    const { code, reason: text } = reason === 'expired' ? CLOSE_CODES.tokenExpired : CLOSE_CODES.tokenRefused;
    wire.listen({ onText() {}, onBinary() {}, onAlive() {}, onClose() {} });
    wire.close(code, text);
    setTimeout(() => wire.terminate(), 3000).unref();
  }

  function deny(socket: Duplex, denial: Denial): void {
    options.onDenied?.(denial);
    answer(socket, denial.status, denial.reason, denial.retryAfter);
  }
}

function destroyThis(this: Duplex): void {
  this.destroy();
}

const STATUS_TEXT: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
};

function answer(socket: Duplex, status: number, reason: string, retryAfter?: number): void {
  if (socket.destroyed) return;
  const body = JSON.stringify({ error: reason });
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_TEXT[status] ?? 'Error'}`,
      'Connection: close',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...(retryAfter === undefined ? [] : [`Retry-After: ${retryAfter}`]),
      ...(status === 401 ? ['WWW-Authenticate: Bearer'] : []),
      '',
      body,
    ].join('\r\n'),
  );
  // A client that does not close its side must not keep the descriptor.
  setTimeout(() => socket.destroy(), 2000).unref();
}
