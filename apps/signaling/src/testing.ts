/**
 * A signaling node for tests: in process, on a free port, with a token minter of its own.
 *
 *     await using keys = await startTestKeys();
 *     await using node = await startTestNode({ keys });              // memory backplane
 *     await using other = await startTestNode({ keys, config: { REDIS_URL: redis.url } });
 *     const token = await keys.token('ada', { kick: true });
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AccessClaims, Grants } from '@tandem/protocol';
import { createLogger, loadConfig } from '@tandem/service';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type ClientOptions, WebSocket } from 'ws';
import { type SignalingParts, type SignalingService, startSignaling } from './app.ts';
import { SignalingConfig } from './config.ts';

export interface TestKeys extends AsyncDisposable {
  readonly jwksUrl: string;
  /** Signs an access token (ES256, one hour). `claims` replaces any claim. */
  token(userId: string, grants?: Grants, claims?: Partial<AccessClaims>): Promise<string>;
  /** Tells nodes without Redis. (This feed holds no question, so they ask every 400 ms.) */
  revoke(kind: 'jti' | 'session' | 'user', id: string): void;
}

/** A key pair and a server that publishes its public half. */
export async function startTestKeys(): Promise<TestKeys> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const kid = 'test';
  const revoked: object[] = [];
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }] });
  const server = createServer((request, response) => {
    const feed = JSON.stringify({ cursor: '', revocations: revoked });
    response.setHeader('content-type', 'application/json').end(request.url?.startsWith('/internal') ? feed : jwks);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    jwksUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/.well-known/jwks.json`,
    token: (userId, grants, claims = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const payload = {
        iss: 'tandem',
        aud: 'tandem',
        sub: userId,
        session_id: randomUUID(),
        jti: randomUUID(),
        iat: now,
        exp: now + 3600,
        ...(grants ? { grants } : {}),
        ...claims,
      };
      return new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid, typ: 'at+jwt' }).sign(privateKey);
    },
    revoke: (kind, id) => {
      const at = Math.floor(Date.now() / 1000);
      revoked.push({ kind, id, at, exp: at + 3600 });
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Settings for a node under test: loopback, a free port, a short drain. */
export function testConfig(jwksUrl: string, config: Partial<SignalingConfig> = {}): SignalingConfig {
  const env = {
    HOST: '127.0.0.1',
    PORT: 0,
    LOG_LEVEL: process.env.TEST_LOG ?? 'silent',
    JWKS_URL: jwksUrl,
    TOKEN_ISSUER: 'tandem',
    TOKEN_AUDIENCE: 'tandem',
    RECONNECT_WITHIN_MS: 0,
    // Everybody comes from 127.0.0.1.
    CONNECTIONS_PER_IP: 100_000,
    CONNECTIONS_PER_IP_PER_SECOND: 100_000,
    SESSIONS_PER_USER: 100_000,
    CONNECTIONS_PER_USER_PER_SECOND: 100_000,
    // A busy test machine must not shed its tests.
    MAX_EVENT_LOOP_DELAY_MS: 60_000,
    ...config,
  };
  return loadConfig(SignalingConfig, Object.fromEntries(Object.entries(env).map(([k, v]) => [k, String(v)])));
}

/** Starts a node in this process. */
export function startTestNode(options: {
  keys: Pick<TestKeys, 'jwksUrl'>;
  config?: Partial<SignalingConfig>;
  parts?: SignalingParts;
}): Promise<SignalingService> {
  const config = testConfig(options.keys.jwksUrl, options.config);
  return startSignaling(config, { log: createLogger('signaling', config.LOG_LEVEL), ...options.parts });
}

/** What the server said, as parsed JSON. */
export interface Heard {
  readonly type: string;
  readonly peerId?: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any message
  readonly [field: string]: any;
}

/** A bare client without the SDK: sends what the test gives it, keeps what it receives. */
export class TestClient implements Disposable {
  readonly ws: WebSocket;
  readonly heard: Heard[] = [];
  /** Raw frames, as they came. */
  readonly frames: string[] = [];
  /** Close code, once closed. */
  closed: number | undefined;
  /** Status and headers of a refused upgrade. */
  refused: { status: number; retryAfter: string | undefined } | undefined;
  #seen = 0;
  #wake: (() => void)[] = [];

  constructor(url: string, protocols: string[] = [], options: ClientOptions = {}) {
    this.ws = new WebSocket(url, protocols, options);
    this.ws.on('message', (data) => {
      this.frames.push(String(data));
      this.heard.push(JSON.parse(String(data)) as Heard);
      this.#notify();
    });
    this.ws.on('close', (code) => {
      this.closed = code;
      this.#notify();
    });
    this.ws.on('unexpected-response', (_request, response) => {
      this.refused = { status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] };
      response.resume();
      this.#notify();
      this.ws.terminate();
    });
    this.ws.on('error', () => {});
  }

  /** Waits for the next message of `type` behind the last one that was waited for. @throws after 20 s, with what was heard */
  async next(type: string, fits: (message: Heard) => boolean = () => true): Promise<Heard> {
    const found = await this.until(type, () => {
      for (let i = this.#seen; i < this.heard.length; i++) {
        const message = this.heard[i] as Heard;
        if (message.type !== type || !fits(message)) continue;
        this.#seen = i + 1;
        return message;
      }
      return undefined;
    });
    return found;
  }

  /** Waits until `check` gives something. */
  async until<T>(what: string, check: () => T | undefined | false): Promise<T> {
    const deadline = performance.now() + 20_000;
    for (;;) {
      const found = check();
      if (found !== undefined && found !== false) return found;
      const left = deadline - performance.now();
      if (left <= 0)
        throw new Error(`no ${what} within 20 s; closed ${this.closed}; heard ${this.frames.slice(-20).join('\n')}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(left, 500));
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Close code. */
  whenClosed(): Promise<number> {
    return this.until('close', () => this.closed);
  }

  /** An object is sent as JSON, text and bytes as they are. */
  send(message: object | string | Buffer): void {
    this.ws.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message), {
      binary: false,
    });
  }

  /** Joins and waits for `joined`. */
  async join(roomId: string, metadata?: object): Promise<Heard> {
    this.send({ type: 'join', roomId, ...(metadata ? { metadata } : {}) });
    return this.next('joined');
  }

  /** A `ping` that came back: everything sent before was handled. */
  async settle(): Promise<void> {
    const t = Math.random();
    this.send({ type: 'ping', t });
    await this.until('pong', () => this.heard.some((m) => m.type === 'pong' && m.t === t));
  }

  [Symbol.dispose](): void {
    this.ws.terminate();
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** Opens a socket with the subprotocol, as the SDK does, and waits for its `welcome`. */
export async function connectClient(
  node: Pick<SignalingService, 'wsUrl'>,
  token: string,
): Promise<TestClient & { readonly welcome: Heard }> {
  const client = new TestClient(node.wsUrl, ['signal.v1', `bearer.${token}`]);
  const welcome = await client.next('welcome');
  return Object.assign(client, { welcome });
}
