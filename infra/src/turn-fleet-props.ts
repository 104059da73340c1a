import { type Duration, Token } from 'aws-cdk-lib';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { topology } from '../topology/index.ts';
import { check, checkDomain, checkGiven, checkInteger, checkSeconds } from './check.ts';
import { checkCacheUrl } from './check-cache-url.ts';
import { checkNodeFleet } from './check-node-fleet.ts';
import type { CacheAccess } from './session-cache.ts';

/** Properties of {@link TurnFleet}. */
export interface TurnFleetProps {
  /** A VPC with public subnets; each node has a public address of its own. */
  readonly vpc: ec2.IVpc;
  /**
   * Where nodes write themselves down, as {@link TurnDirectory.access}.
   * @default - no directory; tell your auth the addresses by `turnHost`
   */
  readonly directory?: CacheAccess;
  /**
   * The shared secret with auth: JSON with `sign` (what auth signs with) and `accept` (what nodes take besides).
   * @default - generated, and rotated every `secretRotation`
   */
  readonly secret?: secretsmanager.ISecret;
  /**
   * How often the generated secret rotates.
   * @default Duration.days(30)
   */
  readonly secretRotation?: Duration;
  /**
   * Realm.
   * @default 'tandem'
   */
  readonly realm?: string;
  /**
   * Name of the fleet for `turns:`, with `certificate`. Point it at {@link TurnFleet.tlsLoadBalancer}.
   * @default - no TLS
   */
  readonly turnHost?: string;
  /**
   * Certificate of `turnHost`, in this region. TLS ends at a network load balancer, so that no node holds a private key.
   * @default - no TLS
   */
  readonly certificate?: acm.ICertificate;
  /**
   * Instance type; network-optimised ones carry more per unit of money.
   * @default - c7gn.medium
   */
  readonly instanceType?: ec2.InstanceType;
  /**
   * Machine image with the agent of ECS. A change replaces the instances, one by one, each after its drain.
   * @default - an image of Amazon Linux 2023 for ECS, pinned by version
   */
  readonly machineImage?: ec2.IMachineImage;
  /**
   * Fewest nodes.
   * @default 3
   */
  readonly minNodes?: number;
  /**
   * Most nodes.
   * @default 30
   */
  readonly maxNodes?: number;
  /**
   * What a node carries before it counts as full, Mbit/s out. Scaling holds half of it.
   * @default 1500 - of c7gn.medium's 3.125 Gbit/s baseline; measure yours
   */
  readonly nodeMbps?: number;
  /**
   * Most bytes a second of one allocation.
   * @default 375000 - 3 Mbit/s
   */
  readonly maxBytesPerSecond?: number;
  /**
   * Allocations of one user.
   * @default 12
   */
  readonly userQuota?: number;
  /**
   * Allocations of one node. The relay range has 16,384 ports.
   * @default 4000
   */
  readonly totalQuota?: number;
  /**
   * Memory of the container, MiB; the instance needs about 300 more.
   * @default 1536 - of c7gn.medium's 2 GiB
   */
  readonly memoryLimitMiB?: number;
  /**
   * Refuse deletion of the load balancer for turns:.
   * @default true
   */
  readonly deletionProtection?: boolean;
  /**
   * How long a leaving node may wait for its calls to end.
   * @default Duration.hours(2)
   */
  readonly drainTimeout?: Duration;
  /**
   * Allow people with the right (`ssm:StartSession`) to open a shell on an instance. No port opens for it.
   * @default false
   */
  readonly remoteShell?: boolean;
  /**
   * The container with coturn and the node agent.
   * @default - built from infra/turn-node when deployed
   */
  readonly image?: ecs.ContainerImage;
  /**
   * How long logs are kept.
   * @default ONE_MONTH
   */
  readonly logRetention?: logs.RetentionDays;
}

/** @throws Error naming the property and the fix */
export function checkTurnFleet(props: TurnFleetProps): void {
  const kind = 'TurnFleet';
  checkGiven(kind, props, 'vpc');
  if (props.directory) checkCacheUrl(kind, 'directory', props.directory.url);
  checkNodeFleet(props, { kind, nodes: 'relays', fewest: 3, instanceType: 'c7gn.medium' });
  checkDomain(kind, 'turnHost', props.turnHost);
  check(
    (props.certificate === undefined) === (props.turnHost === undefined),
    kind,
    props.certificate ? 'turnHost' : 'certificate',
    'turnHost and certificate go together',
    'give both or neither',
  );
  checkInteger(kind, 'maxBytesPerSecond', props.maxBytesPerSecond, 8_000, 125_000_000);
  checkInteger(kind, 'userQuota', props.userQuota, 1, 1000);
  const [low, high] = topology.turn.relayPorts;
  checkInteger(kind, 'totalQuota', props.totalQuota, 1, high - low + 1);
  checkSeconds(kind, 'drainTimeout', props.drainTimeout, 60, 48 * 3600, 'a lifecycle hook lasts 48 h at most');
  checkSeconds(kind, 'secretRotation', props.secretRotation, 4 * 3600, 365 * 86_400, "Secrets Manager's limits");
  check(
    props.realm === undefined || Token.isUnresolved(props.realm) || /^[a-z0-9.-]{1,127}$/.test(props.realm),
    kind,
    'realm',
    `"${props.realm}" does not fit`,
    'lower-case letters, digits, dots and hyphens',
  );
}
