/** Cloud, compose and `npm start` run the same parts: same names, settings, ports and health checks, in all three. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { connectRedis, readTurnNodes } from '@tandem/service';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { type Stack, startStack } from '../infra/local/stack.ts';
import { buildTopology } from '../infra/src/app-stack.ts';
import { topology } from '../infra/topology/index.ts';

const root = resolve(import.meta.dirname, '..');
const parts = ['auth', 'signaling', 'hooks', 'captions', 'turn', 'media', 'packager', 'composer'] as const;
type Part = (typeof parts)[number];

test('every part of ours that runs is compared', () => {
  const running = Object.entries(topology).filter(([, part]) => 'config' in part);
  expect(running.map(([name]) => name).sort()).toEqual([...parts].sort());
});

/** Settings that a place leaves to their default, with the reason. Everything else of the topology must be there. */
const leftOut: Record<'local' | 'compose' | 'cloud', Record<string, string>> = {
  local: {
    REDIS_USERNAME: 'the private Redis listens on loopback and has no users',
    REDIS_PASSWORD: 'as above',
    ALLOWED_ORIGINS: 'the edge keeps the Host header, so same-origin needs no list',
    API_KEYS: 'access is open on one machine',
    TURN_SECRET_ID: 'no Secrets Manager: TURN_SECRETS',
    DEREGISTRATION_SECONDS: 'the edge breaks no socket, and there is no ECS to ask',
  },
  compose: {
    REDIS_USERNAME: 'the cache has its default user only',
    TURN_SECRET_ID: 'no Secrets Manager: TURN_SECRETS',
    TURN_URIS: 'the directory alone',
    DEREGISTRATION_SECONDS: 'as above: SIGTERM comes first',
  },
  cloud: {
    API_KEYS: 'given by -c apiKeysSecretArn only',
    TURN_SECRETS: 'auth and the nodes read the secret anew, as it rotates: TURN_SECRET_ID',
    STUN_URIS: 'the TURN nodes of the directory answer STUN as well',
    PUBLIC_IP: 'a node asks the metadata service of its instance',
  },
};
/** Settings that a place adds, with the reason. */
const added: typeof leftOut = {
  local: {
    HOST: 'one machine listens on loopback',
    NODE_NAME: 'names for the log of one machine',
    TURNSERVER: 'where this machine has it',
    RUN_DIR: 'a temporary folder',
    DRAIN_SECONDS: 'npm start ends at once',
    ALLOW_LOOPBACK_PEERS: 'two tabs of one machine relay to each other',
    JANUS: 'where this machine has the engine',
    NODE_ID: 'one node of one machine',
    HTTP_HOST: 'as HOST',
    WORK_DIR: 'a temporary folder',
    EVERY_SECONDS: 'nobody tells it that a recording has ended',
    MAX_PACKAGERS: 'HLS where this machine has ffmpeg',
    PRIVATE_ENDPOINTS: 'a backend under development listens on this machine',
  },
  compose: {
    DRAIN_SECONDS: 'within stop_grace_period',
    PRIVATE_IP: 'of a host behind a NAT',
    TURN_HOST: 'the name of npm run compose:public',
    TURN_TLS_PORT: 'the node ends TLS itself, there is no load balancer',
    TLS_FOLDER: 'as above',
    PRIVATE_ENDPOINTS: 'off, until a backend under development asks for it',
    OPEN_IN_PRODUCTION: 'who serves a public name says so',
    OPEN_GRANTS: 'what guests may do besides',
    ALLOW_LOOPBACK_PEERS: 'off, until the test of one machine asks for it',
    WORK_DIR: 'a volume of its image',
    KEEP_DAYS: 'in the cloud the lifecycle of the bucket',
    EVERY_SECONDS: 'nobody tells it that a recording has ended',
    MAX_PACKAGERS: 'none, until somebody asks for HLS',
    HLS_HOST: 'the packager has a network of its own',
  },
  cloud: {
    MAX_SPEAKERS: 'CaptionsService.maxSpeakers',
    MAX_PACKAGERS: 'MediaFleet.packagers',
    NODE_MBPS: 'of the instance type',
    MAX_BYTES_PER_SECOND: 'TurnFleet.maxBytesPerSecond',
    USER_QUOTA: 'TurnFleet.userQuota',
    TOTAL_QUOTA: 'TurnFleet.totalQuota',
    DRAIN_SECONDS: 'TurnFleet.drainTimeout',
    LIFECYCLE_HOOK: 'of the auto scaling group',
    AUTO_SCALING_GROUP: 'as above',
    AWS_REGION: 'of the AWS clients',
    WORK_DIR: 'a volume of its task',
    METRICS_STACK: 'CloudWatch only',
    METRICS_PART: 'CloudWatch only',
    STOP_DRAIN_SECONDS: 'of ECS updates',
    READY_PORT: 'the load balancer of turns: asks it',
  },
};

