/** What the canary found: one result a step, as text for people and as one metric. */

/** Steps in their order. */
export const STEPS = [
  'page',
  'services',
  'tokens',
  'message',
  'ice-servers',
  'relay-udp',
  'relay-tcp',
  'relay-tls',
  'relay-data',
  'alarm-path',
] as const;
export type StepName = (typeof STEPS)[number];

export type Outcome =
  | { readonly state: 'passed'; readonly detail: string }
  | { readonly state: 'failed'; readonly detail: string }
  /** Not done, and that is no fault. */
  | { readonly state: 'left-out'; readonly detail: string }
  /** Not done, because a step that it needs failed. */
  | { readonly state: 'blocked'; readonly detail: string };

export interface StepResult {
  readonly name: StepName;
  readonly outcome: Outcome;
  /** How long it took, ms. */
  readonly ms: number;
}

export interface CanaryResult {
  /** True when every step passed or was left out. */
  readonly passed: boolean;
  readonly steps: readonly StepResult[];
}

export function resultOf(steps: readonly StepResult[]): CanaryResult {
  return { passed: steps.every(({ outcome: { state } }) => state === 'passed' || state === 'left-out'), steps };
}

const MARKS: Record<Outcome['state'], string> = { passed: '✓', failed: '✗', 'left-out': '-', blocked: '·' };

/** One line a step and one for all of them. */
export function reportText(origin: string, result: CanaryResult): string {
  const lines = result.steps.map(
    ({ name, outcome, ms }) => `${MARKS[outcome.state]} ${name.padEnd(12)} ${outcome.detail} (${Math.round(ms)} ms)`,
  );
  const failed = result.steps.filter(({ outcome }) => outcome.state === 'failed').map(({ name }) => name);
  return [...lines, `${origin} ${result.passed ? 'passed' : `failed: ${failed.join(', ')}`}`].join('\n');
}

/** Whose metric it is: dimensions beside the service. */
export interface CanaryMetrics {
  readonly stack: string;
  /** Which canary of that stack. */
  readonly part: string;
}

/** The metric `canary_passed` (1 or 0) as a line that CloudWatch Logs reads (embedded metric format). */
export function metricLine({ stack, part }: CanaryMetrics, result: CanaryResult, now = Date.now()): string {
  return JSON.stringify({
    _aws: {
      Timestamp: now,
      CloudWatchMetrics: [
        { Namespace: 'Tandem', Dimensions: [['service', 'stack', 'part']], Metrics: [{ Name: 'canary_passed' }] },
      ],
    },
    service: 'canary',
    stack,
    part,
    canary_passed: Number(result.passed),
    failed: result.steps.filter(({ outcome }) => outcome.state === 'failed').map(({ name }) => name),
  });
}
