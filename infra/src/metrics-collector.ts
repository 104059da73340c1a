import { Duration, Stack } from 'aws-cdk-lib';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as logs from 'aws-cdk-lib/aws-logs';
import { acknowledge } from './acknowledge.ts';
import type { metricIdentity } from './metric-identity.ts';

/** Memory of the sidecar, MiB. */
export const COLLECTOR_MIB = 128;
/** Its CPU units: what it gets where all containers of the task want more than there is. */
export const COLLECTOR_CPU = 32;

/** CloudWatch namespace of everything that the services count themselves. */
export const NAMESPACE = 'Tandem';

/** Where a service sends its spans: the containers of a Fargate task share the loopback interface. */
export const OTLP_ENDPOINT = 'http://127.0.0.1:4318';

/** What the sidecar reads and writes. */
export interface Collector {
  /** Port of the service's /metrics. */
  readonly port: number;
  readonly logGroup: logs.ILogGroup;
  readonly image: ecs.ContainerImage;
  /** Take spans on {@link OTLP_ENDPOINT} and send them to CloudWatch. */
  readonly traces: boolean;
}

/**
 * A sidecar that reads `/metrics` of the service once a minute and writes embedded metrics to the log group. It is not
 * essential: when it dies the service goes on. But a task starts with all of its images or not at all (ECS guide, "CannotPullContainer task errors in
 * Amazon ECS"), so this one comes from the registry of the service's own.
 */
export function metricsCollector(
  task: ecs.TaskDefinition,
  identity: ReturnType<typeof metricIdentity>,
  { port, logGroup, image, traces }: Collector,
): void {
  const stack = Stack.of(task);
  task.addContainer('collector', {
    image,
    essential: false,
    // Without it the task would serve on, and say nothing of itself until it is replaced.
    enableRestartPolicy: true,
    restartAttemptPeriod: Duration.minutes(1),
    cpu: COLLECTOR_CPU,
    memoryReservationMiB: 64,
    memoryLimitMiB: COLLECTOR_MIB,
    readonlyRootFilesystem: true,
    environment: {
      AOT_CONFIG_CONTENT: stack.toJsonString(collectorConfig(stack, identity, { port, logGroup, traces })),
    },
    logging: ecs.LogDriver.awsLogs({ logGroup, streamPrefix: 'collector', mode: ecs.AwsLogDriverMode.NON_BLOCKING }),
  });
  logGroup.grantWrite(task.taskRole);
  if (!traces) return;
  // CloudWatch guide, "OTLP endpoints": this policy.
  task.taskRole.addManagedPolicy(iam.ManagedPolicy.fromAwsManagedPolicyName('AWSXrayWriteOnlyAccess'));
  acknowledge(task, {
    'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AWSXrayWriteOnlyAccess]':
      'The policy that the guide of the OTLP endpoint names; writing spans knows no resources.',
  });
}

/** The collector's own configuration. JSON is YAML too, and needs no escaping rules of its own. */
function collectorConfig(
  stack: Stack,
  identity: ReturnType<typeof metricIdentity>,
  { port, logGroup, traces }: Omit<Collector, 'image'>,
): object {
  return {
    extensions: { health_check: {}, ...(traces ? { sigv4auth: { region: stack.region, service: 'xray' } } : {}) },
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
      ...(traces ? { otlp: { protocols: { http: { endpoint: new URL(OTLP_ENDPOINT).host } } } } : {}),
    },
    processors: {
      batch: {},
      // The exporter does so for counters itself, and would write a histogram's sum and count since the start. Its `initial_value` is
      // `auto` (README of cumulativetodeltaprocessor): the first point of a series is dropped unless it began after the collector, so
      // services write theirs as zero from the start (packages/service/src/call-kpis.ts).
      cumulativetodelta: { include: { match_type: 'strict', metrics: ['tandem_call_setup_seconds'] } },
    },
    exporters: exporters(stack, identity, { logGroup, traces }),
    service: {
      extensions: ['health_check', ...(traces ? ['sigv4auth'] : [])],
      pipelines: {
        metrics: { receivers: ['prometheus'], processors: ['cumulativetodelta', 'batch'], exporters: ['awsemf'] },
        ...(traces ? { traces: { receivers: ['otlp'], processors: ['batch'], exporters: ['otlphttp'] } } : {}),
      },
      telemetry: { logs: { level: 'warn' } },
    },
  };
}

function exporters(
  stack: Stack,
  identity: ReturnType<typeof metricIdentity>,
  { logGroup, traces }: Pick<Collector, 'logGroup' | 'traces'>,
): object {
  return {
    awsemf: {
      namespace: NAMESPACE,
      region: stack.region,
      log_group_name: logGroup.logGroupName,
      log_stream_name: `metrics-${identity.service}-{TaskId}`,
      // One metric per service, not per task or label: custom metrics are paid for each combination.
      dimension_rollup_option: 'NoDimensionRollup',
      // A counter is written as its growth, and the exporter drops the first value of each series otherwise: the first failure of
      // each kind, or all of a rare one. (opentelemetry-collector-contrib, exporter/awsemfexporter/config.go,
      // RetainInitialValueOfDeltaMetric: by default the first value is no delta and is not sent.)
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
        // Of the other metrics with a reason no alarm asks for one.
        {
          dimensions: [['service', 'stack', 'part', 'reason']],
          metric_name_selectors: ['^tandem_media_assignments_total$', '^tandem_captions_refused_total$'],
        },
      ],
      resource_to_telemetry_conversion: { enabled: false },
    },
    // Not `awsxray`: it is deprecated, and X-Ray drops W3C trace ids from it, which hold no time (README of awsxrayexporter).
    ...(traces
      ? {
          otlphttp: {
            traces_endpoint: `https://xray.${stack.region}.${stack.urlSuffix}/v1/traces`,
            auth: { authenticator: 'sigv4auth' },
          },
        }
      : {}),
  };
}
