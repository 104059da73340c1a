import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ArnFormat, Duration, Stack, Token } from 'aws-cdk-lib';
import * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elb from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { topology } from '../topology/index.ts';
import { acknowledge, ECR_TOKEN } from './acknowledge.ts';
import { check, checkDomain, checkInteger, checkSeconds } from './check.ts';
import { NAMESPACE } from './metrics-collector.ts';
import { imagesFolder, repository } from './paths.ts';
import type { CacheAccess } from './session-cache.ts';
import { DENIED_PEERS } from './turn-peers.ts';
import { TurnSecret } from './turn-secret.ts';

/** Properties of {@link TurnFleet}. */
export interface TurnFleetProps {
  /** A VPC with public subnets; each node has a public address of its own. */
  readonly vpc: ec2.IVpc;
  /**
   * Where nodes write themselves down, as {@link TurnDirectory.access}.
   * @default - no directory; tell your auth the addresses by `turnHost`
   */
  readonly directory?: CacheAccess;
  /**
   * The shared secret with auth: JSON with `sign` (what auth signs with) and `accept` (what nodes take besides).
   * @default - generated, and rotated every `secretRotation`
   */
  readonly secret?: secretsmanager.ISecret;
  /**
   * How often the generated secret rotates.
   * @default Duration.days(30)
   */
  readonly secretRotation?: Duration;
  /**
   * Realm.
   * @default 'tandem'
   */
  readonly realm?: string;
  /**
   * Name of the fleet for `turns:`, with `certificate`. Point it at {@link TurnFleet.tlsLoadBalancer}.
   * @default - no TLS
   */
  readonly turnHost?: string;
  /**
   * Certificate of `turnHost`, in this region. TLS ends at a network load balancer, so that no node holds a private key.
   * @default - no TLS
   */
  readonly certificate?: acm.ICertificate;
  /**
   * Instance type; network-optimised ones carry more per unit of money.
   * @default - c7gn.medium
   */
  readonly instanceType?: ec2.InstanceType;
  /**
   * Fewest nodes.
   * @default 3
   */
  readonly minNodes?: number;
  /**
   * Most nodes.
   * @default 30
   */
  readonly maxNodes?: number;
  /**
   * What a node carries before it counts as full, Mbit/s out. Scaling holds half of it.
   * @default 1500 - of c7gn.medium's 3.125 Gbit/s baseline; measure yours
   */
  readonly nodeMbps?: number;
  /**
   * Most bytes a second of one allocation.
   * @default 375000 - 3 Mbit/s
   */
  readonly maxBytesPerSecond?: number;
  /**
   * Allocations of one user.
   * @default 12
   */
  readonly userQuota?: number;
  /**
   * Allocations of one node. The relay range has 16,384 ports.
   * @default 4000
   */
  readonly totalQuota?: number;
  /**
   * Memory of the container, MiB; the instance needs about 300 more.
   * @default 1536 - of c7gn.medium's 2 GiB
   */
  readonly memoryLimitMiB?: number;
  /**
   * Refuse deletion of the load balancer for turns:.
   * @default true
   */
  readonly deletionProtection?: boolean;
  /**
   * How long a leaving node may wait for its calls to end.
   * @default Duration.hours(2)
   */
  readonly drainTimeout?: Duration;
  /**
   * The container with coturn and the node agent.
   * @default - built from infra/turn-node when deployed
   */
  readonly image?: ecs.ContainerImage;
  /**
   * How long logs are kept.
   * @default ONE_MONTH
   */
  readonly logRetention?: logs.RetentionDays;
}

const HOOK = 'drain';

/**
 * coturn over the zones, one node an instance, each with a public address of its own: media never passes a load balancer.
 * A node writes itself into the directory, leaves it before it goes, and waits for its calls to end.
 */
export class TurnFleet extends Construct implements ec2.IConnectable, iam.IGrantable {
  /** Instances. */
  readonly autoScalingGroup: autoscaling.AutoScalingGroup;
  /** The daemon that runs one node on each instance. */
  readonly service: ecs.Ec2Service;
  /** Cluster of the fleet. */
  readonly cluster: ecs.Cluster;
  /** Security group of the instances. */
  readonly connections: ec2.Connections;
  /** The task role. */
  readonly grantPrincipal: iam.IPrincipal;
  /** The shared secret with auth. */
  readonly secret: secretsmanager.ISecret;
  /** TLS 443 and 5349 to the nodes' TCP listener; undefined without a certificate. */
  readonly tlsLoadBalancer?: elb.NetworkLoadBalancer;
  /** Comma-separated URIs that are known before any node lives: the `turns:` name, or nothing. */
  readonly turnUris: string;

