/** compose.yaml from the topology. Values that differ by machine are ${TANDEM_…} variables with a default or a refusal. */
import type { AuthConfig } from '@tandem/auth/config';
import type { HooksConfig } from '@tandem/hooks/config';
import { stringify } from 'yaml';
import type { PackagerConfig } from '../hls-packager/src/config.ts';
import type { EdgeConfig } from '../local/edge/config.ts';
import type { MediaNodeConfig } from '../media-node/src/config.ts';
import type { ComposerConfig } from '../recording-composer/src/config.ts';
import { type Place, resolveEnvironment } from '../topology/environment.ts';
import { healthCommand, nodeHealthCommand } from '../topology/health-command.ts';
import { type ServicePart, topology } from '../topology/index.ts';
import type { TurnNodeConfig } from '../turn-node/src/config.ts';

const ask = (name: string) => `\${${name}:?make one with: npm run compose:secrets}`;
/** A variable of the machine, with its default. */
const given = (name: string, otherwise: string) => `\${${name}:-${otherwise}}`;
const address = given('TANDEM_ADDRESS', '127.0.0.1');
const { auth, cache, captions, composer, edge, hooks, media, packager, recognizer, signaling, turn } = topology;
/** Ports of the host itself, so they may be taken. */
const cachePort = given('TANDEM_CACHE_PORT', '16379');
const turnPort = given('TANDEM_TURN_PORT', `${turn.port}`);
/** The page's address on the host itself, for what is on the host's network. */
const edgeOnHost = `${given('TANDEM_BIND', '127.0.0.1')}:${given('TANDEM_PORT', `${edge.port}`)}`;

/** Where TANDEM_RECORDINGS=/recordings keeps them: one volume of all that have a part in it. */
const RECORDINGS_VOLUME = 'recordings:/recordings';
/** What a media node shares with its packager: segments of seconds, in memory. Names and modes as infra/src/packager-container.ts has them. */
const HLS_VOLUME = `hls:${media.environment.HLS_DIR}`;
const HLS_OPTIONS = { type: 'tmpfs', device: 'tmpfs', o: 'size=256m,mode=0750,uid=10001,gid=10001' };
/** How often the composer looks. In the cloud S3 tells when a recording has ended. */
const COMPOSE_EVERY_SECONDS = 10;

/** Name of the host itself in a container. */
const HOST_NAME = 'host.docker.internal';

const place: Place = {
  from: {
    'cache-url': `redis://cache:${cache.port}`,
    'jwks-url': `http://auth:${auth.port}/.well-known/jwks.json`,
    'public-origin': given('TANDEM_ORIGIN', ''),
    // The directory alone, as in the cloud.
    'turn-uris': undefined,
    'stun-uris': `stun:${address}:${turnPort}`,
    'turn-directory': 'true',
    'node-address': address,
    'auth-url': `http://${edgeOnHost}`,
    'signaling-url': `ws://${edgeOnHost}/ws/signal`,
    'turn-secret-id': undefined,
    events: 'true',
    recordings: given('TANDEM_RECORDINGS', ''),
    recognizers: given('TANDEM_RECOGNIZERS', `en=ws://recognizer:${recognizer.port}`),
    'key-source': given('TANDEM_KEY_SOURCE', 'file:/data/auth-keys.json'),
    access: given('TANDEM_ACCESS', 'open'),
    profile: given('TANDEM_PROFILE', 'development'),
    'trusted-proxies': given('TANDEM_TRUSTED_PROXIES', '1'),
  },
  secrets: {
    'cache-username': undefined,
    'cache-password': ask('TANDEM_CACHE_PASSWORD'),
    'turn-secrets': ask('TANDEM_TURN_SECRET'),
    'media-secret': ask('TANDEM_MEDIA_SECRET'),
    'webhook-key': ask('TANDEM_WEBHOOK_KEY'),
    'api-keys': given('TANDEM_API_KEYS', ''),
  },
};

