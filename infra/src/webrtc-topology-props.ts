import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as route53 from 'aws-cdk-lib/aws-route53';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { check, checkDomain, checkGiven, checkInteger } from './check.ts';
import type { TopologyProfile } from './profile.ts';

/** Public names and their certificates. */
export interface DomainProps {
  /** Name of the page, such as calls.example.com. */
  readonly domainName: string;
  /** Certificate of `domainName`, in us-east-1 (CloudFront reads no other region). */
  readonly certificate: acm.ICertificate;
  /** Certificate of `origin.<domainName>` and `turn.<domainName>`, in the stack's region. */
  readonly regionalCertificate: acm.ICertificate;
  /**
   * Zone in which the three names are made.
   * @default - you point the names yourself, at the outputs
   */
  readonly hostedZone?: route53.IHostedZone;
  /**
   * A name that several regions' stacks share; it leads to the nearest ({@link NearestRegion}). Needs `hostedZone`, and
   * `regionalCertificate` to cover it.
   * @default - none: one region
   */
  readonly sharedDomainName?: string;
}

/** Properties of {@link WebRtcTopology}. */
export interface WebRtcTopologyProps {
  /**
   * How much of everything.
   * @default TopologyProfile.PRODUCTION
   */
  readonly profile?: TopologyProfile;
  /**
   * Names and certificates. Production refuses to be without.
   * @default - CloudFront's own name; no TLS between CloudFront and the load balancer, no turns:
   */
  readonly domain?: DomainProps;
  /**
   * Folder of the built client.
   * @default - a placeholder that refuses to deploy
   */
  readonly clientBuild?: string;
  /**
   * Zones.
   * @default - 3 in production, 2 in development
   */
  readonly zones?: number;
  /**
   * Who may have a token, comma-separated: open, api-key, oidc.
   * @default - open in development; production needs one named
   */
  readonly access?: string;
  /**
   * Secret with the comma-separated hashed API keys.
   * @default - none; needed with api-key
   */
  readonly apiKeys?: secretsmanager.ISecret;
  /**
   * More variables for auth, such as OIDC_ISSUER.
   * @default - none
   */
  readonly authEnvironment?: { readonly [name: string]: string };
  /**
   * More variables for signaling.
   * @default - none
   */
  readonly signalingEnvironment?: { readonly [name: string]: string };
  /**
   * Container of auth.
   * @default - built when deployed
   */
  readonly authImage?: ecs.ContainerImage;
  /**
   * Container of signaling.
   * @default - built when deployed
   */
  readonly signalingImage?: ecs.ContainerImage;
  /**
   * Container of the TURN nodes.
   * @default - built when deployed
   */
  readonly turnImage?: ecs.ContainerImage;
  /**
   * Secret whose value is an API key, for a canary where guests get no token (access without `open`).
   * @default - none; with access `oidc` alone there is no canary then
   */
  readonly canaryApiKey?: secretsmanager.ISecret;
  /**
   * Container of the canary.
   * @default - built when deployed
   */
  readonly canaryImage?: ecs.ContainerImage;
  /**
   * Shards of the cache.
   * @default - 2 in production, 1 in development
   */
  readonly cacheShards?: number;
  /**
   * Fewest signaling tasks.
   * @default - the topology's replicas
   */
  readonly signalingTasks?: number;
  /**
   * Most signaling tasks.
   * @default - ten times the fewest
   */
  readonly maxSignalingTasks?: number;
  /**
   * Fewest TURN nodes.
   * @default - one a zone in production, 1 in development
   */
  readonly turnNodes?: number;
  /**
   * Most TURN nodes.
   * @default - ten times the fewest
   */
  readonly maxTurnNodes?: number;
  /**
   * Addresses that get alarms by mail.
   * @default - none
   */
  readonly alarmEmails?: string[];
}

/** @throws Error naming the property and the fix */
export function checkTopology(props: WebRtcTopologyProps, production: boolean): void {
  const kind = 'WebRtcTopology';
  check(
    !production || props.domain !== undefined,
    kind,
    'domain',
    'production needs TLS between CloudFront and the load balancer, and turns:',
    'give domain, or profile: TopologyProfile.DEVELOPMENT',
  );
  check(
    !production || !!props.access,
    kind,
    'access',
    'production does not guess who may have a token',
    "access: 'oidc' or 'api-key' (or 'open', if you mean it)",
  );
  if (props.domain) checkGiven(`${kind}.domain`, props.domain, 'domainName', 'certificate', 'regionalCertificate');
  checkDomain(kind, 'domain.domainName', props.domain?.domainName);
  check(
    !props.domain?.sharedDomainName || props.domain.hostedZone !== undefined,
    kind,
    'domain.hostedZone',
    'sharedDomainName is a latency record, which needs a zone',
    'give hostedZone',
  );
  checkInteger(kind, 'zones', props.zones, production ? 3 : 2, 6);
  checkInteger(kind, 'turnNodes', props.turnNodes, production ? 2 : 1, 1000);
  checkInteger(kind, 'signalingTasks', props.signalingTasks, production ? 2 : 1, 5000);
  checkInteger(kind, 'cacheShards', props.cacheShards, 1, 160);
}
