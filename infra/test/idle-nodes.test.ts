/** The alarm on an instance in service whose node does not serve, as CloudWatch evaluates it. */
import { expect, test } from 'vitest';
import { PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
const template: Any = synthesize({ ...PRODUCTION, mediaNodes: 2 }, { checks: false, built: false }).template;

/** One datapoint a minute of each metric of the expression; undefined is none. */
interface Minute {
  readonly instances: number | undefined;
  readonly serving: number | undefined;
}

/**
 * Whether the alarm is in ALARM after these minutes. An expression has no datapoint where one of its metrics has none, and M of the last N
 * datapoints must be beyond the threshold (CloudWatch guide, "Using math expressions", "Configuring how alarms treat missing data").
 */
function isInAlarm(alarm: Any, minutes: readonly Minute[]): boolean {
  const { Metrics, Threshold, EvaluationPeriods, DatapointsToAlarm, ComparisonOperator, TreatMissingData } = alarm;
  const expression = Metrics.find((one: Any) => one.Expression);
  const [, more, less] = /^(\w+) - (\w+)$/.exec(expression.Expression) ?? [];
  const nameOf = (id: string | undefined) =>
    Metrics.find((one: Any) => one.Id === id)?.MetricStat.Metric.MetricName as string;
  expect([nameOf(more), nameOf(less)]).toEqual([
    'GroupInServiceInstances',
    expect.stringMatching(/^(turn|media)_serving$/),
  ]);
  expect([ComparisonOperator, TreatMissingData]).toEqual(['GreaterThanThreshold', 'notBreaching']);
  const beyond = minutes
    .slice(-EvaluationPeriods)
    .filter(({ instances, serving }) => (instances ?? Number.NaN) - (serving ?? Number.NaN) > Threshold);
  return beyond.length >= DatapointsToAlarm;
}

const minutes = (count: number, minute: Minute) => Array.from({ length: count }, () => minute);

test.each([['Turn'], ['Media']])(
  '%s: one node of three that does not serve is heard, a start and a silence are not',
  (kind) => {
    const [alarm] = Object.entries<Any>(template.Resources)
      .filter(([id, { Type }]) => Type === 'AWS::CloudWatch::Alarm' && id.includes(`${kind}NodeIdle`))
      .map(([, { Properties }]) => Properties);
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
    const other = Object.values<Any>(template.Resources).find(
      ({ Type, Properties }) =>
        Type === 'AWS::CloudWatch::Alarm' && Properties.MetricName === `${kind.toLowerCase()}_serving`,
    );
    expect(other.Properties).toMatchObject({
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'breaching',
      Threshold: 2,
    });
  },
);