const hardened = {
  init: true,
  read_only: true,
  tmpfs: ['/tmp'],
  cap_drop: ['ALL'],
  security_opt: ['no-new-privileges:true'],
  restart: 'unless-stopped',
};

/**
 * Rooms and sessions are rebuilt by the nodes, so nothing is written to disk. The password comes by standard input: a command line
 * is readable by every process of the machine.
 */
const cacheCommand = `exec valkey-server - --port ${cache.port} --bind 0.0.0.0 --save '' --appendonly no <<END
requirepass "$$REDISCLI_AUTH"
END`;

const probe = (test: string[]) => ({ test, interval: '5s', timeout: '5s', retries: 3, start_period: '120s' });

const whenHealthy = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, { condition: 'service_healthy' }]));

function service(
  name: 'auth' | 'signaling' | 'hooks' | 'captions',
  part: ServicePart,
  more: Record<string, unknown> = {},
) {
  return {
    image: `tandem/${name}`,
    build: { context: '.', target: name },
    ...hardened,
    environment: resolveEnvironment(part, place),
    networks: ['front', 'back'],
    depends_on: whenHealthy(part.dependsOn),
    healthcheck: probe(healthCommand(part.port, part.startupPath)),
    ...more,
  };
}

/** Names of the signaling services, one per development replica. */
export const signalingNames = Array.from({ length: signaling.replicas.development }, (_, i) => `signaling-${i + 1}`);

function cacheService() {
  return {
    image: 'valkey/valkey:8',
    ...hardened,
    command: ['sh', '-c', cacheCommand],
    user: '999:999',
    environment: { REDISCLI_AUTH: ask('TANDEM_CACHE_PASSWORD') },
    networks: ['back', 'relay'],
    ports: [`127.0.0.1:${cachePort}:${cache.port}`],
    healthcheck: {
      test: ['CMD', 'valkey-cli', '-p', `${cache.port}`, 'ping'],
      interval: '5s',
      timeout: '3s',
      retries: 5,
    },
  };
}

function turnNode() {
  return {
    image: 'tandem/turn',
    build: { context: '.', target: 'turn' },
    ...hardened,
    tmpfs: ['/tmp', '/run/turn:uid=10001,mode=0700'],
    // The relay hands out ports of the host itself: publishing thousands through a bridge would take minutes.
    network_mode: 'host',
    environment: {
      ...resolveEnvironment(turn, place),
      TURN_PORT: turnPort,
      REDIS_URL: `redis://127.0.0.1:${cachePort}`,
      DRAIN_SECONDS: '110',
      PRIVATE_IP: given('TANDEM_PRIVATE_ADDRESS', ''),
      // The certificate that `tls` keeps for the page is that of turns: too.
      TURN_HOST: given('TANDEM_DOMAIN', ''),
      TURN_TLS_PORT: given('TANDEM_TURN_TLS_PORT', `${turn.tlsPort}`),
      TLS_FOLDER: '/tls',
      // Two browsers of this very machine that relay to each other need it.
      ALLOW_LOOPBACK_PEERS: given('TANDEM_TURN_LOOPBACK', 'false'),
    } satisfies Partial<Record<keyof TurnNodeConfig, string>>,
    volumes: ['certificates:/tls:ro'],
    depends_on: whenHealthy(turn.dependsOn),
    healthcheck: probe(nodeHealthCommand(turn.healthArgument)),
    stop_grace_period: '120s',
  };
}

function authService() {
  return service('auth', auth, {
    environment: {
      ...resolveEnvironment(auth, place),
      OPEN_IN_PRODUCTION: given('TANDEM_OPEN_ACCESS', 'false'),
      // Empty is unset.
      OPEN_GRANTS: given('TANDEM_OPEN_GRANTS', ''),
    } satisfies Partial<Record<keyof AuthConfig, string>>,
    // Its keys outlive the container, so tokens do too.
    volumes: ['auth-keys:/data'],
  });
}

function signalingService() {
  // A drain moves the sockets to the other node first.
  return service('signaling', signaling, { volumes: [RECORDINGS_VOLUME], stop_grace_period: '120s' });
}

