/** KPIs and alarms as Prometheus asks them. */
import { MIN_EVENTS } from './kpi-alarms.ts';
import type { BurnRate, Kpi, MetricRef, RatioQuery, Slo, ThresholdAlarm } from './kpi-types.ts';

/** Prometheus selector of a metric. */
function selector(ref: MetricRef): string {
  const filters = Object.entries(ref.where ?? {}).map(([label, value]) =>
    typeof value === 'string' ? `${label}="${value}"` : `${label}=~"${value.join('|')}"`,
  );
  // Prometheus 3 reads every bound as a float: "3" becomes "3.0".
  if (ref.le) filters.push(`le=~"${ref.le}|${ref.le}[.]0"`);
  return filters.length > 0 ? `{${filters.join(',')}}` : '';
}

function series(ref: MetricRef, histogram: boolean): string {
  const suffix = ref.le ? '_bucket' : histogram ? '_count' : '';
  return `${ref.metric}${suffix}${selector(ref)}`;
}

function sum(expression: string, by: readonly string[]): string {
  return `sum${by.length > 0 ? ` by (${by.join(', ')})` : ''} (${expression})`;
}

/** PromQL of a share of good events over `window` (e.g. `5m`, `$__rate_interval`). */
export function ratioPromql(query: RatioQuery, window: string, by: readonly string[] = []): string {
  const histogram = query.good.le !== undefined;
  const rate = (ref: MetricRef) => sum(`rate(${series(ref, histogram)}[${window}])`, by);
  const total = rate(query.total);
  // A service that never did anything good has no such series: that is 0, not nothing, or a total failure would be silent.
  // Counters start at zero, so a group may have had no event at all: no ratio, where 0 / 0 would draw NaN.
  return `(${rate(query.good)} or 0 * ${total}) / (${total} > 0)`;
}

/** PromQL of a KPI, one expression per line drawn. */
export function kpiPromql(kpi: Kpi, window: string, by: readonly string[] = []): { legend: string; promql: string }[] {
  const { query } = kpi;
  const legend = by.map((label) => `{{${label}}}`).join(' ');
  if (query.kind === 'ratio') return [{ legend: legend || kpi.name, promql: ratioPromql(query, window, by) }];
  if (query.kind === 'frequency') {
    const ratio: RatioQuery = { kind: 'ratio', good: query.events, total: query.seconds };
    return [{ legend: legend || kpi.name, promql: ratioPromql(ratio, window, by) }];
  }
  if (query.kind === 'breakdown')
    return [{ legend: `{{${query.by}}}`, promql: `${sum(`rate(${query.metric}[${window}])`, [query.by])} > 0` }];
  if (query.kind === 'rates')
    return query.metrics.map((metric) => ({ legend: metric, promql: sum(`rate(${metric}[${window}])`, by) }));
  if (query.kind === 'largest') return [{ legend: kpi.name, promql: `max(${query.metric})` }];
  return query.quantiles.map((q) => ({
    legend: `p${q * 100} ${legend}`.trim(),
    promql: `histogram_quantile(${q}, ${sum(`rate(${query.metric}_bucket[${window}])`, ['le', ...by])})`,
  }));
}

/** PromQL of a burn-rate alert: true while both windows have {@link MIN_EVENTS} and use up the budget `factor` times too fast. */
export function burnRatePromql(slo: Slo, rate: BurnRate): string {
  const limit = Number((rate.factor * (1 - slo.objective)).toFixed(6));
  const histogram = slo.query.good.le !== undefined;
  const bad = (minutes: number) => {
    const events = `sum (increase(${series(slo.query.total, histogram)}[${minutes}m]))`;
    return `(1 - ${ratioPromql(slo.query, `${minutes}m`)}) > ${limit} and ${events} >= ${MIN_EVENTS}`;
  };
  return `(${bad(rate.longMinutes)}) and (${bad(rate.shortMinutes)})`;
}

/** PromQL of a threshold alert. */
export function thresholdPromql(alarm: ThresholdAlarm): string {
  const of = series(alarm.metric, false);
  const compare = `${alarm.compare === 'above' ? '>' : '<'} ${alarm.threshold}`;
  if (alarm.statistic === 'sum') return `max_over_time(sum(${of})[${alarm.minutes}m:1m]) ${compare}`;
  if (alarm.statistic === 'max') return `min_over_time(max(${of})[${alarm.minutes}m:1m]) ${compare}`;
  return alarm.statistic === 'increase'
    ? `sum(increase(${of}[${alarm.minutes}m])) ${compare}`
    : `${alarm.statistic}_over_time(${of}[${alarm.minutes}m]) ${compare}`;
}
