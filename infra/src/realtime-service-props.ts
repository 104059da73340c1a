import type { Duration } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type * as servicediscovery from 'aws-cdk-lib/aws-servicediscovery';
import type { ScheduledSize } from './scheduled-size.ts';
import type { CacheAccess } from './session-cache.ts';

/** What all services on Fargate have in common. */
export interface TaskServiceProps {
  /** Where tasks run. */
  readonly vpc: ec2.IVpc;
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
   * Fewest and most tasks by the clock.
   * @default - one size at all times
   */
  readonly schedules?: ScheduledSize[];
  /**
   * How long a task may drain after SIGTERM. Fargate allows 120 s at most.
   * @default Duration.seconds(120)
   */
  readonly stopTimeout?: Duration;
  /**
   * How long the load balancer keeps the connections of a leaving task open. Not above stopTimeout: the task would be gone. Signaling moves its sockets within it, of which some break below 25 s, and
   * below 81 s where ECS leaves one question of the task without an answer.
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
   * @default - AWS Distro for OpenTelemetry, put into the account's ECR when deployed: a task does not start without any one of its images
   */
  readonly collectorImage?: ecs.ContainerImage;
  /**
   * Allow people with the right (`ecs:ExecuteCommand`) to run a program in a task (our images hold no shell: `--command node`). Its file system is then writable, which the agent of ECS Exec needs.
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

/** What SignalingService, AuthService and HooksService have in common. */
export interface RealtimeServiceProps extends TaskServiceProps {
  /** The shared state. */
  readonly cache: CacheAccess;
}
