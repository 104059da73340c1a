import type { RemovalPolicy } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type { TopologyProfile } from './profile.ts';
import type {
  CacheOptions,
  CaptionsOptions,
  DomainProps,
  EventsOptions,
  ExistingCache,
  MediaOptions,
  RecordingsOptions,
  ServiceOptions,
  TurnOptions,
} from './topology-options.ts';
import type { HstsOptions } from './web-client-props.ts';

/** Properties of {@link WebRtcTopology}. */
export interface WebRtcTopologyProps {
  /**
   * How much of everything.
   * @default TopologyProfile.PRODUCTION
   */
  readonly profile?: TopologyProfile;
  /**
   * Names and certificates. Production refuses to be without.
   * @default - CloudFront's own name; no turns:
   */
  readonly domain?: DomainProps;
  /**
   * Folder of the built client.
   * @default - a placeholder that refuses to deploy
   */
  readonly clientBuild?: string;
  /**
   * Settings of the page, as {@link WebClientProps.config}.
   * @default - none but the region
   */
  readonly clientConfig?: { readonly [name: string]: unknown };
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
   * Container of the events service.
   * @default - built when deployed
   */
  readonly hooksImage?: ecs.ContainerImage;
  /**
   * Container of the captions service, for x86-64.
   * @default - built when deployed
   */
  readonly captionsImage?: ecs.ContainerImage;
  /**
   * Container of the TURN nodes.
   * @default - built when deployed
   */
  readonly turnImage?: ecs.ContainerImage;
  /**
   * Container of the media nodes.
   * @default - built when deployed
   */
  readonly mediaImage?: ecs.ContainerImage;
  /**
   * Container of the packagers beside the media nodes.
   * @default - built when deployed
   */
  readonly packagerImage?: ecs.ContainerImage;
  /**
   * Container of the composer of recordings.
   * @default - built when deployed
   */
  readonly composerImage?: ecs.ContainerImage;
  /**
   * Secret whose value is an API key, for a canary where guests get no token (access without `open`).
   * @default - none; with access `oidc` alone the canary tries then what needs no token: page, services, alarm path
   */
  readonly canaryApiKey?: secretsmanager.ISecret;
  /**
   * Container of the canary.
   * @default - built when deployed
   */
  readonly canaryImage?: ecs.ContainerImage;
  /**
   * Container of the metrics collector beside each service, for ARM and, with captions, for x86-64.
   * @default - AWS Distro for OpenTelemetry, put into the account's ECR when deployed
   */
  readonly collectorImage?: ecs.ContainerImage;
  /**
   * Shards of the cache.
   * @default - 2 in production, 1 in development
   */
  readonly cacheShards?: number;
  /**
   * Password of the users of the new cache, as {@link CacheUserProps.passwordGeneration}.
   * @default 1
   */
  readonly cachePasswordGeneration?: number;
  /**
   * An existing VPC: public subnets in each zone, and isolated or private ones for the cache. With private subnets the services run there, else
   * in the public ones.
   * @default - a new one
   */
  readonly vpc?: ec2.IVpc;
  /**
   * An existing cluster in that VPC, for auth, signaling and the canary. Alarms on running tasks need Container Insights on it.
   * @default - a new one with enhanced Container Insights
   */
  readonly cluster?: ecs.ICluster;
  /**
   * Private DNS name under which signaling finds auth. Two topologies in one VPC need two.
   * @default 'tandem.internal'
   */
  readonly privateDomainName?: string;
  /**
   * An existing cache in place of a new one.
   * @default - a new one
   */
  readonly existingCache?: ExistingCache;
  /**
   * Sizes of the new cache.
   * @default - cache.m7g.large with a replica in each other zone; in development one cache.t4g.micro a shard
   */
  readonly cacheOptions?: CacheOptions;
  /**
   * Sizes and times of the tasks of auth and signaling.
   * @default - 1 CPU and 2 GiB; in development a quarter
   */
  readonly serviceOptions?: ServiceOptions;
  /**
   * Sizes, times and quotas of the TURN nodes.
   * @default - c7gn.medium; in development t4g.micro
   */
  readonly turnOptions?: TurnOptions;
  /**
   * Tell backends what happens in rooms: webhooks, pages and streams, by a service of its own (docs/events.md). Backends need an API key, so
   * `access` with `api-key`.
   * @default false
   */
  readonly events?: boolean;
  /**
   * Sizes and settings of the events service.
   * @default - two tasks of half a CPU; in development one of a quarter
   */
  readonly eventsOptions?: EventsOptions;
  /**
   * Captions in browsers that recognize no speech themselves, by a service with recognizers of yours (docs/captions.md).
   * @default - none
   */
  readonly captions?: CaptionsOptions;
  /**
   * Whose word makes a room: `anyone` who joins it, or only the server API (`api`).
   * @default 'anyone'
   */
  readonly createRooms?: string;
  /**
   * Requests a second to the server API with one API key, of a signaling task.
   * @default 50
   */
  readonly apiRequestsPerSecond?: number;
  /**
   * Fewest media nodes, which serve rooms of five and more. 0: none, and rooms stay meshes of at most six.
   * @default 0
   */
  readonly mediaNodes?: number;
  /**
   * Most media nodes.
   * @default - ten times mediaNodes
   */
  readonly maxMediaNodes?: number;
  /**
   * Rooms that each media node makes HLS of at once, for viewers past what a node takes (docs/streams.md); each takes about half a core. Needs mediaNodes.
   * @default 0
   */
  readonly packagers?: number;
  /**
   * Keep recordings in a bucket, and compose them (docs/recordings.md). Needs mediaNodes.
   * @default false
   */
  readonly recordings?: boolean;
  /**
   * Retention of recordings and sizes of the composer.
   * @default - kept until they are deleted
   */
  readonly recordingsOptions?: RecordingsOptions;
  /**
   * Sizes and times of the media nodes.
   * @default - c7gn.large
   */
  readonly mediaOptions?: MediaOptions;
  /**
   * How long logs are kept.
   * @default ONE_MONTH
   */
  readonly logRetention?: logs.RetentionDays;
  /**
   * What happens to buckets and the signing key when the stack goes.
   * @default - RETAIN in production, DESTROY in development
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * Web ACL of CloudFront (scope CLOUDFRONT, us-east-1), such as {@link ViewerRules.webAclArn}.
   * @default - none; the load balancer has one
   */
  readonly webAclArn?: string;
  /**
   * Topic of the alarms. Its policy and its key must allow `cloudwatch.amazonaws.com` to publish.
   * @default - a new encrypted one
   */
  readonly alarmTopic?: sns.ITopic;
  /**
   * Dollars a month of this stack's traffic out to the internet above which `alarmTopic` gets a message, and when the forecast is above it. Activate the tag
   * `stack` in the billing console once.
   * @default - no budget
   */
  readonly monthlyEgressBudgetUsd?: number;
  /**
   * Interface endpoints in the new VPC, as {@link NetworkProps.interfaceEndpoints}.
   * @default false
   */
  readonly interfaceEndpoints?: boolean;
  /**
   * Requests that an IPv4 address or IPv6 /64 may make in five minutes, those of backends (/v1, API keys) not counted: {@link EdgeProps.apiRateLimit}.
   * @default 3000
   */
  readonly rateLimit?: number;
  /**
   * Requests to /auth without an API key that an IPv4 address or IPv6 /64 may make in five minutes.
   * @default 600
   */
  readonly authRateLimit?: number;
  /**
   * Strict-Transport-Security of the pages.
   * @default - two years, with subdomains and preload
   */
  readonly hsts?: HstsOptions;
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
