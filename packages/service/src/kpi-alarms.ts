/** What is promised of KPIs, and what raises an alarm. */
import { ASSIGNMENTS, KEPT, OVERDUE, RESUMED, SETUP, SETUP_FAST, SWITCHES, UNREAD } from './kpi-metrics.ts';
import type { BurnRate, Slo, ThresholdAlarm } from './kpi-types.ts';

export const SLO_WINDOW_DAYS = 30;
/** Fewer events in a window say nothing: one failed call at night raises no alarm. */
export const MIN_EVENTS = 20;

/** Google, The Site Reliability Workbook, chapter 5, table 5-8 ("multiwindow, multi-burn-rate alerts"). */
export const BURN_RATES: readonly BurnRate[] = [
  { severity: 'page', longMinutes: 60, shortMinutes: 5, factor: 14.4 },
  { severity: 'page', longMinutes: 360, shortMinutes: 30, factor: 6 },
  { severity: 'ticket', longMinutes: 4320, shortMinutes: 360, factor: 1 },
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
