/** The systems under test, each behind the same three calls: connect, join, and the text of a relayed message. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { API_SCOPES, apiAudience } from '@tandem/protocol';
import { REVOCATION_FEED_HOLD_MS, REVOCATION_FEED_PATH } from '@tandem/service';
import { freePort } from '@tandem/service/testing';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type Proc, type StartOptions, start, startServer } from './proc.ts';
import { RawSocket } from './raw-socket.ts';
import type { Payload } from './traffic.ts';

export interface Peer {
  readonly raw: RawSocket;
  readonly id: string;
}

export interface System extends AsyncDisposable {
  readonly name: string;
  /** Processes of its nodes (not Redis). */
  readonly pids: readonly number[];
  /** It checks a signed token for each connection. */
  readonly verifies?: boolean;
  /** Ours alone: where its server API is, of its first node, and a token for all of it. */
  readonly apiUrl?: string;
  backendToken?(): Promise<string>;
  /** What peers `first` to `first + count` need beforehand: the load must not wait for its own work. */
  prepare?(first: number, count: number): Promise<void>;
  /** Open a connection to node `node` and be known there. */
  connect(index: number, node?: number): Promise<Peer>;
  /** Enter a room and hear the answer. */
  join(peer: Peer, room: string): Promise<void>;
  /** Text of a relayed message. */
  text(to: string, payload: Payload, id: number): string;
  /** Sender and type, as the receiver reads them. */
  read(text: string): { from: string; type: string };
}

export interface SystemOptions {
  readonly nodes?: number;
  readonly redisUrl?: string;
  readonly start?: StartOptions;
}

/** Makes of a `--only` list, the reference first. @throws Error for an unknown name */
export function chosen<T>(makes: Readonly<Record<string, T>>, only: string): [name: string, make: T][] {
  return [...new Set(['ws-json', ...only.split(',')])].map((name) => {
    const make = makes[name];
    if (!make) throw new Error(`--only ${name}: expected some of ${Object.keys(makes).join(', ')}`);
    return [name, make];
  });
}

/** Handshakes under way at once. */
export const AT_ONCE = 25;

