/**
 * Every KPI of the service, once: what it means, where the definition comes from, how it is asked of the metrics, and what is
 * promised. docs/kpis.md, the Grafana dashboard and the CloudWatch alarms are made from this list
 * (`node scripts/generate-docs.ts`), so they cannot disagree. Imports nothing, so infra can read it.
 */

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
  readonly service?: 'hooks';
  readonly severity: 'page' | 'ticket';
  readonly runbook: string;
}

export const SLO_WINDOW_DAYS = 30;
/** Fewer events in a window say nothing: one failed call at night raises no alarm. */
export const MIN_EVENTS = 20;

/** Google, The Site Reliability Workbook, chapter 5, table 5-8 ("multiwindow, multi-burn-rate alerts"). */
export const BURN_RATES: readonly BurnRate[] = [
  { severity: 'page', longMinutes: 60, shortMinutes: 5, factor: 14.4 },
  { severity: 'page', longMinutes: 360, shortMinutes: 30, factor: 6 },
  { severity: 'ticket', longMinutes: 4320, shortMinutes: 360, factor: 1 },
];

const UNREAD = 'tandem_hooks_unread_seconds';
const OVERDUE = 'tandem_hooks_overdue_seconds';
const LEGS = 'tandem_call_legs_total';
/** An abandoned attempt says nothing about the network, so it is in neither side. */
const SETUP: RatioQuery = {
  kind: 'ratio',
  good: { metric: LEGS, where: { outcome: 'connected' } },
  total: { metric: LEGS, where: { outcome: ['connected', 'failed'] } },
};
const SETUP_FAST: RatioQuery = {
  kind: 'ratio',
  good: { metric: 'tandem_call_setup_seconds', le: '3' },
  total: { metric: 'tandem_call_setup_seconds' },
};
const KEPT: RatioQuery = {
  kind: 'ratio',
  good: { metric: 'tandem_call_ended_total', where: { dropped: 'false' } },
  total: { metric: 'tandem_call_ended_total' },
};
const RESUMED: RatioQuery = {
  kind: 'ratio',
  good: { metric: 'tandem_session_resumes_total', where: { outcome: 'ok' } },
  total: { metric: 'tandem_session_resumes_total' },
};

const SWITCHES = 'tandem_call_switches_total';
const PICTURE_TIME = 'tandem_call_picture_time_seconds_total';
const ASSIGNMENTS = 'tandem_media_assignments_total';

