import { type Duration, type RemovalPolicy, Size } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { check, checkInteger, checkSeconds } from './check.ts';
import { checkProps } from './check-props.ts';

/** Properties of {@link Recordings}. */
export interface RecordingsProps {
  /** Where the composer runs. It needs a way to S3, ECR and CloudWatch Logs. */
  readonly vpc: ec2.IVpc;
  /**
   * Subnets of the composer.
   * @default - private ones with egress; public ones with `assignPublicIp`
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * Whether the composer has a public address of its own.
   * @default false
   */
  readonly assignPublicIp?: boolean;
  /**
   * Cluster.
   * @default - a new one
   */
  readonly cluster?: ecs.ICluster;
  /**
   * How long a recording is kept, whole days. What is deleted earlier is gone at once: the bucket keeps no versions.
   * @default - until it is deleted
   */
  readonly retention?: Duration;
  /**
   * Encrypts the bucket.
   * @default - a new key, rotated each year
   */
  readonly encryptionKey?: kms.IKey;
  /**
   * CPU units of the composer. A second of two people takes about 0.6 s of a core.
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
  /**
   * How often it looks for recordings whose node died.
   * @default Duration.hours(1)
   */
  readonly sweepInterval?: Duration;
  /**
   * Container of the composer.
   * @default - built when deployed
   */
  readonly image?: ecs.ContainerImage;
  /**
   * Architecture of the image.
   * @default ecs.CpuArchitecture.ARM64
   */
  readonly cpuArchitecture?: ecs.CpuArchitecture;
  /**
   * How long logs are kept.
   * @default logs.RetentionDays.ONE_MONTH
   */
  readonly logRetention?: logs.RetentionDays;
  /**
   * What happens to bucket and key when the stack goes; DESTROY empties the bucket.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

export const DEFAULT_DISK = Size.gibibytes(100);
const DAY = 86_400;

/** @throws Error naming the property and the fix */
export function checkRecordings(props: RecordingsProps): void {
  const kind = 'Recordings';
  checkProps(kind, 'RecordingsProps', props);
  const seconds = props.retention?.toSeconds();
  check(
    seconds === undefined || (seconds >= DAY && seconds % DAY === 0),
    kind,
    'retention',
    `${seconds} s are no whole days`,
    'Duration.days(90)',
  );
  checkInteger(kind, 'disk', props.disk?.toGibibytes(), 21, 200);
  checkSeconds(kind, 'sweepInterval', props.sweepInterval, 300, DAY, 'a task takes up to a minute to start');
}
