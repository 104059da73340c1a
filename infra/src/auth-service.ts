import * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { topology } from '../topology/index.ts';
import { check, checkInteger } from './check.ts';
import { checkProps } from './check-props.ts';
import { cachePlace } from './place.ts';
import { RealtimeService } from './realtime-service.ts';
import type { RealtimeServiceProps } from './realtime-service-props.ts';
import type { SigningKeys } from './signing-keys.ts';

/** Properties of {@link AuthService}. */
export interface AuthServiceProps extends RealtimeServiceProps {
  /** What signs the tokens. */
  readonly signingKeys: SigningKeys;
  /**
   * Who may have a token, comma-separated: `open`, `api-key`, `oidc`.
   * @default - no access, until you say
   */
  readonly access?: string;
  /**
   * Secret whose text is the comma-separated hashed API keys.
   * @default - none; needed with `api-key`
   */
  readonly apiKeys?: secretsmanager.ISecret;
  /**
   * The relay's shared secret, as {@link TurnFleet.secret}: JSON with the field `sign`, which auth reads anew each minute.
   * @default - no relay credentials are given out
   */
  readonly turnSecret?: secretsmanager.ISecret;
  /**
   * The media nodes' shared secret, as {@link MediaFleet.secret}; read when a task starts.
   * @default - no tokens for media nodes
   */
  readonly mediaSecret?: secretsmanager.ISecret;
  /**
   * Hand out the best nodes of the {@link TurnDirectory} in the cache.
   * @default false
   */
  readonly turnDirectory?: boolean;
  /**
   * Comma-separated turn: and turns: URIs; with a directory, what is handed out while that is empty.
   * @default - none
   */
  readonly turnUris?: string;
  /**
   * Comma-separated stun: URIs.
   * @default - none
   */
  readonly stunUris?: string;
  /**
   * Origins of the pages that may call it, comma-separated.
   * @default - the same origin only
   */
  readonly allowedOrigins?: string;
  /**
   * `development` or `production`; production refuses what is only fit for a demo.
   * @default 'production'
   */
  readonly profile?: string;
  /**
   * How many proxies in front append to X-Forwarded-For.
   * @default 2 - CloudFront and the load balancer
   */
  readonly trustedProxies?: number;
}

/** Tokens, keys, sessions and TURN credentials, on Fargate. */
export class AuthService extends RealtimeService {
  constructor(scope: Construct, id: string, props: AuthServiceProps) {
    checkProps('AuthService', 'AuthServiceProps', props);
    const access = (props.access ?? '').split(',').filter(Boolean);
    for (const one of access)
      check(
        ['open', 'api-key', 'oidc'].includes(one),
        'AuthService',
        'access',
        `"${one}" is unknown`,
        'open, api-key or oidc, comma-separated',
      );
    check(
      !access.includes('api-key') || props.apiKeys !== undefined || props.secrets?.API_KEYS !== undefined,
      'AuthService',
      'apiKeys',
      'access names api-key, but there are no keys',
      'put the line that `npm run auth -- api-key new` prints into a secret and pass it',
    );
    check(
      !access.includes('oidc') || props.environment?.OIDC_ISSUER !== undefined,
      'AuthService',
      'environment',
      'access names oidc, but OIDC_ISSUER is not given',
      "environment: { OIDC_ISSUER: 'https://…', OIDC_AUDIENCE: '…' }",
    );
    check(
      props.profile === undefined || ['development', 'production'].includes(props.profile),
      'AuthService',
      'profile',
      `"${props.profile}" is unknown`,
      'development or production',
    );
    checkInteger('AuthService', 'trustedProxies', props.trustedProxies, 0, 10);
    super(scope, id, 'AuthService', 'auth', topology.auth, props, {
      from: {
        'cache-url': props.cache?.url,
        'key-source': props.signingKeys.keySource,
        access: props.access,
        'turn-uris': props.turnUris,
        ...(props.turnDirectory ? { 'turn-directory': 'true' } : {}),
        // Its id and not its text: ECS would read the text once, and a task outlives two rotations.
        'turn-secret-id': props.turnSecret?.secretArn,
        'stun-uris': props.stunUris,
        'public-origin': props.allowedOrigins,
        profile: props.profile ?? 'production',
        'trusted-proxies': String(props.trustedProxies ?? 2),
      },
      secrets: {
        ...cachePlace(props.cache),
        ...(props.apiKeys ? { 'api-keys': ecs.Secret.fromSecretsManager(props.apiKeys) } : {}),
        ...(props.mediaSecret ? { 'media-secret': ecs.Secret.fromSecretsManager(props.mediaSecret) } : {}),
      },
    });
    props.signingKeys.grantSign(this);
    props.turnSecret?.grantRead(this.taskDefinition.taskRole);
  }
}