export const KPIS: readonly Kpi[] = [
  {
    id: 'call-setup-success',
    name: 'Call set-up success ratio',
    definition:
      'Legs that connected, of all that connected or failed. A leg is one browser’s call with one peer. Not counted: legs that a person gave up within 15 s, and rightful refusals (room full, no grant).',
    source:
      'ITU-T E.411 and E.425: the answer-seizure ratio in the form of the network effectiveness ratio (NER), where what users do and rightful refusals are no failure of the network',
    query: SETUP,
    by: ['room_size', 'region', 'client', 'topology'],
  },
  {
    id: 'call-setup-time',
    name: 'Call set-up time',
    definition:
      'From the intent to call (join, or the peer’s arrival) until ICE and DTLS are connected. p50, p95, p99.',
    source: 'ITU-T E.721 (post-selection delay), measured at the browser; W3C webrtc-pc connection state `connected`',
    query: { kind: 'quantiles', metric: 'tandem_call_setup_seconds', quantiles: [0.5, 0.95, 0.99], unit: 's' },
    by: ['room_size', 'region', 'client', 'topology'],
  },
  {
    id: 'call-failure-reasons',
    name: 'Failure reasons',
    definition:
      'Why legs did not come up, refusals included. The list of reasons is closed (FAILURE_REASONS in the protocol).',
    source: 'Own; the counterpart of SIP/ISUP cause statistics (ITU-T Q.850)',
    query: { kind: 'breakdown', metric: 'tandem_call_failures_total', by: 'reason' },
  },
  {
    id: 'call-kept',
    name: 'Call retention (1 − drop rate)',
    definition: 'Connected legs that ended because somebody hung up, of all connected legs that ended.',
    source: 'ITU-T E.800 (retainability); 3GPP TS 32.410 (retainability KPI)',
    query: KEPT,
    by: ['room_size', 'region', 'client', 'topology'],
  },
  {
    id: 'call-mos',
    name: 'MOS distribution',
    definition:
      'Estimated listening quality of received audio, from delay, jitter and loss. Median and the worst tenth and twentieth.',
    source:
      'ITU-T G.107 (E-model, R to MOS in Annex B) on the scale of ITU-T P.800; an estimate (MOS-CQE), not a listening test',
    query: { kind: 'quantiles', metric: 'tandem_call_mos', quantiles: [0.5, 0.1, 0.05], unit: 'MOS' },
    by: ['room_size', 'region', 'client', 'topology'],
  },
  {
    id: 'call-rating',
    name: 'What people say',
    definition:
      'Ratings of 1 (bad) to 5 (excellent) that people give after a call, by rating. Only some people answer.',
    source: 'ITU-T P.800 (absolute category rating scale); a field vote, not a controlled test',
    query: { kind: 'breakdown', metric: 'tandem_call_ratings_total', by: 'rating' },
  },
  {
    id: 'relay-share',
    name: 'Relay share',
    definition: 'Connected legs whose selected local candidate is a relay, of all connected legs that told their path.',
    source: 'RFC 8445 (candidate types); drives TURN cost',
    query: {
      kind: 'ratio',
      good: { metric: 'tandem_call_path_total', where: { path: 'relay' } },
      total: { metric: 'tandem_call_path_total' },
    },
  },
  {
    id: 'resume-success',
    name: 'Session resume success ratio',
    definition: 'Signaling sessions that continued after their socket was lost, of all resumes that clients tried.',
    source: 'Own; the session is the unit that a carrier would call the registration',
    query: RESUMED,
  },
  {
    id: 'switch-success',
    name: 'Switch success ratio',
    definition:
      'Media nodes that a room was given and a client connected to, of all that it connected to or gave up. A node that came up and was lost for good counts in both.',
    source: 'Own; a failed one costs no call: the people of that room stay in a mesh',
    query: {
      kind: 'ratio',
      good: { metric: SWITCHES, where: { outcome: 'ok' } },
      total: { metric: SWITCHES },
    },
  },
  {
    id: 'time-to-picture',
    name: 'Time to picture',
    definition: 'From the peer’s arrival until its first picture is decoded. p50, p95, p99.',
    source: 'Own; the picture’s counterpart of ITU-T E.721',
    query: { kind: 'quantiles', metric: 'tandem_call_picture_seconds', quantiles: [0.5, 0.95, 0.99], unit: 's' },
    by: ['topology'],
  },
  {
    id: 'moving-picture',
    name: 'Moving picture (1 − freezes)',
    definition: 'Time in which received pictures moved, of all time with pictures.',
    source: 'W3C webrtc-stats (totalFreezesDuration): a frame late by three times the mean interval, or by 150 ms more',
    query: {
      kind: 'ratio',
      good: { metric: PICTURE_TIME, where: { picture: 'moving' } },
      total: { metric: PICTURE_TIME },
    },
    by: ['topology'],
  },
  {
    id: 'keyframe-requests',
    name: 'Keyframe requests a second of picture',
    definition:
      'How often a receiver asks the sender of a picture for a keyframe, which is several times as large as other frames. Causes: loss that no retransmission repaired, and people who join.',
    source: 'RFC 4585 section 6.3.1 (PLI); W3C webrtc-stats (pliCount)',
    query: {
      kind: 'frequency',
      events: { metric: 'tandem_call_keyframe_requests_total' },
      seconds: { metric: PICTURE_TIME },
    },
    by: ['topology'],
  },
  {
    id: 'media-assignments',
    name: 'Rooms given to media nodes',
    definition:
      'By why: `first`; `lost`: the node before was heard of no more; `silent`: it did not come. Rooms of draining nodes are in media_rooms_moved of the nodes.',
    source: 'Own',
    query: { kind: 'breakdown', metric: ASSIGNMENTS, by: 'reason' },
  },
  {
    id: 'events',
    name: 'Events and webhooks',
    definition:
      'Events written a second; webhooks that receivers accepted, tries that failed (repeated for 75 h), and what was given up; events that were lost.',
    source: 'Own; the schedule of tries is that of Standard Webhooks',
    query: {
      kind: 'rates',
      metrics: ['events', 'delivered', 'failed', 'dead', 'dropped'].map((name) => `tandem_hooks_${name}_total`),
    },
  },
  {
    id: 'events-unread',
    name: 'Age of the oldest change that is no event yet',
    definition: 'Over all partitions. Changes are held for half a second on purpose; what is above is a backlog.',
    source: 'Own',
    query: { kind: 'largest', metric: UNREAD, unit: 's' },
  },
  {
    id: 'webhooks-overdue',
    name: 'Longest wait of a webhook that is due',
    definition:
      'Over all endpoints: for how long the try that waits most is due and not answered. What a failed try is put off for does not count.',
    source: 'Own',
    query: { kind: 'largest', metric: OVERDUE, unit: 's' },
  },
];

