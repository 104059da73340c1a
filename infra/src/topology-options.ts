import type { Duration, Size } from 'aws-cdk-lib';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as route53 from 'aws-cdk-lib/aws-route53';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type { NodeOptions } from './node-fleet-props.ts';
import type { ScheduledSize } from './scheduled-size.ts';
import type { CacheAccess } from './session-cache.ts';

/** Public names and their certificates. */
export interface DomainProps {
  /** Name of the page, such as calls.example.com. */
  readonly domainName: string;
  /** Certificate of `domainName`, in us-east-1 (CloudFront reads no other region). */
  readonly certificate: acm.ICertificate;
  /** Certificate of `turn.<domainName>`, in the stack's region. */
  readonly regionalCertificate: acm.ICertificate;
  /**
   * Zone in which the names are made: `domainName` and `turn.<domainName>`.
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

/** A cache that exists already, in {@link WebRtcTopologyProps.existingCache}: Valkey or Redis 7 and later, reached over TLS, `maxmemory-policy noeviction`. */
export interface ExistingCache {
  /** For auth and signaling: all commands on keys and channels that begin with `tandem:`, as `SERVICE_ACCESS` of infra/src/cache-access.ts. */
  readonly services: CacheAccess;
  /** For the TURN nodes: their directory and the revocations, as `TURN_NODE_ACCESS` there. */
  readonly turnNodes: CacheAccess;
  /**
   * For the media nodes: their directory and calls, as `MEDIA_NODE_ACCESS` there.
   * @default - none; needed where `mediaNodes` is given
   */
  readonly mediaNodes?: CacheAccess;
  /**
   * For the events service: partitions of rooms, endpoints, limits; beats and revocations to read, as `HOOKS_ACCESS` there.
   * @default - none; needed where `events` is true
   */
  readonly hooks?: CacheAccess;
}

/** Sizes of the cache in {@link WebRtcTopologyProps.cacheOptions}; each as in {@link SessionCacheProps}. */
export interface CacheOptions {
  /**
   * Node type.
   * @default - of the profile
   */
  readonly nodeType?: string;
  /**
   * Replicas of each shard.
   * @default - one in each other zone; none in development
   */
  readonly replicasPerShard?: number;
  /**
   * Valkey version.
   * @default '8.0'
   */
  readonly engineVersion?: string;
  /**
   * Daily snapshots kept, days.
   * @default - 1; in development 0
   */
  readonly snapshotRetentionDays?: number;
  /**
   * Key for encryption at rest.
   * @default - the key that ElastiCache owns
   */
  readonly encryptionKey?: kms.IKey;
}

/** Sizes of both services in {@link WebRtcTopologyProps.serviceOptions}; each as in {@link RealtimeServiceProps}. */
export interface ServiceOptions {
  /**
   * CPU units.
   * @default - of the profile
   */
  readonly cpu?: number;
  /**
   * Memory, MiB.
   * @default - of the profile
   */
  readonly memoryLimitMiB?: number;
  /**
   * How long a task may drain.
   * @default Duration.seconds(120)
   */
  readonly stopTimeout?: Duration;
  /**
   * Average CPU that scaling holds, percent.
   * @default 50
   */
  readonly targetCpuPercent?: number;
  /**
   * Fewest and most tasks of auth, and as many of signaling, by the clock.
   * @default - one size at all times
   */
  readonly schedules?: ScheduledSize[];
  /**
   * Allow people with the right to run a program in a task (our images hold no shell: `--command node`).
   * @default false
   */
  readonly remoteShell?: boolean;
  /**
   * Send traces of sampled calls to CloudWatch.
   * @default false
   */
  readonly traces?: boolean;
}

/** The events service in {@link WebRtcTopologyProps.eventsOptions}; each as in {@link HooksServiceProps}. */
export interface EventsOptions {
  /**
   * CPU units of a task.
   * @default - 512; in development 256
   */
  readonly cpu?: number;
  /**
   * Memory of a task, MiB.
   * @default - 1024; in development 512
   */
  readonly memoryLimitMiB?: number;
  /**
   * Fewest tasks.
   * @default - 2; in development 1
   */
  readonly minTasks?: number;
  /**
   * Most tasks. More than 64 have nothing to do.
   * @default - ten times the fewest, 64 at most
   */
  readonly maxTasks?: number;
  /**
   * Secret with the key of the endpoints' secrets.
   * @default - a generated one
   */
  readonly webhookKey?: secretsmanager.ISecret;
  /**
   * Requests a second with one API key, over all tasks.
   * @default 20
   */
  readonly apiRequestsPerSecond?: number;
  /**
   * Event streams of a task.
   * @default 50
   */
  readonly maxStreams?: number;
  /**
   * FIFO queues that endpoints may name beside https addresses.
   * @default - none
   */
  readonly queues?: sqs.IQueue[];
  /**
   * More variables for the container.
   * @default - none
   */
  readonly environment?: { readonly [name: string]: string };
}

/** The captions service in {@link WebRtcTopologyProps.captions}; each as in {@link CaptionsServiceProps}. */
export interface CaptionsOptions {
  /**
   * Image of a recognizer that speaks the WebSocket protocol of vosk-server, a second container of each task.
   * @default - none; needed without `recognizers`
   */
  readonly recognizerImage?: ecs.ContainerImage;
  /**
   * Language of `recognizerImage`.
   * @default 'en'
   */
  readonly language?: string;
  /**
   * Recognizers elsewhere, address by language: `{ de: 'wss://speech.example.org/de' }`.
   * @default - none; needed without `recognizerImage`
   */
  readonly recognizers?: { readonly [name: string]: string };
  /**
   * CPU units of a task.
   * @default - 2048 with a recognizer in the task, else 256
   */
  readonly cpu?: number;
  /**
   * Memory of a task, MiB.
   * @default - 16384 with a recognizer in the task, else 512
   */
  readonly memoryLimitMiB?: number;
  /**
   * Fewest tasks.
   * @default - 2; in development 1
   */
  readonly minTasks?: number;
  /**
   * Most tasks.
   * @default - ten times the fewest
   */
  readonly maxTasks?: number;
  /**
   * Microphones of a task at once.
   * @default - 10 with a recognizer in the task, else 50
   */
  readonly maxSpeakers?: number;
  /**
   * More variables for the container.
   * @default - none
   */
  readonly environment?: { readonly [name: string]: string };
}

/** Sizes of the relays in {@link WebRtcTopologyProps.turnOptions}. */
export interface TurnOptions extends NodeOptions {
  /**
   * Most bytes a second of one allocation.
   * @default 375000 - 3 Mbit/s
   */
  readonly maxBytesPerSecond?: number;
  /**
   * Allocations of one user.
   * @default 36: a mesh of six over three URLs and two address families
   */
  readonly userQuota?: number;
  /**
   * Allocations of one node. The relay range has 16,384 ports.
   * @default 4000
   */
  readonly totalQuota?: number;
  /**
   * How often the generated shared secret rotates.
   * @default Duration.days(30)
   */
  readonly secretRotation?: Duration;
}

/** Sizes of the media nodes in {@link WebRtcTopologyProps.mediaOptions}. */
export interface MediaOptions extends NodeOptions {
  /**
   * Legs of a node, two a person; 9400 at most, as each engine has a port for each and for 600 streams over HTTP.
   * @default 400
   */
  readonly maxLegs?: number;
  /**
   * Most people of one room that send.
   * @default 50
   */
  readonly maxPublishers?: number;
}

/** Recordings, of {@link WebRtcTopologyProps.recordings}. */
export interface RecordingsOptions {
  /**
   * How long a recording is kept, whole days.
   * @default - until it is deleted
   */
  readonly retention?: Duration;
  /**
   * CPU units of the composer.
   * @default 2048
   */
  readonly cpu?: number;
  /**
   * Memory of the composer, MiB.
   * @default 4096
   */
  readonly memoryLimitMiB?: number;
  /**
   * Space of the composer, 21 to 200 GiB: twice the largest recording.
   * @default Size.gibibytes(100)
   */
  readonly disk?: Size;
}
