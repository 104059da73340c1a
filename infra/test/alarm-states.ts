/** What CloudWatch makes of an alarm of a template, period by period. */
type Any = ReturnType<typeof JSON.parse>;

const BEYOND: Readonly<Record<string, (value: number, threshold: number) => boolean>> = {
  LessThanThreshold: (value, threshold) => value < threshold,
  GreaterThanThreshold: (value, threshold) => value > threshold,
};

/** Length of a period, minutes. */
export function periodOf({ Period, Metrics = [] }: Any): number {
  return Math.max(Period ?? 0, ...Metrics.map((one: Any) => one.MetricStat?.Period ?? one.Period ?? 0)) / 60;
}

/** A value within the threshold. */
export const goodOf = ({ Threshold }: Any): number => Threshold;

/**
 * States that an alarm enters after it was made; each executes its actions. Sources:
 * - PutMetricAlarm, API reference: a new alarm "is immediately set to INSUFFICIENT_DATA. The alarm is then evaluated and its state is set appropriately. Any actions
 *   associated with the new state are then executed".
 * - Guide, "Configuring how CloudWatch alarms treat missing data": `breaching` is bad, `notBreaching` good. Knows no other.
 * - WarmUpConfiguration, API reference: it "stays in INSUFFICIENT_DATA and does not perform alarm actions"; unless it waits for the full period "the alarm ends the warm-up
 *   period early. Evaluation begins as soon as the alarm has enough metric data to fill its evaluation window". 1 to 2,880 minutes.
 * @param alarm properties of the template
 * @param valueAt datapoint of a period, counted from 0; undefined: none
 */
export function statesOf(alarm: Any, valueAt: (period: number) => number | undefined, periods: number): Any[] {
  const { EvaluationPeriods, DatapointsToAlarm = EvaluationPeriods, Threshold, TreatMissingData } = alarm;
  if (!['breaching', 'notBreaching'].includes(TreatMissingData))
    throw new Error(`${TreatMissingData} is not known here`);
  const beyond = BEYOND[alarm.ComparisonOperator];
  if (!beyond) throw new Error(`${alarm.ComparisonOperator} is not known here`);
  const { WarmUpPeriodDurationInMinutes: minutes = 0, OnlyStartEvaluatingAfterWarmUpPeriodEnds: waits = false } =
    alarm.WarmUpConfiguration ?? {};
  if (minutes > 2880) throw new Error(`${minutes} minutes of warm-up are too many`);
  const entered: { period: number; state: 'OK' | 'ALARM' }[] = [];
  let isWarm = minutes === 0;
  for (let period = 0; period < periods; period++) {
    const window = Array.from({ length: EvaluationPeriods }, (_, i) => (period < i ? undefined : valueAt(period - i)));
    isWarm ||= (period + 1) * periodOf(alarm) >= minutes || (!waits && !window.includes(undefined));
    if (!isWarm) continue;
    const bad = window.filter((v) => (v === undefined ? TreatMissingData === 'breaching' : beyond(v, Threshold)));
    const state = bad.length >= DatapointsToAlarm ? 'ALARM' : 'OK';
    if (entered.at(-1)?.state !== state) entered.push({ period, state });
  }
  return entered;
}

/** The numbers of these states alone. */
export const alarmsOf = (states: readonly Any[]): number[] =>
  states.flatMap(({ period, state }) => (state === 'ALARM' ? [period] : []));
