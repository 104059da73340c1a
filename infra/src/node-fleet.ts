/** What {@link TurnFleet} and {@link MediaFleet} are made of alike: instances, one node on each, scaled by the nodes' own load. */
import { Duration } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { metricIdentity } from './metric-identity.ts';
import { NAMESPACE } from './metrics-collector.ts';
import { nodeDaemon } from './node-daemon.ts';
import { type NodeFleetProps, type NodeFleetRules, nodeCounts } from './node-fleet-props.ts';
import { nodeInstances } from './node-instances.ts';
import { smallestSize } from './scheduled-size.ts';

/** Which fleet this is. */
export interface NodeFleet {
  /** Name of the container, of the service in metrics, and of the image. */
  readonly name: 'turn' | 'media';
  /** A node, as descriptions on AWS say it. */
  readonly node: string;
  readonly rules: NodeFleetRules;
  readonly drainTimeout: Duration;
  readonly securityGroup: ec2.SecurityGroup;
  /** Ports above which the host takes none for itself. */
  readonly firstMediaPort: number;
  /** Shell commands at the first boot, besides those that every node needs. */
  readonly commands: readonly string[];
  /** The node's task, which needs the group for its drain. */
  readonly task: (group: autoscaling.AutoScalingGroup) => ecs.Ec2TaskDefinition;
}

/** A security group that lets the world in by these ports. @param why of cdk-nag's rule about open groups */
export function nodeSecurityGroup(
  scope: Construct,
  vpc: ec2.IVpc,
  of: { readonly description: string; readonly open: readonly (readonly [ec2.Port, string])[]; readonly why: string },
): ec2.SecurityGroup {
  const securityGroup = new ec2.SecurityGroup(scope, 'SecurityGroup', { vpc, description: of.description });
  for (const [port, what] of of.open) securityGroup.addIngressRule(ec2.Peer.anyIpv4(), port, what);
  acknowledge(securityGroup, {
    'AwsSolutions-EC23': of.why,
    'CloudFormation-Validate::W2508': 'It reads ports of media as those of databases, which are TCP; these are UDP.',
  });
  return securityGroup;
}

/** @returns what the construct makes public */
export function nodeFleet(scope: Construct, props: NodeFleetProps, of: NodeFleet) {
  const { min, max } = nodeCounts(props, of.rules);
  const schedules = props.schedules ?? [];
  const cluster = new ecs.Cluster(scope, 'Cluster', {
    vpc: props.vpc,
    containerInsightsV2: ecs.ContainerInsights.ENHANCED,
  });
  const autoScalingGroup = nodeInstances(scope, {
    container: of.name,
    description: `ECS agent of a ${of.node}`,
    vpc: props.vpc,
    cluster,
    securityGroup: of.securityGroup,
    instanceType: props.instanceType ?? new ec2.InstanceType(of.rules.instanceType),
    firstMediaPort: of.firstMediaPort,
    commands: of.commands,
    machineImage: props.machineImage,
    remoteShell: props.remoteShell ?? false,
    minNodes: min,
    maxNodes: max,
    schedules,
    drainTimeout: of.drainTimeout,
  });
  // The nodes' own measure of what fills them: half of it, so that the nodes of one zone less carry what all did.
  autoScalingGroup.scaleToTrackMetric('Load', {
    metric: nodeLoad(scope, of.name, { statistic: 'Average' }),
    targetValue: 0.5,
    estimatedInstanceWarmup: Duration.minutes(3),
  });
  const task = of.task(autoScalingGroup);
  const fewestNodes = smallestSize({ schedules, min, max }).min;
  const service = nodeDaemon(scope, { cluster, group: autoScalingGroup, task, fewestNodes });
  return { cluster, autoScalingGroup, service, grantPrincipal: task.taskRole };
}

/** A metric that the nodes of this fleet write. @param scope the fleet */
export function nodeMetric(
  scope: Construct,
  name: 'turn' | 'media',
  metricName: string,
  props?: cloudwatch.MetricOptions,
): cloudwatch.Metric {
  return new cloudwatch.Metric({
    namespace: NAMESPACE,
    metricName,
    period: Duration.minutes(1),
    dimensionsMap: metricIdentity(scope, name),
    ...props,
  }).attachTo(scope);
}

/** Share of a node's capacity in use, of the nodes that serve; the highest. */
export function nodeLoad(scope: Construct, name: 'turn' | 'media', props?: cloudwatch.MetricOptions) {
  return nodeMetric(scope, name, `${name}_load`, { statistic: 'Maximum', ...props });
}

/** Nodes that serve, as they say themselves each minute. */
export function nodesServing(scope: Construct, name: 'turn' | 'media', props?: cloudwatch.MetricOptions) {
  return nodeMetric(scope, name, `${name}_serving`, { statistic: 'Sum', ...props });
}

/** Nodes that drain while their instance stays in service, as they do for an update of the fleet; as they say themselves each minute. */
export function nodesDraining(scope: Construct, name: 'turn' | 'media', props?: cloudwatch.MetricOptions) {
  return nodeMetric(scope, name, `${name}_draining`, { statistic: 'Sum', ...props });
}

/** What the nodes send out together, Mbit/s: what their traffic costs (docs/capacity.md). Load says how much of it a node can. */
export function nodeTraffic(scope: Construct, name: 'turn' | 'media', props?: cloudwatch.MetricOptions) {
  return nodeMetric(scope, name, `${name}_mbps`, { statistic: 'Sum', ...props });
}
