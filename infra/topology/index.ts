/**
 * The topology, described once. CDK, compose and `npm start` read it; none of them knows a part, a port or a setting of
 * its own.
 */
import { AuthConfig } from '@tandem/auth/config';
import { CaptionsConfig } from '@tandem/captions/config';
import { HooksConfig } from '@tandem/hooks/config';
import { SignalingConfig } from '@tandem/signaling/config';
import type { Static, TObject } from 'typebox';
import { PackagerConfig } from '../hls-packager/src/config.ts';
import { MediaNodeConfig } from '../media-node/src/config.ts';
import { ComposerConfig } from '../recording-composer/src/config.ts';
import { TurnNodeConfig } from '../turn-node/src/config.ts';
import { DENIED_PEERS } from './denied-peers.ts';

/** A setting's value: text, or something that only the place of deployment knows. */
export type Value =
  | string
  /** URL or address of another part, as this place resolves it. */
  | {
      readonly from:
        | 'cache-url'
        | 'jwks-url'
        | 'public-origin'
        | 'turn-uris'
        | 'stun-uris'
        /** `true` where TURN nodes write themselves into the cache. */
        | 'turn-directory'
        /** Address of a TURN or media node; on EC2 it asks the metadata service. */
        | 'node-address'
        /** Where media nodes ask for tokens, and where they join rooms. */
        | 'auth-url'
        | 'signaling-url'
        /** Where auth and the nodes read their shared secret anew; elsewhere it is given once. */
        | 'turn-secret-id'
        | 'key-source'
        /** `true` where the events service runs. */
        | 'events'
        /** Recognizers of the captions service, one a language. */
        | 'recognizers'
        /** Where recordings are kept; without it nothing is recorded. */
        | 'recordings'
        | 'access'
        | 'profile'
        /** How long the load balancer keeps the connections of a task that is to go, s; known on ECS only. */
        | 'deregistration-delay'
        /** How many proxies in front append to X-Forwarded-For: the edge alone, or CloudFront and a load balancer. */
        | 'trusted-proxies';
    }
  /** A secret that this place keeps. */
  | {
      readonly secret:
        | 'cache-username'
        | 'cache-password'
        | 'turn-secrets'
        | 'media-secret'
        | 'webhook-key'
        | 'api-keys';
    };

/** Settings without a default must be given; any other may be. The compiler refuses a missing or unknown name. */
export type Environment<T extends TObject> = { readonly [K in keyof Static<T>]?: Value };

export interface ServicePart<T extends TObject = TObject> {
  readonly kind: 'service';
  readonly description: string;
  /** Workspace folder; also the Dockerfile target. */
  readonly folder: string;
  readonly port: number;
  /** Liveness, for load balancers: never asks a dependency. */
  readonly livePath: string;
  /**
   * For the container's own check: bad until every dependency was there once, good from then on. So a release that cannot reach
   * the cache never counts as healthy, and a cache that goes away later restarts no part.
   */
  readonly startupPath: string;
  readonly readyPath: string;
  /** Path prefixes that the edge sends here. */
  readonly routes: readonly string[];
  readonly replicas: { readonly development: number; readonly production: number };
  readonly config: T;
  readonly environment: Environment<T>;
  readonly dependsOn: readonly string[];
}

function service<T extends TObject>(part: Omit<ServicePart<T>, 'kind'>): ServicePart<T> {
  return { kind: 'service', ...part };
}

const token = { TOKEN_ISSUER: 'tandem', TOKEN_AUDIENCE: 'tandem' } as const;
const cache = {
  REDIS_URL: { from: 'cache-url' },
  REDIS_USERNAME: { secret: 'cache-username' },
  REDIS_PASSWORD: { secret: 'cache-password' },
} as const;

/** What a media node and its packager share. */
const HLS_DIR = '/run/hls';

