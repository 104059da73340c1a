import { Stack } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { COLLECTOR_IMAGE } from './base-images.ts';
import type { metricIdentity } from './metric-identity.ts';

/** Memory of the sidecar, MiB. */
export const COLLECTOR_MIB = 128;

/** CloudWatch namespace of everything that the services count themselves. */
export const NAMESPACE = 'Tandem';

/**
 * A sidecar that reads `/metrics` of the service once a minute and writes embedded metrics to the log group. It is not
 * essential: when it dies the service goes on.
 */
export function metricsCollector(
  task: ecs.TaskDefinition,
  identity: ReturnType<typeof metricIdentity>,
  port: number,
  logGroup: logs.ILogGroup,
  image?: ecs.ContainerImage,
): void {
  const stack = Stack.of(task);
  // JSON is YAML too, and needs no escaping rules of its own.
  const config = {
    extensions: { health_check: {} },
    receivers: {
      prometheus: {
        config: {
          scrape_configs: [
            {
              job_name: identity.service,
              scrape_interval: '60s',
              static_configs: [{ targets: [`127.0.0.1:${port}`], labels: { ...identity } }],
            },
          ],
        },
      },
    },
    processors: {
      batch: {},
      // The exporter does so for counters itself, and would write a histogram's sum and count since the start.
      cumulativetodelta: { include: { match_type: 'strict', metrics: ['tandem_call_setup_seconds'] } },
    },
    exporters: {
      awsemf: {
        namespace: NAMESPACE,
        region: stack.region,
        log_group_name: logGroup.logGroupName,
        log_stream_name: `metrics-${identity.service}-{TaskId}`,
        // One metric per service, not per task or label: custom metrics are paid for each combination.
        dimension_rollup_option: 'NoDimensionRollup',
        // A counter is written as its growth, and the exporter drops the first value of each series otherwise: the first failure of
        // each kind, or all of a rare one.
        retain_initial_value_of_delta_metric: true,
        metric_declarations: [
          {
            dimensions: [
              ['service', 'stack', 'part'],
              ['service', 'stack', 'part', 'outcome'],
              ['service', 'stack', 'part', 'dropped'],
              ['service', 'stack', 'part', 'path'],
            ],
            metric_name_selectors: ['^tandem_.*', '^nodejs_eventloop_lag_p99_seconds$'],
          },
        ],
        resource_to_telemetry_conversion: { enabled: false },
      },
    },
    service: {
      extensions: ['health_check'],
      pipelines: {
        metrics: { receivers: ['prometheus'], processors: ['cumulativetodelta', 'batch'], exporters: ['awsemf'] },
      },
      telemetry: { logs: { level: 'warn' } },
    },
  };
  task.addContainer('collector', {
    image: image ?? ecs.ContainerImage.fromRegistry(COLLECTOR_IMAGE),
    essential: false,
    cpu: 32,
    memoryReservationMiB: 64,
    memoryLimitMiB: COLLECTOR_MIB,
    readonlyRootFilesystem: true,
    environment: { AOT_CONFIG_CONTENT: stack.toJsonString(config) },
    logging: ecs.LogDriver.awsLogs({ logGroup, streamPrefix: 'collector', mode: ecs.AwsLogDriverMode.NON_BLOCKING }),
  });
  logGroup.grantWrite(task.taskRole);
}