/** Peers `first` to `first + count`, in rooms of two. */
export async function connectAll(system: System, first: number, count: number): Promise<Peer[]> {
  const peers: Peer[] = [];
  await system.prepare?.(first, count);
  let next = first;
  const lane = async () => {
    while (next < first + count) {
      const i = next++;
      const peer = await system.connect(i);
      await system.join(peer, `room-${i >> 1}`);
      peers.push(peer);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return peers;
}

const dockerfile = () => readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');

/** Options of `node` in the image of the services: they are measured as they are deployed. */
function imageNodeArgs(): string[] {
  const command = /^CMD (\["node".*\])$/m.exec(dockerfile())?.[1];
  if (!command) throw new Error('Dockerfile: no CMD ["node", …]');
  return (JSON.parse(command) as string[]).slice(1, -1);
}

/** Threads of libuv's pool in the image of signaling. */
function imageThreads(): string {
  const stage = dockerfile()
    .split(/^FROM /m)
    .find((text) => text.startsWith('runtime AS signaling'));
  const threads = /^ENV UV_THREADPOOL_SIZE=(\d+)$/m.exec(stage ?? '')?.[1];
  if (!threads) throw new Error('Dockerfile: no ENV UV_THREADPOOL_SIZE=… of signaling');
  return threads;
}

const directed = (to: string, p: Payload, id: number) =>
  JSON.stringify({ type: p.type, peerId: to, id, [p.field]: p.value });
const readDirected = (text: string) => {
  const m = JSON.parse(text) as { peerId: string; type: string };
  return { from: m.peerId, type: m.type };
};

function redisEnv(options: SystemOptions): Record<string, string> {
  return options.redisUrl ? { REDIS_URL: options.redisUrl } : {};
}

async function nodesOf(options: SystemOptions, one: (index: number) => Promise<Proc>): Promise<Proc[]> {
  return Promise.all(Array.from({ length: options.nodes ?? 1 }, (_, i) => one(i)));
}
const disposeAll = async (all: readonly AsyncDisposable[]) => {
  await Promise.all(all.map((one) => one[Symbol.asyncDispose]()));
};

/** (a) */
export const wsJson = (options: SystemOptions = {}) => bare('bare ws, JSON', 'ws-json', options);

/** What Node and the kernel cost alone: see servers/floor.ts. */
export const floor = (options: SystemOptions = {}) => bare('the least in Node, no ws', 'floor', options);

async function bare(name: string, server: string, options: SystemOptions): Promise<System> {
  const procs = await nodesOf(options, (i) =>
    startServer(server, [`n${i}`], { ...options.start, env: redisEnv(options) }),
  );
  return {
    name,
    pids: procs.map((p) => p.pid),
    async connect(_index, node = 0) {
      const raw = await RawSocket.open({ port: procs[node]?.ready.port as number, path: '/' });
      return { raw, id: String((await raw.nextOf('welcome')).peerId) };
    },
    async join(peer, room) {
      peer.raw.send(JSON.stringify({ type: 'join', roomId: room }));
      await peer.raw.nextOf('joined');
    },
    text: directed,
    read: readDirected,
    [Symbol.asyncDispose]: () => disposeAll(procs),
  };
}

/** (b) One node only: PeerJS has no rooms and no way between nodes. */
export async function peerJs(options: SystemOptions = {}): Promise<System> {
  const proc = await startServer('peerjs', [], options.start);
  return {
    name: 'PeerJS server',
    pids: [proc.pid],
    async connect(index) {
      const id = `peer-${index}-${'x'.repeat(10)}`;
      const path = `/peerjs?key=peerjs&id=${id}&token=${index}`;
      const raw = await RawSocket.open({ port: proc.ready.port as number, path });
      await raw.nextOf('OPEN');
      return { raw, id };
    },
    join: async () => {},
    text: (to, p) =>
      JSON.stringify({
        type: p.type === 'ice-candidate' ? 'CANDIDATE' : p.type.toUpperCase(),
        dst: to,
        payload: { [p.field]: p.value },
      }),
    read(text) {
      const m = JSON.parse(text) as { src: string; type: string };
      return { from: m.src, type: m.type === 'CANDIDATE' ? 'ice-candidate' : m.type.toLowerCase() };
    },
    [Symbol.asyncDispose]: () => disposeAll([proc]),
  };
}

/** (c) */
export async function socketIo(options: SystemOptions & { adapter?: 'redis' | 'redis-streams' } = {}): Promise<System> {
  const env = { ...redisEnv(options), ...(options.adapter ? { ADAPTER: options.adapter } : {}) };
  const procs = await nodesOf(options, () => startServer('socketio', [], { ...options.start, env }));
  return {
    name: options.adapter ? `socket.io, ${options.adapter}` : 'socket.io',
    pids: procs.map((p) => p.pid),
    async connect(_index, node = 0) {
      const raw = await RawSocket.open({
        port: procs[node]?.ready.port as number,
        path: '/socket.io/?EIO=4&transport=websocket',
      });
      await raw.next();
      raw.send('40');
      const connected = JSON.parse((await raw.next()).slice(2)) as { sid: string };
      return { raw, id: connected.sid };
    },
    async join(peer, room) {
      peer.raw.send(`42${JSON.stringify(['join', room])}`);
      while (!(await peer.raw.next()).startsWith('42["joined"'));
    },
    text: (to, p, id) => `42${JSON.stringify(['signal', to, { type: p.type, id, [p.field]: p.value }])}`,
    read(text) {
      const [, m] = JSON.parse(text.slice(2)) as [string, { peerId: string; type: string }];
      return { from: m.peerId, type: m.type };
    },
    [Symbol.asyncDispose]: () => disposeAll(procs),
  };
}

/** (d) The real service as it is deployed: own process, access tokens checked against a JWKS, limits and metrics on. */
export async function tandem(options: SystemOptions = {}): Promise<System> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'bench', alg: 'ES256', use: 'sig' };
  const jwks = createServer((request, response) => {
    const answer = (body: object) => response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
    const nobody = { cursor: '0', revocations: [] };
    if (!request.url?.startsWith(REVOCATION_FEED_PATH)) answer({ keys: [jwk] });
    // As auth does while nobody is revoked: the first question is answered, the next is held.
    else if (!request.url.includes('after=')) answer(nobody);
    else setTimeout(answer, REVOCATION_FEED_HOLD_MS, nobody).unref();
  });
  await new Promise<void>((resolve) => jwks.listen(0, '127.0.0.1', resolve));
  const ports: number[] = [];
  const main = fileURLToPath(new URL('../../apps/signaling/src/main.ts', import.meta.url));
  const procs = await nodesOf(options, async (i) => {
    const port = await freePort();
    ports[i] = port;
    return start(process.execPath, [...imageNodeArgs(), ...(options.start?.nodeArgs ?? []), main], {
      ...options.start,
      env: {
        HOST: '127.0.0.1',
        PORT: String(port),
        NODE_NAME: `n${i}`,
        LOG_LEVEL: 'warn',
        JWKS_URL: `http://127.0.0.1:${(jwks.address() as AddressInfo).port}/jwks.json`,
        TOKEN_ISSUER: 'tandem',
        TOKEN_AUDIENCE: 'tandem',
        ALLOWED_ORIGINS: '*',
        NODE_ENV: 'production',
        UV_THREADPOOL_SIZE: imageThreads(),
        // The limits are on, only out of the way: the load comes from one address and far faster than a person.
        ...UNLIMITED,
        ...redisEnv(options),
        ...options.start?.env,
      },
      isReady: async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok,
    });
  });
  const tokens = new Map<number, string>();
  const sign = (index: number) =>
    new SignJWT({ session_id: `s${index}`, name: `Peer ${index}` })
      .setProtectedHeader({ alg: 'ES256', kid: 'bench', typ: 'at+jwt' })
      .setIssuer('tandem')
      .setAudience('tandem')
      .setSubject(`user-${index}`)
      .setJti(`t${index}`)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey);
  const backend = new SignJWT({ session_id: 'bench', scope: API_SCOPES.join(' '), rooms: ['*'] })
    .setProtectedHeader({ alg: 'ES256', kid: 'bench', typ: 'at+jwt' })
    .setIssuer('tandem')
    .setAudience(apiAudience('tandem'))
    .setSubject('key-bench')
    .setJti('bench')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey);
  return {
    name: 'Tandem signaling',
    verifies: true,
    apiUrl: `http://127.0.0.1:${ports[0]}`,
    backendToken: () => backend,
    pids: procs.map((p) => p.pid),
    async prepare(first, count) {
      for (let i = first; i < first + count; i++) tokens.set(i, await sign(i));
    },
    async connect(index, node = 0) {
      const token = tokens.get(index) ?? (await sign(index));
      const raw = await RawSocket.open({
        port: ports[node] as number,
        path: '/ws/signal',
        protocols: `signal.v1, bearer.${token}`,
      });
      return { raw, id: String((await raw.nextOf('welcome')).peerId) };
    },
    async join(peer, room) {
      peer.raw.send(JSON.stringify({ type: 'join', roomId: room }));
      await peer.raw.nextOf('joined');
    },
    text: directed,
    read: readDirected,
    async [Symbol.asyncDispose]() {
      await disposeAll(procs);
      jwks.closeAllConnections();
      jwks.close();
    },
  };
}

const UNLIMITED: Record<string, string> = {
  MESSAGES_PER_SECOND: '1000000',
  USER_MESSAGES_PER_SECOND: '1000000',
  BYTES_PER_SECOND: '1000000000',
  USER_FAN_OUT_BYTES_PER_SECOND: '1000000000',
  CONNECTIONS_PER_IP: '1000000',
  CONNECTIONS_PER_IP_PER_SECOND: '1000000',
  SESSIONS_PER_USER: '1000000',
  MAX_CONNECTIONS: '1000000',
  MAX_EVENT_LOOP_DELAY_MS: '60000',
  RECONNECT_WITHIN_MS: '0',
};
