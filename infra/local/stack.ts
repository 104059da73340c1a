/** The whole topology as processes of this machine: what `npm start` runs and what the system tests call through. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { SignalingConfig } from '@tandem/signaling/config';
import { type Place, resolveEnvironment } from '../topology/environment.ts';
import { topology } from '../topology/index.ts';
import type { TurnNodeConfig } from '../turn-node/src/config.ts';
import { accessSettings } from './access-settings.ts';
import { selfSigned } from './certificate.ts';
import { Children, type ChildSpec } from './children.ts';
import type { EdgeConfig } from './edge/config.ts';
import { LACKS_REDIS, LOCAL_HOOKS } from './hooks.ts';
import { findMedia, mediaServes, mediaSettings } from './media.ts';
import type { LocalOptions } from './options.ts';
import { findProgram, freePort, isPortFree, lanAddress } from './programs.ts';

const root = resolve(import.meta.dirname, '../..');
const LOOPBACK = '127.0.0.1';

export interface StackOptions extends Partial<LocalOptions> {
  /** Where redis-server and turnserver are looked for. Default: PATH. */
  readonly path?: string;
  /** An existing Redis instead of a private one. Default: REDIS_URL of the environment. */
  readonly redisUrl?: string;
  /** Exported PWA. Default apps/client/out. */
  readonly clientDir?: string;
  /** Folder for logs and the certificate. Default .local. */
  readonly dataDir?: string;
  /** More variables for the services, e.g. limits for a test. */
  readonly env?: Partial<Record<'auth' | 'signaling' | 'hooks' | 'turn' | 'media', Readonly<Record<string, string>>>>;
  /** Events after the start (a child failed, came back). Default: nowhere. */
  readonly say?: (line: string) => void;
}

export interface Stack extends AsyncDisposable {
  /** Where the page is. */
  readonly origin: string;
  /** The same for other machines of the network, with --https. */
  readonly lanOrigin?: string;
  readonly authUrl: string;
  readonly signalingUrls: readonly string[];
  /** The events service, with --events. */
  readonly hooksUrl?: string;
  readonly redisUrl?: string;
  readonly turnUris: readonly string[];
  /** The secret that signs TURN credentials. */
  readonly turnSecret?: string;
  /** What this machine lacks and what that means, one line each. */
  readonly leftOut: readonly string[];
  /** Process ids by child name: redis, turn, auth, signaling-1…, edge. */
  readonly pids: Readonly<Record<string, number>>;
  readonly logDir: string;
}

interface Ports {
  readonly edge: number;
  readonly auth: number;
  readonly media: number;
  readonly hooks: number;
  readonly signaling: readonly number[];
}

/** One line that says what to do; no stack trace is owed. */
export class StartError extends Error {
  override name = 'StartError';
}

/** Ports from the description, moved by as much as the edge is; signaling nodes take the next free ports. */
async function choosePorts(options: StackOptions, nodes: number, host: string): Promise<Ports> {
  if (options.port === 0) {
    const ports = await Promise.all(Array.from({ length: nodes + 4 }, () => freePort()));
    const [edge = 0, auth = 0, media = 0, hooks = 0, ...signaling] = ports;
    return { edge, auth, media, hooks, signaling };
  }
  const shift = (options.port ?? topology.edge.port) - topology.edge.port;
  const others: number[] = [topology.auth.port, topology.hooks.port, topology.media.port];
  const signaling: number[] = [];
  for (let port = topology.signaling.port; signaling.length < nodes; port += 1)
    if (!others.includes(port)) signaling.push(port + shift);
  const ports = {
    edge: topology.edge.port + shift,
    auth: topology.auth.port + shift,
    media: topology.media.port + shift,
    hooks: topology.hooks.port + shift,
    signaling,
  };
  for (const [name, port] of [
    ['page', ports.edge],
    ['auth', ports.auth],
    ...(options.media ? [['streams', ports.media] as const] : []),
    ...(options.events ? [['events', ports.hooks] as const] : []),
    ...signaling.map((p) => ['signaling', p] as const),
  ] as const) {
    if (port < 1024 || (await isPortFree(port, name === 'page' ? host : LOOPBACK))) continue;
    throw new StartError(
      `port ${port} (${name}) is in use. Stop what listens there, or move all ports: npm start -- --port ${ports.edge + 100}`,
    );
  }
  return ports;
}

