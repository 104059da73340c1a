/** The task of a described service: its container, and the sidecar that collects its metrics. */
import { Duration } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { healthCommand } from '../topology/health-command.ts';
import type { ServicePart } from '../topology/index.ts';
import { acknowledge, ECR_TOKEN } from './acknowledge.ts';
import { type AwsPlace, containerEnvironment, overrideSettings } from './environment.ts';
import { metricIdentity } from './metric-identity.ts';
import { COLLECTOR_CPU, COLLECTOR_MIB, metricsCollector, OTLP_ENDPOINT } from './metrics-collector.ts';
import type { TaskServiceProps } from './realtime-service-props.ts';
import { serviceImage } from './service-image.ts';

export interface ServiceTaskOptions {
  readonly serviceName: 'auth' | 'signaling' | 'hooks' | 'captions';
  readonly described: ServicePart;
  readonly props: TaskServiceProps;
  readonly place: AwsPlace;
  readonly stopTimeout: Duration;
  /** Memory of the app's container, MiB. Default: what the collector leaves of the task's. */
  readonly appMiB: number | undefined;
  /** CPU units of the app's container. Default: what the collector leaves of the task's. */
  readonly appCpu: number | undefined;
}

export interface ServiceTask {
  readonly taskDefinition: ecs.FargateTaskDefinition;
  readonly container: ecs.ContainerDefinition;
}

export function serviceTask(scope: Construct, options: ServiceTaskOptions): ServiceTask {
  const { serviceName, described, props } = options;
  const cpu = props.cpu ?? 1024;
  const memoryLimitMiB = props.memoryLimitMiB ?? 2048;
  const cpuArchitecture = props.cpuArchitecture ?? ecs.CpuArchitecture.ARM64;
  const logGroup = new logs.LogGroup(scope, 'Logs', { retention: props.logRetention ?? logs.RetentionDays.ONE_MONTH });
  const taskDefinition = new ecs.FargateTaskDefinition(scope, 'Task', {
    cpu,
    memoryLimitMiB,
    runtimePlatform: { cpuArchitecture, operatingSystemFamily: ecs.OperatingSystemFamily.LINUX },
  });
  const container = taskDefinition.addContainer('app', {
    ...containerOptions(scope, options),
    logging: ecs.LogDriver.awsLogs({
      logGroup,
      streamPrefix: serviceName,
      // A full log pipe must never stall the event loop.
      mode: ecs.AwsLogDriverMode.NON_BLOCKING,
    }),
  });
  if (props.metrics ?? true)
    metricsCollector(taskDefinition, metricIdentity(scope, serviceName), {
      port: described.port,
      logGroup,
      image: props.collectorImage ?? serviceImage('collector', cpuArchitecture),
      traces: props.traces ?? false,
    });

  acknowledge(taskDefinition, {
    'AwsSolutions-ECS2': 'Variables are settings only; every secret comes from Secrets Manager when a task starts.',
    ...ECR_TOKEN,
  });
  return { taskDefinition, container };
}

function containerOptions(
  scope: Construct,
  { serviceName, described, props, place, stopTimeout, appMiB, appCpu }: ServiceTaskOptions,
): Omit<ecs.ContainerDefinitionOptions, 'logging'> {
  const memoryLimitMiB = props.memoryLimitMiB ?? 2048;
  const settings = overrideSettings(containerEnvironment(described, place), props);
  return {
    image: props.image ?? serviceImage(serviceName, props.cpuArchitecture ?? ecs.CpuArchitecture.ARM64),
    environment: {
      ...(props.traces ? { OTEL_EXPORTER_OTLP_ENDPOINT: OTLP_ENDPOINT } : {}),
      ...settings.environment,
    },
    secrets: settings.secrets,
    portMappings: [{ name: serviceName, containerPort: described.port, appProtocol: ecs.AppProtocol.http }],
    readonlyRootFilesystem: !(props.remoteShell ?? false),
    // The image's own user; said here too, so that another image cannot run as root by accident.
    user: '10001:10001',
    // Without a number it would have a sixteenth of the collector's share where both want the processor: ECS makes 2 of none.
    cpu: appCpu ?? (props.cpu ?? 1024) - ((props.metrics ?? true) ? COLLECTOR_CPU : 0),
    memoryLimitMiB: appMiB ?? ((props.metrics ?? true) ? memoryLimitMiB - COLLECTOR_MIB : memoryLimitMiB),
    linuxParameters: new ecs.LinuxParameters(scope, 'Linux', { initProcessEnabled: true }),
    stopTimeout,
    healthCheck: {
      command: healthCommand(described.port, described.startupPath),
      interval: Duration.seconds(10),
      timeout: Duration.seconds(5),
      retries: 3,
      startPeriod: Duration.seconds(120),
    },
    ulimits: [{ name: ecs.UlimitName.NOFILE, softLimit: 262_144, hardLimit: 262_144 }],
  };
}
