import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { nodeHealthCommand } from '../topology/health-command.ts';
import { topology } from '../topology/index.ts';
import type { TurnNodeConfig } from '../turn-node/src/config.ts';
import { acknowledge, ECR_TOKEN } from './acknowledge.ts';
import { containerEnvironment } from './environment.ts';
import { metricIdentity } from './metric-identity.ts';
import { cachePlace } from './place.ts';
import { serviceImage } from './service-image.ts';
import type { TurnFleetProps } from './turn-fleet-props.ts';
import { DRAIN_HOOK, updateDrainSeconds } from './turn-instances.ts';

export interface TurnTask {
  readonly group: autoscaling.AutoScalingGroup;
  readonly secret: secretsmanager.ISecret;
  readonly nodeMbps: number;
  readonly drainTimeout: Duration;
}

/** What runs on each instance: coturn and its agent, on the host's network. */
export function turnTask(scope: Construct, props: TurnFleetProps, of: TurnTask): ecs.Ec2TaskDefinition {
  const part = topology.turn;
  const described = containerEnvironment(part, {
    from: { 'cache-url': props.directory?.url, 'turn-secret-id': of.secret.secretArn },
    secrets: props.directory ? cachePlace(props.directory) : {},
  });
  const identity = metricIdentity(scope, 'turn');
  const settings: Partial<Record<keyof TurnNodeConfig, string>> = {
    NODE_MBPS: String(of.nodeMbps),
    MAX_BYTES_PER_SECOND: String(props.maxBytesPerSecond ?? 375_000),
    USER_QUOTA: String(props.userQuota ?? 12),
    TOTAL_QUOTA: String(props.totalQuota ?? 4000),
    DRAIN_SECONDS: String(of.drainTimeout.toSeconds()),
    STOP_DRAIN_SECONDS: String(updateDrainSeconds(of.drainTimeout)),
    LIFECYCLE_HOOK: DRAIN_HOOK,
    AUTO_SCALING_GROUP: of.group.autoScalingGroupName,
    AWS_REGION: Stack.of(scope).region,
    METRICS_STACK: identity.stack,
    METRICS_PART: identity.part,
    ...(props.realm ? { TURN_REALM: props.realm } : {}),
    ...(props.turnHost ? { TURN_HOST: props.turnHost, TURN_TLS_PORT: '443' } : {}),
  };
  const logGroup = new logs.LogGroup(scope, 'Logs', { retention: props.logRetention ?? logs.RetentionDays.ONE_MONTH });
  const task = new ecs.Ec2TaskDefinition(scope, 'Task', { networkMode: ecs.NetworkMode.HOST });
  task.addVolume({ name: 'run' });
  const container = task.addContainer('turn', {
    image: props.image ?? serviceImage('turn', ecs.CpuArchitecture.ARM64),
    cpu: 512,
    memoryReservationMiB: 512,
    memoryLimitMiB: props.memoryLimitMiB ?? 1536,
    user: '10001:10001',
    environment: { ...described.environment, ...settings },
    secrets: described.secrets,
    logging: ecs.LogDriver.awsLogs({ logGroup, streamPrefix: 'turn', mode: ecs.AwsLogDriverMode.NON_BLOCKING }),
    readonlyRootFilesystem: true,
    linuxParameters: new ecs.LinuxParameters(scope, 'Linux', { initProcessEnabled: true }),
    // No stopTimeout: it is documented to 120 s. ECS_CONTAINER_STOP_TIMEOUT of the instance holds instead.
    ulimits: [{ name: ecs.UlimitName.NOFILE, softLimit: 262_144, hardLimit: 262_144 }],
    healthCheck: {
      command: nodeHealthCommand(part.healthArgument),
      interval: Duration.seconds(10),
      timeout: Duration.seconds(5),
      retries: 3,
      startPeriod: Duration.seconds(30),
    },
  });
  container.addMountPoints({ sourceVolume: 'run', containerPath: '/run/turn', readOnly: false });
  container.addPortMappings({ containerPort: part.port, protocol: ecs.Protocol.TCP });
  of.secret.grantRead(task.taskRole);
  task.taskRole.addToPrincipalPolicy(
    new iam.PolicyStatement({
      actions: ['autoscaling:CompleteLifecycleAction', 'autoscaling:RecordLifecycleActionHeartbeat'],
      resources: [
        Stack.of(scope).formatArn({
          service: 'autoscaling',
          resource: 'autoScalingGroup',
          // The middle of a group's ARN is an id that nobody knows before it exists; the name at the end is exact.
          resourceName: `*:autoScalingGroupName/${of.group.autoScalingGroupName}`,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ],
    }),
  );
  const group = Stack.of(scope).resolve((of.group.node.defaultChild as autoscaling.CfnAutoScalingGroup).logicalId);
  acknowledge(task, {
    'AwsSolutions-ECS2': 'Variables are settings only; secrets come from Secrets Manager.',
    ...ECR_TOKEN,
    [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:autoscaling:<AWS::Region>:<AWS::AccountId>:autoScalingGroup:*:autoScalingGroupName/<${group}>]`]:
      'The star stands for an id that AWS invents; the name after it is exactly this group.',
  });
  return task;
}
