/** Alarms of a fleet of nodes: too few serve, and an instance in service whose node does not. */
import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { AlarmTarget } from './alarm-target.ts';
import type { MediaFleet } from './media-fleet.ts';
import type { TurnFleet } from './turn-fleet.ts';

/** Words of one fleet. */
export interface NodeAlarms {
  /** First part of the alarms' names. */
  readonly title: 'Turn' | 'Media';
  readonly node: string;
  readonly runbook: string;
  /** Fewer nodes that serve alarm. */
  readonly minHealthy: number;
}

export function nodeAlarms(to: AlarmTarget, fleet: TurnFleet | MediaFleet, of: NodeAlarms): void {
  to.addAlarm(
    `${of.title}Nodes`,
    `Fewer than ${of.minHealthy} ${of.node}s serve, those that drain for an update included.`,
    of.runbook,
    servingOrUpdated(fleet),
    { threshold: of.minHealthy, below: true, missingIsBad: true },
  );
  // A quarter of an hour: an instance is in service for some minutes before its node is, and ECS starts a dead node again meanwhile.
  to.addAlarm(
    `${of.title}NodeIdle`,
    `An instance is in service and its ${of.node} does not serve: the directory does not take it, or what it runs is dead.`,
    of.runbook,
    idleNodes(fleet),
    { threshold: 0, periods: 15 },
  );
}

const period = Duration.minutes(1);

/**
 * An update of the fleet lets half of its nodes drain at a time (node-daemon.ts), each for as long as its calls last, up to 55 minutes (node-instances.ts): nothing is
 * broken then. Nodes from before this metric write none, so it is 0 where there is no value.
 */
const metricsOf = (fleet: TurnFleet | MediaFleet) => ({
  serving: fleet.metricServing({ period }),
  draining: fleet.metricDraining({ period }),
});

function servingOrUpdated(fleet: TurnFleet | MediaFleet): cloudwatch.MathExpression {
  return new cloudwatch.MathExpression({
    expression: 'serving + FILL(draining, 0)',
    usingMetrics: metricsOf(fleet),
    label: 'Nodes that serve, or drain for an update',
    period,
  });
}

/** Instances in service less nodes that serve or drain for an update, each minute. */
function idleNodes(fleet: TurnFleet | MediaFleet): cloudwatch.MathExpression {
  const instances = new cloudwatch.Metric({
    namespace: 'AWS/AutoScaling',
    metricName: 'GroupInServiceInstances',
    dimensionsMap: { AutoScalingGroupName: fleet.autoScalingGroup.autoScalingGroupName },
    statistic: 'Average',
    period,
  }).attachTo(fleet);
  return new cloudwatch.MathExpression({
    expression: 'instances - serving - FILL(draining, 0)',
    usingMetrics: { instances, ...metricsOf(fleet) },
    label: 'Instances whose node does not serve',
    period,
  });
}