  constructor(scope: Construct, id: string, props: TurnFleetProps) {
    super(scope, id);
    checkProps(props);
    const part = topology.turn;
    const [low, high] = part.relayPorts;
    const minNodes = props.minNodes ?? 3;
    const maxNodes = props.maxNodes ?? Math.max(30, minNodes);
    const nodeMbps = props.nodeMbps ?? 1500;
    const drainTimeout = props.drainTimeout ?? Duration.hours(2);
    this.secret =
      props.secret ?? new TurnSecret(this, 'Secret', { rotation: props.secretRotation ?? Duration.days(30) }).secret;

    const securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', {
      vpc: props.vpc,
      description: part.description,
    });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup], defaultPort: ec2.Port.tcp(part.port) });
    const anyone = [ec2.Peer.anyIpv4()];
    for (const peer of anyone) {
      securityGroup.addIngressRule(peer, ec2.Port.udp(part.port), 'TURN and STUN over UDP');
      securityGroup.addIngressRule(peer, ec2.Port.tcp(part.port), 'TURN over TCP');
      securityGroup.addIngressRule(peer, ec2.Port.udpRange(low, high), 'Relayed media');
    }
    props.directory?.connections?.allowDefaultPortFrom(this, 'TURN node to directory');

    this.cluster = new ecs.Cluster(this, 'Cluster', {
      vpc: props.vpc,
      containerInsightsV2: ecs.ContainerInsights.ENHANCED,
    });
    const role = new iam.Role(this, 'InstanceRole', {
      assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
      description: 'ECS agent of a TURN node',
    });
    const userData = ec2.UserData.forLinux();
    userData.addCommands(
      `cat >> /etc/ecs/ecs.config <<'END'`,
      `ECS_CLUSTER=${this.cluster.clusterName}`,
      // A drained node waits for its calls; the agent must not kill it before.
      `ECS_CONTAINER_STOP_TIMEOUT=${drainTimeout.toSeconds()}s`,
      'ECS_ENABLE_TASK_IAM_ROLE=true',
      'ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST=true',
      'END',
      // Bursts of media must not be lost in small socket buffers; relayed flows are many and short.
      `cat > /etc/sysctl.d/60-turn.conf <<'END'`,
      'net.core.rmem_max=16777216',
      'net.core.wmem_max=16777216',
      'net.core.netdev_max_backlog=5000',
      `net.ipv4.ip_local_port_range=10240 ${low - 1}`,
      'END',
      'sysctl --system',
    );
    const template = new ec2.LaunchTemplate(this, 'Template', {
      instanceType: props.instanceType ?? ec2.InstanceType.of(ec2.InstanceClass.C7GN, ec2.InstanceSize.MEDIUM),
      machineImage: ecs.EcsOptimizedImage.amazonLinux2023(ecs.AmiHardwareType.ARM),
      role,
      securityGroup,
      userData,
      associatePublicIpAddress: true,
      requireImdsv2: true,
      httpPutResponseHopLimit: 1,
      httpTokens: ec2.LaunchTemplateHttpTokens.REQUIRED,
      detailedMonitoring: true,
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: ec2.BlockDeviceVolume.ebs(30, { encrypted: true, volumeType: ec2.EbsDeviceVolumeType.GP3 }),
        },
      ],
    });
    this.autoScalingGroup = new autoscaling.AutoScalingGroup(this, 'Instances', {
      vpc: props.vpc,
      vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
      launchTemplate: template,
      minCapacity: minNodes,
      maxCapacity: maxNodes,
      // Default is half an hour for the whole group, which a drain outlives.
      updatePolicy: autoscaling.UpdatePolicy.rollingUpdate({
        maxBatchSize: 1,
        minInstancesInService: minNodes < maxNodes ? minNodes : minNodes - 1,
        pauseTime: Duration.minutes(5),
        suspendProcesses: [
          autoscaling.ScalingProcess.AZ_REBALANCE,
          autoscaling.ScalingProcess.ALARM_NOTIFICATION,
          autoscaling.ScalingProcess.SCHEDULED_ACTIONS,
        ],
      }),
      newInstancesProtectedFromScaleIn: false,
      groupMetrics: [autoscaling.GroupMetrics.all()],
      terminationPolicies: [
        autoscaling.TerminationPolicy.OLDEST_LAUNCH_TEMPLATE,
        autoscaling.TerminationPolicy.DEFAULT,
      ],
    });
    // Written as L1: the L2 hook brings a Lambda or topic, and here the node itself answers.
    new autoscaling.CfnLifecycleHook(this, 'DrainHook', {
      lifecycleHookName: HOOK,
      autoScalingGroupName: this.autoScalingGroup.autoScalingGroupName,
      lifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
      // The agent renews it each minute; when the agent is dead there is nothing to wait for.
      heartbeatTimeout: 300,
      defaultResult: 'CONTINUE',
    });
    this.autoScalingGroup.scaleOnOutgoingBytes('NetworkOut', {
      // Half of what a node carries, so that two of three zones carry what three did.
      targetBytesPerSecond: (nodeMbps * 1_000_000) / 8 / 2,
      estimatedInstanceWarmup: Duration.minutes(3),
    });

    const logGroup = new logs.LogGroup(this, 'Logs', { retention: props.logRetention ?? logs.RetentionDays.ONE_MONTH });
    const task = new ecs.Ec2TaskDefinition(this, 'Task', { networkMode: ecs.NetworkMode.HOST });
    task.addVolume({ name: 'run' });
    const container = task.addContainer('turn', {
      image: props.image ?? turnNodeImage(),
      cpu: 512,
      memoryReservationMiB: 512,
      memoryLimitMiB: props.memoryLimitMiB ?? 1536,
      user: '10002:10002',
      environment: {
        TURN_REALM: props.realm ?? 'tandem',
        TURN_SECRET_ID: this.secret.secretArn,
        TURN_PORT: String(part.port),
        RELAY_MIN_PORT: String(low),
        RELAY_MAX_PORT: String(high),
        NODE_MBPS: String(nodeMbps),
        MAX_BYTES_PER_SECOND: String(props.maxBytesPerSecond ?? 375_000),
        USER_QUOTA: String(props.userQuota ?? 12),
        TOTAL_QUOTA: String(props.totalQuota ?? 4000),
        DENIED_PEERS: DENIED_PEERS.join(','),
        DRAIN_SECONDS: String(drainTimeout.toSeconds()),
        LIFECYCLE_HOOK: HOOK,
        AUTO_SCALING_GROUP: this.autoScalingGroup.autoScalingGroupName,
        AWS_REGION: Stack.of(this).region,
        METRICS_STACK: Stack.of(this).stackName,
        ...(props.turnHost ? { TURN_HOST: props.turnHost, TURN_TLS_PORT: '443' } : {}),
        ...(props.directory ? { REDIS_URL: props.directory.url } : {}),
      },
      secrets: props.directory?.secret
        ? {
            REDIS_USERNAME: ecs.Secret.fromSecretsManager(props.directory.secret, 'username'),
            REDIS_PASSWORD: ecs.Secret.fromSecretsManager(props.directory.secret, 'password'),
          }
        : {},
      logging: ecs.LogDriver.awsLogs({ logGroup, streamPrefix: 'turn', mode: ecs.AwsLogDriverMode.NON_BLOCKING }),
      readonlyRootFilesystem: true,
      linuxParameters: new ecs.LinuxParameters(this, 'Linux', { initProcessEnabled: true }),
      stopTimeout: drainTimeout,
      ulimits: [{ name: ecs.UlimitName.NOFILE, softLimit: 262_144, hardLimit: 262_144 }],
      healthCheck: {
        command: ['CMD', 'node', '/app/turn-node.mjs', 'health'],
        interval: Duration.seconds(10),
        timeout: Duration.seconds(5),
        retries: 3,
        startPeriod: Duration.seconds(30),
      },
    });
    container.addMountPoints({ sourceVolume: 'run', containerPath: '/run/turn', readOnly: false });
    container.addPortMappings({ containerPort: part.port, protocol: ecs.Protocol.TCP });
    this.secret.grantRead(task.taskRole);
    task.taskRole.addToPrincipalPolicy(
      new iam.PolicyStatement({
        actions: ['autoscaling:CompleteLifecycleAction', 'autoscaling:RecordLifecycleActionHeartbeat'],
        resources: [
          Stack.of(this).formatArn({
            service: 'autoscaling',
            resource: 'autoScalingGroup',
            // The middle of a group's ARN is an id that nobody knows before it exists; the name at the end is exact.
            resourceName: `*:autoScalingGroupName/${this.autoScalingGroup.autoScalingGroupName}`,
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
          }),
        ],
      }),
    );
    this.grantPrincipal = task.taskRole;
    const nodes = new ecs.AsgCapacityProvider(this, 'Capacity', {
      autoScalingGroup: this.autoScalingGroup,
      // The group scales itself on traffic; ECS only places one node on each instance.
      enableManagedScaling: false,
      enableManagedTerminationProtection: false,
      enableManagedDraining: false,
    });
    // Its own drain hook would give a relay five minutes and needs a Lambda; ours waits for the calls.
    // (The option works and is left out of the types, as a deprecated one.)
    const noDrain: { readonly taskDrainTime: Duration } = { taskDrainTime: Duration.seconds(0) };
    this.cluster.addAsgCapacityProvider(nodes, noDrain as ecs.AddAutoScalingGroupCapacityOptions);
    this.explain(role, task);
    this.service = new ecs.Ec2Service(this, 'Nodes', {
      cluster: this.cluster,
      taskDefinition: task,
      daemon: true,
      // The host's ports are one node's: the old one drains before the new one starts, a few at a time.
      minHealthyPercent: 66,
      maxHealthyPercent: 100,
      circuitBreaker: { enable: true, rollback: true },
      enableECSManagedTags: true,
      propagateTags: ecs.PropagatedTagSource.SERVICE,
    });
    this.service.node.addDependency(this.autoScalingGroup);

    this.turnUris = props.turnHost ? `turns:${props.turnHost}:443?transport=tcp` : '';
    if (props.certificate)
      this.tlsLoadBalancer = this.tls(
        props.vpc,
        props.certificate,
        securityGroup,
        drainTimeout,
        props.deletionProtection ?? true,
      );
  }

  /** Relays open now, all nodes. */
  metricAllocations(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('turn_allocations', { statistic: 'Sum', ...props });
  }

  /** Share of a node's capacity in use, highest. */
  metricLoad(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('turn_load', { statistic: 'Maximum', ...props });
  }

  /** Nodes that serve, as they say themselves each minute. */
  metricServing(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('turn_serving', { statistic: 'Sum', ...props });
  }

  /** Any metric that the nodes write. */
  metric(metricName: string, props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: NAMESPACE,
      metricName,
      period: Duration.minutes(1),
      dimensionsMap: { service: 'turn', stack: Stack.of(this).stackName },
      ...props,
    }).attachTo(this);
  }

  /** Why the rules of cdk-nag that are left do not apply. */
  private explain(role: iam.Role, task: ecs.Ec2TaskDefinition): void {
    const group = Stack.of(this).resolve(
      (this.autoScalingGroup.node.defaultChild as autoscaling.CfnAutoScalingGroup).logicalId,
    );
    acknowledge(this.connections.securityGroups[0] ?? this, {
      'AwsSolutions-EC23':
        'A relay is public; it admits who has fresh credentials, and denies every private range as peer.',
    });
    acknowledge(this.autoScalingGroup, {
      'AwsSolutions-AS3': 'Alarms watch serving nodes and load; each scaling event as mail would hide them.',
    });
    acknowledge(role, {
      'AwsSolutions-IAM5[Resource::*]':
        'The ECS agent registers and polls; those actions know no resources, CDK bounds the rest to the cluster.',
      'AwsSolutions-IAM5[Action::ecs:Submit*]':
        'ecs:SubmitTaskStateChange and its two siblings, bounded to the cluster.',
    });
    acknowledge(task, {
      'AwsSolutions-ECS2': 'Variables are settings only; secrets come from Secrets Manager.',
      ...ECR_TOKEN,
      [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:autoscaling:<AWS::Region>:<AWS::AccountId>:autoScalingGroup:*:autoScalingGroupName/<${group}>]`]:
        'The star stands for an id that AWS invents; the name after it is exactly this group.',
    });
  }

  private tls(
    vpc: ec2.IVpc,
    certificate: acm.ICertificate,
    nodes: ec2.SecurityGroup,
    drain: Duration,
    deletionProtection: boolean,
  ): elb.NetworkLoadBalancer {
    const ports = [443, topology.turn.tlsPort];
    const securityGroup = new ec2.SecurityGroup(this, 'TlsSecurityGroup', {
      vpc,
      description: 'turns: over TLS',
      allowAllOutbound: false,
    });
    for (const port of ports) securityGroup.addIngressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(port), 'TURN over TLS');
    securityGroup.addEgressRule(nodes, ec2.Port.tcp(topology.turn.port), 'to the nodes');
    const balancer = new elb.NetworkLoadBalancer(this, 'Tls', {
      vpc,
      internetFacing: true,
      deletionProtection,
      crossZoneEnabled: true,
      vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
      securityGroups: [securityGroup],
    });
    acknowledge(securityGroup, { 'AwsSolutions-EC23': 'A relay is public; it admits who has fresh credentials.' });
    acknowledge(balancer, {
      'AwsSolutions-ELB2':
        'The nodes log allocations; TLS connection logs would hold addresses of callers and say no more.',
    });
    const group = new elb.NetworkTargetGroup(this, 'TlsNodes', {
      vpc,
      port: topology.turn.port,
      protocol: elb.Protocol.TCP,
      targetType: elb.TargetType.INSTANCE,
      // 3600 s is the most a target group takes.
      deregistrationDelay: Duration.seconds(Math.min(3600, drain.toSeconds())),
      connectionTermination: false,
      preserveClientIp: true,
      healthCheck: { protocol: elb.Protocol.TCP, interval: Duration.seconds(10) },
    });
    this.autoScalingGroup.attachToNetworkTargetGroup(group);
    for (const port of ports)
      balancer.addListener(`Port${port}`, {
        port,
        protocol: elb.Protocol.TLS,
        certificates: [certificate],
        sslPolicy: elb.SslPolicy.TLS13_RES,
        defaultTargetGroups: [group],
      });
    return balancer;
  }
}

function turnNodeImage(): ecs.ContainerImage {
  const folder = repository ? join(repository, 'infra', 'turn-node') : join(imagesFolder, 'turn-node');
  check(existsSync(join(folder, 'Dockerfile')), 'TurnFleet', 'image', `no Dockerfile in ${folder}`, 'pass image');
  return repository
    ? ecs.ContainerImage.fromAsset(repository, { file: 'infra/turn-node/Dockerfile', platform: Platform.LINUX_ARM64 })
    : ecs.ContainerImage.fromAsset(folder, { platform: Platform.LINUX_ARM64 });
}

function checkProps(props: TurnFleetProps): void {
  const kind = 'TurnFleet';
  check(
    Token.isUnresolved(props.vpc.vpcId) || props.vpc.publicSubnets.length > 0,
    kind,
    'vpc',
    'it has no public subnets, and relays need public addresses',
    'a VPC with a public subnet in each zone',
  );
  checkDomain(kind, 'turnHost', props.turnHost);
  check(
    (props.certificate === undefined) === (props.turnHost === undefined),
    kind,
    props.certificate ? 'turnHost' : 'certificate',
    'turnHost and certificate go together',
    'give both or neither',
  );
  checkInteger(kind, 'minNodes', props.minNodes, 1, 1000);
  checkInteger(kind, 'maxNodes', props.maxNodes, 1, 1000);
  if (props.maxNodes !== undefined)
    check(
      props.maxNodes >= (props.minNodes ?? 3),
      kind,
      'maxNodes',
      `${props.maxNodes} is below minNodes (${props.minNodes ?? 3})`,
      'at least minNodes',
    );
  checkInteger(kind, 'nodeMbps', props.nodeMbps, 1, 200_000);
  checkInteger(kind, 'maxBytesPerSecond', props.maxBytesPerSecond, 8_000, 125_000_000);
  checkInteger(kind, 'userQuota', props.userQuota, 1, 1000);
  const [low, high] = topology.turn.relayPorts;
  checkInteger(kind, 'totalQuota', props.totalQuota, 1, high - low + 1);
  checkSeconds(kind, 'drainTimeout', props.drainTimeout, 60, 48 * 3600, 'a lifecycle hook lasts 48 h at most');
  checkSeconds(kind, 'secretRotation', props.secretRotation, 4 * 3600, 365 * 86_400, "Secrets Manager's limits");
  check(
    props.realm === undefined || Token.isUnresolved(props.realm) || /^[a-z0-9.-]{1,127}$/.test(props.realm),
    kind,
    'realm',
    `"${props.realm}" does not fit`,
    'lower-case letters, digits, dots and hyphens',
  );
  if (props.instanceType)
    check(
      Token.isUnresolved(props.instanceType.toString()) ||
        props.instanceType.architecture === ec2.InstanceArchitecture.ARM_64,
      kind,
      'instanceType',
      `${props.instanceType.toString()} is not Graviton, and the image is built for it`,
      'a type such as c7gn.medium',
    );
}
