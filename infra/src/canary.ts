import { CfnElement, Duration, Stack, Token } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { CanaryConfig } from '../canary/src/config.ts';
import { STEPS } from '../canary/src/result.ts';
import { acknowledge, ECR_TOKEN } from './acknowledge.ts';
import { check, checkSeconds } from './check.ts';
import { checkProps } from './check-props.ts';
import { metricIdentity } from './metric-identity.ts';
import { NAMESPACE } from './metrics-collector.ts';
import { serviceImage } from './service-image.ts';
import { startAfterRights } from './start-after-rights.ts';

/** Properties of {@link Canary}. */
export interface CanaryProps {
  /** Where the task runs. It needs a way out to the internet, as a caller has. */
  readonly vpc: ec2.IVpc;
  /** Page of the deployment, such as `https://calls.example.com`. */
  readonly origin: string;
  /**
   * Subnets of the task.
   * @default - private ones with egress; public ones with `assignPublicIp`
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * Whether the task has a public address of its own.
   * @default false
   */
  readonly assignPublicIp?: boolean;
  /**
   * Cluster.
   * @default - a new one
   */
  readonly cluster?: ecs.ICluster;
  /**
   * Secret whose value is an API key of auth, for deployments where guests get no token. Where there is none either, leave out `tokens`.
   * @default - asks as a guest
   */
  readonly apiKey?: secretsmanager.ISecret;
  /**
   * Topic of the alarms; the canary then examines also whether an alarm reaches anybody.
   * @default - not examined
   */
  readonly alarmTopic?: sns.ITopic;
  /**
   * Steps to leave out, as `npm run canary -- --help` lists them; `relay-tls` where there is no domain.
   * @default - none
   */
  readonly without?: string[];
  /**
   * Time between two runs.
   * @default Duration.minutes(5)
   */
  readonly interval?: Duration;
  /**
   * Container.
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
}

/**
 * Does what a caller does, every few minutes, against the deployment's own name: a join, a message between two sessions, an
 * allocation at every relay over UDP and TLS. Writes the metric `canary_passed` (1 or 0); a run that does not happen writes
 * none, which the alarm counts as bad.
 */
export class Canary extends Construct implements ec2.IConnectable, iam.IGrantable {
  /** Task that the schedule starts. */
  readonly taskDefinition: ecs.FargateTaskDefinition;
  /** Schedule. */
  readonly rule: events.Rule;
  /** Security group of the task: nothing comes in. */
  readonly connections: ec2.Connections;
  /** The task role. */
  readonly grantPrincipal: iam.IPrincipal;
  /** Time between two runs. */
  readonly interval: Duration;

