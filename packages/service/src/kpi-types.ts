/** Shapes of KPIs, promises and alarms. Imports nothing, so infra can read it. */

/** A ratio of two counters, as metric names with label filters. */
export interface RatioQuery {
  readonly kind: 'ratio';
  /** Events that count as good. */
  readonly good: MetricRef;
  /** All events. */
  readonly total: MetricRef;
}
export interface HistogramQuery {
  readonly kind: 'quantiles';
  readonly metric: string;
  readonly quantiles: readonly number[];
  readonly unit: 's' | 'MOS';
}
export interface BreakdownQuery {
  readonly kind: 'breakdown';
  readonly metric: string;
  readonly by: string;
}
/** How often something happens while something else lasts: a counter over a counter of seconds. */
export interface FrequencyQuery {
  readonly kind: 'frequency';
  readonly events: MetricRef;
  readonly seconds: MetricRef;
}
/** Several counters, each a line: what happens a second. */
export interface RatesQuery {
  readonly kind: 'rates';
  readonly metrics: readonly string[];
}
/** The largest of a gauge over all tasks. */
export interface LargestQuery {
  readonly kind: 'largest';
  readonly metric: string;
  readonly unit: 's';
}
export interface MetricRef {
  readonly metric: string;
  /** Label values; several mean any of them. */
  readonly where?: Readonly<Record<string, string | readonly string[]>>;
  /** Prometheus only: the bucket up to this bound (`good` of a latency objective). */
  readonly le?: string;
}

export interface Kpi {
  /** Stable, used as alarm and panel id. */
  readonly id: string;
  readonly name: string;
  readonly definition: string;
  /** Where the definition or the target comes from. */
  readonly source: string;
  readonly query: RatioQuery | HistogramQuery | BreakdownQuery | FrequencyQuery | RatesQuery | LargestQuery;
  /** By which labels it is broken down on the dashboard. */
  readonly by?: readonly string[];
}

/** A promise over a ratio KPI. */
export interface Slo {
  readonly id: string;
  readonly name: string;
  readonly kpi: string;
  readonly query: RatioQuery;
  /** Share of good events promised over {@link SLO_WINDOW_DAYS} days, 0 to 1. */
  readonly objective: number;
  /** Runbook page in docs/runbooks, without `.md`. */
  readonly runbook: string;
}

/** A burn-rate alarm: both windows must burn, so that it starts fast and stops fast. */
export interface BurnRate {
  readonly severity: 'page' | 'ticket';
  readonly longMinutes: number;
  readonly shortMinutes: number;
  /** Times the rate that would use up the error budget exactly at the end of the window. */
  readonly factor: number;
}

/** A plain threshold alarm on one metric, for what an SLO sees too late. */
export interface ThresholdAlarm {
  readonly id: string;
  readonly name: string;
  readonly metric: MetricRef;
  readonly compare: 'above' | 'below';
  readonly threshold: number;
  readonly minutes: number;
  /** `increase`: growth over the window; `min`: of the gauge; `max`, `sum`: of the gauge over all tasks, at each minute of the window. */
  readonly statistic: 'increase' | 'max' | 'min' | 'sum';
  /** Who writes the metric. Default: signaling. */
  readonly service?: 'hooks' | 'captions';
  readonly severity: 'page' | 'ticket';
  readonly runbook: string;
}
