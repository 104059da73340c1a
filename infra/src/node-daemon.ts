import { Duration } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import { startAfterRights } from './start-after-rights.ts';

export interface NodeDaemon {
  readonly cluster: ecs.Cluster;
  readonly group: autoscaling.AutoScalingGroup;
  readonly task: ecs.Ec2TaskDefinition;
  /** Fewest at any time. */
  readonly fewestNodes: number;
}

/** One task on each instance of the group; an update drains half of them at a time. */
export function nodeDaemon(scope: Construct, of: NodeDaemon): ecs.Ec2Service {
  const nodes = new ecs.AsgCapacityProvider(scope, 'Capacity', {
    autoScalingGroup: of.group,
    // The group scales itself on its nodes' load; ECS only places one node on each instance.
    enableManagedScaling: false,
    enableManagedTerminationProtection: false,
    enableManagedDraining: false,
  });
  // Its own drain hook would give a node five minutes and needs a Lambda; ours waits for the calls.
  // (The option works and is left out of the types, as a deprecated one.)
  const noDrain: { readonly taskDrainTime: Duration } = { taskDrainTime: Duration.seconds(0) };
  of.cluster.addAsgCapacityProvider(nodes, noDrain as ecs.AddAutoScalingGroupCapacityOptions);
  const service = new ecs.Ec2Service(scope, 'Nodes', {
    cluster: of.cluster,
    taskDefinition: of.task,
    daemon: true,
    // The host's ports are one node's: the old one drains before the new one starts, half of the fleet at a time.
    // ECS rounds up: of one node any percentage is the one node, and the update would never begin.
    minHealthyPercent: of.fewestNodes === 1 ? 0 : 50,
    maxHealthyPercent: 100,
    circuitBreaker: { enable: true, rollback: true },
    enableECSManagedTags: true,
    propagateTags: ecs.PropagatedTagSource.SERVICE,
  });
  service.node.addDependency(of.group);
  startAfterRights(service, of.task);
  return service;
}
