import { Duration } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { MediaNodeConfig } from '../media-node/src/config.ts';
import { topology } from '../topology/index.ts';
import { acknowledge } from './acknowledge.ts';
import { containerEnvironment } from './environment.ts';
import { checkMediaFleet, type MediaFleetProps } from './media-fleet-props.ts';
import { metricIdentity } from './metric-identity.ts';
import { NAMESPACE } from './metrics-collector.ts';
import { nodeDaemon } from './node-daemon.ts';
import { nodeInstances } from './node-instances.ts';
import { nodeTask } from './node-task.ts';
import { cachePlace } from './place.ts';

/**
 * Media nodes over the zones: Janus and its agent, one node an instance, each with a public address of its own. Rooms that are too large
 * for a mesh are served by one of them, and so is their media. A node that leaves moves its rooms to others first.
 */
export class MediaFleet extends Construct implements ec2.IConnectable, iam.IGrantable {
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

  constructor(scope: Construct, id: string, props: MediaFleetProps) {
    super(scope, id);
    checkMediaFleet(props);
    const part = topology.media;
    const { vpc } = props;
    const minNodes = props.minNodes ?? 2;
    const maxNodes = props.maxNodes ?? Math.max(20, minNodes);
    const drainTimeout = props.drainTimeout ?? Duration.minutes(5);
    this.secret = props.secret ?? this.newSecret();

    const securityGroup = new ec2.SecurityGroup(this, 'SecurityGroup', { vpc, description: part.description });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup] });
    const [low, high] = part.mediaPorts;
    securityGroup.addIngressRule(ec2.Peer.anyIpv4(), ec2.Port.udpRange(low, high), 'Media');
    acknowledge(securityGroup, {
      'AwsSolutions-EC23': 'Callers send media from anywhere; what has no ICE credentials of the room is not answered.',
    });
    props.directory.connections?.allowDefaultPortFrom(this, 'Media node to directory');

    this.cluster = new ecs.Cluster(this, 'Cluster', { vpc, containerInsightsV2: ecs.ContainerInsights.ENHANCED });
    this.autoScalingGroup = nodeInstances(this, {
      container: 'media',
      description: 'ECS agent of a media node',
      vpc,
      cluster: this.cluster,
      securityGroup,
      instanceType: props.instanceType ?? ec2.InstanceType.of(ec2.InstanceClass.C7GN, ec2.InstanceSize.LARGE),
      machineImage: props.machineImage,
      remoteShell: props.remoteShell ?? false,
      minNodes,
      maxNodes,
      drainTimeout,
      firstMediaPort: low,
      commands: [],
    });
    // The nodes' own measure of CPU, traffic and legs: half of it, so that the nodes of one zone less carry what all did.
    this.autoScalingGroup.scaleToTrackMetric('Load', {
      metric: this.metricLoad({ statistic: 'Average' }),
      targetValue: 0.5,
      estimatedInstanceWarmup: Duration.minutes(3),
    });
    const described = containerEnvironment(part, {
      from: { 'cache-url': props.directory.url, 'signaling-url': props.signalingUrl, 'auth-url': props.authUrl },
      secrets: { ...cachePlace(props.directory), 'media-secret': ecs.Secret.fromSecretsManager(this.secret) },
    });
    const settings: Partial<Record<keyof MediaNodeConfig, string>> = {
      DRAIN_SECONDS: String(drainTimeout.toSeconds()),
      ...(props.nodeMbps === undefined ? {} : { NODE_MBPS: String(props.nodeMbps) }),
      ...(props.maxLegs === undefined ? {} : { MAX_LEGS: String(props.maxLegs) }),
      ...(props.maxPublishers === undefined ? {} : { MAX_PUBLISHERS: String(props.maxPublishers) }),
    };
    const { task } = nodeTask(this, {
      name: 'media',
      group: this.autoScalingGroup,
      image: props.image,
      cpu: 1024,
      memoryReservationMiB: 1024,
      memoryLimitMiB: props.memoryLimitMiB ?? 3072,
      logRetention: props.logRetention,
      environment: { ...described.environment, ...settings },
      secrets: described.secrets,
      healthArgument: part.healthArgument,
    });
    this.grantPrincipal = task.taskRole;
    this.service = nodeDaemon(this, { cluster: this.cluster, group: this.autoScalingGroup, task, minNodes });
  }

  private newSecret(): secretsmanager.Secret {
    const secret = new secretsmanager.Secret(this, 'Secret', {
      description: 'Shared by auth and media nodes',
      generateSecretString: { excludePunctuation: true, passwordLength: 43 },
    });
    acknowledge(secret, {
      'AwsSolutions-SMG4':
        'Both sides read it when they start: a rotation by itself would part them. Replace the construct’s secret instead.',
    });
    return secret;
  }

  /** Share of a node's capacity in use, of the nodes that take rooms; the highest. */
  metricLoad(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('media_load', { statistic: 'Maximum', ...props });
  }

  /** Nodes that take rooms, as they say themselves each minute. */
  metricServing(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('media_serving', { statistic: 'Sum', ...props });
  }

  /** Rooms served now, all nodes. */
  metricRooms(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('media_rooms', { statistic: 'Sum', ...props });
  }

  /** Engines that ended by themselves. */
  metricEnginesLost(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('media_engines_lost', { statistic: 'Sum', ...props });
  }

  /** Rooms that moved to another node: drains, and nodes that were lost. */
  metricRoomsMoved(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('media_rooms_moved', { statistic: 'Sum', ...props });
  }

  /** Any metric that the nodes write. */
  metric(metricName: string, props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: NAMESPACE,
      metricName,
      period: Duration.minutes(1),
      dimensionsMap: metricIdentity(this, 'media'),
      ...props,
    }).attachTo(this);
  }
}
