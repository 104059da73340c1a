import { Duration, Stack } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { nodeHealthCommand } from '../topology/health-command.ts';
import { CONTAINER_USER } from '../topology/relay-firewall.ts';
import { acknowledge, ECR_TOKEN } from './acknowledge.ts';
import { groupArn, groupArnReason } from './group-arn.ts';
import { metricIdentity } from './metric-identity.ts';
import { DRAIN_HOOK } from './node-instances.ts';
import { serviceImage } from './service-image.ts';

export interface NodeTask {
  readonly name: 'turn' | 'media';
  readonly group: autoscaling.AutoScalingGroup;
  readonly image: ecs.ContainerImage | undefined;
  readonly cpu: number;
  readonly memoryReservationMiB: number;
  readonly memoryLimitMiB: number;
  readonly logRetention: logs.RetentionDays | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, ecs.Secret>>;
  /** Argument of the program that asks a running node. */
  readonly healthProgram: string;
}

/** What runs on each instance, on the host's network: a node's program, its drain told to the group. */
export function nodeTask(
  scope: Construct,
  of: NodeTask,
): { readonly task: ecs.Ec2TaskDefinition; readonly container: ecs.ContainerDefinition } {
  const stack = Stack.of(scope);
  const identity = metricIdentity(scope, of.name);
  const logGroup = new logs.LogGroup(scope, 'Logs', { retention: of.logRetention ?? logs.RetentionDays.ONE_MONTH });
  const task = new ecs.Ec2TaskDefinition(scope, 'Task', { networkMode: ecs.NetworkMode.HOST });
  task.addVolume({ name: 'run' });
  const container = task.addContainer(of.name, {
    image: of.image ?? serviceImage(of.name, ecs.CpuArchitecture.ARM64),
    cpu: of.cpu,
    memoryReservationMiB: of.memoryReservationMiB,
    memoryLimitMiB: of.memoryLimitMiB,
    user: `${CONTAINER_USER}:${CONTAINER_USER}`,
    environment: {
      ...of.environment,
      LIFECYCLE_HOOK: DRAIN_HOOK,
      AUTO_SCALING_GROUP: of.group.autoScalingGroupName,
      AWS_REGION: stack.region,
      METRICS_STACK: identity.stack,
      METRICS_PART: identity.part,
    },
    secrets: { ...of.secrets },
    logging: ecs.LogDriver.awsLogs({ logGroup, streamPrefix: of.name, mode: ecs.AwsLogDriverMode.NON_BLOCKING }),
    readonlyRootFilesystem: true,
    linuxParameters: new ecs.LinuxParameters(scope, 'Linux', { initProcessEnabled: true }),
    // No stopTimeout: it is documented to 120 s. ECS_CONTAINER_STOP_TIMEOUT of the instance holds instead.
    ulimits: [{ name: ecs.UlimitName.NOFILE, softLimit: 262_144, hardLimit: 262_144 }],
    healthCheck: {
      command: nodeHealthCommand(of.healthProgram),
      interval: Duration.seconds(10),
      timeout: Duration.seconds(5),
      retries: 3,
      startPeriod: Duration.seconds(30),
    },
  });
  container.addMountPoints({ sourceVolume: 'run', containerPath: `/run/${of.name}`, readOnly: false });
  task.taskRole.addToPrincipalPolicy(
    new iam.PolicyStatement({
      actions: ['autoscaling:CompleteLifecycleAction', 'autoscaling:RecordLifecycleActionHeartbeat'],
      resources: [groupArn(of.group)],
    }),
  );
  acknowledge(task, {
    'AwsSolutions-ECS2': 'Variables are settings only; secrets come from Secrets Manager.',
    ...ECR_TOKEN,
    ...groupArnReason(of.group),
  });
  return { task, container };
}
