/** The alert rules that we ship, under Prometheus' own tools: which failures wake somebody, and which do not. */
import { readFileSync } from 'node:fs';
import { THRESHOLDS } from '@tandem/service/kpi';
import { PARTITIONS } from '@tandem/service/room-events';
import { expect, test } from 'vitest';
import { promtool, RULES, testRules } from './support/prometheus.ts';

interface Rule {
  readonly alert: string;
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
}
const rules = (JSON.parse(readFileSync(RULES, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (g) => g.rules,
);

/** Series of good and bad events of each objective, and the share of bad ones that it allows. */
const OBJECTIVES = {
  'call-setup': {
    good: 'tandem_call_legs_total{outcome="connected"}',
    bad: 'tandem_call_legs_total{outcome="failed"}',
    budget: 0.01,
  },
  'call-drops': {
    good: 'tandem_call_ended_total{dropped="false"}',
    bad: 'tandem_call_ended_total{dropped="true"}',
    budget: 0.005,
  },
  'session-resume': {
    good: 'tandem_session_resumes_total{outcome="ok"}',
    bad: 'tandem_session_resumes_total{outcome="failed"}',
    budget: 0.01,
  },
} as const;
/** The one on time counts good and all. Prometheus 3 writes the bound as `3.0`. */
const TIME = 'call-setup-time';
const IN_TIME = ['tandem_call_setup_seconds_bucket{le="3"}', 'tandem_call_setup_seconds_bucket{le="3.0"}'];

interface Phase {
  readonly minutes: number;
  /** Events a minute. */
  readonly rate: number;
  /** Share of bad ones, in budgets. */
  readonly burn: number;
}

/** promtool's notation: `start+stepxN`, one run a phase. */
function values(phases: readonly Phase[], minutesPerSample: number, each: (phase: Phase) => number): string {
  let at = 0;
  const runs = phases.map((phase) => {
    const step = each(phase) * minutesPerSample;
    const count = phase.minutes / minutesPerSample;
    const run = `${at + step}+${step}x${count - 1}`;
    at += step * count;
    return run;
  });
  return ['0', ...runs].join(' ');
}

/** A test of one objective: after `phases`, of its alerts over `windows` exactly `firing` fire. */
function burning(
  id: string,
  phases: readonly Phase[],
  windows: readonly string[],
  firing: readonly string[],
  options: { minutesPerSample?: number; noGoodSeries?: boolean; inTime?: string } = {},
) {
  const { minutesPerSample = 1 } = options;
  const run = (each: (phase: Phase) => number) => values(phases, minutesPerSample, each);
  const objective = OBJECTIVES[id as keyof typeof OBJECTIVES];
  const budget = objective?.budget ?? 0.01;
  const bad = (p: Phase) => Math.min(p.rate, p.rate * p.burn * budget);
  const goodSeries = { series: objective?.good ?? options.inTime, values: run((p) => p.rate - bad(p)) };
  const otherSeries = objective
    ? { series: objective.bad, values: run(bad) }
    : { series: 'tandem_call_setup_seconds_count', values: run((p) => p.rate) };
  const end = phases.reduce((sum, p) => sum + p.minutes, 0);
  return {
    interval: `${minutesPerSample}m`,
    input_series: [
      ...(options.noGoodSeries ? [] : [goodSeries]),
      otherSeries,
      // Those who gave up by themselves count on neither side.
      { series: 'tandem_call_legs_total{outcome="abandoned"}', values: run((p) => p.rate * 10) },
    ],
    alert_rule_test: windows.map((window) => alertTest(`${id}-${window}`, end, firing.includes(window))),
  };
}

function alertTest(alertname: string, minutes: number, fires: boolean, labels: Record<string, string> = {}) {
  const rule = rules.find((r) => r.alert === alertname);
  if (!rule) throw new Error(`there is no alert ${alertname}`);
  const alert = { exp_labels: { ...rule.labels, ...labels }, exp_annotations: rule.annotations };
  return { eval_time: `${minutes}m`, alertname, exp_alerts: fires ? [alert] : [] };
}

const steady = (burn: number, minutes = 420, rate = 100): Phase[] => [{ minutes, rate, burn }];
const PAGES = ['1h', '6h'];
const ids = [...Object.keys(OBJECTIVES), TIME];
const variants = (id: string) => (id === TIME ? IN_TIME.map((inTime) => ({ inTime })) : [{}]);

test('Prometheus reads the rules', () => {
  expect(promtool('check', 'rules', RULES)).toContain(`${rules.length} rules found`);
});

test('every objective: fast burn pages within the hour, slow burn by six hours, a slower one is a ticket, none is silence', () => {
  const tests = ids.flatMap((id) =>
    variants(id).flatMap((variant) => [
      burning(id, steady(20), PAGES, ['1h', '6h'], variant),
      burning(id, steady(10), PAGES, ['6h'], variant),
      burning(id, steady(5), PAGES, [], variant),
      burning(id, steady(0.5), PAGES, [], variant),
    ]),
  );
  const days = ids.flatMap((id) =>
    variants(id).flatMap((variant) => [
      burning(id, steady(2, 4800), ['72h'], ['72h'], { ...variant, minutesPerSample: 30 }),
      burning(id, steady(0.5, 4800), ['72h'], [], { ...variant, minutesPerSample: 30 }),
    ]),
  );
  expect(testRules(tests)).toContain('SUCCESS');
  expect(testRules(days, '4h')).toContain('SUCCESS');
});

test('an alarm ends soon after the failure does; a failure of minutes begins none; few events say nothing; a total failure is heard', () => {
  const tests = ids.flatMap((id) =>
    variants(id).flatMap((variant) => [
      burning(id, [...steady(20), { minutes: 10, rate: 100, burn: 0 }], ['1h'], [], variant),
      burning(id, [...steady(0), { minutes: 5, rate: 100, burn: 20 }], PAGES, [], variant),
      burning(id, steady(1000, 420, 0.3), PAGES, [], variant),
      // From the first moment on, so that no good event was ever counted.
      burning(id, steady(1000), PAGES, PAGES, { ...variant, noGoodSeries: true }),
    ]),
  );
  expect(testRules(tests)).toContain('SUCCESS');
});

test.each([
  ['backplane-down', 'tandem_signaling_backplane_up{node="a"}', '1x10 0x10', '1x20', { node: 'a' }],
  ['shedding', 'tandem_admission_shed_total{reason="event-loop"}', '0+30x20', '0+15x20', {}],
  ['frames-dropped', 'tandem_signaling_dropped_total', '0+80x20', '0+50x20', {}],
  ['events-unread', 'tandem_hooks_partitions{node="a"}', '64x10 32x10', '64x20', {}],
  // One task is behind all the time; in the other case it was, and has caught up.
  ['events-late', 'tandem_hooks_unread_seconds{node="a"}', '40+60x20', '40x16 0.7x4', {}],
  // Of two tasks one has an endpoint that cannot keep up; in the other case tries end by their timeout.
  ['webhooks-late', 'tandem_hooks_overdue_seconds{node="a"}', '10+60x20', '16x20', {}],
  ['events-dropped', 'tandem_hooks_dropped_total', '0+1x20', '5x20', {}],
  // One of two tasks has no recognizer all the time; in the other case one loads its model.
  ['recognizer-away', 'tandem_captions_recognizers_away{node="a"}', '0 1x20', '1x16 0x4', {}],
  ['captions-shed', 'tandem_captions_refused_total{reason="connections"}', '0+3x20', '0+1x20', {}],
  ['webhooks-dead', 'tandem_hooks_dead_total', '0+1x20', '0+0.2x20', {}],
  ['telemetry-dropped', 'tandem_telemetry_items_total{signal="traces",outcome="dropped"}', '0+50x40', '0+20x40', {}],
])('%s fires on what it is for and not on less', (alert, series, much, little, labels) => {
  const at = (values: string, fires: boolean) => ({
    interval: '1m',
    input_series: [{ series, values }],
    alert_rule_test: [alertTest(alert, alert === 'telemetry-dropped' ? 40 : 20, fires, labels)],
  });
  expect(testRules([at(much, true), at(little, false)])).toContain('SUCCESS');
});

test('rooms without a task are told by the number of partitions', () => {
  expect(THRESHOLDS.find(({ id }) => id === 'events-unread')?.threshold).toBe(PARTITIONS);
});

test('the check goes red: an alarm that should not fire, and one that should', () => {
  expect(() => testRules([burning('call-setup', steady(10), PAGES, ['1h'])])).toThrow(/FAILED/);
});