  constructor(scope: Construct, id: string, props: CanaryProps) {
    super(scope, id);
    checkCanary(props);
    this.interval = props.interval ?? Duration.minutes(5);
    const cluster =
      props.cluster ??
      new ecs.Cluster(this, 'Cluster', { vpc: props.vpc, containerInsightsV2: ecs.ContainerInsights.ENABLED });
    this.taskDefinition = this.task(props);
    this.grantPrincipal = this.taskDefinition.taskRole;
    const securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: props.vpc,
      description: 'Canary: out only',
    });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup] });
    this.rule = new events.Rule(this, 'Schedule', {
      description: 'Runs the canary',
      schedule: events.Schedule.rate(this.interval),
      targets: [
        new targets.EcsTask({
          cluster,
          taskDefinition: this.taskDefinition,
          securityGroups: [securityGroup],
          assignPublicIp: props.assignPublicIp ?? false,
          subnetSelection: props.vpcSubnets ?? {
            subnetType: props.assignPublicIp ? ec2.SubnetType.PUBLIC : ec2.SubnetType.PRIVATE_WITH_EGRESS,
          },
          propagateTags: ecs.PropagatedTagSource.TASK_DEFINITION,
          // A run of half an hour ago tells nothing: the next one comes soon.
          maxEventAge: Duration.minutes(5),
          retryAttempts: 1,
        }),
      ],
    });
    startAfterRights(this.rule, this.taskDefinition);
    const own = cluster.node.defaultChild;
    const clusterName = own instanceof CfnElement ? `<${Stack.of(own).getLogicalId(own)}>` : cluster.clusterName;
    acknowledge(this.taskDefinition.node.findChild('EventsRole'), {
      [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ecs:<AWS::Region>:*:task/${clusterName}/*]`]:
        'CDK lets the schedule tag the tasks that it starts; a task has no name before it runs.',
    });
  }

  /** 1 when the last run passed, 0 when a step failed. */
  metricPassed(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: NAMESPACE,
      metricName: 'canary_passed',
      period: this.interval,
      statistic: 'Minimum',
      dimensionsMap: metricIdentity(this, 'canary'),
      ...props,
    }).attachTo(this);
  }

  private task(props: CanaryProps): ecs.FargateTaskDefinition {
    const cpuArchitecture = props.cpuArchitecture ?? ecs.CpuArchitecture.ARM64;
    const logGroup = new logs.LogGroup(this, 'Logs', { retention: props.logRetention ?? logs.RetentionDays.ONE_MONTH });
    const task = new ecs.FargateTaskDefinition(this, 'Task', {
      cpu: 256,
      memoryLimitMiB: 512,
      runtimePlatform: { cpuArchitecture, operatingSystemFamily: ecs.OperatingSystemFamily.LINUX },
    });
    const identity = metricIdentity(this, 'canary');
    const environment: Partial<Record<keyof CanaryConfig, string>> = {
      CANARY_ORIGIN: props.origin,
      AWS_REGION: Stack.of(this).region,
      METRICS_STACK: identity.stack,
      METRICS_PART: identity.part,
      ...(props.without?.length ? { CANARY_WITHOUT: props.without.join(',') } : {}),
      ...(props.alarmTopic ? { CANARY_ALARM_TOPIC: props.alarmTopic.topicArn } : {}),
    };
    task.addContainer('canary', {
      image: props.image ?? serviceImage('canary', cpuArchitecture),
      memoryLimitMiB: 512,
      environment,
      secrets: props.apiKey ? { CANARY_API_KEY: ecs.Secret.fromSecretsManager(props.apiKey) } : {},
      logging: ecs.LogDriver.awsLogs({ logGroup, streamPrefix: 'canary' }),
      readonlyRootFilesystem: true,
      user: '10001:10001',
      linuxParameters: new ecs.LinuxParameters(this, 'Linux', { initProcessEnabled: true }),
    });
    acknowledge(task, {
      'AwsSolutions-ECS2': 'Variables are settings only; the API key comes from Secrets Manager when a task starts.',
      ...ECR_TOKEN,
    });
    if (props.alarmTopic) readAlarmPath(task, props.alarmTopic);
    return task;
  }
}

/** The program examines the policies of the topic and of its key, and reads nothing else. */
function readAlarmPath(task: ecs.TaskDefinition, topic: sns.ITopic): void {
  const grant = (actions: string[], resourceArns: string[]) =>
    iam.Grant.addToPrincipal({ grantee: task.taskRole, actions, resourceArns });
  grant(['sns:GetTopicAttributes'], [topic.topicArn]);
  const { stack, masterKey, env } = topic;
  // Of an imported topic the key is not known here.
  const keys =
    masterKey?.keyArn ??
    stack.formatArn({ service: 'kms', resource: 'key', resourceName: '*', region: env.region, account: env.account });
  grant(['kms:DescribeKey', 'kms:GetKeyPolicy'], [keys]);
  const named = (value: string, parameter: string) => (Token.isUnresolved(value) ? `<AWS::${parameter}>` : value);
  if (!masterKey)
    acknowledge(task, {
      [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:kms:${named(env.region, 'Region')}:${named(env.account, 'AccountId')}:key/*]`]:
        'It reads the policy of the key of a topic whose key is not known here; a key policy is no secret.',
    });
}

function checkCanary(props: CanaryProps): void {
  checkProps('Canary', 'CanaryProps', props);
  check(
    Token.isUnresolved(props.origin) || /^https?:\/\//.test(props.origin),
    'Canary',
    'origin',
    `"${props.origin}" is no address`,
    'https://calls.example.com',
  );
  const known: readonly string[] = STEPS;
  for (const step of props.without ?? [])
    check(known.includes(step), 'Canary', 'without', `"${step}" is no step`, `one of ${STEPS.join(', ')}`);
  checkSeconds(
    'Canary',
    'interval',
    props.interval,
    60,
    3600,
    'a task takes up to a minute to start, and an alarm waits for two runs',
  );
}
