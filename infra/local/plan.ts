/** What this machine will run: decided from the options and the programs that are here, before any process starts. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connectRedis } from '@tandem/service';
import { freePort, isPortFree } from '@tandem/service/ports';
import { topology } from '../topology/index.ts';
import { findCaptions, type LocalCaptions } from './captions.ts';
import { LACKS_REDIS } from './hooks.ts';
import { findMedia, type LocalMedia } from './media.ts';
import type { LocalOptions } from './options.ts';
import { choosePorts, type Ports } from './ports.ts';
import { findProgram, LOOPBACK, lanAddress } from './programs.ts';
import { findRecordings, type LocalRecordings, leavesOut } from './recordings.ts';
import { StartError } from './start-error.ts';

const root = resolve(import.meta.dirname, '../..');

export interface StackOptions extends Partial<LocalOptions> {
  /** Where redis-server and turnserver are looked for. Default: PATH. */
  readonly path?: string;
  /** An existing Redis instead of a private one. Default: REDIS_URL of the environment. */
  readonly redisUrl?: string;
  /** Exported PWA. Default apps/client/out. */
  readonly clientDir?: string;
  /** Folder for logs and the certificate. Default .local. */
  readonly dataDir?: string;
  /** Where recordings are kept, with what its client needs. Default: RECORDINGS and AWS_… of the environment. */
  readonly recordings?: Readonly<Record<string, string>>;
  /** Recognizers of speech. Default: CAPTIONS_RECOGNIZERS of the environment. */
  readonly recognizers?: string;
  /** More variables for the services, e.g. limits for a test. */
  readonly env?: Partial<
    Record<
      'auth' | 'signaling' | 'hooks' | 'captions' | 'turn' | 'media' | 'packager' | 'composer',
      Readonly<Record<string, string>>
    >
  >;
  /** Events after the start (a child failed, came back). Default: nowhere. */
  readonly say?: (line: string) => void;
}

export interface StackPlan {
  readonly clientDir: string;
  /** Folder that outlives the run: keys, certificate, logs. */
  readonly dataDir: string;
  /** New temporary folder of this run. */
  readonly scratch: string;
  readonly https: boolean;
  /** Address of this machine for others of its network; with https only. */
  readonly lan?: string;
  /** Where TURN and media nodes are reached. */
  readonly nodeAddress: string;
  /** Where the edge listens. */
  readonly edgeHost: string;
  readonly ports: Ports;
  readonly redis?: RedisPlan;
  readonly turn?: TurnPlan;
  readonly media?: LocalMedia;
  /** Where a media node runs, and it was said where to keep them. */
  readonly recordings?: LocalRecordings;
  /** Whether the events service runs: it was asked for, and there is a Redis. */
  readonly events: boolean;
  /** Where recognizers of speech were named. */
  readonly captions?: LocalCaptions;
  /** More variables of the services. */
  readonly env: NonNullable<StackOptions['env']>;
  /** What this machine lacks and what that means, one line each. */
  readonly leftOut: readonly string[];
}

export interface RedisPlan {
  readonly url: string;
  /** Ends the names of nodes: another start may use the same Redis, and two nodes of one name would take each other's messages. */
  readonly nameEnd: string;
  /** A private Redis to start: its program and port. Without: an existing one. */
  readonly start?: { readonly program: string; readonly port: number };
}

export interface TurnPlan {
  readonly program: string;
  readonly port: number;
  readonly uris: readonly string[];
  readonly secret: string;
}

/** @throws StartError: the client is not built, or a port is in use */
export async function planStack(options: StackOptions): Promise<StackPlan> {
  const dataDir = resolve(options.dataDir ?? join(root, '.local'));
  const clientDir = resolve(options.clientDir ?? join(root, topology.client.folder, 'out'));
  if (!existsSync(join(clientDir, 'index.html')))
    throw new StartError(`the client is not built (${clientDir} has no index.html). Run: npm run build`);

  const leftOut: string[] = [];
  const lan = options.https ? lanAddress() : undefined;
  const nodeAddress = lan ?? LOOPBACK;
  const edgeHost = options.https ? '0.0.0.0' : 'localhost';
  const redis = await planRedis(options);
  if (!redis) leftOut.push(oneNode(options.nodes ?? 1));
  const turnProgram = findProgram('turnserver', options.path);
  if (!turnProgram) leftOut.push('coturn (turnserver) is not installed: no relay, calls use host candidates only');
  const captions = findCaptions(options.recognizers);
  const ports = await choosePorts({
    edge: options.port,
    edgeHost,
    nodes: redis ? (options.nodes ?? topology.signaling.replicas.development) : 1,
    media: options.media ?? false,
    hooks: options.events ?? false,
    captions: captions !== undefined,
  });
  const turn = turnProgram ? await planTurn(turnProgram, nodeAddress, options.port) : undefined;
  if (options.events && !redis) leftOut.push(LACKS_REDIS);
  const media = options.media ? await findMedia(redis) : undefined;
  if (media && 'lacks' in media) leftOut.push(media.lacks);
  const engine = media && 'engine' in media ? media : undefined;
  const recordings = findRecordings(options.recordings, options.path);
  if (recordings) leftOut.push(...leavesOut(recordings, engine !== undefined));
  return {
    ...{ clientDir, dataDir, https: options.https ?? false, lan, nodeAddress, edgeHost, ports, redis, turn, captions },
    events: options.events === true && redis !== undefined,
    media: engine,
    recordings: engine && recordings,
    env: options.env ?? {},
    leftOut,
    scratch: mkdtempSync(join(tmpdir(), 'tandem-')),
  };
}

function oneNode(wanted: number): string {
  const unmet = wanted > 1 ? ` (--nodes ${wanted} needs it)` : '';
  return `redis-server is not installed: one signaling node, its state in memory${unmet}`;
}

async function planRedis(options: StackOptions): Promise<RedisPlan | undefined> {
  const url = options.redisUrl ?? process.env.REDIS_URL;
  if (url) {
    const fault = await redisFault(url);
    if (fault)
      throw new StartError(
        `REDIS_URL: ${fault}. Fix: start that Redis, or unset REDIS_URL: a private one is started then`,
      );
    return { url, nameEnd: `-${randomBytes(4).toString('hex')}` };
  }
  const program = findProgram('redis-server', options.path);
  if (!program) return undefined;
  const port = await freePort();
  return { url: `redis://${LOOPBACK}:${port}`, nameEnd: '', start: { program, port } };
}

/** Why an existing Redis cannot be used; never its password. @throws Error naming REDIS_URL when it is none */
async function redisFault(url: string): Promise<string | undefined> {
  const redis = connectRedis(url);
  let why = 'no answer';
  redis.on('error', (error) => {
    why = error.message;
  });
  try {
    await redis.ping();
    return undefined;
  } catch (error) {
    return `no Redis answers at ${url.replace(/\/\/[^@]*@/, '//')} (${/max retries/.test(String(error)) ? why : String(error)})`;
  } finally {
    redis.disconnect();
  }
}

/** The standard port when it is free, except where all ports are to be free ones. */
async function planTurn(program: string, address: string, edgePort: number | undefined): Promise<TurnPlan> {
  const standard = edgePort !== 0 && (await isPortFree(topology.turn.port, address));
  const port = standard ? topology.turn.port : await freePort();
  return {
    program,
    port,
    uris: ['udp', 'tcp'].map((transport) => `turn:${address}:${port}?transport=${transport}`),
    secret: randomBytes(24).toString('base64url'),
  };
}
