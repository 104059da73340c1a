/** Cloud, compose and `npm start` run the same parts: same names, settings, ports and health checks, in all three. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Stack, startStack } from '../infra/local/stack.ts';
import { buildTopology } from '../infra/src/app-stack.ts';
import { topology } from '../infra/topology/index.ts';

const root = resolve(import.meta.dirname, '..');
const parts = ['auth', 'signaling'] as const;
type Part = (typeof parts)[number];

/** Settings that a place leaves to their default, with the reason. Everything else of the topology must be there. */
const leftOut: Record<'local' | 'compose' | 'cloud', Record<string, string>> = {
  local: {
    REDIS_USERNAME: 'the private Redis listens on loopback and has no users',
    REDIS_PASSWORD: 'as above',
    ALLOWED_ORIGINS: 'the edge keeps the Host header, so same-origin needs no list',
    API_KEYS: 'access is open on one machine',
  },
  compose: { REDIS_USERNAME: 'the cache has its default user only' },
  cloud: {
    API_KEYS: 'given by -c apiKeysSecretArn only',
    STUN_URIS: 'the TURN nodes of the directory answer STUN as well',
  },
};
/** Settings that a place adds, with the reason. */
const added: typeof leftOut = {
  local: {
    HOST: 'one machine listens on loopback',
    NODE_NAME: 'names for the log of one machine',
  },
  compose: {},
  cloud: { TURN_DIRECTORY: 'TURN nodes come and go: they announce themselves in the cache' },
};

interface Seen {
  settings: string[];
  port: number;
  health: string;
}

function described(part: Part, place: keyof typeof leftOut): string[] {
  return Object.keys(topology[part].environment).filter((name) => !(name in leftOut[place]));
}

function expectSettings(part: Part, place: keyof typeof leftOut, seen: Seen): void {
  expect(seen.settings.filter((name) => !(name in added[place])).sort()).toEqual(described(part, place).sort());
  expect(Object.keys(topology[part].config.properties)).toEqual(expect.arrayContaining(seen.settings));
  expect([seen.port, seen.health]).toEqual([topology[part].port, topology[part].livePath]);
}

test('compose runs every part, with the settings, ports and health checks described', () => {
  const { services } = parse(readFileSync(join(root, 'compose.yaml'), 'utf8')) as {
    services: Record<string, { environment: Record<string, string>; healthcheck?: { test: string[] }; image: string }>;
  };
  const names = Object.keys(services).map((name) => name.replace(/-\d+$/, ''));
  // The client travels inside the edge's image.
  expect(new Set(names)).toEqual(new Set(Object.keys(topology).filter((name) => name !== 'client')));
  expect(names.filter((name) => name === 'signaling')).toHaveLength(topology.signaling.replicas.development);
  for (const [name, service] of Object.entries(services)) {
    const part = name.replace(/-\d+$/, '') as Part;
    if (!parts.includes(part)) continue;
    const probe = new URL(/fetch\('([^']+)'\)/.exec(service.healthcheck?.test.join(' ') ?? '')?.[1] ?? '');
    expectSettings(part, 'compose', {
      settings: Object.keys(service.environment),
      port: Number(probe.port),
      health: probe.pathname,
    });
  }
});

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ port: 0, nodes: 2, dataDir: join(root, '.local/parity') });
});
afterAll(() => stack?.[Symbol.asyncDispose]());

test('npm start runs every part, with the settings described (read from the living processes)', async () => {
  expect(Object.keys(stack.pids).map((name) => name.replace(/-\d+$/, '').replace('redis', 'cache'))).toEqual(
    expect.arrayContaining(Object.keys(topology).filter((name) => name !== 'client')),
  );
  const urls: Record<Part, string> = { auth: stack.authUrl, signaling: stack.signalingUrls[0] ?? '' };
  for (const [name, part] of [['auth', 'auth'] as const, ['signaling-1', 'signaling'] as const]) {
    const environ = readFileSync(`/proc/${stack.pids[name]}/environ`, 'utf8').split('\0').filter(Boolean);
    const known = Object.keys(topology[part].config.properties);
    const settings = environ
      .map((line) => line.split('=')[0] ?? '')
      .filter((key) => known.includes(key) && key !== 'LOG_LEVEL');
    expect((await fetch(urls[part] + topology[part].livePath)).status).toBe(200);
    // Ports are free ones here; `npm start` takes those described (infra/local/stack.ts reads them from the topology).
    expectSettings(part, 'local', { settings, port: topology[part].port, health: topology[part].livePath });
  }
});

interface Container {
  Name: string;
  Environment?: { Name: string }[];
  Secrets?: { Name: string }[];
  PortMappings?: { ContainerPort: number }[];
  HealthCheck?: { Command: string[] };
}

test('the cloud runs both services, with the settings, ports and health checks described', () => {
  const app = new App({ outdir: join(root, '.local/parity/cdk.out') });
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
    const container = containers.find((c) => c.PortMappings?.some((p) => p.ContainerPort === topology[part].port));
    expect(container, `no container listens on ${topology[part].port}`).toBeDefined();
    const target = targets.find((t) => t.Port === topology[part].port);
    expectSettings(part, 'cloud', {
      settings: [...(container?.Environment ?? []), ...(container?.Secrets ?? [])].map((e) => e.Name),
      port: target?.Port ?? 0,
      health: target?.HealthCheckPath ?? '',
    });
  }
});
