/** `GET /captions?lang=en` becomes the WebSocket of one microphone, or gets an answer that says why not. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AccessClaims } from '@tandem/protocol';
import { CAPTIONS_CLOSE, CAPTIONS_FRAME_BYTES, CAPTIONS_PATH, CAPTIONS_PROTOCOL } from '@tandem/protocol/captions';
import {
  clientAddress,
  type LoadShedder,
  originAllowed,
  refuseUpgrade,
  type TokenVerifier,
  type UpgradeRefusal,
} from '@tandem/service';
import { type WebSocket, WebSocketServer } from 'ws';
import type { SpeakerQuota } from './speaker-quota.ts';

/** Tokens that are checked at once; more handshakes get 503. */
const MAX_HANDSHAKES = 64;
/** A page that does not finish the closing handshake is cut off after this time, ms. */
const CLOSE_TIMEOUT_MS = 3000;

/** Of `ws`, whose types lack one of them. */
const SOCKETS = {
  noServer: true,
  maxPayload: CAPTIONS_FRAME_BYTES,
  maxFragments: 4,
  closeTimeout: CLOSE_TIMEOUT_MS,
  clientTracking: false,
  // `ws` keeps pongs for a page that reads none of them, without bound. The speaker answers (speaker.ts).
  autoPong: false,
  perMessageDeflate: false,
  handleProtocols: (offered: Set<string>) => (offered.has(CAPTIONS_PROTOCOL) ? CAPTIONS_PROTOCOL : false),
} as const;

export interface UpgradeOptions {
  readonly verifier: TokenVerifier;
  readonly shedder: LoadShedder;
  readonly quota: SpeakerQuota;
  readonly recognizers: ReadonlyMap<string, string>;
  readonly allowedOrigins: string;
  readonly trustedProxies: number;
  /** Most refused sockets at once that learn why: each stays for up to {@link CLOSE_TIMEOUT_MS}. */
  readonly maxClosing: number;
  readonly draining: () => boolean;
  /** @param leave gives the place of this microphone back, to be called once */
  onSpeaker(page: WebSocket, language: string, claims: AccessClaims, leave: () => void): void;
  onRefused(reason: string): void;
  onFault(error: unknown): void;
}

interface Handshake {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

export class Upgrades {
  readonly #options: UpgradeOptions;
  readonly #server = new WebSocketServer(SOCKETS);
  #handshakes = 0;
  #closing = 0;

  constructor(options: UpgradeOptions) {
    this.#options = options;
  }

  /** Handshakes whose token is being checked. */
  get pending(): number {
    return this.#handshakes;
  }

  accept(server: Server): void {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      void this.#decide({ request, socket, head }).catch((error: unknown) => {
        this.#options.onFault(error);
        socket.destroy();
      });
    });
  }

  async #decide(handshake: Handshake): Promise<void> {
    const { request, socket } = handshake;
    // `ws` also takes version 8, a draft whose browsers send their origin in another header (RFC 6455 section 4.2.1: the version is 13).
    if (request.headers['sec-websocket-version'] !== '13') {
      const headers = ['Sec-WebSocket-Version: 13', 'Upgrade: websocket'];
      return refuseUpgrade(socket, { status: 426, reason: 'websocket-version' }, headers);
    }
    const refusal = this.#refusal(request);
    if (refusal) return this.#refuse(socket, refusal);
    const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((p) => p.trim());
    const token = protocols.find((one) => one.startsWith('bearer.'))?.slice('bearer.'.length);
    const claims = await this.#verify(token);
    // The page may have left while its token was checked.
    if (socket.destroyed) return;
    if (typeof claims === 'string') this.#refuseToken(handshake, claims);
    else this.#open(handshake, claims);
  }

  /** Before the token is looked at. */
  #refusal({ url = '/', headers }: IncomingMessage): UpgradeRefusal | undefined {
    const { allowedOrigins, draining, shedder } = this.#options;
    if (url.split('?', 1)[0] !== CAPTIONS_PATH) return { status: 404, reason: 'not-found' };
    if (!originAllowed(headers, allowedOrigins)) return { status: 403, reason: 'origin' };
    if (draining()) return { status: 503, reason: 'draining', retryAfter: 1 };
    const verdict = shedder.admit();
    if (!verdict.admit) return { status: 503, reason: verdict.reason, retryAfter: verdict.retryAfter };
    if (this.#handshakes >= MAX_HANDSHAKES) return { status: 503, reason: 'handshakes', retryAfter: 2 };
    return undefined;
  }

  /** @returns the reason when the token does not hold, or may not speak */
  async #verify(token: string | undefined): Promise<AccessClaims | string> {
    this.#handshakes += 1;
    try {
      const claims = await this.#options.verifier.verify(token);
      const { publish = true, media = false } = claims.grants ?? {};
      return publish && !media ? claims : 'grants';
    } catch (error) {
      return String((error as { reason?: unknown }).reason ?? 'refused');
    } finally {
      this.#handshakes -= 1;
    }
  }

  #refuseToken(handshake: Handshake, reason: string): void {
    const code = reason === 'expired' ? CAPTIONS_CLOSE.tokenExpired : CAPTIONS_CLOSE.tokenRefused;
    if (reason === 'unavailable') this.#refuse(handshake.socket, { status: 503, reason: 'no-keys', retryAfter: 2 });
    else this.#closeAt(handshake, code, `token-${reason}`);
  }

  #open(handshake: Handshake, claims: AccessClaims): void {
    const { draining, quota, recognizers, trustedProxies } = this.#options;
    const { request, socket } = handshake;
    const language = new URLSearchParams(request.url?.split('?', 2)[1]).get('lang') ?? '';
    // Draining may have begun while the token was checked.
    if (draining()) this.#refuse(socket, { status: 503, reason: 'draining', retryAfter: 1 });
    else if (!recognizers.has(language)) this.#closeAt(handshake, CAPTIONS_CLOSE.language, 'language');
    else {
      const leave = quota.take(claims, clientAddress(request, trustedProxies));
      if (leave) this.#begin(handshake, language, claims, leave);
      else this.#closeAt(handshake, CAPTIONS_CLOSE.tryLater, 'quota');
    }
  }

  #begin({ request, socket, head }: Handshake, language: string, claims: AccessClaims, leave: () => void): void {
    let opened = false;
    this.#server.handleUpgrade(request, socket, head, (page) => {
      opened = true;
      this.#options.onSpeaker(page, language, claims, leave);
    });
    // `ws` has answered a handshake that is none.
    if (!opened) leave();
  }

  #refuse(socket: Duplex, refusal: UpgradeRefusal): void {
    this.#options.onRefused(refusal.reason);
    refuseUpgrade(socket, refusal);
  }

  /** Browsers hide the status of a refused upgrade from the page: where it has to know the reason, it gets a socket that closes. */
  #closeAt({ request, socket, head }: Handshake, code: number, reason: string): void {
    if (this.#closing >= this.#options.maxClosing) {
      this.#refuse(socket, { status: 503, reason: 'closing', retryAfter: 2 });
      return;
    }
    this.#options.onRefused(reason);
    this.#server.handleUpgrade(request, socket, head, (page) => {
      this.#closing += 1;
      page.on('error', () => {}).on('close', () => (this.#closing -= 1));
      page.close(code);
    });
  }
}
