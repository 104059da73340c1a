import { Duration } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import * as elb from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { topology } from '../topology/index.ts';
import { mediaFirewallCommands } from '../topology/media-firewall.ts';
import { packagerFirewallCommands } from '../topology/packager-firewall.ts';
import { acknowledge } from './acknowledge.ts';
import { firewallUnit } from './firewall-unit.ts';
import { letIn } from './let-in.ts';
import { checkMediaFleet, MEDIA_FLEET, type MediaFleetProps } from './media-fleet-props.ts';
import { mediaTask } from './media-task.ts';
import {
  nodeFleet,
  nodeLoad,
  nodeMetric,
  nodeSecurityGroup,
  nodesDraining,
  nodesServing,
  nodeTraffic,
} from './node-fleet.ts';

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
  /** Rooms that each node makes HLS of at once. */
  readonly packagers: number;
  private readonly vpc: ec2.IVpc;

  constructor(scope: Construct, id: string, props: MediaFleetProps) {
    super(scope, id);
    checkMediaFleet(props);
    this.vpc = props.vpc;
    this.packagers = props.packagers ?? 0;
    const drainTimeout = props.drainTimeout ?? Duration.minutes(5);
    this.secret = props.secret ?? this.newSecret();
    const [low, high] = topology.media.mediaPorts;
    const securityGroup = nodeSecurityGroup(this, props.vpc, {
      description: topology.media.description,
      open: [[ec2.Port.udpRange(low, high), 'Media']],
      why: 'Callers send media from anywhere; what has no ICE credentials of the room is not answered.',
    });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup] });
    letIn(securityGroup, props.directory.connections, 'Media node to directory');
    const fleet = nodeFleet(this, props, {
      name: 'media',
      node: 'media node',
      rules: MEDIA_FLEET,
      drainTimeout,
      securityGroup,
      firstMediaPort: low,
      commands: firewallUnit('media-firewall', [
        ...mediaFirewallCommands({ ports: topology.media.mediaPorts }),
        ...(props.packagers ? packagerFirewallCommands() : []),
      ]),
      task: (group) => mediaTask(this, props, { group, secret: this.secret, drainTimeout }),
    });
    this.cluster = fleet.cluster;
    this.autoScalingGroup = fleet.autoScalingGroup;
    this.service = fleet.service;
    this.grantPrincipal = fleet.grantPrincipal;
    props.recordings?.grantRecord(this);
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

  /**
   * Target group of the nodes for streams over HTTP (/whip, /whep), for a load balancer of yours in the same VPC. Health is liveness: a node that
   * drains refuses new streams itself, and ECS would stop a node that its target group calls unhealthy before its rooms have moved.
   */
  createTargetGroup(scope: Construct, id: string): elb.ApplicationTargetGroup {
    const { port, livePath } = topology.media;
    return new elb.ApplicationTargetGroup(scope, id, {
      vpc: this.vpc,
      port,
      protocol: elb.ApplicationProtocol.HTTP,
      // The nodes are on the host's network.
      targetType: elb.TargetType.INSTANCE,
      // The longest request is one that a node passes on: 20 s.
      deregistrationDelay: Duration.seconds(30),
      loadBalancingAlgorithmType: elb.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
      healthCheck: {
        path: livePath,
        interval: Duration.seconds(10),
        timeout: Duration.seconds(5),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 3,
        healthyHttpCodes: '200',
      },
      targets: [this.service.loadBalancerTarget({ containerName: 'media', containerPort: port })],
    });
  }

  /** Share of a node's capacity in use, of the nodes that take rooms; the highest. */
  metricLoad(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return nodeLoad(this, 'media', props);
  }

  /** Nodes that take rooms, as they say themselves each minute. */
  metricServing(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return nodesServing(this, 'media', props);
  }

  /** Nodes that drain while their instance stays in service: for an update of the fleet. */
  metricDraining(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return nodesDraining(this, 'media', props);
  }

  /** What all nodes send out, Mbit/s: 0.45 GB an hour of each. */
  metricTraffic(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return nodeTraffic(this, 'media', props);
  }

  /** Rooms served now, all nodes. */
  metricRooms(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('media_rooms', { statistic: 'Sum', ...props });
  }

  /** Engines that ended by themselves. */
  metricEnginesLost(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('media_engines_lost', { statistic: 'Sum', ...props });
  }

  /** Rooms that draining nodes gave to another one. Those of lost nodes are counted by signaling (docs/kpis.md, rooms given to media nodes). */
  metricRoomsMoved(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('media_rooms_moved', { statistic: 'Sum', ...props });
  }

  /** Connections of people and viewers now, all nodes: one to send, one to receive. */
  metricLegs(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('media_legs', { statistic: 'Sum', ...props });
  }

  /** Encoders that stream now, all nodes. */
  metricStreams(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('media_streams', { statistic: 'Sum', ...props });
  }

  /** Viewers of streams now, all nodes. */
  metricViewers(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('media_viewers', { statistic: 'Sum', ...props });
  }

  /** Requests of encoders that the nodes could not serve (5xx). */
  metricPublishFailures(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('media_publish_failures', { statistic: 'Sum', ...props });
  }

  /** Requests of viewers that the nodes could not serve (5xx), neither by WebRTC nor by HLS: full, or away. */
  metricWatchFailures(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('media_watch_failures', { statistic: 'Sum', ...props });
  }

  /** Rooms that are made HLS of now, all nodes. */
  metricPackagers(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('media_packagers', { statistic: 'Sum', ...props });
  }

  /** Times that a packager ended by itself, or did nothing. */
  metricPackagerFailures(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('media_packager_failures', { statistic: 'Sum', ...props });
  }

  /** What viewers of the live page waited for their first picture, ms; mean of the nodes' means. */
  metricFirstPicture(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('media_first_picture_ms', { statistic: 'Average', ...props });
  }

  /** Any metric that the nodes write. */
  metric(metricName: string, props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return nodeMetric(this, 'media', metricName, props);
  }
}
