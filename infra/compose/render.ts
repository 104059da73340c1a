/** compose.yaml from the topology. Values that differ by machine are ${TANDEM_…} variables with a default or a refusal. */
import { stringify } from 'yaml';
import type { EdgeConfig } from '../local/edge/config.ts';
import { type Place, resolveEnvironment } from '../topology/environment.ts';
import { type ServicePart, topology } from '../topology/index.ts';

const ask = (name: string) => `\${${name}:?make one with: npm run compose:secrets}`;
/** A variable of the machine, with what it is when nobody sets it. */
const given = (name: string, otherwise: string) => `\${${name}:-${otherwise}}`;
const address = given('TANDEM_ADDRESS', '127.0.0.1');
const { auth, cache, edge, signaling, turn } = topology;
/** Of the host itself, so it may be taken. */
const turnPort = given('TANDEM_TURN_PORT', `${turn.port}`);

const place: Place = {
  from: {
    'cache-url': `redis://cache:${cache.port}`,
    'jwks-url': `http://auth:${auth.port}/.well-known/jwks.json`,
    'public-origin': given('TANDEM_ORIGIN', ''),
    'turn-uris': ['udp', 'tcp'].map((t) => `turn:${address}:${turnPort}?transport=${t}`).join(','),
    'stun-uris': `stun:${address}:${turnPort}`,
    'key-source': given('TANDEM_KEY_SOURCE', 'file:/data/auth-keys.json'),
    access: given('TANDEM_ACCESS', 'open'),
    profile: given('TANDEM_PROFILE', 'development'),
    'trusted-proxies': '1',
  },
  secrets: {
    'cache-username': undefined,
    'cache-password': ask('TANDEM_CACHE_PASSWORD'),
    'turn-secrets': ask('TANDEM_TURN_SECRET'),
    'api-keys': given('TANDEM_API_KEYS', ''),
  },
};

/** Where a relay must not reach: this host's networks and the metadata service. The relay itself is allowed by name. */
const DENIED_PEERS = [
  '0.0.0.0-0.255.255.255',
  '10.0.0.0-10.255.255.255',
  '100.64.0.0-100.127.255.255',
  '169.254.0.0-169.254.255.255',
  '172.16.0.0-172.31.255.255',
  '192.168.0.0-192.168.255.255',
];

const hardened = {
  init: true,
  read_only: true,
  tmpfs: ['/tmp'],
  cap_drop: ['ALL'],
  security_opt: ['no-new-privileges:true'],
  restart: 'unless-stopped',
};

function probe(port: number, path: string) {
  const ask = `fetch('http://127.0.0.1:${port}${path}').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))`;
  return { test: ['CMD', 'node', '-e', ask], interval: '10s', timeout: '5s', retries: 3, start_period: '20s' };
}

const whenHealthy = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, { condition: 'service_healthy' }]));

function service(name: 'auth' | 'signaling', part: ServicePart, more: Record<string, unknown> = {}) {
  return {
    image: `tandem/${name}`,
    build: { context: '.', target: name },
    ...hardened,
    environment: resolveEnvironment(part, place),
    networks: ['front', 'back'],
    depends_on: whenHealthy(part.dependsOn),
    healthcheck: probe(part.port, part.livePath),
    ...more,
  };
}

/** Names of the signaling services, one per development replica. */
export const signalingNames = Array.from({ length: signaling.replicas.development }, (_, i) => `signaling-${i + 1}`);

/** The compose file as an object. */
export function composeFile() {
  return {
    services: {
      cache: {
        image: 'valkey/valkey:8',
        ...hardened,
        // Rooms and sessions are rebuilt by the nodes, so nothing is written to disk.
        command: [
          'valkey-server',
          ...['--port', `${cache.port}`, '--bind', '0.0.0.0', '--save', '', '--appendonly', 'no'],
          ...['--requirepass', ask('TANDEM_CACHE_PASSWORD')],
        ],
        user: '999:999',
        environment: { REDISCLI_AUTH: ask('TANDEM_CACHE_PASSWORD') },
        networks: ['back'],
        healthcheck: {
          test: ['CMD', 'valkey-cli', '-p', `${cache.port}`, 'ping'],
          interval: '5s',
          timeout: '3s',
          retries: 5,
        },
      },
      turn: {
        image: 'coturn/coturn:4.6',
        ...hardened,
        user: '65534:65534',
        // The relay hands out ports of the host itself: publishing thousands through a bridge would take minutes.
        network_mode: 'host',
        command: [
          'turnserver',
          '-n',
          `--listening-ip=${address}`,
          `--relay-ip=${address}`,
          `--listening-port=${turnPort}`,
          `--min-port=${turn.relayPorts[0]}`,
          `--max-port=${turn.relayPorts[1]}`,
          '--use-auth-secret',
          `--static-auth-secret=${ask('TANDEM_TURN_SECRET')}`,
          '--realm=tandem',
          '--fingerprint',
          '--no-cli',
          '--no-tls',
          '--no-dtls',
          '--no-multicast-peers',
          ...DENIED_PEERS.map((range) => `--denied-peer-ip=${range}`),
          `--allowed-peer-ip=${address}`,
          // Two browsers of this very machine relaying to each other need: TANDEM_TURN_PEERS=--allow-loopback-peers
          given('TANDEM_TURN_PEERS', '--no-multicast-peers'),
          '--log-file=stdout',
          '--simple-log',
          '--pidfile=/tmp/turn.pid',
          '--userdb=/tmp/turn.db',
        ],
      },
      // Its keys outlive the container, so tokens do too.
      auth: service('auth', auth, { volumes: ['auth-keys:/data'] }),
      ...Object.fromEntries(
        signalingNames.map((name) => [
          name,
          service('signaling', signaling, {
            // A drain moves the sockets to the other node first.
            stop_grace_period: '120s',
          }),
        ]),
      ),
      edge: {
        image: 'tandem/edge',
        build: { context: '.', target: 'edge' },
        ...hardened,
        environment: {
          PORT: `${edge.port}`,
          CLIENT_DIR: '/app/client',
          AUTH_TARGETS: `http://auth:${auth.port}`,
          SIGNALING_TARGETS: signalingNames.map((name) => `http://${name}:${signaling.port}`).join(','),
          CLIENT_SETTINGS: given('TANDEM_CLIENT_SETTINGS', ''),
        } satisfies Partial<Record<keyof EdgeConfig, string>>,
        ports: [`\${TANDEM_BIND:-127.0.0.1}:\${TANDEM_PORT:-${edge.port}}:${edge.port}`],
        networks: ['front'],
        depends_on: whenHealthy(['auth', ...signalingNames]),
        healthcheck: probe(edge.port, edge.livePath),
      },
    },
    // The cache is reached from the back only, and nothing there reaches out.
    networks: { front: {}, back: { internal: true } },
    volumes: { 'auth-keys': {} },
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
