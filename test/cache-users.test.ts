/**
 * Every ACL user that the constructs make, on a real Redis Cluster over TLS, through the program that logs in as that user.
 * Redis itself says what it refused: ACL LOG keeps each denied command, key and channel (redis.io/commands/acl-log).
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { createInterface } from 'node:readline';
import { API_SCOPES } from '@tandem/protocol';
import { freePort, makeCertificate, startCluster } from '@tandem/service/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { formatApiKeyEntry, newApiKey } from '../apps/auth/src/testing.ts';
import { startReceiver } from '../apps/hooks/src/testing.ts';
import { HOOKS_ACCESS, MEDIA_NODE_ACCESS, SERVICE_ACCESS, TURN_NODE_ACCESS } from '../infra/src/cache-access.ts';
import { cachedEngine } from '../scripts/lib/media-engine.mjs';
import { ownAddress } from './support/media-peer.ts';
import { join } from './support/revocation.ts';

const repository = path(import.meta.dirname, '..');
const certificate = makeCertificate();
const services = { username: 'tandem', password: 'services-password', access: SERVICE_ACCESS };
const turnNode = { username: 'turn-node', password: 'turn-node-password', access: TURN_NODE_ACCESS };
const mediaNode = { username: 'media-node', password: 'media-node-password', access: MEDIA_NODE_ACCESS };
const hooksUser = { username: 'hooks', password: 'hooks-password', access: HOOKS_ACCESS };
let cluster: Awaited<ReturnType<typeof startCluster>>;
let folder: string;
const children: AsyncDisposable[] = [];
const turnSecret = 'a-turn-secret-of-tests';
const mediaSecret = 'a-secret-of-media-nodes-and-auth-in-tests-x';
const token = { TOKEN_ISSUER: 'tandem', TOKEN_AUDIENCE: 'tandem', HOST: '127.0.0.1', PORT: '0' };
const backend = newApiKey({ scopes: API_SCOPES, grants: { rooms: ['*'] } });
let authUrl: string;
let signalingUrl: string;
const soon = { timeout: 120_000, interval: 100 };

interface Line {
  readonly event?: string;
  readonly port?: number;
  readonly [name: string]: unknown;
}

/** Runs a program of ours as its container does. @returns its log, one object a line */
function run(program: string, user: typeof services, settings: Record<string, string>): Line[] {
  const child = spawn(process.execPath, [path(repository, program)], {
    env: {
      PATH: process.env.PATH ?? '',
      NODE_EXTRA_CA_CERTS: certificate.certFile,
      REDIS_URL: cluster.url,
      REDIS_USERNAME: user.username,
      REDIS_PASSWORD: user.password,
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
    // A group of its own: what a killed node leaves (coturn, Janus) ends with it, as a container does.
    detached: true,
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  children.push({
    [Symbol.asyncDispose]: async () => {
      if (child.pid && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
      await ended;
    },
  });
  const lines: Line[] = [];
  createInterface({ input: child.stdout }).on('line', (text) => {
    try {
      lines.push(JSON.parse(text));
    } catch {
      lines.push({ text });
    }
  });
  return lines;
}

/** Where a program of ours listens, as its log says. */
async function urlOf(log: readonly Line[], event: string): Promise<string> {
  const port = await vi.waitFor(() => {
    const found = log.find((line) => line.event === event)?.port;
    if (!found) throw new Error(`no ${event}`);
    return found;
  }, soon);
  return `http://127.0.0.1:${port}`;
}

const becomesReady = (url: string) =>
  vi.waitFor(async () => expect((await fetch(`${url}/health/ready`)).status).toBe(200), soon);

async function startServices(): Promise<void> {
  const auth = run('apps/auth/src/main.ts', services, {
    ...token,
    PROFILE: 'development',
    ACCESS: 'open,api-key',
    API_KEYS: formatApiKeyEntry(backend.record),
    RATE_PER_USER: '0',
    KEY_SOURCE: `file:${path(folder, 'keys.json')}`,
    TURN_DIRECTORY: 'true',
    TURN_SECRETS: turnSecret,
    MEDIA_SECRET: mediaSecret,
  });
  authUrl = await urlOf(auth, 'start');
  const signaling = run('apps/signaling/src/main.ts', services, {
    ...token,
    JWKS_URL: `${authUrl}/.well-known/jwks.json`,
    MEDIA_FROM: '1',
    EVENTS: 'true',
  });
  signalingUrl = await urlOf(signaling, 'signaling.up');
  await Promise.all([authUrl, signalingUrl].map(becomesReady));
}

async function post<T = { token: string }>(url: string, body: object, headers = {}): Promise<T> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  expect(answer.ok, `${url}: ${answer.status}`).toBe(true);
  return (await answer.json()) as T;
}

/** What the servers refused, as `reason context object username`. */
async function refused(): Promise<string[]> {
  const logs = await Promise.all(cluster.servers.map((server) => cluster.administer(server, 'ACL', 'LOG')));
  return (logs.flat() as unknown[][]).map((entry) => {
    const field = (name: string) => entry[entry.indexOf(name) + 1];
    return ['reason', 'context', 'object', 'username'].map((name) => field(name)).join(' ');
  });
}

beforeAll(async () => {
  folder = await mkdtemp(path(tmpdir(), 'tandem-cache-users-'));
  cluster = await startCluster({
    secure: { certificate, user: services, otherUsers: [turnNode, mediaNode, hooksUser] },
  });
  await startServices();
}, 120_000);
afterAll(async () => {
  await Promise.all(children.map((child) => child[Symbol.asyncDispose]()));
  await cluster[Symbol.asyncDispose]();
  certificate[Symbol.dispose]();
  await rm(folder, { recursive: true, force: true });
});

test('the TURN node registers, auth hands it out, signaling joins a room, the media node serves it, and the servers refused none of their commands', async () => {
  const turnPort = await freePort();
  const turn = run('infra/turn-node/main.ts', turnNode, {
    TURN_PORT: String(turnPort),
    PUBLIC_IP: '127.0.0.1',
    NODE_ID: 'node-a',
    RELAY_MIN_PORT: '52000',
    RELAY_MAX_PORT: '52099',
    ALLOW_LOOPBACK_PEERS: 'true',
    RUN_DIR: folder,
    TURN_SECRETS: turnSecret,
  });
  const login = await post(`${authUrl}/auth/token`, { userId: 'ada' });
  const bearer = { authorization: `Bearer ${login.token}` };
  const uris = async () => {
    const answer = await fetch(`${authUrl}/auth/ice-servers`, { headers: bearer });
    const { iceServers } = (await answer.json()) as { iceServers: { urls: string[] }[] };
    return iceServers.flatMap((server) => server.urls);
  };
  await expect.poll(uris, soon).toContain(`turn:127.0.0.1:${turnPort}?transport=udp`);
  expect(turn.map((line) => line.event)).toContain('turn.serving');

  const media = run('infra/media-node/main.ts', mediaNode, {
    JANUS: process.env.JANUS ?? cachedEngine() ?? 'janus',
    RUN_DIR: path(folder, 'media'),
    PUBLIC_IP: ownAddress,
    NODE_ID: 'media-a',
    HTTP_PORT: String(await freePort()),
    MEDIA_MIN_PORT: '31000',
    MEDIA_MAX_PORT: '31999',
    MAX_VIEWERS: '0',
    MAX_STREAMS: '100',
    SIGNALING_URL: `${signalingUrl.replace('http', 'ws')}/ws/signal`,
    AUTH_URL: authUrl,
    MEDIA_SECRET: mediaSecret,
  });

  // A revocation passes through all three: auth writes it, the node and signaling follow the stream.
  const socket = await join(signalingUrl, login.token, 'room');
  await expect.poll(() => media.map((line) => line.event), soon).toContain('media.room-serving');
  await post(`${authUrl}/auth/revoke`, { token: login.token }, bearer);
  expect((await socket.closed).code).toBe(4001);
  // It gives up the room's record.
  await expect.poll(() => media.map((line) => line.event), soon).toContain('media.room-ended');

  expect(await refused()).toEqual([]);
});

test('the events service takes leases, folds a visit, delivers it, tries again, replays and streams, and the servers refused none of its commands', async () => {
  await using receiver = await startReceiver();
  const hooks = run('apps/hooks/src/main.ts', hooksUser, {
    ...token,
    JWKS_URL: `${authUrl}/.well-known/jwks.json`,
    WEBHOOK_KEY: Buffer.alloc(32, 7).toString('base64url'),
    PRIVATE_ENDPOINTS: 'true',
  });
  const url = await urlOf(hooks, 'hooks.up');
  await becomesReady(url);
  const { access_token: backendToken } = await post<{ access_token: string }>(
    `${authUrl}/auth/token`,
    { grant_type: 'client_credentials' },
    { authorization: `Bearer ${backend.key}` },
  );
  const bearer = { authorization: `Bearer ${backendToken}` };
  const get = async (route: string) => (await fetch(`${url}/v1${route}`, { headers: bearer })).json();
  const endpoints = `${url}/v1/webhook-endpoints`;
  const { endpoint } = await post<{ endpoint: { id: string } }>(
    endpoints,
    { url: receiver.url, rooms: ['visit'] },
    bearer,
  );
  // Refused once, so that a try is put off and taken up again.
  receiver.answer = (_webhook, response) => {
    response.writeHead(receiver.received.length === 1 ? 500 : 204, { 'retry-after': '1' }).end();
  };
  const login = await post(`${authUrl}/auth/token`, { userId: 'eva' });
  const socket = await join(signalingUrl, login.token, 'visit');
  await expect
    .poll(() => get(`/webhook-endpoints/${endpoint.id}/deliveries?status=waiting`), soon)
    .toMatchObject({
      deliveries: [{ reason: 'status_500' }],
    });
  socket.ws.send(JSON.stringify({ type: 'leave' }));
  const types = () => receiver.received.map(({ event }) => event.type);
  await expect.poll(types, soon).toEqual(['room.started', 'room.started', 'peer.joined', 'peer.left', 'room.ended']);
  await expect.poll(async () => (await get('/events?roomId=visit')).events.length, soon).toBe(4);
  expect(await get(`/webhook-endpoints/${endpoint.id}/deliveries?status=failed`)).toEqual({ deliveries: [] });
  await post(`${endpoints}/${endpoint.id}/rotate-secret`, {}, bearer);
  await post(`${endpoints}/${endpoint.id}/replay`, { after: '2026-01-01T00:00:00Z' }, bearer);
  await expect.poll(() => types().length, soon).toBe(9);
  expect((await fetch(`${endpoints}/${endpoint.id}`, { method: 'DELETE', headers: bearer })).status).toBe(204);

  expect(hooks.map((line) => line.event)).not.toContain('hooks.away');
  expect(await refused()).toEqual([]);
});

test('every command in the sources of the events service is one that its user may send', () => {
  const folders = ['apps/hooks/src', 'apps/hooks/src/scripts', 'apps/hooks/src/api'];
  const sources = folders.flatMap((one) =>
    readdirSync(path(repository, one), { withFileTypes: true })
      .filter((file) => file.isFile() && /\.(ts|lua)$/.test(file.name) && !file.name.includes('test'))
      .map((file) => readFileSync(path(repository, one, file.name), 'utf8')),
  );
  const sent = sources.flatMap((text) =>
    [...text.matchAll(/\bredis\.(?:p?call\(\s*'(\w+)'|(\w+)\()/g)].map(([, called = '', sent = '']) =>
      (called || sent).toLowerCase(),
    ),
  );
  // Of the client, no command.
  const commands = [...new Set(sent)].filter((name) => !['on', 'disconnect', 'call', 'duplicate'].includes(name));
  expect(commands).toEqual(expect.arrayContaining(['time', 'hscan', 'pexpire', 'zrangebyscore', 'xadd']));
  const allowed = HOOKS_ACCESS.split(' ').map((rule) => /^\+(\w+)/.exec(rule)?.[1]);
  expect(commands.filter((name) => !allowed.includes(name))).toEqual([]);
});

test('ACL LOG tells what a user may not do: the node reads no session, auth and signaling administer nothing', async () => {
  const { connectRedis } = await import('@tandem/service');
  const { getCACertificates, setDefaultCACertificates } = await import('node:tls');
  const trusted = getCACertificates('default');
  setDefaultCACertificates([...trusted, certificate.ca]);
  try {
    const node = connectRedis(cluster.url, turnNode);
    await expect(node.get('tandem:session:1')).rejects.toThrow(/NOPERM/);
    await expect(node.hset('tandem:room', 'a', '1')).rejects.toThrow(/NOPERM/);
    await expect(node.xadd('tandem:{revocations}', '*', 'r', '{}')).rejects.toThrow(/NOPERM/);
    await expect(node.call('CONFIG', 'GET', '*')).rejects.toThrow(/NOPERM/);
    await expect(node.call('CLIENT', 'KILL', 'USER', 'tandem')).rejects.toThrow(/NOPERM/);
    node.disconnect();
    const mediaUser = connectRedis(cluster.url, mediaNode);
    await expect(mediaUser.get('tandem:session:1')).rejects.toThrow(/NOPERM/);
    await expect(mediaUser.hgetall('tandem:{turn}:nodes')).rejects.toThrow(/NOPERM/);
    // Not by a script either.
    await expect(
      mediaUser.eval("return redis.call('GET', 'tandem:{media}2')", 1, 'tandem:{media}:x'),
    ).rejects.toThrow();
    mediaUser.disconnect();
    const hooks = connectRedis(cluster.url, hooksUser);
    await expect(hooks.hgetall('tandem:session:1')).rejects.toThrow(/NOPERM/);
    await expect(hooks.hgetall('tandem:{turn}:nodes')).rejects.toThrow(/NOPERM/);
    await expect(hooks.zadd('tandem:{nodes}', 1, 'a-node')).rejects.toThrow(/NOPERM/);
    await expect(hooks.xadd('tandem:{revocations}', '*', 'r', '{}')).rejects.toThrow(/NOPERM/);
    await expect(hooks.call('SPUBLISH', 'tandem:{nodes}', 'x')).rejects.toThrow(/NOPERM/);
    await expect(hooks.call('FLUSHALL')).rejects.toThrow(/NOPERM/);
    hooks.disconnect();
    const service = connectRedis(cluster.url, services);
    await expect(service.call('FLUSHALL')).rejects.toThrow(/NOPERM/);
    await expect(service.set('other:key', '1')).rejects.toThrow(/NOPERM/);
    service.disconnect();
  } finally {
    setDefaultCACertificates(trusted);
  }
  expect(await refused()).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^command toplevel get turn-node$/),
      expect.stringMatching(/^key toplevel other:key tandem$/),
    ]),
  );
});
