import { CfnElement, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { composerTask } from './composer-task.ts';
import { metricIdentity } from './metric-identity.ts';
import { NAMESPACE } from './metrics-collector.ts';
import { grantOnRecordings, type RecordingRights } from './recording-rights.ts';
import { checkRecordings, type RecordingsProps } from './recordings-props.ts';
import { startAfterRights } from './start-after-rights.ts';

/** What signaling does with recordings: begins, lists, deletes, and signs addresses of files. */
const MANAGE: RecordingRights = {
  list: ['rooms/*', 'waiting/*'],
  read: ['rooms/*'],
  write: ['rooms/*/recording.json', 'waiting/*/begun'],
  remove: ['rooms/*', 'waiting/*'],
};
/** A media node writes and never reads. */
const RECORD: RecordingRights = { write: ['rooms/*/parts/*', 'rooms/*/node-*.json', 'waiting/*/ended'] };
const COMPOSE: RecordingRights = {
  list: ['rooms/*', 'waiting/*'],
  read: ['rooms/*'],
  write: ['rooms/*', 'waiting/*/claims/*'],
  remove: ['rooms/*', 'waiting/*'],
};

/**
 * Recordings: a bucket that KMS encrypts, and the composer, a task that runs when a recording has ended and only then. Give it to
 * {@link SignalingService} and {@link MediaFleet} as `recordings`.
 */
export class Recordings extends Construct implements ec2.IConnectable, iam.IGrantable {
  /** Where recordings are kept. */
  readonly bucket: s3.Bucket;
  /** Encrypts them. */
  readonly key: kms.IKey;
  /** The composer. */
  readonly taskDefinition: ecs.FargateTaskDefinition;
  /** Security group of the composer: nothing comes in. */
  readonly connections: ec2.Connections;
  /** The composer's role. */
  readonly grantPrincipal: iam.IPrincipal;
  /** Value of `RECORDINGS`. */
  readonly place: string;
  private readonly rules: events.Rule[] = [];

  constructor(scope: Construct, id: string, props: RecordingsProps) {
    super(scope, id);
    checkRecordings(props);
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    this.key =
      props.encryptionKey ??
      new kms.Key(this, 'Key', { description: 'Encrypts recordings', enableKeyRotation: true, removalPolicy });
    this.bucket = this.newBucket(props, removalPolicy);
    this.place = `s3://${this.bucket.bucketName}`;
    this.taskDefinition = composerTask(this, props, this.place);
    this.grantPrincipal = this.taskDefinition.taskRole;
    this.connections = new ec2.Connections({
      securityGroups: [
        new ec2.SecurityGroup(this, 'SecurityGroup', { vpc: props.vpc, description: 'Composer: out only' }),
      ],
    });
    this.grant(this.taskDefinition.taskRole, COMPOSE);
    this.schedule(props);
  }

  /** Let `grantee` begin, list, read and delete recordings, as signaling does. */
  grantManage(grantee: iam.IGrantable): void {
    this.grant(grantee, MANAGE);
  }

  /** Let `grantee` write what a media node records, and read nothing. */
  grantRecord(grantee: iam.IGrantable): void {
    this.grant(grantee, RECORD);
  }

  /** Recordings that could not be made into files. */
  metricFailed(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('recordings_failed', { statistic: 'Sum', ...props });
  }

  /** Recordings made into files. */
  metricComposed(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('recordings_composed', { statistic: 'Sum', ...props });
  }

  /** Tasks that EventBridge could not start, by both rules. */
  metricNotStarted(props?: cloudwatch.MetricOptions): cloudwatch.IMetric {
    const failed = (rule: events.Rule) =>
      new cloudwatch.Metric({
        namespace: 'AWS/Events',
        metricName: 'FailedInvocations',
        dimensionsMap: { RuleName: rule.ruleName },
        statistic: 'Sum',
        ...props,
      });
    return new cloudwatch.MathExpression({
      expression: 'FILL(ended, 0) + FILL(sweep, 0)',
      usingMetrics: Object.fromEntries(
        ['ended', 'sweep'].map((name, i) => [name, failed(this.rules[i] as events.Rule)]),
      ),
      label: 'Composers not started',
      period: props?.period ?? Duration.minutes(5),
    });
  }

  /** Any metric that composers write. */
  metric(metricName: string, props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    const { stack, part } = metricIdentity(this, 'composer');
    return new cloudwatch.Metric({
      namespace: NAMESPACE,
      metricName,
      dimensionsMap: { service: 'composer', stack, part },
      ...props,
    }).attachTo(this);
  }

  private grant(grantee: iam.IGrantable, rights: RecordingRights): void {
    grantOnRecordings(grantee, this.bucket, this.key, rights);
  }

  private newBucket({ retention }: RecordingsProps, removalPolicy: RemovalPolicy): s3.Bucket {
    const bucket = new s3.Bucket(this, 'Bucket', {
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      encryption: s3.BucketEncryption.KMS,
      encryptionKey: this.key,
      // One request to KMS for many files.
      bucketKeyEnabled: true,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      lifecycleRules: [
        { abortIncompleteMultipartUploadAfter: Duration.days(1), ...(retention ? { expiration: retention } : {}) },
      ],
      removalPolicy,
      autoDeleteObjects: removalPolicy === RemovalPolicy.DESTROY,
    });
    // The bucket's own property: CDK's `eventBridgeEnabled` brings a Lambda function that sets it.
    (bucket.node.defaultChild as s3.CfnBucket).notificationConfiguration = {
      eventBridgeConfiguration: { eventBridgeEnabled: true },
    };
    acknowledge(bucket, {
      'AwsSolutions-S1':
        'Who fetches what is in the log of signaling, which signs each address; data events of CloudTrail are the account’s choice.',
    });
    return bucket;
  }

  /** When one has ended, and now and then for those whose node died. */
  private schedule(props: RecordingsProps): void {
    const cluster =
      props.cluster ??
      new ecs.Cluster(this, 'Cluster', { vpc: props.vpc, containerInsightsV2: ecs.ContainerInsights.ENABLED });
    const target = () =>
      new targets.EcsTask({
        cluster,
        taskDefinition: this.taskDefinition,
        securityGroups: this.connections.securityGroups,
        assignPublicIp: props.assignPublicIp ?? false,
        subnetSelection: props.vpcSubnets ?? {
          subnetType: props.assignPublicIp ? ec2.SubnetType.PUBLIC : ec2.SubnetType.PRIVATE_WITH_EGRESS,
        },
        propagateTags: ecs.PropagatedTagSource.TASK_DEFINITION,
      });
    this.rules.push(
      new events.Rule(this, 'Ended', {
        description: 'A recording has ended: compose it',
        eventPattern: {
          source: ['aws.s3'],
          detailType: ['Object Created'],
          detail: {
            bucket: { name: [this.bucket.bucketName] },
            object: { key: [{ wildcard: 'waiting/*/ended' }] },
          },
        },
        targets: [target()],
      }),
      new events.Rule(this, 'Sweep', {
        description: 'Composes what nodes that died have left',
        schedule: events.Schedule.rate(props.sweepInterval ?? Duration.hours(1)),
        targets: [target()],
      }),
    );
    for (const rule of this.rules) startAfterRights(rule, this.taskDefinition);
    const own = cluster.node.defaultChild;
    const clusterName = own instanceof CfnElement ? `<${Stack.of(own).getLogicalId(own)}>` : cluster.clusterName;
    acknowledge(this.taskDefinition.node.findChild('EventsRole'), {
      [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ecs:<AWS::Region>:*:task/${clusterName}/*]`]:
        'CDK lets a rule tag the tasks that it starts; a task has no name before it runs.',
    });
  }
}