function hooksService() {
  // Webhooks leave by `front`.
  return service('hooks', hooks, {
    environment: {
      ...resolveEnvironment(hooks, place),
      PRIVATE_ENDPOINTS: given('TANDEM_PRIVATE_ENDPOINTS', 'false'),
    } satisfies Partial<Record<keyof HooksConfig, string>>,
  });
}

/** In the profile `captions` only. It has no state, so it does not reach the cache. */
function captionsService() {
  return { ...service('captions', captions), profiles: ['captions'], networks: ['front', 'speech'] };
}

/**
 * Another party's program, which gets what people say: in a network of its own that leads nowhere, and that captions alone shares with it. It has no
 * health check: while it loads its model, captions finds it away and says so.
 */
function recognizerService() {
  return {
    image: given('TANDEM_RECOGNIZER_IMAGE', 'alphacep/kaldi-en:latest'),
    profiles: ['captions'],
    ...hardened,
    user: '10001:10001',
    networks: ['speech'],
    environment: { VOSK_SERVER_PORT: `${recognizer.port}` },
  };
}

function edgeService() {
  return {
    image: 'tandem/edge',
    build: { context: '.', target: 'edge' },
    ...hardened,
    environment: {
      PORT: `${edge.port}`,
      CLIENT_DIR: '/app/client',
      AUTH_TARGETS: `http://auth:${auth.port}`,
      SIGNALING_TARGETS: signalingNames.map((name) => `http://${name}:${signaling.port}`).join(','),
      HOOKS_TARGETS: `http://hooks:${hooks.port}`,
      MEDIA_TARGETS: `http://${HOST_NAME}:${media.port}`,
      CAPTIONS_TARGETS: given('TANDEM_CAPTIONS_TARGETS', ''),
      CLIENT_SETTINGS: given('TANDEM_CLIENT_SETTINGS', ''),
    } satisfies Partial<Record<keyof EdgeConfig, string>>,
    // The media node is on the host's network.
    extra_hosts: [`${HOST_NAME}:host-gateway`],
    ports: [`${edgeOnHost}:${edge.port}`],
    networks: ['front'],
    depends_on: whenHealthy(['auth', ...signalingNames]),
    healthcheck: probe(healthCommand(edge.port, edge.livePath)),
  };
}

/** On the host's network as the TURN node is: each person has UDP ports of its own. */
function mediaNode() {
  return {
    image: 'tandem/media',
    build: { context: '.', target: 'media' },
    ...hardened,
    tmpfs: ['/tmp', '/run/media:uid=10001,mode=0700'],
    network_mode: 'host',
    environment: {
      ...resolveEnvironment(media, place),
      REDIS_URL: `redis://127.0.0.1:${cachePort}`,
      DRAIN_SECONDS: '110',
      PRIVATE_IP: given('TANDEM_PRIVATE_ADDRESS', ''),
      MAX_PACKAGERS: given('TANDEM_PACKAGERS', '0'),
      HLS_HOST,
    } satisfies Partial<Record<keyof MediaNodeConfig, string>>,
    volumes: [RECORDINGS_VOLUME, HLS_VOLUME],
    // Its way to auth and signaling is the edge.
    depends_on: whenHealthy(['cache', 'edge']),
    healthcheck: probe(nodeHealthCommand(media.healthArgument)),
    stop_grace_period: '120s',
  };
}

/** Address of the packager in a network of its own; another one where the host's networks have it. */
const HLS_HOST = given('TANDEM_HLS_HOST', '172.30.253.2');

/**
 * In the profile `hls` only, with TANDEM_PACKAGERS. It decodes what strangers send: from its network, which leads nowhere, it reaches neither the
 * internet, nor the metadata of a cloud, nor loopback of the host. The media node, on the host, reaches it.
 */
