import { Duration } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as elb from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { topology } from '../topology/index.ts';
import { relayFirewallCommands } from '../topology/relay-firewall.ts';
import { firewallUnit } from './firewall-unit.ts';
import { letIn } from './let-in.ts';
import {
  nodeFleet,
  nodeLoad,
  nodeMetric,
  nodeSecurityGroup,
  nodesDraining,
  nodesServing,
  nodeTraffic,
} from './node-fleet.ts';
import { checkTurnFleet, TURN_FLEET, type TurnFleetProps } from './turn-fleet-props.ts';
import { TurnSecret } from './turn-secret.ts';
import { turnTask } from './turn-task.ts';
import { turnTls } from './turn-tls.ts';

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
    checkTurnFleet(props);
    const part = topology.turn;
    const { vpc } = props;
    const nodeMbps = props.nodeMbps ?? 1500;
    const drainTimeout = props.drainTimeout ?? Duration.hours(2);
    this.secret =
      props.secret ??
      new TurnSecret(this, 'Secret', { rotation: props.secretRotation, logRetention: props.logRetention }).secret;
    const [low, high] = part.relayPorts;
    const securityGroup = nodeSecurityGroup(this, vpc, {
      description: part.description,
      open: [
        [ec2.Port.udp(part.port), 'TURN and STUN over UDP'],
        [ec2.Port.tcp(part.port), 'TURN over TCP'],
        [ec2.Port.udpRange(low, high), 'Relayed media'],
      ],
      why: 'A relay is public; it admits who has fresh credentials, and denies every private range as peer.',
    });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup], defaultPort: ec2.Port.tcp(part.port) });
    letIn(securityGroup, props.directory?.connections, 'TURN node to directory');
    const fleet = nodeFleet(this, props, {
      name: 'turn',
      node: 'TURN node',
      rules: TURN_FLEET,
      drainTimeout,
      securityGroup,
      firstMediaPort: low,
      commands: firewallUnit('relay-firewall', relayFirewallCommands({ ports: topology.turn.relayPorts })),
      task: (group) => turnTask(this, props, { group, secret: this.secret, nodeMbps, drainTimeout }),
    });
    this.cluster = fleet.cluster;
    this.autoScalingGroup = fleet.autoScalingGroup;
    this.service = fleet.service;
    this.grantPrincipal = fleet.grantPrincipal;

    this.turnUris = props.turnHost ? `turns:${props.turnHost}:443?transport=tcp` : '';
    if (props.certificate)
      this.tlsLoadBalancer = turnTls(this, this.autoScalingGroup, securityGroup, props.certificate, drainTimeout, {
        vpc,
        deletionProtection: props.deletionProtection ?? true,
      });
  }

  /** Relays open now, all nodes. */
  metricAllocations(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric('turn_allocations', { statistic: 'Sum', ...props });
  }

  /** Share of a node's capacity in use, of the nodes that serve; the highest. */
  metricLoad(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return nodeLoad(this, 'turn', props);
  }

  /** Nodes that serve, as they say themselves each minute. */
  metricServing(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return nodesServing(this, 'turn', props);
  }

  /** Nodes that drain while their instance stays in service: for an update of the fleet. */
  metricDraining(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return nodesDraining(this, 'turn', props);
  }

  /** What all nodes send out, Mbit/s: 0.45 GB an hour of each. */
  metricTraffic(props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return nodeTraffic(this, 'turn', props);
  }

  /** Any metric that the nodes write. */
  metric(metricName: string, props?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return nodeMetric(this, 'turn', metricName, props);
  }
}