function connects(port: number, host = LOOPBACK): Promise<boolean> {
  return new Promise((done) => {
    const socket = createConnection({ port, host });
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  await response.body?.cancel();
  return response.ok;
}

function redisSpec(program: string, port: number, dir: string): ChildSpec {
  return {
    name: 'redis',
    command: program,
    // Nothing is written to disk: the nodes rebuild the state.
    args: ['--port', `${port}`, '--bind', LOOPBACK, '--save', '', '--appendonly', 'no', '--dir', dir],
    env: {},
    ready: () => connects(port),
  };
}

function nodeSpec(name: string, entry: string, env: Record<string, string>, ready: () => Promise<boolean>): ChildSpec {
  return {
    name,
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', join(root, entry)],
    env,
    ready,
  };
}

/**
 * Start everything and wait until it serves.
 * @throws StartError or Error, one line that names the part and the fix
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const say = options.say ?? (() => undefined);
  const dataDir = resolve(options.dataDir ?? join(root, '.local'));
  const clientDir = resolve(options.clientDir ?? join(root, topology.client.folder, 'out'));
  if (!existsSync(join(clientDir, 'index.html')))
    throw new StartError(`the client is not built (${clientDir} has no index.html). Run: npm run build`);

  const leftOut: string[] = [];
  const givenRedis = options.redisUrl ?? process.env.REDIS_URL;
  const redisProgram = givenRedis ? undefined : findProgram('redis-server', options.path);
  const turnProgram = findProgram('turnserver', options.path);
  const shared = Boolean(givenRedis || redisProgram);
  const nodes = shared ? (options.nodes ?? topology.signaling.replicas.development) : 1;
  if (!shared)
    leftOut.push(
      `redis-server is not installed: one signaling node, its state in memory${(options.nodes ?? 1) > 1 ? ` (--nodes ${options.nodes} needs it)` : ''}`,
    );
  if (!turnProgram) leftOut.push('coturn (turnserver) is not installed: no relay, calls use host candidates only');

  const lan = options.https ? lanAddress() : undefined;
  const host = options.https ? '0.0.0.0' : 'localhost';
  const ports = await choosePorts(options, nodes, host);
  const scratch = mkdtempSync(join(tmpdir(), 'tandem-'));
  const logDir = join(dataDir, 'logs');
  const children = new Children({
    logDir,
    say,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LOG_LEVEL: process.env.LOG_LEVEL, TZ: process.env.TZ },
  });
  const dispose = async () => {
    await children[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  };

  try {
    let redisUrl = givenRedis;
    if (redisProgram) {
      const port = await freePort();
      await children.start(redisSpec(redisProgram, port, scratch));
      redisUrl = `redis://${LOOPBACK}:${port}`;
    }

    const hasEvents = options.events === true && redisUrl !== undefined;
    if (options.events && !hasEvents) leftOut.push(LACKS_REDIS);
    const media = options.media ? await findMedia(redisUrl) : undefined;
    if (media && 'lacks' in media) leftOut.push(media.lacks);

    const turnSecret = turnProgram ? randomBytes(24).toString('base64url') : undefined;
    const turnAddress = lan ?? LOOPBACK;
    const standard = options.port !== 0 && (await isPortFree(topology.turn.port, turnAddress));
    const turnPort = standard ? topology.turn.port : await freePort();
    const turnUris = turnProgram ? ['udp', 'tcp'].map((t) => `turn:${turnAddress}:${turnPort}?transport=${t}`) : [];

    const authUrl = `http://${LOOPBACK}:${ports.auth}`;
    const place: Place = {
      from: {
        'cache-url': redisUrl,
        'jwks-url': `${authUrl}/.well-known/jwks.json`,
        // The edge keeps the Host header, so same-origin needs no list, whichever name the page was opened by.
        'public-origin': undefined,
        'turn-uris': turnUris.join(',') || undefined,
        'stun-uris': turnProgram && `stun:${turnAddress}:${turnPort}`,
        // One machine without Redis has one TURN node, whose address auth gets as a setting.
        'turn-directory': turnProgram && redisUrl ? 'true' : undefined,
        'node-address': turnAddress,
        'auth-url': authUrl,
        // Through the edge the agent survives any signaling node; it does not know the edge's own certificate.
        'signaling-url': `${options.https ? `ws://${LOOPBACK}:${ports.signaling[0]}` : `ws://localhost:${ports.edge}`}/ws/signal`,
        'turn-secret-id': undefined,
        events: hasEvents ? 'true' : undefined,
        'key-source': `file:${join(dataDir, 'auth-keys.json')}`,
        access: 'open',
        profile: 'development',
        'trusted-proxies': '1',
      },
      secrets: {
        'cache-username': undefined,
        'cache-password': undefined,
        'turn-secrets': turnSecret,
        'media-secret': media && 'engine' in media ? randomBytes(32).toString('base64url') : undefined,
        // New each time, as the private Redis is.
        'webhook-key': hasEvents ? randomBytes(32).toString('base64url') : undefined,
        'api-keys': undefined,
      },
    };
    const service = (name: string, part: 'auth' | 'signaling' | 'hooks', port: number, more: Record<string, string>) =>
      nodeSpec(
        name,
        join(topology[part].folder, 'src/main.ts'),
        {
          ...resolveEnvironment(topology[part], place),
          HOST: LOOPBACK,
          PORT: `${port}`,
          ...more,
          ...options.env?.[part],
        },
        () => answers(`http://${LOOPBACK}:${port}${topology[part].startupPath}`),
      );
    if (turnProgram)
      await children.start(
        nodeSpec(
          'turn',
          join(topology.turn.folder, 'main.ts'),
          {
            ...resolveEnvironment(topology.turn, place),
            TURN_PORT: `${turnPort}`,
            TURNSERVER: turnProgram,
            RUN_DIR: scratch,
            DRAIN_SECONDS: '0',
            // The peers of one machine and its network are loopback and private addresses; no deployment allows those.
            ALLOW_LOOPBACK_PEERS: 'true',
            DENIED_PEERS: '',
            ...options.env?.turn,
          } satisfies Partial<Record<keyof TurnNodeConfig, string>>,
          () => connects(turnPort, turnAddress),
        ),
      );
    await Promise.all([
      children.start(service('auth', 'auth', ports.auth, accessSettings())),
      ...ports.signaling.map((port, i) =>
        children.start(
          service(`signaling-${i + 1}`, 'signaling', port, {
            NODE_NAME: `signaling-${i + 1}`,
          } satisfies Partial<Record<keyof SignalingConfig, string>>),
        ),
      ),
    ]);

    if (hasEvents) await children.start(service('hooks', 'hooks', ports.hooks, LOCAL_HOOKS));

    const signalingUrls = ports.signaling.map((port) => `http://${LOOPBACK}:${port}`);
    const tls = options.https ? await selfSigned(dataDir, lan ? [LOOPBACK, lan] : [LOOPBACK]) : undefined;
    const scheme = tls ? 'https' : 'http';
    await children.start(
      nodeSpec(
        'edge',
        'infra/local/edge/main.ts',
        {
          HOST: host,
          PORT: `${ports.edge}`,
          CLIENT_DIR: clientDir,
          AUTH_TARGETS: authUrl,
          SIGNALING_TARGETS: signalingUrls.join(','),
          ...(media && 'engine' in media ? { MEDIA_TARGETS: `http://${LOOPBACK}:${ports.media}` } : {}),
          ...(hasEvents ? { HOOKS_TARGETS: `http://${LOOPBACK}:${ports.hooks}` } : {}),
          ...(tls ? { TLS_CERT: tls.cert, TLS_KEY: tls.key } : {}),
        } satisfies Partial<Record<keyof EdgeConfig, string>>,
        () => connects(ports.edge, 'localhost'),
      ),
    );

    if (media && 'engine' in media)
      await children.start(
        nodeSpec(
          'media',
          join(topology.media.folder, 'main.ts'),
          {
            ...resolveEnvironment(topology.media, place),
            ...mediaSettings(media, { scratch, port: ports.media }),
            ...options.env?.media,
          },
          mediaServes(media),
        ),
      );

    return {
      origin: `${scheme}://localhost:${ports.edge}`,
      ...(lan ? { lanOrigin: `${scheme}://${lan}:${ports.edge}` } : {}),
      authUrl,
      signalingUrls,
      ...(hasEvents ? { hooksUrl: `http://${LOOPBACK}:${ports.hooks}` } : {}),
      ...(redisUrl ? { redisUrl } : {}),
      turnUris,
      ...(turnSecret ? { turnSecret } : {}),
      leftOut,
      get pids() {
        return children.pids;
      },
      logDir,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}
