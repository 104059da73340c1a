/** Sockets and relays that a revocation ends: through real signaling nodes and a real TURN node. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import type { TestAuth } from '@tandem/auth/testing';
import { loadConfig } from '@tandem/service';
import { allocate, freePort, type TurnAllocation } from '@tandem/service/testing';
import { WebSocket } from 'ws';
import { TurnNodeConfig } from '../../infra/turn-node/src/config.ts';
import { startTurnNode, type TurnNode } from '../../infra/turn-node/src/node.ts';

export const TURN_SECRET = 'a-turn-secret-of-tests';

export interface Socket {
  readonly ws: WebSocket;
  readonly closed: Promise<{ code: number; at: number }>;
}

const open = (url: string, token: string) =>
  new WebSocket(`${url.replace(/^http/, 'ws')}/ws/signal`, ['signal.v1', `bearer.${token}`]);

/** In a room. @throws Error with the close code when it is not let in */
export async function join(url: string, token: string, roomId: string): Promise<Socket> {
  const ws = open(url, token);
  const closed = new Promise<{ code: number; at: number }>((resolve) =>
    ws.on('close', (code) => resolve({ code, at: performance.now() })),
  );
  ws.on('error', () => {});
  await new Promise<void>((resolve, reject) => {
    ws.on('open', () => ws.send(JSON.stringify({ type: 'join', roomId })));
    ws.on('message', (data) => {
      if (JSON.parse(String(data)).type === 'joined') resolve();
    });
    void closed.then(({ code }) => reject(new Error(`closed with ${code}`)));
  });
  return { ws, closed };
}

/** How an attempt to come in with this token ends: the close code, or the HTTP status of the refusal; 0: it is in. */
export function refusal(url: string, token: string): Promise<number> {
  return new Promise((resolve) => {
    const ws = open(url, token);
    ws.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    ws.on('close', (code) => resolve(code));
    ws.on('error', () => {});
    ws.on('message', (data) => {
      if (JSON.parse(String(data)).type !== 'welcome') return;
      resolve(0);
      ws.close();
    });
  });
}

export interface Relay extends AsyncDisposable {
  readonly node: TurnNode;
  /** An allocation with the credentials that auth gives for this token. @throws TurnError, or when auth gives none */
  allocate(auth: TestAuth, token: string): Promise<TurnAllocation>;
}

/** coturn and its agent on loopback, in the directory of this Redis. */
export async function startRelay(redisUrl: string): Promise<Relay> {
  const folder = await mkdtemp(path(tmpdir(), 'tandem-relay-'));
  const port = await freePort();
  const env = {
    TURN_PORT: String(port),
    RELAY_MIN_PORT: '52000',
    RELAY_MAX_PORT: '52999',
    RUN_DIR: folder,
    REDIS_URL: redisUrl,
    PUBLIC_IP: '127.0.0.1',
    ALLOW_LOOPBACK_PEERS: 'true',
    TURN_SECRETS: TURN_SECRET,
  };
  const node = await startTurnNode(loadConfig(TurnNodeConfig, env), { say: () => {} });
  return {
    node,
    async allocate(auth, token) {
      const answer = await auth.get('/auth/ice-servers', token);
      if (answer.status !== 200) throw new Error(`auth answered ${answer.status}`);
      return allocate(port, answer.body.iceServers[0]);
    },
    async [Symbol.asyncDispose]() {
      await node[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