export const SLOS: readonly Slo[] = [
  {
    id: 'call-setup',
    name: 'Calls come up',
    kpi: 'call-setup-success',
    query: SETUP,
    objective: 0.99,
    runbook: 'call-setup',
  },
  {
    id: 'call-setup-time',
    name: 'Calls come up within 3 s',
    kpi: 'call-setup-time',
    query: SETUP_FAST,
    objective: 0.99,
    runbook: 'call-setup-time',
  },
  { id: 'call-drops', name: 'Calls stay up', kpi: 'call-kept', query: KEPT, objective: 0.995, runbook: 'call-drops' },
  {
    id: 'session-resume',
    name: 'Sessions survive',
    kpi: 'resume-success',
    query: RESUMED,
    objective: 0.99,
    runbook: 'session-resume',
  },
];

export const THRESHOLDS: readonly ThresholdAlarm[] = [
  {
    id: 'backplane-down',
    name: 'A signaling node cannot reach the room store',
    metric: { metric: 'tandem_signaling_backplane_up' },
    compare: 'below',
    threshold: 1,
    minutes: 3,
    statistic: 'min',
    severity: 'page',
    runbook: 'cache-down',
  },
  {
    id: 'shedding',
    name: 'Signaling refuses arrivals',
    metric: { metric: 'tandem_admission_shed_total' },
    compare: 'above',
    threshold: 100,
    minutes: 5,
    statistic: 'increase',
    severity: 'page',
    runbook: 'overload',
  },
  {
    id: 'frames-dropped',
    name: 'Signaling could neither deliver nor park frames',
    metric: { metric: 'tandem_signaling_dropped_total' },
    compare: 'above',
    threshold: 1000,
    minutes: 15,
    statistic: 'increase',
    severity: 'ticket',
    runbook: 'frames-dropped',
  },
  {
    id: 'telemetry-dropped',
    name: 'Telemetry is dropped',
    metric: { metric: 'tandem_telemetry_items_total', where: { outcome: ['dropped', 'failed'] } },
    compare: 'above',
    threshold: 1000,
    minutes: 30,
    statistic: 'increase',
    severity: 'ticket',
    runbook: 'telemetry-dropped',
  },
  {
    id: 'media-rooms-lost',
    name: 'Rooms lost their media node',
    metric: { metric: ASSIGNMENTS, where: { reason: ['lost', 'silent'] } },
    compare: 'above',
    threshold: 10,
    minutes: 15,
    statistic: 'increase',
    severity: 'ticket',
    runbook: 'media-rooms-lost',
  },
  {
    id: 'media-switches-fail',
    name: 'Clients do not reach the media nodes of their rooms',
    metric: { metric: SWITCHES, where: { outcome: 'failed' } },
    compare: 'above',
    threshold: 20,
    minutes: 15,
    statistic: 'increase',
    severity: 'ticket',
    runbook: 'media-rooms-lost',
  },
  {
    id: 'events-unread',
    name: 'Rooms have no task that reads their events',
    metric: { metric: 'tandem_hooks_partitions' },
    compare: 'below',
    // PARTITIONS of room-events.ts; a test compares.
    threshold: 64,
    minutes: 5,
    statistic: 'sum',
    service: 'hooks',
    severity: 'page',
    runbook: 'events-unread',
  },
  {
    id: 'events-late',
    name: 'Events are late',
    metric: { metric: UNREAD },
    compare: 'above',
    // Over what a task that was killed leaves behind: others have its partitions after 18 s.
    threshold: 30,
    minutes: 5,
    statistic: 'max',
    service: 'hooks',
    severity: 'page',
    runbook: 'events-late',
  },
  {
    id: 'webhooks-late',
    name: 'Webhooks are late',
    metric: { metric: OVERDUE },
    compare: 'above',
    // A try ends after 15 s; above it tries wait for those before them.
    threshold: 60,
    minutes: 5,
    statistic: 'max',
    service: 'hooks',
    severity: 'ticket',
    runbook: 'webhooks-late',
  },
  {
    id: 'events-dropped',
    name: 'Events are lost',
    metric: { metric: 'tandem_hooks_dropped_total' },
    compare: 'above',
    threshold: 0,
    minutes: 15,
    statistic: 'increase',
    service: 'hooks',
    severity: 'page',
    runbook: 'events-dropped',
  },
  {
    id: 'webhooks-dead',
    name: 'Webhooks are given up',
    metric: { metric: 'tandem_hooks_dead_total' },
    compare: 'above',
    threshold: 10,
    minutes: 60,
    statistic: 'increase',
    service: 'hooks',
    severity: 'ticket',
    runbook: 'webhooks-dead',
  },
];

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
