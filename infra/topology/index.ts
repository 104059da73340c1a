/**
 * The topology, described once. CDK, compose and `npm start` read it; none of them knows a part, a port or a setting of
 * its own.
 */
import { AuthConfig } from '@tandem/auth/config';
import { SignalingConfig } from '@tandem/signaling/config';
import type { Static, TObject } from 'typebox';

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
        | 'key-source'
        | 'access'
        | 'profile'
        /** How many proxies in front append to X-Forwarded-For: the edge alone, or CloudFront and a load balancer. */
        | 'trusted-proxies';
    }
  /** A secret that this place keeps. */
  | { readonly secret: 'cache-username' | 'cache-password' | 'turn-secrets' | 'api-keys' };

/** Settings without a default must be given; any other may be. The compiler refuses a missing or unknown name. */
export type Environment<T extends TObject> = { readonly [K in keyof Static<T>]?: Value };

export interface ServicePart<T extends TObject = TObject> {
  readonly kind: 'service';
  readonly description: string;
  /** Workspace folder; also the Dockerfile target. */
  readonly folder: string;
  readonly port: number;
  /** Liveness, for load balancers and restarts: never asks a dependency. */
  readonly livePath: string;
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

export const topology = {
  auth: service({
    description: 'Tokens, keys, sessions, TURN credentials.',
    folder: 'apps/auth',
    port: 8081,
    livePath: '/health/live',
    readyPath: '/health/ready',
    routes: ['/auth', '/.well-known'],
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
      TURN_URIS: { from: 'turn-uris' },
      TURN_SECRETS: { secret: 'turn-secrets' },
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
    readyPath: '/health/ready',
    routes: ['/ws', '/reports'],
    replicas: { development: 2, production: 3 },
    config: SignalingConfig,
    environment: {
      ...token,
      ...cache,
      PORT: '8080',
      JWKS_URL: { from: 'jwks-url' },
      ALLOWED_ORIGINS: { from: 'public-origin' },
      TRUSTED_PROXIES: { from: 'trusted-proxies' },
    },
    dependsOn: ['auth', 'cache'],
  }),
  cache: { kind: 'cache', description: 'Room membership, inboxes, mailboxes, sessions.', port: 6379 },
  turn: {
    kind: 'turn',
    description: 'Relay for media that finds no direct path.',
    port: 3478,
    tlsPort: 5349,
    relayPorts: [49152, 65535],
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
