/** Service level objectives that CloudWatch watches, over the counters that packages/service/src/call-kpis.ts keeps. */
export interface Slo {
  readonly id: string;
  readonly title: string;
  /** Share that must be good, over 30 days. */
  readonly objective: number;
  readonly metric: string;
  readonly label: string;
  readonly good: string;
  readonly bad: string;
  /** Fewer events in a window say nothing. */
  readonly leastEvents: number;
  readonly runbook: string;
}

export const SLOS: readonly Slo[] = [
  {
    id: 'CallSetup',
    title: 'Call set-up success',
    objective: 0.99,
    metric: 'tandem_call_legs_total',
    label: 'outcome',
    good: 'connected',
    bad: 'failed',
    leastEvents: 20,
    runbook: 'call-setup',
  },
  {
    id: 'CallDrop',
    title: 'Calls that are not dropped',
    objective: 0.995,
    metric: 'tandem_call_ended_total',
    label: 'dropped',
    good: 'false',
    bad: 'true',
    leastEvents: 20,
    runbook: 'call-drops',
  },
];

/**
 * Multi-window burn rates of the Google SRE workbook, chapter 5: 2 % of a 30-day budget in an hour (14.4×), 5 % in six
 * hours (6×). A share cannot pass 1.
 */
export function burnRateWindows(objective: number) {
  const budget = 1 - objective;
  return [
    { name: 'Fast', rate: 14.4, long: 60, short: 5 },
    { name: 'Slow', rate: 6, long: 360, short: 30 },
  ].map((window) => ({ ...window, threshold: Math.min(1, Number((window.rate * budget).toFixed(6))) }));
}
