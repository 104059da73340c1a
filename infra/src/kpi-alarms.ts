/** The alarms that packages/service/src/kpi.ts describes, for CloudWatch. */
import { BURN_RATES, type MetricRef, MIN_EVENTS, type Slo, type ThresholdAlarm } from '@tandem/service/kpi';
import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { AlarmTarget } from './alarm-target.ts';
import { metricIdentity } from './metric-identity.ts';
import { NAMESPACE } from './metrics-collector.ts';
import type { RealtimeService } from './realtime-service.ts';

/** A threshold of packages/service/src/kpi.ts. */
export function thresholdAlarm(to: AlarmTarget, alarm: ThresholdAlarm, service: RealtimeService): void {
  const period = Duration.minutes(alarm.statistic === 'increase' ? alarm.minutes : 1);
  const statistic = { increase: 'Sum', max: 'Maximum', min: 'Minimum', sum: 'Sum' }[alarm.statistic];
  const metrics = series(alarm.metric, service, period, statistic);
  to.addAlarm(pascal(alarm.id), `${alarm.name}.`, alarm.runbook, total(metrics, period, alarm.name), {
    threshold: alarm.threshold,
    below: alarm.compare === 'below',
    periods: alarm.statistic === 'increase' ? 1 : alarm.minutes,
  });
}

/**
 * Burn-rate alarms of an objective: both windows must burn, so that it starts fast and stops fast.
 * @returns what they watch, for the dashboard
 */
export function objectiveAlarms(to: AlarmTarget, slo: Slo, service: RealtimeService): cloudwatch.IMetric {
  if (slo.query.good.le) return latencyAlarm(to, slo, Number(slo.query.good.le), service);
  const id = pascal(slo.id);
  const bad = (period: Duration) =>
    new cloudwatch.MathExpression({
      expression: `IF(FILL(all, 0) >= ${MIN_EVENTS}, 1 - FILL(good, 0) / all, 0)`,
      usingMetrics: {
        good: total(series(slo.query.good, service, period, 'Sum'), period, 'good', 'g'),
        all: total(series(slo.query.total, service, period, 'Sum'), period, 'all', 'a'),
      },
      label: `${slo.name}: share that failed`,
      period,
    });
  for (const rate of BURN_RATES) {
    const parts = [rate.longMinutes, rate.shortMinutes].map((minutes) => {
      // A period is a day at most: three days are three bad days in a row.
      const days = Math.max(1, Math.ceil(minutes / 1440));
      return new cloudwatch.Alarm(to, `${id}Burn${rate.factor}Over${minutes}m`, {
        alarmDescription: `${slo.name}: share that failed over ${minutes} min; half of an alarm.`,
        metric: bad(Duration.minutes(Math.min(minutes, 1440))),
        threshold: Math.min(1, Number((rate.factor * (1 - slo.objective)).toFixed(6))),
        evaluationPeriods: days,
        comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
      });
    });
    const both = new cloudwatch.CompositeAlarm(to, `${id}Burn${rate.factor}`, {
      alarmDescription: `${rate.severity}: ${slo.name} (${slo.objective * 100} % promised) burns its budget ${rate.factor} times too fast. Runbook: ${to.runbooks}/${slo.runbook}.md`,
      alarmRule: cloudwatch.AlarmRule.allOf(
        ...parts.map((part) => cloudwatch.AlarmRule.fromAlarm(part, cloudwatch.AlarmState.ALARM)),
      ),
    });
    both.addAlarmAction(new SnsAction(to.topic));
    both.addOkAction(new SnsAction(to.topic));
  }
  return bad(Duration.minutes(5));
}

/** CloudWatch keeps sum and count of a histogram, not its buckets: the mean is watched here, the share by Prometheus. */
function latencyAlarm(to: AlarmTarget, slo: Slo, seconds: number, service: RealtimeService): cloudwatch.IMetric {
  const period = Duration.minutes(5);
  const [mean, count] = ['Average', 'SampleCount'].map((statistic) =>
    service.metric(slo.query.total.metric, { statistic, period }),
  );
  const metric = new cloudwatch.MathExpression({
    expression: `IF(FILL(count, 0) >= ${MIN_EVENTS}, mean, 0)`,
    usingMetrics: { mean: mean as cloudwatch.Metric, count: count as cloudwatch.Metric },
    label: `${slo.name}: mean, s`,
    period,
  });
  to.addAlarm(pascal(slo.id), `${slo.name}: the mean alone is above ${seconds} s.`, slo.runbook, metric, {
    threshold: seconds,
  });
  return metric;
}

/** One metric for each combination of the filter's label values. */
function series(ref: MetricRef, service: RealtimeService, period: Duration, statistic: string): cloudwatch.Metric[] {
  const [where] = Object.entries(ref.where ?? {});
  const of = (labels: Record<string, string>) =>
    new cloudwatch.Metric({
      namespace: NAMESPACE,
      metricName: ref.metric,
      dimensionsMap: { ...metricIdentity(service, service.serviceName), ...labels },
      statistic,
      period,
    });
  if (!where) return [of({})];
  const [label, values] = where;
  return [values].flat().map((value) => of({ [label]: value }));
}

function total(metrics: cloudwatch.Metric[], period: Duration, label: string, prefix = 'm'): cloudwatch.IMetric {
  const [only] = metrics;
  if (only && metrics.length === 1) return only;
  return new cloudwatch.MathExpression({
    expression: metrics.map((_, i) => `FILL(${prefix}${i}, 0)`).join(' + '),
    usingMetrics: Object.fromEntries(metrics.map((metric, i) => [`${prefix}${i}`, metric])),
    label,
    period,
  });
}

function pascal(id: string): string {
  return id.replace(/(^|-)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase());
}
