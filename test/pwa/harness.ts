/**
 * The PWA as its users get it (the built `out/` behind the real edge, with the real CSP) on a signaling node in this process,
 * and an auth stand-in that signs real tokens: so a test may give grants, refuse a token, or switch a service off.
 */
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Grants } from '@tandem/protocol';
import { API_SCOPES } from '@tandem/protocol';
import { createLogger } from '@tandem/service';
import type { SignalingConfig } from '@tandem/signaling';
import { startTestKeys, startTestNode, type TestKeys } from '@tandem/signaling/testing';
import { type Edge, startEdge } from '../../infra/local/edge/server.ts';

export const clientDir = path.resolve(import.meta.dirname, '../../apps/client/out');

export interface Pwa extends AsyncDisposable {
  readonly origin: string;
  /** Change at any time: the next request sees it. */
  readonly auth: {
    status: number;
    grants: Grants;
    iceServers: RTCIceServer[];
    /** Life of tokens, s; they can be refreshed then. Default: an hour, and they cannot. */
    life?: number;
  };
  /** Signs a token for a client of the test's own. */
  token(userId: string, grants?: Grants): Promise<string>;
  /** Signs a token of a backend for the server API, with every scope, for all rooms. */
  backendToken(): Promise<string>;
  /** Tokens that pages got, in order. */
  readonly issued: readonly string[];
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

interface PwaOptions {
  /** Default: of its own. They stay the giver's. */
  readonly keys?: TestKeys;
  readonly config?: Partial<SignalingConfig>;
  readonly clientDir?: string;
  /** Addresses of the captions service. Default: there is none. */
  readonly captions?: string;
  /** What config.json says. Default: nothing. */
  readonly clientSettings?: object;
  /** Address of the edge. Default 127.0.0.1. */
  readonly host?: string;
}

interface AuthStandIn {
  readonly auth: Pwa['auth'];
  readonly issued: string[];
  readonly authServer: Server;
  readonly authPort: number;
}

/** Signs tokens with `keys` for any user who asks; what was asked for beside the user id is not looked at. */
export async function serveAuth(keys: TestKeys): Promise<AuthStandIn> {
  const auth: Pwa['auth'] = { status: 200, grants: {}, iceServers: [] };
  const issued: string[] = [];
  const authServer = createServer(async (request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url?.startsWith('/health')) return response.end('{"status":"ok"}');
    if (auth.status !== 200) return response.writeHead(auth.status).end('{"error":"refused by the test"}');
    if (request.url === '/auth/ice-servers')
      return response.end(JSON.stringify({ iceServers: auth.iceServers, ttl: 600 }));
    let body = '';
    for await (const chunk of request) body += chunk;
    const { userId, refresh_token = userId } = JSON.parse(body) as { userId: string; refresh_token?: string };
    const { life } = auth;
    // Refreshed it is of the same login.
    const login = { exp: Math.floor(Date.now() / 1000) + (life ?? 0), session_id: refresh_token };
    const token = await keys.token(refresh_token, auth.grants, life === undefined ? {} : login);
    issued.push(token);
    return response.end(JSON.stringify({ token, ...(life === undefined ? {} : { expires_in: life, refresh_token }) }));
  });
  const authPort = await listen(authServer);
  return { auth, issued, authServer, authPort };
}

export async function startPwa(options: PwaOptions = {}): Promise<Pwa> {
  const { host = '127.0.0.1' } = options;
  const dir = options.clientDir ?? clientDir;
  if (!existsSync(path.join(dir, 'index.html'))) throw new Error(`${dir} is missing: npm run build -w @tandem/client`);
  const keys = options.keys ?? (await startTestKeys());
  const node = await startTestNode({ keys, config: { ALLOWED_ORIGINS: '*', ...options.config } });
  const { auth, issued, authPort, authServer } = await serveAuth(keys);
  let edge: Edge;
  try {
    edge = await startEdge(
      {
        HOST: host,
        PORT: 0,
        LOG_LEVEL: process.env.TEST_LOG ?? 'silent',
        CLIENT_DIR: dir,
        AUTH_TARGETS: `http://127.0.0.1:${authPort}`,
        SIGNALING_TARGETS: `http://127.0.0.1:${node.port}`,
        ...(options.captions ? { CAPTIONS_TARGETS: options.captions } : {}),
        CLIENT_SETTINGS: JSON.stringify(options.clientSettings ?? {}),
      },
      createLogger('edge', process.env.TEST_LOG ?? 'silent'),
    );
  } catch (error) {
    authServer.close();
    await node[Symbol.asyncDispose]();
    await keys[Symbol.asyncDispose]();
    throw error;
  }
  return {
    origin: `http://${host.includes(':') ? `[${host}]` : host}:${edge.port}`,
    auth,
    issued,
    token: (userId, grants) => keys.token(userId, grants),
    backendToken: () =>
      keys.token('key1', undefined, {
        ...{ aud: 'tandem-api', session_id: 'api-key:key1', scope: API_SCOPES.join(' '), rooms: ['*'] },
      } as object),
    [Symbol.asyncDispose]: async () => {
      await edge[Symbol.asyncDispose]();
      authServer.closeAllConnections();
      await new Promise((done) => authServer.close(done));
      await node[Symbol.asyncDispose]();
      if (!options.keys) await keys[Symbol.asyncDispose]();
    },
  };
}
