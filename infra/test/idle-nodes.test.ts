/** The alarms on nodes that do not serve, as CloudWatch evaluates them: what is broken is heard, what a deployment does is not. */
import { expect, test } from 'vitest';
import { PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
const template: Any = synthesize({ ...PRODUCTION, mediaNodes: 2 }, { checks: false, built: false }).template;

/** One datapoint a minute of each metric of the expression; undefined is none. */
interface Minute {
  readonly instances: number | undefined;
  readonly serving: number | undefined;
  readonly draining?: number | undefined;
}

const METRIC: Readonly<Record<string, keyof Minute>> = {
  GroupInServiceInstances: 'instances',
  turn_serving: 'serving',
  media_serving: 'serving',
  turn_draining: 'draining',
  media_draining: 'draining',
};

/**
 * Value of an alarm's expression in a minute; NaN: no datapoint. An expression has none where one of its metrics has none, and FILL(m, n) puts n for a missing value
 * (CloudWatch guide, "Using math expressions").
 */
function datapointOf(alarm: Any, minute: Minute): number {
  const given = (metric: Any) => minute[METRIC[metric.MetricName] as keyof Minute];
  if (!alarm.Metrics) return given(alarm) ?? Number.NaN;
  const names = alarm.Metrics.filter((one: Any) => one.MetricStat).map((one: Any) => one.Id);
  const values = alarm.Metrics.filter((one: Any) => one.MetricStat).map((one: Any) => given(one.MetricStat.Metric));
  const { Expression } = alarm.Metrics.find((one: Any) => one.Expression);
  const code = `const FILL = (value, other) => value ?? other; return ${Expression};`;
  return new Function(...names, code)(...values);
}

/**
 * Whether the alarm is in ALARM after these minutes: M of the last N datapoints must be beyond the threshold, a missing one as the alarm says (CloudWatch guide,
 * "Configuring how alarms treat missing data").
 */
function isInAlarm(alarm: Any, minutes: readonly Minute[]): boolean {
  const { Threshold, EvaluationPeriods, DatapointsToAlarm, ComparisonOperator, TreatMissingData } = alarm;
  const beyond = minutes
    .slice(-EvaluationPeriods)
    .map((minute) => datapointOf(alarm, minute))
    .filter((value) => {
      if (Number.isNaN(value)) return TreatMissingData === 'breaching';
      return ComparisonOperator === 'LessThanThreshold' ? value < Threshold : value > Threshold;
    });
  return beyond.length >= DatapointsToAlarm;
}

const minutes = (count: number, minute: Minute) => Array.from({ length: count }, () => minute);
const alarmOf = (kind: string, name: string): Any =>
  Object.entries<Any>(template.Resources)
    .filter(([id, { Type }]) => Type === 'AWS::CloudWatch::Alarm' && id.includes(`${kind}${name}`))
    .map(([, { Properties }]) => Properties)[0];

test.each([['Turn'], ['Media']])(
  '%s: one node of three that does not serve is heard, a start and a silence are not',
  (kind) => {
    const alarm = alarmOf(kind, 'NodeIdle');
    expect(isInAlarm(alarm, minutes(15, { instances: 3, serving: 2 }))).toBe(true);
    expect(isInAlarm(alarm, minutes(15, { instances: 30, serving: 28 }))).toBe(true);
    expect(isInAlarm(alarm, minutes(15, { instances: 3, serving: 3 }))).toBe(false);
    // A node that starts, five minutes; a minute in which a node's datapoint came late.
    expect(
      isInAlarm(alarm, [...minutes(10, { instances: 3, serving: 3 }), ...minutes(5, { instances: 4, serving: 3 })]),
    ).toBe(false);
    const late = minutes(15, { instances: 3, serving: 2 });
    expect(isInAlarm(alarm, [...late.slice(1), { instances: 3, serving: 3 }])).toBe(false);
    // Nodes that say nothing at all are the other alarm's: fewer than two serve, and no datapoint counts as none.
    expect(isInAlarm(alarm, minutes(15, { instances: 3, serving: undefined }))).toBe(false);
    const other = alarmOf(kind, 'Nodes');
    expect(other.Threshold).toBe(2);
    expect(isInAlarm(other, minutes(3, { instances: 3, serving: undefined, draining: undefined }))).toBe(true);
    expect(isInAlarm(other, minutes(3, { instances: 3, serving: 1 }))).toBe(true);
  },
);

test.each([['Turn'], ['Media']])(
  '%s: an update with calls raises no alarm, and hides no node that is broken beside it',
  (kind) => {
    const [idle, few] = [alarmOf(kind, 'NodeIdle'), alarmOf(kind, 'Nodes')];
    // ECS developer guide, "Amazon ECS service deployment": minimumHealthyPercent, rounded up, go on running. So of two nodes one drains at a time, for 55 minutes each.
    const update = minutes(110, { instances: 2, serving: 1, draining: 1 });
    expect([isInAlarm(idle, update), isInAlarm(few, update)]).toEqual([false, false]);
    expect(isInAlarm(idle, minutes(15, { instances: 4, serving: 1, draining: 2 }))).toBe(true);
    expect(isInAlarm(few, minutes(3, { instances: 2, serving: 0, draining: 1 }))).toBe(true);
    // Nodes from before the metric.
    expect(isInAlarm(idle, minutes(15, { instances: 2, serving: 2, draining: undefined }))).toBe(false);
    expect(isInAlarm(few, minutes(3, { instances: 2, serving: 2, draining: undefined }))).toBe(false);
  },
);
