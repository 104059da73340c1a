/** compose.yaml from the topology. */
import type { AuthConfig } from '@tandem/auth/config';
import type { HooksConfig } from '@tandem/hooks/config';
import { stringify } from 'yaml';
import type { EdgeConfig } from '../local/edge/config.ts';
import { resolveEnvironment } from '../topology/environment.ts';
import { healthCommand, nodeHealthCommand } from '../topology/health-command.ts';
import { type ServicePart, topology } from '../topology/index.ts';
import type { TurnNodeConfig } from '../turn-node/src/config.ts';
import { hardened, probe, whenHealthy } from './containers.ts';
import { ask, cachePort, edgeOnHost, given, place, turnPort } from './machine.ts';
import { composerService, HLS_OPTIONS, mediaNode, packagerService, RECORDINGS_VOLUME } from './media-services.ts';

const { auth, cache, captions, edge, hooks, media, recognizer, signaling, turn } = topology;

/** Name of the host itself in a container. */
const HOST_NAME = 'host.docker.internal';

/**
 * Rooms and sessions are rebuilt by the nodes, so nothing is written to disk. The password comes by standard input: a command line
 * is readable by every process of the machine.
 */
const cacheCommand = `exec valkey-server - --port ${cache.port} --bind 0.0.0.0 --save '' --appendonly no <<END
requirepass "$$REDISCLI_AUTH"
END`;

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
    healthcheck: probe(nodeHealthCommand(turn.healthProgram)),
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
    // As long as one try takes: what is under way is settled, and its partition given to the next one.
    stop_grace_period: '30s',
  });
}

/** In the profile `captions`, and in `captions-elsewhere` without a recognizer of this host. It has no state, so it does not reach the cache. */
function captionsService() {
  return {
    ...service('captions', captions, { stop_grace_period: '30s' }),
    profiles: ['captions', 'captions-elsewhere'],
    networks: ['front', 'speech'],
  };
}

/**
 * In place of a default: a host that never is (RFC 6761, 6.4), so that pulling fails with the name of the setting. `:?` would refuse every other profile too, as
 * compose fills in the whole file first.
 */
const NO_RECOGNIZER = 'set-tandem-recognizer-image.invalid/by-digest';

/**
 * Another party's program, which gets what people say: in a network of its own that leads nowhere, and that captions alone shares with it. It has no
 * health check: while it loads its model, captions finds it away and says so.
 */
function recognizerService() {
  return {
    image: given('TANDEM_RECOGNIZER_IMAGE', NO_RECOGNIZER),
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
    volumes: { 'auth-keys': {}, certificates: {}, media: {}, recordings: {}, hls: { driver_opts: HLS_OPTIONS } },
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
