/** Who is paged by a first deployment: nobody, while everything is made one after the other; and whatever stays silent is heard. */
import { expect, test } from 'vitest';
import { alarmsOf, goodOf, periodOf, statesOf } from './alarm-states.ts';
import { resourcesOf, waitsFor } from './resources.ts';
import { PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
const production = synthesize(PRODUCTION, { checks: false });
const development = synthesize({ profile: 'development' }, { checks: false, built: false });
const { all, one } = resourcesOf(production);
/** Minutes of a first deployment in which nothing is written yet. */
const DEPLOYMENT = 90;

const alarmsIn = (of: typeof production) =>
  all('AWS::CloudWatch::Alarm', of).map(({ id, properties }) => ({ id, alarm: properties }));
/** To which silence is bad, by the last part of their names. */
const heartbeats = (of: typeof production) =>
  alarmsIn(of).filter(({ alarm }) => alarm.TreatMissingData === 'breaching');

test.each([
  ['production', production],
  ['development', development],
] as const)('%s: no alarm goes off while there are no data yet, and none once they are good', (_profile, of) => {
  const found = alarmsIn(of);
  expect(found.length).toBeGreaterThan(20);
  for (const { id, alarm } of found) {
    const silent = Math.floor(DEPLOYMENT / periodOf(alarm));
    const states = statesOf(alarm, (period) => (period < silent ? undefined : goodOf(alarm)), silent + 100);
    expect(alarmsOf(states), id).toEqual([]);
  }
});

test.each([
  ['production', production, ['Auth', 'Captions', 'Hooks', 'Signaling', 'Media', 'Turn', 'Canary']],
  ['development', development, ['Auth', 'Signaling', 'Turn', 'Canary']],
] as const)('%s: what stops writing is heard, and so is what never writes', (_profile, of, parts) => {
  const found = heartbeats(of);
  expect(found).toHaveLength(parts.length);
  for (const part of parts)
    expect(
      found.filter(({ id }) => new RegExp(`Observability${part}(Tasks|Nodes)?[0-9A-F]{8}$`).test(id)),
    ).toHaveLength(1);
  for (const { id, alarm } of found) {
    const periods = (3 * 60) / periodOf(alarm);
    expect(alarmsOf(statesOf(alarm, () => undefined, periods)), id).toHaveLength(1);
    const stopped = statesOf(alarm, (period) => (period < 10 ? goodOf(alarm) : undefined), 20);
    expect(alarmsOf(stopped), id).toEqual([9 + alarm.DatapointsToAlarm]);
  }
});

test('a new service of one task, of which more are wanted only when its scaling is made, is no lack; one of three that stays is, and none', () => {
  const found = alarmsIn(production).filter(({ id }) => /Observability\w+Tasks[0-9A-F]{8}$/.test(id));
  expect(found).toHaveLength(4);
  for (const { id, alarm } of found) {
    const { Expression } = alarm.Metrics.find((metric: Any) => metric.Expression);
    const names = Object.fromEntries(
      alarm.Metrics.flatMap(({ Id, MetricStat }: Any) => (MetricStat ? [[Id, MetricStat.Metric.MetricName]] : [])),
    );
    expect(names).toEqual({ running: 'RunningTaskCount', wanted: 'DesiredTaskCount' });
    const evaluate = new Function('IF', 'running', 'wanted', `return ${Expression}`);
    const value = (running: number, wanted: number): number =>
      evaluate((holds: boolean, yes: number, no: number) => (holds ? yes : no), running, wanted);
    const counts = [
      // The deployment with its bake time, then the first scaling, and a task that is lost and comes back.
      ...Array.from({ length: 12 }, () => [1, 1]),
      ...[
        [1, 3],
        [2, 3],
        [3, 3],
        [2, 3],
        [3, 3],
      ],
    ] as const;
    const at = (all: readonly (readonly number[])[]) => (period: number) => value(...(all[period] as [number, number]));
    expect(alarmsOf(statesOf(alarm, at(counts), counts.length)), id).toEqual([]);
    const lost = [...counts, ...Array.from({ length: 5 }, () => [1, 3])];
    expect(alarmsOf(statesOf(alarm, at(lost), lost.length)), id).toEqual([counts.length + 2]);
    // A count that somebody set by hand: nobody is served, though none is wanted.
    const none = [...counts, ...Array.from({ length: 5 }, () => [0, 0])];
    expect(alarmsOf(statesOf(alarm, at(none), none.length)), id).toEqual([counts.length + 2]);
  }
});

test('the canary calls when all that a caller meets is there: page, names, services, relays and their turns:', () => {
  const rule = all('AWS::Events::Rule').find(({ id }) => /TopologyCanarySchedule/.test(id))?.id as string;
  const waited = waitsFor((production.template as Any).Resources, rule);
  const met = [
    one('AWS::CloudFront::Distribution'),
    ...all('Custom::CDKBucketDeployment'),
    ...all('AWS::Route53::RecordSet'),
    ...all('AWS::ECS::Service').filter(({ id }) => !/Media/.test(id)),
    ...all('AWS::ElasticLoadBalancingV2::Listener'),
  ];
  // Two of pages, three names, five services, and the listeners of the page and of turns: on two ports.
  expect(met).toHaveLength(1 + 2 + 3 + 5 + 3);
  expect(met.filter(({ id }) => !waited.has(id)).map(({ id }) => id)).toEqual([]);
});
