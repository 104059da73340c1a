import { type Duration, Token } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { ENGINES } from '../media-node/src/config.ts';
import { topology } from '../topology/index.ts';
import { check, checkGiven, checkInteger, checkSeconds } from './check.ts';
import { checkCacheUrl } from './check-cache-url.ts';
import { checkNodeFleet } from './check-node-fleet.ts';
import type { CacheAccess } from './session-cache.ts';

/** Properties of {@link MediaFleet}. */
export interface MediaFleetProps {
  /** A VPC with public subnets; each node has a public address of its own. */
  readonly vpc: ec2.IVpc;
  /** Where nodes write themselves down, as {@link MediaDirectory.access}. Signaling reads the same cache. */
  readonly directory: CacheAccess;
  /** Where nodes join the rooms that they serve: wss://calls.example.com/ws/signal, or ws:// and a name in the VPC. */
  readonly signalingUrl: string;
  /** Where nodes ask for tokens: https://calls.example.com, or http:// and a name in the VPC. */
  readonly authUrl: string;
  /**
   * Shared with auth ({@link AuthServiceProps.mediaSecret}), which gives tokens for rooms to whoever has it: 43 letters and digits, as
   * plain text. Both sides read it when they start.
   * @default - generated
   */
  readonly secret?: secretsmanager.ISecret;
  /**
   * Instance type.
   * @default - c7gn.large
   */
  readonly instanceType?: ec2.InstanceType;
  /**
   * Machine image with the agent of ECS. A change replaces the instances, one by one, each after its drain.
   * @default - an image of Amazon Linux 2023 for ECS, pinned by version
   */
  readonly machineImage?: ec2.IMachineImage;
  /**
   * Fewest nodes. One node's rooms need another to move to.
   * @default 2
   */
  readonly minNodes?: number;
  /**
   * Most nodes.
   * @default 20
   */
  readonly maxNodes?: number;
  /**
   * What a node carries before it counts as full, Mbit/s out. Scaling holds half of it.
   * @default - 100 a core
   */
  readonly nodeMbps?: number;
  /**
   * Legs of a node, two a person; each engine has as many ports at least.
   * @default 400
   */
  readonly maxLegs?: number;
  /**
   * Most people of one room that send.
   * @default 50
   */
  readonly maxPublishers?: number;
  /**
   * Memory of the container, MiB; the instance needs about 300 more.
   * @default 3072 - of c7gn.large's 4 GiB
   */
  readonly memoryLimitMiB?: number;
  /**
   * How long a leaving node may wait until its rooms have moved.
   * @default Duration.minutes(5)
   */
  readonly drainTimeout?: Duration;
  /**
   * Allow people with the right (`ssm:StartSession`) to open a shell on an instance. No port opens for it.
   * @default false
   */
  readonly remoteShell?: boolean;
  /**
   * The container with the engine and its agent.
   * @default - built from infra/media-node when deployed
   */
  readonly image?: ecs.ContainerImage;
  /**
   * How long logs are kept.
   * @default ONE_MONTH
   */
  readonly logRetention?: logs.RetentionDays;
}

/** @throws Error naming the property and the fix */
export function checkMediaFleet(props: MediaFleetProps): void {
  const kind = 'MediaFleet';
  checkGiven(kind, props, 'vpc', 'directory', 'signalingUrl', 'authUrl');
  checkCacheUrl(kind, 'directory', props.directory.url);
  for (const [name, schemes, example] of [
    ['signalingUrl', ['wss:', 'ws:'], 'wss://calls.example.com/ws/signal'],
    ['authUrl', ['https:', 'http:'], 'https://calls.example.com'],
  ] as const) {
    const value = props[name];
    check(
      Token.isUnresolved(value) ||
        (URL.canParse(value) && schemes.some((scheme) => scheme === new URL(value).protocol)),
      kind,
      name,
      `"${value}" is no address with ${schemes.join(' or ')}`,
      `such as ${example}`,
    );
  }
  checkNodeFleet(props, { kind, nodes: 'media nodes', fewest: 2, instanceType: 'c7gn.large' });
  const [low, high] = topology.media.mediaPorts;
  checkInteger(kind, 'maxLegs', props.maxLegs, 1, Math.floor((high - low + 1) / ENGINES));
  checkInteger(kind, 'maxPublishers', props.maxPublishers, 2, 1000);
  checkInteger(kind, 'memoryLimitMiB', props.memoryLimitMiB, 512, 1_000_000);
  checkSeconds(kind, 'drainTimeout', props.drainTimeout, 60, 3300, 'an update of the service waits as long');
}
