/** `GET /ws/signal` becomes a WebSocket, or gets an HTTP answer that says why not. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type AccessClaims, CLOSE_CODES, SUBPROTOCOL } from '@tandem/protocol';
import { clientAddress, originAllowed, refuseUpgrade } from '@tandem/service';
import { type Identity, identityOf, quotaUserOf } from '../core/identity.ts';
import type { SignalingNode } from '../core/node.ts';
import type { Dialect } from '../core/transport.ts';
import { FlushScheduler, SocketServer } from '../wire/index.ts';
import type { Admission, Denial } from './admission.ts';
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
  const upgrades = new Upgrades(options);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', destroyThis);
    void upgrades.decide({ request, socket, head }).catch((error: unknown) => {
      options.node.events.log?.('error', 'upgrade.failed', { err: error });
      socket.destroy();
    });
  });
}

interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

class Upgrades {
  readonly #options: UpgradeOptions;
  readonly #scheduler = new FlushScheduler();
  readonly #sockets: SocketServer;

  constructor(options: UpgradeOptions) {
    this.#options = options;
    // A little over the limit gets an `error`, far over it 1009.
    this.#sockets = new SocketServer({ protocol: SUBPROTOCOL, maxPayload: options.node.settings.maxFrameBytes * 2 });
  }

  async decide(upgrade: Upgrade): Promise<void> {
    const { request, socket } = upgrade;
    const { allowedOrigins, trustedProxies, admission } = this.#options;
    const [path, query] = (request.url ?? '/').split('?', 2);
    if (path !== SIGNAL_PATH) return refuseUpgrade(socket, { status: 404, reason: 'not-found' });
    // `ws` also takes version 8, a draft whose browsers send their origin in another header (RFC 6455 section 4.2.1: the version is 13).
    if (request.headers['sec-websocket-version'] !== '13') {
      const headers = ['Sec-WebSocket-Version: 13', 'Upgrade: websocket'];
      return refuseUpgrade(socket, { status: 426, reason: 'websocket-version' }, headers);
    }
    const address = clientAddress(request, trustedProxies);
    if (!originAllowed(request.headers, allowedOrigins)) return this.#deny(socket, { status: 403, reason: 'origin' });
    const denial = admission.beforeToken(address);
    if (denial) return this.#deny(socket, denial);
    const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((p) => p.trim());
    const dialect = protocols.includes(SUBPROTOCOL) ? SUBPROTOCOL : 'seed';
    const claims = await this.#claims(tokenOf(request, protocols, query));
    if (typeof claims === 'string') return this.#refuse(upgrade, dialect, claims);
    if (!socket.destroyed) this.#open(upgrade, dialect, identityOf(claims, address));
  }

  /** @returns the reason when the token does not hold */
  async #claims(token: string | undefined): Promise<AccessClaims | string> {
    const { admission, verify } = this.#options;
    admission.handshakes++;
    try {
      return await verify(token);
    } catch (error) {
      return String((error as { reason?: unknown }).reason ?? 'refused');
    } finally {
      admission.handshakes--;
    }
  }

  #refuse(upgrade: Upgrade, dialect: Dialect, reason: string): void {
    if (reason === 'unavailable') this.#deny(upgrade.socket, { status: 503, reason: 'no-keys', retryAfter: 2 });
    else if (dialect === SUBPROTOCOL) this.#closeWithReason(upgrade, reason);
    else this.#deny(upgrade.socket, { status: 401, reason: `token-${reason}` });
  }

  /** Browsers hide the status of a refused upgrade, and the SDK must know: it gets a socket that closes with 4001 or 4002. */
  #closeWithReason({ request, socket, head }: Upgrade, reason: string): void {
    this.#options.onDenied?.({ status: 401, reason: `token-${reason}` });
    const { code, reason: text } = reason === 'expired' ? CLOSE_CODES.tokenExpired : CLOSE_CODES.tokenRefused;
    this.#sockets.upgrade(request, socket, head, (ws) => ws.close(code, text));
  }

  #open({ request, socket, head }: Upgrade, dialect: Dialect, identity: Identity): void {
    const { node, admission, maxBufferedBytes } = this.#options;
    const entry = admission.enter(identity.address ?? '', quotaUserOf(identity));
    if (typeof entry !== 'function') {
      this.#deny(socket, entry);
      return;
    }
    const scheduler = this.#scheduler;
    const open = this.#sockets.upgrade(request, socket, head, (ws) => {
      // `ws` has its own: two listeners are an array for each socket.
      socket.off('error', destroyThis);
      new SocketTransport(ws, { node, identity, dialect, socket, scheduler, maxBufferedBytes, onGone: entry });
    });
    if (!open) entry();
  }

  #deny(socket: Duplex, denial: Denial): void {
    this.#options.onDenied?.(denial);
    refuseUpgrade(socket, denial);
  }
}

function tokenOf(
  request: IncomingMessage,
  protocols: readonly string[],
  query: string | undefined,
): string | undefined {
  return (
    protocols.find((protocol) => protocol.startsWith('bearer.'))?.slice('bearer.'.length) ??
    new URLSearchParams(query).get('token') ??
    // CloudFront's function moves ?token= here, so that no access log holds it.
    request.headers.authorization?.replace(/^Bearer /i, '')
  );
}

function destroyThis(this: Duplex): void {
  this.destroy();
}
