import { Duration, Tokenization } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elb from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as servicediscovery from 'aws-cdk-lib/aws-servicediscovery';
import { Construct } from 'constructs';
import type { ServicePart } from '../topology/index.ts';
import { check } from './check.ts';
import { checkServiceProps } from './check-service-props.ts';
import type { AwsPlace } from './environment.ts';
import { letIn } from './let-in.ts';
import { metricIdentity } from './metric-identity.ts';
import { NAMESPACE } from './metrics-collector.ts';
import type { RealtimeServiceProps, TaskServiceProps } from './realtime-service-props.ts';
import { scheduleTasks } from './scheduled-size.ts';
import { serviceTask } from './service-task.ts';
import { startAfterRights } from './start-after-rights.ts';

/** What a task must know of the load balancer before it. */
function withDelay({ from, secrets }: AwsPlace, delay: Duration): AwsPlace {
  return { from: { ...from, 'deregistration-delay': Tokenization.stringifyNumber(delay.toSeconds()) }, secrets };
}

/** A described service on Fargate: what SignalingService, AuthService, HooksService and CaptionsService have in common. */
export abstract class RealtimeService extends Construct implements ec2.IConnectable, iam.IGrantable {
  /** The ECS service, for anything not offered here. */
  readonly service: ecs.FargateService;
  /** Its task definition. */
  readonly taskDefinition: ecs.FargateTaskDefinition;
  /** The application's container. */
  readonly container: ecs.ContainerDefinition;
  /** The cluster it runs in. */
  readonly cluster: ecs.ICluster;
  /** Security group with the service's port as default. */
  readonly connections: ec2.Connections;
  /** The task role. */
  readonly grantPrincipal: iam.IPrincipal;
  /** Task scaling, to add policies. */
  readonly scaling: ecs.ScalableTaskCount;
  /** Port the container listens on. */
  readonly port: number;
  /** Liveness path: asks no dependency. */
  readonly healthPath: string;
  /** Path prefixes that belong to the service at the edge. */
  readonly routes: string[];
  /** Name in metrics and in DNS. */
  readonly serviceName: string;
  /** How long the load balancer keeps connections of a leaving task. */
  readonly deregistrationDelay: Duration;
  private readonly vpc: ec2.IVpc;
  private readonly namespace: servicediscovery.IPrivateDnsNamespace | undefined;

