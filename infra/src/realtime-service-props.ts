import { Duration, Token } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as servicediscovery from 'aws-cdk-lib/aws-servicediscovery';
import type { TObject } from 'typebox';
import { check, checkGiven, checkInteger, checkSeconds } from './check.ts';
import { checkCacheUrl } from './check-cache-url.ts';
import { checkSettings } from './check-settings.ts';
import type { CacheAccess } from './session-cache.ts';

/** What SignalingService and AuthService have in common. */
export interface RealtimeServiceProps {
  /** Where tasks run. */
  readonly vpc: ec2.IVpc;
  /** The shared state. */
  readonly cache: CacheAccess;
  /**
   * Cluster to run in.
   * @default - a new one with enhanced Container Insights
   */
  readonly cluster?: ecs.ICluster;
  /**
   * Subnets of the tasks.
   * @default - private subnets with egress
   */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /**
   * Give tasks a public address; needed in public subnets of a VPC without NAT.
   * @default false
   */
  readonly assignPublicIp?: boolean;
  /**
   * The container.
   * @default - built from this repository's Dockerfile, or from the bundle in the packed package, when deployed
   */
  readonly image?: ecs.ContainerImage;
  /**
   * Processor.
   * @default ARM64 (Graviton)
   */
  readonly cpuArchitecture?: ecs.CpuArchitecture;
  /**
   * CPU units, 1024 is one processor.
   * @default 1024
   */
  readonly cpu?: number;
  /**
   * Memory, MiB.
   * @default 2048
   */
  readonly memoryLimitMiB?: number;
  /**
   * Fewest tasks.
   * @default 3
   */
  readonly minTasks?: number;
  /**
   * Most tasks.
   * @default 30
   */
  readonly maxTasks?: number;
  /**
   * How long a task may drain after SIGTERM. Fargate allows 120 s at most.
   * @default Duration.seconds(120)
   */
  readonly stopTimeout?: Duration;
  /**
   * How long the load balancer keeps the connections of a leaving task open. Not above stopTimeout: the task would be gone.
   * @default - stopTimeout
   */
  readonly deregistrationDelay?: Duration;
  /**
   * Average CPU that scaling holds, percent.
   * @default 50
   */
  readonly targetCpuPercent?: number;
  /**
   * More variables for the container; they win over the described ones. Names and meanings: the app's src/config.ts.
   * @default - none
   */
  readonly environment?: { readonly [name: string]: string };
  /**
   * More secrets for the container.
   * @default - none
   */
  readonly secrets?: { readonly [name: string]: ecs.Secret };
  /**
   * Private DNS namespace under which other parts find the service.
   * @default - not registered
   */
  readonly namespace?: servicediscovery.IPrivateDnsNamespace;
  /**
   * How long logs are kept.
   * @default ONE_MONTH
   */
  readonly logRetention?: logs.RetentionDays;
  /**
   * Sidecar that reads the service's /metrics and writes CloudWatch metrics. Null is not possible in all languages: use `metrics: false`.
   * @default - AWS Distro for OpenTelemetry
   */
  readonly collectorImage?: ecs.ContainerImage;
  /**
   * Allow people with the right (`ecs:ExecuteCommand`) to open a shell in a task. Its file system is then writable, which the agent of ECS Exec needs.
   * @default false
   */
  readonly remoteShell?: boolean;
  /**
   * Send traces of sampled calls to CloudWatch (its OTLP endpoint), by the sidecar. Needs `metrics`, and Transaction Search turned on in the account.
   * Share of calls: `OTEL_TRACES_SAMPLER_ARG`.
   * @default false
   */
  readonly traces?: boolean;
  /**
   * Run the metrics sidecar.
   * @default true
   */
  readonly metrics?: boolean;
}

/** Memory that Fargate offers for each CPU size, MiB: lowest, highest, step. AWS "Task CPU and memory". */
const FARGATE: Record<number, [number, number, number]> = {
  256: [512, 2048, 512],
  512: [1024, 4096, 1024],
  1024: [2048, 8192, 1024],
  2048: [4096, 16384, 1024],
  4096: [8192, 30720, 1024],
  8192: [16384, 61440, 4096],
  16384: [32768, 122880, 8192],
};

/** @throws Error naming the property and the fix */
export function checkServiceProps(kind: string, props: RealtimeServiceProps, config: TObject): void {
  checkGiven(kind, props, 'vpc', 'cache');
  checkCacheUrl(kind, 'cache', props.cache.url);
  checkSettings(kind, config, props);
  const cpu = props.cpu ?? 1024;
  const memory = props.memoryLimitMiB ?? 2048;
  if (!Token.isUnresolved(cpu)) {
    const sizes = FARGATE[cpu];
    check(sizes !== undefined, kind, 'cpu', `Fargate has no ${cpu}`, `one of ${Object.keys(FARGATE).join(', ')}`);
    if (sizes && !Token.isUnresolved(memory)) {
      const [low, high, step] = sizes;
      const fits = memory >= low && memory <= high && ((memory - low) % step === 0 || (cpu === 256 && memory === 1024));
      check(
        fits,
        kind,
        'memoryLimitMiB',
        `${memory} MiB does not go with ${cpu} CPU units on Fargate`,
        `${low} to ${high} in steps of ${step}`,
      );
    }
  }
  check(
    props.vpcSubnets !== undefined || props.vpc.privateSubnets.length > 0,
    kind,
    'vpcSubnets',
    'the VPC has no private subnets with egress',
    'name others; public ones with assignPublicIp: true',
  );
  check(
    !props.traces || (props.metrics ?? true),
    kind,
    'traces',
    'the sidecar sends the traces, and it is off',
    'metrics: true',
  );
  checkInteger(kind, 'minTasks', props.minTasks, 1, 5000);
  checkInteger(kind, 'maxTasks', props.maxTasks, 1, 5000);
  if (props.maxTasks !== undefined && !Token.isUnresolved(props.maxTasks))
    check(
      props.maxTasks >= (props.minTasks ?? 3),
      kind,
      'maxTasks',
      `${props.maxTasks} is below minTasks (${props.minTasks ?? 3})`,
      'at least minTasks',
    );
  checkSeconds(kind, 'stopTimeout', props.stopTimeout, 2, 120, "Fargate's limit");
  const stop = props.stopTimeout ?? Duration.seconds(120);
  if (!stop.isUnresolved())
    checkSeconds(
      kind,
      'deregistrationDelay',
      props.deregistrationDelay,
      0,
      stop.toSeconds({ integral: false }),
      'a task is gone after its stopTimeout',
    );
  checkInteger(kind, 'targetCpuPercent', props.targetCpuPercent, 10, 90);
  for (const name of Object.keys(props.environment ?? {}))
    check(
      /^[A-Z][A-Z0-9_]*$/.test(name) && !/(SECRET|PASSWORD|API_KEYS)/.test(name),
      kind,
      'environment',
      `${name} is not fit for a plain variable`,
      'upper case with underscores; secrets go to `secrets`',
    );
}