function packagerService() {
  return {
    image: 'tandem/packager',
    build: { context: '.', target: 'packager' },
    profiles: ['hls'],
    ...hardened,
    networks: { hls: { ipv4_address: HLS_HOST } },
    environment: { ...resolveEnvironment(packager, place), HLS_HOST } satisfies Partial<
      Record<keyof PackagerConfig, string>
    >,
    volumes: [HLS_VOLUME],
    // As the node's: it goes on while the node drains.
    stop_grace_period: '120s',
  };
}

/** In the profile `recordings` only: it has nothing to do where nothing is recorded. */
function composerService() {
  return {
    image: 'tandem/composer',
    build: { context: '.', target: 'composer' },
    profiles: ['recordings'],
    ...hardened,
    // A folder is all that it needs.
    network_mode: 'none',
    environment: {
      ...resolveEnvironment(composer, place),
      WORK_DIR: '/work',
      EVERY_SECONDS: `${COMPOSE_EVERY_SECONDS}`,
      KEEP_DAYS: given('TANDEM_KEEP_DAYS', ''),
    } satisfies Partial<Record<keyof ComposerConfig, string>>,
    volumes: [RECORDINGS_VOLUME],
    stop_grace_period: '30s',
  };
}

/** Caddy before the edge, in the profile `public` only: gets and renews the certificate of the page, which is that of turns: too. */
function publicTls() {
  return {
    image: 'tandem/tls',
    build: { context: '.', target: 'tls' },
    profiles: ['public'],
    ...hardened,
    tmpfs: ['/tmp', '/config:uid=10001,mode=0700'],
    // Its program carries this file capability, and would not start without.
    cap_add: ['NET_BIND_SERVICE'],
    environment: {
      TANDEM_DOMAIN: given('TANDEM_DOMAIN', ''),
      TANDEM_TLS_ISSUER: given('TANDEM_TLS_ISSUER', 'acme'),
      EDGE_ADDRESS: `edge:${edge.port}`,
    },
    ports: [
      `${given('TANDEM_PUBLIC_BIND', '0.0.0.0')}:${given('TANDEM_HTTP_PORT', '80')}:80`,
      `${given('TANDEM_PUBLIC_BIND', '0.0.0.0')}:${given('TANDEM_HTTPS_PORT', '443')}:443`,
    ],
    networks: ['front'],
    volumes: ['certificates:/data'],
    depends_on: whenHealthy(['edge']),
  };
}

/** The compose file as an object. */
export function composeFile() {
  return {
    services: {
      cache: cacheService(),
      turn: turnNode(),
      auth: authService(),
      ...Object.fromEntries(signalingNames.map((name) => [name, signalingService()])),
      hooks: hooksService(),
      captions: captionsService(),
      recognizer: recognizerService(),
      edge: edgeService(),
      media: mediaNode(),
      packager: packagerService(),
      composer: composerService(),
      tls: publicTls(),
    },
    networks: {
      // Also the way of `tls` to its certificate authority.
      front: {},
      // Nothing there reaches out.
      back: { internal: true },
      // What people say stays in it.
      speech: { internal: true },
      hls: { internal: true, ipam: { config: [{ subnet: given('TANDEM_HLS_SUBNET', '172.30.253.0/29') }] } },
      // The TURN node is on the host and reaches the cache through a loopback port; without masquerade the cache reaches nothing outside.
      relay: { driver_opts: { 'com.docker.network.bridge.enable_ip_masquerade': 'false' } },
    },
    volumes: { 'auth-keys': {}, certificates: {}, recordings: {}, hls: { driver_opts: HLS_OPTIONS } },
  };
}

/** The text of compose.yaml. */
export function renderCompose(): string {
  // YAML 1.1, as older composes read it: there a plain `no` is false.
  return `# Made from infra/topology by \`npm run render:compose\`; a test refuses a stale copy. Change the topology, not this.
#   npm run compose:secrets     writes .env with fresh secrets (once)
#   docker compose up --build   then open http://localhost:3000
${stringify(composeFile(), { lineWidth: 0, aliasDuplicateObjects: false, version: '1.1' })}`;
}