interface Seen {
  settings: string[];
  port: number;
  /** Path, or the program that asks. */
  health: string;
}

/** Of a media node its first media port stands for it; nothing connects to a packager or composer. */
function portOf(part: Part): number {
  if (part === 'packager' || part === 'composer') return Number.NaN;
  return part === 'media' ? topology.media.mediaPorts[0] : topology[part].port;
}

/** What asks for its health: a path, a program, or nothing. */
function healthOf(part: Part): string {
  const one = topology[part];
  if (one.kind === 'packager' || one.kind === 'composer') return '';
  return one.kind === 'service' ? one.startupPath : one.healthProgram;
}

/** Port and path of `get('http://127.0.0.1:8080/…')`, or the program that asks a TURN or media node. */
function asked(command: readonly string[]): { port?: number; health: string } {
  const url = /get\('([^']+)'/.exec(command.join(' '))?.[1];
  if (!url) return { health: command.at(-1) ?? '' };
  const { port, pathname } = new URL(url);
  return { port: Number(port), health: pathname };
}

function described(part: Part, place: keyof typeof leftOut): string[] {
  return Object.keys(topology[part].environment).filter((name) => !(name in leftOut[place]));
}

function expectSettings(part: Part, place: keyof typeof leftOut, seen: Seen): void {
  expect(seen.settings.filter((name) => !(name in added[place])).sort()).toEqual(described(part, place).sort());
  expect(Object.keys(topology[part].config.properties)).toEqual(expect.arrayContaining(seen.settings));
  expect([seen.port, seen.health]).toEqual([portOf(part), healthOf(part)]);
}

test('compose runs every part, with the settings, ports and health checks described', () => {
  const { services } = parse(readFileSync(join(root, 'compose.yaml'), 'utf8')) as {
    services: Record<string, { environment: Record<string, string>; healthcheck?: { test: string[] }; image: string }>;
  };
  // `tls` is of the profile `public` alone, where the cloud has CloudFront.
  const names = Object.keys(services)
    .filter((name) => name !== 'tls')
    .map((name) => name.replace(/-\d+$/, ''));
  // The client travels inside the edge's image.
  expect(new Set(names)).toEqual(new Set(Object.keys(topology).filter((name) => name !== 'client')));
  expect(names.filter((name) => name === 'signaling')).toHaveLength(topology.signaling.replicas.development);
  for (const [name, service] of Object.entries(services)) {
    const part = name.replace(/-\d+$/, '') as Part;
    if (!parts.includes(part)) continue;
    const own = /:-(\d+)\}$/.exec(service.environment.TURN_PORT ?? '')?.[1] ?? service.environment.MEDIA_MIN_PORT;
    const { port = Number(own), health } = asked(service.healthcheck?.test ?? []);
    expectSettings(part, 'compose', { settings: Object.keys(service.environment), port, health });
  }
});

/** `npm start` does not run them: the recognizer is another party's. */
const ofCaptions = (name: string) => name === 'captions' || name === 'recognizer';

/** Without a media engine there is none of them. */
const ofMedia = (name: string): name is 'media' | 'packager' | 'composer' =>
  ['media', 'packager', 'composer'].includes(name);

let stack: Stack;
let hasMedia: boolean;
beforeAll(async () => {
  const dataDir = join(root, '.local/parity');
  const recordings = { RECORDINGS: join(dataDir, 'recordings') };
  stack = await startStack({ port: 0, nodes: 2, media: true, events: true, dataDir, recordings });
  // `npm test` gets the engine; where it is not to be had the other parts are held all the same.
  hasMedia = !stack.leftOut.some((line) => line.includes('npm run media:engine'));
});
afterAll(() => stack?.[Symbol.asyncDispose]());

