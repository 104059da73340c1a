/**
 * Every ACL user that the constructs make, on a real Redis Cluster over TLS, through the program that logs in as that user.
 * Redis itself says what it refused: ACL LOG keeps each denied command, key and channel (redis.io/commands/acl-log).
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort, makeCertificate, startCluster } from '@tandem/service/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MEDIA_NODE_ACCESS, SERVICE_ACCESS, TURN_NODE_ACCESS } from '../infra/src/cache-access.ts';

import { cachedEngine } from '../scripts/lib/media-engine.mjs';
import { ownAddress } from './support/media-peer.ts';
import { join } from './support/revocation.ts';

const repository = path(import.meta.dirname, '..');
const certificate = makeCertificate();
const services = { username: 'tandem', password: 'services-password', access: SERVICE_ACCESS };
const turnNode = { username: 'turn-node', password: 'turn-node-password', access: TURN_NODE_ACCESS };
const mediaNode = { username: 'media-node', password: 'media-node-password', access: MEDIA_NODE_ACCESS };
let cluster: Awaited<ReturnType<typeof startCluster>>;
let folder: string;
const children: AsyncDisposable[] = [];
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
  cluster = await startCluster({ secure: { certificate, user: services, otherUsers: [turnNode, mediaNode] } });
}, 60_000);
afterAll(async () => {
  await Promise.all(children.map((child) => child[Symbol.asyncDispose]()));
  await cluster[Symbol.asyncDispose]();
  certificate[Symbol.dispose]();
  await rm(folder, { recursive: true, force: true });
});

test('the TURN node registers, auth hands it out, signaling joins a room, the media node serves it, and the servers refused none of their commands', async () => {
  const turnPort = await freePort();
  const secret = 'a-turn-secret-of-tests';
  const mediaSecret = 'a-secret-of-media-nodes-and-auth-in-tests-x';
  const turn = run('infra/turn-node/main.ts', turnNode, {
    TURN_PORT: String(turnPort),
    PUBLIC_IP: '127.0.0.1',
    NODE_ID: 'node-a',
    RELAY_MIN_PORT: '52000',
    RELAY_MAX_PORT: '52099',
    ALLOW_LOOPBACK_PEERS: 'true',
    RUN_DIR: folder,
    TURN_SECRETS: secret,
  });
  const token = { TOKEN_ISSUER: 'tandem', TOKEN_AUDIENCE: 'tandem', HOST: '127.0.0.1', PORT: '0' };
  const auth = run('apps/auth/src/main.ts', services, {
    ...token,
    PROFILE: 'development',
    RATE_PER_USER: '0',
    KEY_SOURCE: `file:${path(folder, 'keys.json')}`,
    TURN_DIRECTORY: 'true',
    TURN_SECRETS: secret,
    MEDIA_SECRET: mediaSecret,
  });
  await expect.poll(() => auth.find((line) => line.event === 'start')?.port, soon).toBeGreaterThan(0);
  const authUrl = `http://127.0.0.1:${auth.find((line) => line.event === 'start')?.port}`;
  const signaling = run('apps/signaling/src/main.ts', services, {
    ...token,
    JWKS_URL: `${authUrl}/.well-known/jwks.json`,
    MEDIA_FROM: '1',
  });
  await expect.poll(() => signaling.find((line) => line.event === 'signaling.up')?.port, soon).toBeGreaterThan(0);
  const signalingUrl = `http://127.0.0.1:${signaling.find((line) => line.event === 'signaling.up')?.port}`;
  for (const url of [authUrl, signalingUrl])
    await expect.poll(() => fetch(`${url}/health/ready`).then((r) => r.status), soon).toBe(200);

  const post = async (route: string, body: object, headers = {}) => {
    const answer = await fetch(`${authUrl}${route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(200);
    return (await answer.json()) as { token: string };
  };
  const login = await post('/auth/token', { userId: 'ada' });
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
  await post('/auth/revoke', { token: login.token }, bearer);
  expect((await socket.closed).code).toBe(4001);
  // It gives up the room's record.
  await expect.poll(() => media.map((line) => line.event), soon).toContain('media.room-ended');

  expect(await refused()).toEqual([]);
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
