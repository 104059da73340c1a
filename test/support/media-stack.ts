/** Signaling on Redis and media nodes with real Janus, for tests and benchmarks that bring their own clients. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SignalingConfig } from '../../apps/signaling/src/config.ts';
import { startTestKeys, startTestNode, type TestKeys } from '../../apps/signaling/src/testing.ts';
import { runPackagers } from '../../infra/hls-packager/src/packagers.ts';
import { ENGINES, enginePorts, type MediaNodeConfig, portsNeeded } from '../../infra/media-node/src/config.ts';
import { type JanusEngine, startJanusEngine } from '../../infra/media-node/src/janus-engine.ts';
import { janusProgram } from '../../infra/media-node/src/location.ts';
import { type MediaNode, startMediaNode } from '../../infra/media-node/src/media-node.ts';
import { findHost } from '../../infra/node-kit/host.ts';
import { startRedis, type TestRedis } from '../../packages/service/src/testing/index.ts';
import { cachedEngine } from '../../scripts/lib/media-engine.mjs';
import { ownAddress } from './media-peer.ts';

export interface MediaStackOptions {
  /** People from which a media node serves a room. */
  readonly from: number;
  /** Settings of all media nodes that differ from those of these tests. */
  readonly node?: Partial<MediaNodeConfig>;
  /** The same of signaling. */
  readonly signaling?: Partial<SignalingConfig>;
}

export interface MediaStack extends AsyncDisposable {
  readonly keys: TestKeys;
  readonly redis: TestRedis;
  /** Where clients connect. */
  readonly url: string;
  /** What nodes and engines said. */
  readonly log: readonly string[];
  readonly nodes: readonly MediaNode[];
  /** Starts one more. @param firstPort of as many UDP ports as its settings need: 1000 where they are those of tests */
  mediaNode(id: string, firstPort: number): Promise<MediaNode>;
}

/** The engine of this machine: what JANUS names, the cached one, Debian's own. @throws Error naming the fix */
export const testEngine = () => janusProgram(process.env.JANUS ?? cachedEngine() ?? 'janus');

/** Process ids of a node's engines. */
export const enginePids = (node: MediaNode): number[] =>
  (node.engines as readonly JanusEngine[]).map((engine) => engine.pid);

/** @throws Error when this machine has no address but loopback, or no Redis */
export async function startMediaStack(options: MediaStackOptions): Promise<MediaStack> {
  if (!ownAddress) throw new Error('media needs one address of this machine that is not loopback');
  await using stack = new AsyncDisposableStack();
  const runDir = mkdtempSync(join(tmpdir(), 'media-stack-'));
  stack.defer(() => rmSync(runDir, { recursive: true, force: true }));
  const keys = stack.use(await startTestKeys());
  const redis = stack.use(await startRedis());
  const signaling = stack.use(
    await startTestNode({
      keys,
      config: { ALLOWED_ORIGINS: '*', REDIS_URL: redis.url, MEDIA_FROM: options.from, ...options.signaling },
    }),
  );
  const nodes: MediaNode[] = [];
  const log: string[] = [];
  const kept = stack.move();
  const world = { keys, signalingUrl: signaling.wsUrl, redisUrl: redis.url, runDir, log };
  return {
    keys,
    redis,
    url: signaling.wsUrl,
    log,
    nodes,
    async mediaNode(id, firstPort) {
      if (options.node?.MAX_PACKAGERS) kept.use(packagerOf(world, id));
      const node = kept.use(await startNode(world, id, firstPort, options.node));
      nodes.push(node);
      return node;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

interface World {
  readonly keys: TestKeys;
  readonly signalingUrl: string;
  readonly redisUrl: string;
  readonly runDir: string;
  readonly log: string[];
}

const hlsFolder = ({ runDir }: World, id: string) => join(runDir, `hls-${id}`);

/** The packager beside a node: in this process, as the node is. */
function packagerOf(world: World, id: string): AsyncDisposable {
  const stop = new AbortController();
  const folder = hlsFolder(world, id);
  const say = (event: string, fields?: object) => world.log.push(`${id} ${event} ${JSON.stringify(fields ?? {})}`);
  const over = runPackagers({ folder, say, signal: stop.signal });
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await over;
    },
  };
}

async function startNode(
  world: World,
  id: string,
  firstPort: number,
  more: Partial<MediaNodeConfig> = {},
): Promise<MediaNode> {
  const { keys, signalingUrl, redisUrl, runDir, log } = world;
  const config = {
    JANUS: '',
    RUN_DIR: runDir,
    MEDIA_MIN_PORT: firstPort,
    MEDIA_MAX_PORT: 0,
    MAX_LEGS: 400,
    MAX_PUBLISHERS: 50,
    MESH_AFTER_SECONDS: 600,
    SIGNALING_URL: signalingUrl,
    AUTH_URL: 'http://127.0.0.1',
    MEDIA_SECRET: '',
    METRICS_PART: 'media',
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: 0,
    MAX_STREAMS: 80,
    TRUSTED_PROXIES: 1,
    MAX_VIEWERS: 20,
    MAX_PACKAGERS: 0,
    HLS_DIR: hlsFolder(world, id),
    HLS_HOST: '127.0.0.1',
    RECORDING_PART_SECONDS: 20,
    RECORDING_MIN_FREE_MB: 1,
    JWKS_URL: keys.jwksUrl,
    TOKEN_ISSUER: 'tandem',
    TOKEN_AUDIENCE: 'tandem',
    REDIS_URL: redisUrl,
    DRAIN_SECONDS: 20,
    PUBLIC_IP: ownAddress,
    ZONE: 'a',
    ...more,
  } satisfies MediaNodeConfig;
  config.MEDIA_MAX_PORT = firstPort + ENGINES * Math.max(500, portsNeeded(config)) - 1;
  return await startMediaNode(config, {
    host: await findHost({ ...config, NODE_ID: id }),
    say: (event, fields) => log.push(`${id} ${event} ${JSON.stringify(fields ?? {})}`),
    token: (room) => keys.token(`media-${id}-${room}`, { rooms: [room], media: true }),
    startEngine: (index) =>
      startJanusEngine({
        program: testEngine(),
        address: ownAddress,
        runDir: join(runDir, `${id}-${index}`),
        mediaPorts: enginePorts(config, index),
        eventLoops: 2,
        complain: (line) => log.push(line),
      }),
  });
}
