/** What scaling does with a given load, as Auto Scaling reads the policies; and that nobody scales on another's load. */
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { expect, test } from 'vitest';
import { embeddedMetrics } from '../node-kit/metrics.ts';
import { Network, SessionCache, SignalingService, TopologyStack, TurnFleet } from '../src/index.ts';
import { turnMetrics } from '../turn-node/src/turn-metrics.ts';
import { averageNetworkOut, targetTracking } from './aws-rules.ts';
import { PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
const resources = (template: Any, type: string): Any[] =>
  Object.values(template.Resources as Any).filter((one: Any) => one.Type === type);
const ofTurn = (template: Any, type: string): Any[] =>
  Object.entries<Any>(template.Resources)
    .filter(([id, one]) => one.Type === type && id.startsWith('TopologyTurn'))
    .map(([, one]) => one);
const environment = (template: Any, name: string): Record<string, Any> => {
  const containers = resources(template, 'AWS::ECS::TaskDefinition').flatMap((t) => t.Properties.ContainerDefinitions);
  return Object.fromEntries(
    containers.find((c: Any) => c.Name === name).Environment.map((v: Any) => [v.Name, v.Value]),
  );
};
const MEGABIT = 1_000_000 / 8;

/** Metric value that a policy sees while each of its nodes sends `mbps`, by AWS's definition or by what the node writes. */
function measured(policy: Any, settings: Record<string, Any>, mbps: number): number {
  const { PredefinedMetricSpecification: predefined, CustomizedMetricSpecification: custom } = policy;
  if (predefined?.PredefinedMetricType === 'ASGAverageNetworkOut') return averageNetworkOut(mbps * MEGABIT);
  const line = JSON.parse(
    embeddedMetrics(
      { service: 'turn', stack: settings.METRICS_STACK, part: settings.METRICS_PART },
      turnMetrics({ allocations: 1, load: mbps / Number(settings.NODE_MBPS), mbps, serving: 1, draining: 0 }),
    ),
  );
  const [directive] = line._aws.CloudWatchMetrics;
  expect(custom.Namespace).toBe(directive.Namespace);
  const names = custom.Dimensions.map((d: Any) => d.Name).sort();
  expect(directive.Dimensions.map((set: string[]) => [...set].sort())).toContainEqual(names);
  for (const { Name, Value } of custom.Dimensions) expect(line[Name]).toBe(Value);
  expect(custom.Statistic).toBe('Average');
  return line[custom.MetricName];
}

test.each([
  ['development', synthesize({ profile: 'development' }, { checks: false, built: false })],
  ['production', synthesize(PRODUCTION, { checks: false })],
])('%s: one relayed call adds no TURN node, half of the capacity none, three quarters do', (_profile, { template }) => {
  const [group] = ofTurn(template, 'AWS::AutoScaling::AutoScalingGroup');
  const [min, max] = [Number(group.Properties.MinSize), Number(group.Properties.MaxSize)];
  const policies = ofTurn(template, 'AWS::AutoScaling::ScalingPolicy');
  expect(policies.length).toBeGreaterThan(0);
  const settings = environment(template, 'turn');
  const wanted = (mbps: number) =>
    Math.max(
      ...policies.map(({ Properties: { TargetTrackingConfiguration: policy } }) =>
        targetTracking(min, measured(policy, settings, mbps), policy.TargetValue, min, max),
      ),
    );
  // One call of two: what each sends is relayed once, 2 × 1.5 Mbit/s.
  expect(wanted(3)).toBe(min);
  expect(wanted(Number(settings.NODE_MBPS) / 2)).toBe(min);
  expect(wanted(Number(settings.NODE_MBPS) * 0.75)).toBe(Math.ceil(min * 1.5));
});

test('two fleets and two services of one kind in one stack, and the same in two stacks, scale each on its own series', () => {
  const image = ecs.ContainerImage.fromRegistry('example.com/image:1');
  const series = ['One', 'Two'].flatMap((name) => {
    const stack = new TopologyStack(new App(), name);
    const { vpc } = new Network(stack, 'Network');
    const cache = new SessionCache(stack, 'Cache', { vpc }).addUser('U', {
      userName: 'u',
      accessString: 'on ~a:* +@all',
    });
    for (const id of ['A', 'B']) {
      new TurnFleet(stack, `Turn${id}`, { vpc, image });
      new SignalingService(stack, `Signaling${id}`, { vpc, image, cache, jwksUrl: 'https://a.example/jwks.json' });
    }
    const template = Template.fromStack(stack).toJSON();
    return [
      ...resources(template, 'AWS::AutoScaling::ScalingPolicy').map((p) => p.Properties.TargetTrackingConfiguration),
      ...resources(template, 'AWS::ApplicationAutoScaling::ScalingPolicy').map(
        (p) => p.Properties.TargetTrackingScalingPolicyConfiguration,
      ),
    ].flatMap((policy) => (policy.CustomizedMetricSpecification ? [policy.CustomizedMetricSpecification] : []));
  });
  expect(series).toHaveLength(8);
  expect(new Set(series.map((one) => JSON.stringify([one.Namespace, one.MetricName, one.Dimensions]))).size).toBe(8);
});
