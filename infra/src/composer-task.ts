import { Duration } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { ComposerConfig } from '../recording-composer/src/config.ts';
import { topology } from '../topology/index.ts';
import { acknowledge, ECR_TOKEN } from './acknowledge.ts';
import { containerEnvironment } from './environment.ts';
import { metricIdentity } from './metric-identity.ts';
import { DEFAULT_DISK, type RecordingsProps } from './recordings-props.ts';
import { serviceImage } from './service-image.ts';

/** One run: composes what waits, and ends. */
export function composerTask(scope: Construct, props: RecordingsProps, place: string): ecs.FargateTaskDefinition {
  const cpuArchitecture = props.cpuArchitecture ?? ecs.CpuArchitecture.ARM64;
  const memoryLimitMiB = props.memoryLimitMiB ?? 4096;
  const logGroup = new logs.LogGroup(scope, 'Logs', { retention: props.logRetention ?? logs.RetentionDays.ONE_MONTH });
  const task = new ecs.FargateTaskDefinition(scope, 'Task', {
    cpu: props.cpu ?? 2048,
    memoryLimitMiB,
    ephemeralStorageGiB: (props.disk ?? DEFAULT_DISK).toGibibytes(),
    runtimePlatform: { cpuArchitecture, operatingSystemFamily: ecs.OperatingSystemFamily.LINUX },
  });
  task.addVolume({ name: 'work' });
  const { stack, part } = metricIdentity(scope, 'composer');
  const { environment } = containerEnvironment(topology.composer, { from: { recordings: place }, secrets: {} });
  const settings: Partial<Record<keyof ComposerConfig, string>> = {
    WORK_DIR: '/work',
    METRICS_STACK: stack,
    METRICS_PART: part,
  };
  const container = task.addContainer('composer', {
    image: props.image ?? serviceImage('composer', cpuArchitecture),
    memoryLimitMiB,
    environment: { ...environment, ...settings },
    logging: ecs.LogDriver.awsLogs({ logGroup, streamPrefix: 'composer' }),
    readonlyRootFilesystem: true,
    user: '10001:10001',
    linuxParameters: new ecs.LinuxParameters(scope, 'Linux', { initProcessEnabled: true }),
    stopTimeout: Duration.seconds(30),
  });
  container.addMountPoints({ sourceVolume: 'work', containerPath: '/work', readOnly: false });
  acknowledge(task, { 'AwsSolutions-ECS2': 'Variables are settings only; there is no secret.', ...ECR_TOKEN });
  return task;
}
