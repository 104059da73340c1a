/** What {@link TurnFleet} and {@link MediaFleet} are given alike, and its checks. */
import { type Duration, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { check, checkInteger } from './check.ts';
import { checkSchedules, type ScheduledSize } from './scheduled-size.ts';

/** Sizes and times of nodes on instances. */
export interface NodeOptions {
  /**
   * Instance type; network-optimised ones carry more per unit of money.
   * @default - c7gn.medium for TURN, c7gn.large for media; t4g.micro for TURN in a development topology
   */
  readonly instanceType?: ec2.InstanceType;
  /**
   * Fewest and most nodes by the clock.
   * @default - one size at all times
   */
  readonly schedules?: ScheduledSize[];
  /**
   * What a node carries before it counts as full, Mbit/s out. Scaling holds half of it.
   * @default - TURN: 1500, of c7gn.medium's 3.125 Gbit/s baseline (measure yours), and 60 in a development topology; media: 100 a core
   */
  readonly nodeMbps?: number;
  /**
   * Memory of the container, MiB; the instance keeps 300 and 5 % of what it has, and packagers theirs.
   * @default - TURN: 1536, of c7gn.medium's 2 GiB, and 640 in a development topology; media: 3072, of c7gn.large's 4 GiB; less where the instance
   *   has less
   */
  readonly memoryLimitMiB?: number;
  /**
   * How long a leaving node may wait: a TURN node for its calls to end, a media node until its rooms have moved.
   * @default - TURN: Duration.hours(2), and 5 minutes in a development topology; media: 5 minutes
   */
  readonly drainTimeout?: Duration;
  /**
   * Allow people with the right (`ssm:StartSession`) to open a shell on an instance. No port opens for it.
   * @default false
   */
  readonly remoteShell?: boolean;
}

/** What every fleet of nodes on instances is given. */
export interface NodeFleetProps extends NodeOptions {
  /** A VPC with public subnets; each node has a public address of its own. */
  readonly vpc: ec2.IVpc;
  /**
   * Machine image with the agent of ECS. A change replaces the instances, one by one, each after its drain.
   * @default - an image of Amazon Linux 2023 for ECS, pinned by version
   */
  readonly machineImage?: ec2.IMachineImage;
  /**
   * Fewest nodes.
   * @default - TURN: 3; media: 2, since the rooms of one node need another to move to
   */
  readonly minNodes?: number;
  /**
   * Most nodes.
   * @default - TURN: 30, media: 20
   */
  readonly maxNodes?: number;
  /**
   * The container with coturn or the media engine, and its agent.
   * @default - built from infra/turn-node or infra/media-node when deployed
   */
  readonly image?: ecs.ContainerImage;
  /**
   * How long logs are kept.
   * @default ONE_MONTH
   */
  readonly logRetention?: logs.RetentionDays;
}

/** What differs from fleet to fleet. */
export interface NodeFleetRules {
  /** Name of the construct. */
  readonly kind: string;
  /** What needs public addresses, as the error says it. */
  readonly nodes: string;
  /** Default of `minNodes`. */
  readonly fewest: number;
  /** Default of `maxNodes`. */
  readonly most: number;
  /** Default of `instanceType`. */
  readonly instanceType: string;
}

/** How many nodes a fleet has, defaults filled in. */
export function nodeCounts(
  props: Pick<NodeFleetProps, 'minNodes' | 'maxNodes'>,
  { fewest, most }: Pick<NodeFleetRules, 'fewest' | 'most'>,
): { readonly min: number; readonly max: number } {
  const min = props.minNodes ?? fewest;
  return { min, max: props.maxNodes ?? Math.max(most, min) };
}

/** @throws Error naming the property and the fix */
export function checkNodeFleet(props: NodeFleetProps, rules: NodeFleetRules): void {
  const { kind, nodes, instanceType } = rules;
  const { vpc, maxNodes } = props;
  const { min, max } = nodeCounts(props, rules);
  check(
    !Token.isUnresolved(min),
    kind,
    'minNodes',
    'it is known only when deployed, and how an update goes depends on it',
    'a plain number',
  );
  check(
    Token.isUnresolved(vpc.vpcId) || vpc.publicSubnets.length > 0,
    kind,
    'vpc',
    `it has no public subnets, and ${nodes} need public addresses`,
    'a VPC with a public subnet in each zone',
  );
  checkInteger(kind, 'minNodes', min, 1, 1000);
  checkInteger(kind, 'maxNodes', maxNodes, 1, 1000);
  check(max >= min, kind, 'maxNodes', `${maxNodes} is below minNodes (${min})`, 'at least minNodes');
  checkSchedules({ kind, schedules: props.schedules, max, limit: 1000 });
  checkInteger(kind, 'nodeMbps', props.nodeMbps, 1, 200_000);
  checkInteger(kind, 'memoryLimitMiB', props.memoryLimitMiB, 512, 1_000_000);
  const type = props.instanceType;
  check(
    type === undefined || Token.isUnresolved(type.toString()) || type.architecture === ec2.InstanceArchitecture.ARM_64,
    kind,
    'instanceType',
    `${type?.toString()} is not Graviton, and the image is built for it`,
    `a type such as ${instanceType}`,
  );
}