export const topology = {
  auth: service({
    description: 'Tokens, keys, sessions, TURN credentials.',
    folder: 'apps/auth',
    port: 8081,
    livePath: '/health/live',
    startupPath: '/health/startup',
    readyPath: '/health/ready',
    routes: ['/auth', '/.well-known', '/v1/tokens'],
    replicas: { development: 1, production: 3 },
    config: AuthConfig,
    environment: {
      ...token,
      ...cache,
      PORT: '8081',
      PROFILE: { from: 'profile' },
      KEY_SOURCE: { from: 'key-source' },
      ACCESS: { from: 'access' },
      API_KEYS: { secret: 'api-keys' },
      MEDIA_SECRET: { secret: 'media-secret' },
      TURN_URIS: { from: 'turn-uris' },
      TURN_DIRECTORY: { from: 'turn-directory' },
      TURN_SECRETS: { secret: 'turn-secrets' },
      TURN_SECRET_ID: { from: 'turn-secret-id' },
      STUN_URIS: { from: 'stun-uris' },
      ALLOWED_ORIGINS: { from: 'public-origin' },
      TRUSTED_PROXIES: { from: 'trusted-proxies' },
    },
    dependsOn: ['cache'],
  }),
  signaling: service({
    description: 'Offer, answer and ICE over WebSocket.',
    folder: 'apps/signaling',
    port: 8080,
    livePath: '/health/live',
    startupPath: '/health/startup',
    readyPath: '/health/ready',
    routes: ['/ws', '/reports', '/v1'],
    replicas: { development: 2, production: 3 },
    config: SignalingConfig,
    environment: {
      ...token,
      ...cache,
      PORT: '8080',
      JWKS_URL: { from: 'jwks-url' },
      EVENTS: { from: 'events' },
      RECORDINGS: { from: 'recordings' },
      DEREGISTRATION_SECONDS: { from: 'deregistration-delay' },
      ALLOWED_ORIGINS: { from: 'public-origin' },
      TRUSTED_PROXIES: { from: 'trusted-proxies' },
    },
    dependsOn: ['auth', 'cache'],
  }),
  hooks: service({
    description: 'Events of rooms for backends: webhooks, pages, streams.',
    folder: 'apps/hooks',
    port: 8082,
    livePath: '/health/live',
    startupPath: '/health/startup',
    readyPath: '/health/ready',
    // More exact than that of signaling.
    routes: ['/v1/events', '/v1/webhook-endpoints'],
    replicas: { development: 1, production: 2 },
    config: HooksConfig,
    environment: {
      ...token,
      ...cache,
      PORT: '8082',
      JWKS_URL: { from: 'jwks-url' },
      WEBHOOK_KEY: { secret: 'webhook-key' },
      TRUSTED_PROXIES: { from: 'trusted-proxies' },
    },
    dependsOn: ['auth', 'cache'],
  }),
  captions: service({
    description: 'Captions where browsers recognize no speech: passes one microphone to a recognizer.',
    folder: 'apps/captions',
    port: 8083,
    livePath: '/health/live',
    startupPath: '/health/startup',
    readyPath: '/health/ready',
    routes: ['/captions'],
    replicas: { development: 1, production: 2 },
    config: CaptionsConfig,
    environment: {
      ...token,
      PORT: '8083',
      JWKS_URL: { from: 'jwks-url' },
      CAPTIONS_RECOGNIZERS: { from: 'recognizers' },
      ALLOWED_ORIGINS: { from: 'public-origin' },
      TRUSTED_PROXIES: { from: 'trusted-proxies' },
    },
    dependsOn: ['auth'],
  }),
  recognizer: {
    kind: 'recognizer',
    description: 'Speech to words (vosk-server, one language). Not ours; only captions reaches it.',
    port: 2700,
  },
  cache: { kind: 'cache', description: 'Room membership, inboxes, mailboxes, sessions.', port: 6379 },
  turn: {
    kind: 'turn',
    description: 'Relay for media that finds no direct path; announces itself in the cache.',
    folder: 'infra/turn-node',
    port: 3478,
    tlsPort: 5349,
    /** Takes TCP connections while the node takes calls; the load balancer for turns: asks it. */
    readyPort: 3479,
    relayPorts: [49152, 65535],
    /** Asks the node beside it, by one STUN binding request. */
    healthProgram: '/app/health.mjs',
    config: TurnNodeConfig,
    environment: {
      ...cache,
      TURN_REALM: 'tandem',
      TURN_PORT: '3478',
      RELAY_MIN_PORT: '49152',
      RELAY_MAX_PORT: '65535',
      DENIED_PEERS: DENIED_PEERS.join(','),
      TURN_SECRETS: { secret: 'turn-secrets' },
      TURN_SECRET_ID: { from: 'turn-secret-id' },
      PUBLIC_IP: { from: 'node-address' },
    } satisfies Environment<typeof TurnNodeConfig>,
    dependsOn: ['cache'],
  },
  media: {
    kind: 'media',
    description: 'Forwards the media of large rooms (Janus); announces itself in the cache.',
    folder: 'infra/media-node',
    mediaPorts: [20_000, 40_000],
    /** Streams over HTTP, from the edge. */
    port: 8090,
    livePath: '/health/live',
    readyPath: '/health/ready',
    routes: ['/whip', '/whep'],
    /** Asks the node beside it. */
    healthProgram: '/app/health.mjs',
    config: MediaNodeConfig,
    environment: {
      ...token,
      ...cache,
      HTTP_PORT: '8090',
      TRUSTED_PROXIES: { from: 'trusted-proxies' },
      MEDIA_MIN_PORT: '20000',
      MEDIA_MAX_PORT: '40000',
      SIGNALING_URL: { from: 'signaling-url' },
      AUTH_URL: { from: 'auth-url' },
      MEDIA_SECRET: { secret: 'media-secret' },
      PUBLIC_IP: { from: 'node-address' },
      RECORDINGS: { from: 'recordings' },
      HLS_DIR,
    } satisfies Environment<typeof MediaNodeConfig>,
    dependsOn: ['cache', 'auth', 'signaling'],
  },
  packager: {
    kind: 'packager',
    description: 'Makes HLS of what its media node forwards to loopback, beside it; nothing connects to it.',
    folder: 'infra/hls-packager',
    config: PackagerConfig,
    environment: { HLS_DIR } satisfies Environment<typeof PackagerConfig>,
    dependsOn: [],
  },
  composer: {
    kind: 'composer',
    description: 'Makes files of recordings that are over. In the cloud a task that ends; nothing connects to it.',
    folder: 'infra/recording-composer',
    config: ComposerConfig,
    environment: { RECORDINGS: { from: 'recordings' } } satisfies Environment<typeof ComposerConfig>,
    dependsOn: [],
  },
  client: { kind: 'client', description: 'The PWA.', folder: 'apps/client' },
  edge: {
    kind: 'edge',
    description: 'One origin for the PWA, /auth and /ws.',
    livePath: '/health',
    port: 3000,
    dependsOn: ['auth', 'signaling', 'client'],
  },
} as const;