test('npm start runs every part, with the settings described (read from the living processes)', async () => {
  expect(Object.keys(stack.pids).map((name) => name.replace(/-\d+$/, '').replace('redis', 'cache'))).toEqual(
    expect.arrayContaining(
      Object.keys(topology).filter((name) => name !== 'client' && !ofCaptions(name) && (hasMedia || !ofMedia(name))),
    ),
  );
  const urls: Partial<Record<Part, string>> = {
    auth: stack.authUrl,
    signaling: stack.signalingUrls[0] ?? '',
    hooks: stack.hooksUrl ?? '',
  };
  for (const [name, part] of [
    ['auth', 'auth'],
    ['signaling-1', 'signaling'],
    ['hooks', 'hooks'],
    ['turn', 'turn'],
    ...(hasMedia
      ? ([
          ['media', 'media'],
          ['packager', 'packager'],
          ['composer', 'composer'],
        ] as const)
      : []),
  ] as const) {
    const environ = readFileSync(`/proc/${stack.pids[name]}/environ`, 'utf8').split('\0').filter(Boolean);
    const known = Object.keys(topology[part].config.properties);
    const settings = environ
      .map((line) => line.split('=')[0] ?? '')
      .filter((key) => known.includes(key) && key !== 'LOG_LEVEL');
    const port = portOf(part);
    if (part === 'turn' || ofMedia(part)) {
      // Ports are free ones here; `npm start` takes those described (infra/local/stack.ts reads them from the topology).
      expectSettings(part, 'local', { settings, port, health: healthOf(part) });
      continue;
    }
    expect((await fetch(`${urls[part]}${topology[part].livePath}`)).status).toBe(200);
    expect((await fetch(`${urls[part]}${topology[part].startupPath}`)).status).toBe(200);
    expectSettings(part, 'local', { settings, port, health: topology[part].startupPath });
  }
});

test('the TURN node of npm start writes itself into the directory that auth reads', async () => {
  const redis = connectRedis(stack.redisUrl ?? '');
  try {
    await vi.waitFor(
      async () =>
        expect((await readTurnNodes(redis)).map((node) => `turn:${node.publicIp}:${node.port}?transport=udp`)).toEqual([
          stack.turnUris[0],
        ]),
      { timeout: 30_000 },
    );
  } finally {
    redis.disconnect();
  }
});

interface Container {
  Name: string;
  Environment?: { Name: string }[];
  Secrets?: { Name: string }[];
  PortMappings?: { ContainerPort: number }[];
  HealthCheck?: { Command: string[] };
}

test('the cloud runs every part, with the settings, ports and health checks described', () => {
  const app = new App({
    outdir: join(root, '.local/parity/cdk.out'),
    context: {
      events: 'true',
      recognizers: 'en=wss://speech.example.org/en',
      mediaNodes: '1',
      packagers: '2',
      recordings: 'true',
    },
  });
  buildTopology(app, undefined);
  const stacks = app.node.findAll().filter((node) => 'templateFile' in node) as unknown as Parameters<
    typeof Template.fromStack
  >[0][];
  const templates = stacks.map((s) => Template.fromStack(s));
  const containers = templates.flatMap((t) =>
    Object.values(t.findResources('AWS::ECS::TaskDefinition')).flatMap(
      (r) => (r.Properties as { ContainerDefinitions: Container[] }).ContainerDefinitions,
    ),
  );
  const targets = templates.flatMap((t) =>
    Object.values(t.findResources('AWS::ElasticLoadBalancingV2::TargetGroup')).map(
      (r) => r.Properties as { Port: number; HealthCheckPath?: string },
    ),
  );
  for (const part of parts) {
    const container = containers.find(
      (c) => c.Name === part || c.PortMappings?.some((p) => p.ContainerPort === portOf(part)),
    );
    expect(container, `no container of ${part}`).toBeDefined();
    const { port = portOf(part), health } = asked(container?.HealthCheck?.Command ?? []);
    expectSettings(part, 'cloud', {
      settings: [...(container?.Environment ?? []), ...(container?.Secrets ?? [])].map((e) => e.Name),
      port,
      health,
    });
    const one = topology[part];
    if (one.kind !== 'service') continue;
    // The load balancer asks for life alone.
    expect(targets.find((t) => t.Port === one.port)?.HealthCheckPath).toBe(one.livePath);
  }
});