  /** @internal */
  protected constructor(
    scope: Construct,
    id: string,
    kind: string,
    serviceName: 'auth' | 'signaling' | 'hooks' | 'captions',
    part: unknown,
    props: TaskServiceProps,
    place: unknown,
    appCpu?: number,
    appMiB?: number,
  ) {
    super(scope, id);
    const described = part as ServicePart;
    this.vpc = props.vpc;
    this.namespace = props.namespace;
    this.serviceName = serviceName;
    this.port = described.port;
    this.healthPath = described.livePath;
    this.routes = [...described.routes];
    checkServiceProps(kind, props, described.config);
    const stopTimeout = props.stopTimeout ?? Duration.seconds(120);
    this.deregistrationDelay = props.deregistrationDelay ?? stopTimeout;
    this.cluster =
      props.cluster ??
      new ecs.Cluster(this, 'Cluster', { vpc: props.vpc, containerInsightsV2: ecs.ContainerInsights.ENHANCED });
    const { taskDefinition, container } = serviceTask(this, {
      serviceName,
      described,
      props,
      place: withDelay(place as AwsPlace, this.deregistrationDelay),
      stopTimeout,
      appMiB,
      appCpu,
    });
    this.taskDefinition = taskDefinition;
    this.container = container;
    const securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: props.vpc,
      description: described.description,
      // What calls addresses that others choose, and what runs a program of another party, says itself where it may go.
      allowAllOutbound: serviceName !== 'hooks' && serviceName !== 'captions',
    });
    this.service = this.fargateService(props, securityGroup);
    startAfterRights(this.service, taskDefinition);
    this.connections = new ec2.Connections({
      securityGroups: [securityGroup],
      defaultPort: ec2.Port.tcp(described.port),
    });
    this.grantPrincipal = this.taskDefinition.taskRole;
    letIn(securityGroup, (props as Partial<RealtimeServiceProps>).cache?.connections, `${serviceName} to cache`);

    this.scaling = this.taskScaling(props);
  }

  /**
   * Name and port under which others in the VPC reach it, such as `auth.tandem.internal:8081`; their security group has to be let in. It works while the stack is
   * still being deployed, as no public name does.
   * @throws Error without the property `namespace`
   */
  get internalAddress(): string {
    const { namespace, serviceName, port } = this;
    check(
      namespace !== undefined,
      this.constructor.name,
      'namespace',
      'internalAddress is asked for, but the service is in no namespace',
      "namespace: new servicediscovery.PrivateDnsNamespace(stack, 'Namespace', { vpc, name: 'tandem.internal' })",
    );
    return `${serviceName}.${namespace?.namespaceName}:${port}`;
  }

  private fargateService(props: TaskServiceProps, securityGroup: ec2.SecurityGroup): ecs.FargateService {
    return new ecs.FargateService(this, 'Service', {
      cluster: this.cluster,
      taskDefinition: this.taskDefinition,
      securityGroups: [securityGroup],
      vpcSubnets: props.vpcSubnets ?? { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
      assignPublicIp: props.assignPublicIp ?? false,
      // No desiredCount: each change of the service would set it again and take a busy service down to its fewest tasks. A new service
      // starts with one, and scaling raises it to minTasks at once.
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { enable: true, rollback: true },
      availabilityZoneRebalancing: ecs.AvailabilityZoneRebalancing.ENABLED,
      enableExecuteCommand: props.remoteShell ?? false,
      enableECSManagedTags: true,
      propagateTags: ecs.PropagatedTagSource.SERVICE,
      ...(props.namespace
        ? {
            cloudMapOptions: {
              name: this.serviceName,
              cloudMapNamespace: props.namespace,
              dnsTtl: Duration.seconds(10),
            },
          }
        : {}),
    });
  }

  private taskScaling(props: TaskServiceProps): ecs.ScalableTaskCount {
    const minTasks = props.minTasks ?? 3;
    const maxTasks = props.maxTasks ?? Math.max(30, minTasks);
    const scaling = this.service.autoScaleTaskCount({ minCapacity: minTasks, maxCapacity: maxTasks });
    scaling.scaleOnCpuUtilization('Cpu', {
      targetUtilizationPercent: props.targetCpuPercent ?? 50,
      scaleOutCooldown: Duration.seconds(60),
      // Each scale-in moves live sockets: seldom, and never before the last drain ended.
      scaleInCooldown: Duration.minutes(10),
    });
    scheduleTasks(scaling, props.schedules ?? [], maxTasks);
    return scaling;
  }

  /**
   * A target group for a load balancer of yours: health on liveness, deregistration that fits the drain, least outstanding
   * requests, no stickiness.
   */
  createTargetGroup(scope: Construct, id: string): elb.ApplicationTargetGroup {
    const group = new elb.ApplicationTargetGroup(scope, id, {
      vpc: this.vpc,
      port: this.port,
      protocol: elb.ApplicationProtocol.HTTP,
      targetType: elb.TargetType.IP,
      deregistrationDelay: this.deregistrationDelay,
      loadBalancingAlgorithmType: elb.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
      healthCheck: {
        path: this.healthPath,
        interval: Duration.seconds(10),
        timeout: Duration.seconds(5),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 3,
        healthyHttpCodes: '200',
      },
      targets: [this.service.loadBalancerTarget({ containerName: 'app', containerPort: this.port })],
    });
    return group;
  }

  /** Roll a deployment back while one of these alarms. None may watch this very service's name: that would be a circle. */
  rollBackOn(...alarms: cloudwatch.IAlarm[]): void {
    // enableDeploymentAlarms says of each alarm, past silencing, that it may make a circle; a test looks for circles in the template.
    (this.service.node.defaultChild as ecs.CfnService).addPropertyOverride('DeploymentConfiguration.Alarms', {
      AlarmNames: alarms.map((alarm) => alarm.alarmName),
      Enable: true,
      Rollback: true,
    });
  }

  /** Any metric of the service's own /metrics, as the collector writes it (namespace Tandem). */
  metric(metricName: string, props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: NAMESPACE,
      metricName,
      dimensionsMap: metricIdentity(this, this.serviceName),
      ...props,
    }).attachTo(this);
  }

  /** Average CPU of the tasks, percent. */
  metricCpu(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.service.metricCpuUtilization(props);
  }

  /** Average memory of the tasks, percent. */
  metricMemory(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.service.metricMemoryUtilization(props);
  }

  /** Tasks that run. Needs Container Insights on the cluster. */
  metricRunningTasks(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metricOfTasks('RunningTaskCount', { statistic: 'Minimum', ...props });
  }

  /** Tasks that are wanted: by scaling, and one before it is there. Needs Container Insights on the cluster. */
  metricDesiredTasks(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metricOfTasks('DesiredTaskCount', { statistic: 'Maximum', ...props });
  }

  private metricOfTasks(metricName: string, props: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: 'ECS/ContainerInsights',
      metricName,
      dimensionsMap: { ClusterName: this.cluster.clusterName, ServiceName: this.service.serviceName },
      period: Duration.minutes(1),
      ...props,
    }).attachTo(this);
  }
}
