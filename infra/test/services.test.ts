/**
 * A service of the topology is whole: whatever one of them has in the cloud, in compose, among alarms, on the bill and in the documents, each has, or it says here why
 * not. The list of services is that of infra/topology alone, so a new one fails each line that nobody has thought of.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { THRESHOLDS } from '@tandem/service/kpi';
import { describe, expect, test } from 'vitest';
import { composeFile } from '../compose/render.ts';
import { IMAGES } from '../topology/images.ts';
import { type ServicePart, topology } from '../topology/index.ts';
import { resourcesOf } from './resources.ts';
import { PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const production = synthesize(PRODUCTION, { checks: false });
const { all } = resourcesOf(production);
const services = Object.entries(topology).flatMap(([name, part]): [string, ServicePart][] =>
  part.kind === 'service' ? [[name, part as unknown as ServicePart]] : [],
);

/** What people call it, where that is not its name. */
const CALLED: Readonly<Record<string, string>> = { hooks: 'events' };
/** Services without a rule of their own in docs/dashboards/alerts.prometheus.json, with the reason. */
const NO_RULE: Readonly<Record<string, string>> = {
  auth: 'without it no call comes up: the objective call-setup burns, and its HTTP answers are counted with those of every service',
};

test('the topology has services, and every exception here is of one of them', () => {
  const names = services.map(([name]) => name);
  expect(names.length).toBeGreaterThan(3);
  for (const name of [...Object.keys(CALLED), ...Object.keys(NO_RULE)]) expect(names).toContain(name);
});

describe.each(services)('%s', (name, part) => {
  const title = `${name[0]?.toUpperCase()}${name.slice(1)}`;
  const called = CALLED[name] ?? name;
  const ofPart = (type: string) => all(type).filter(({ id }) => id.startsWith(`Topology${title}`));

  test('is an image, a service of ECS with logs and a target group, and a service of compose', () => {
    expect(IMAGES as readonly string[]).toContain(name);
    expect(ofPart('AWS::ECS::Service')).toHaveLength(1);
    expect(ofPart('AWS::Logs::LogGroup').length).toBeGreaterThan(0);
    expect(ofPart('AWS::ApplicationAutoScaling::ScalableTarget')).toHaveLength(1);
    expect(Object.keys(composeFile().services).some((one) => one === name || one.startsWith(`${name}-`))).toBe(true);
  });

  test('is reached at each of its routes through CloudFront, its function and the load balancer', () => {
    const rules = JSON.stringify(
      all('AWS::ElasticLoadBalancingV2::ListenerRule').map(({ properties }) => properties.Conditions),
    );
    const patterns: string[] = all(
      'AWS::CloudFront::Distribution',
    )[0]?.properties.DistributionConfig.CacheBehaviors.map((one: Any) => one.PathPattern);
    // More exact ones may go by the pattern of another service: the load balancer tells them apart.
    const passes = (route: string) => patterns.some((one) => route.startsWith(one.replace(/\*$/, '')));
    const code: string = all('AWS::CloudFront::Function')[0]?.properties.FunctionCode;
    const notPages = new RegExp(/if \(!\/(.*)\/\.test\(request\.uri\)\)/.exec(code)?.[1] ?? 'none');
    for (const route of part.routes) {
      expect(rules, route).toContain(`"${route}*"`);
      expect(passes(route), route).toBe(true);
      expect(notPages.test(`${route}/x`), `${route} would be a page`).toBe(true);
    }
  });

  test('has alarms of tasks, processor, memory and targets, each with its runbook', () => {
    const service = ofPart('AWS::ECS::Service')[0]?.id as string;
    const watched = all('AWS::CloudWatch::Alarm').filter(({ properties }) =>
      JSON.stringify(properties).includes(service),
    );
    const metrics = watched.flatMap(({ properties: { MetricName, Metrics = [] } }) => [
      MetricName,
      ...Metrics.map((query: Any) => query.MetricStat?.Metric.MetricName),
    ]);
    expect(metrics).toEqual(expect.arrayContaining(['CPUUtilization', 'MemoryUtilization', 'RunningTaskCount']));
    const group = all('AWS::ElasticLoadBalancingV2::TargetGroup').find(
      ({ properties }) => properties.Port === part.port,
    );
    const unhealthy = all('AWS::CloudWatch::Alarm').filter(
      ({ properties }) =>
        properties.MetricName === 'UnHealthyHostCount' && JSON.stringify(properties).includes(`"${group?.id}"`),
    );
    expect(unhealthy).toHaveLength(1);
    for (const { properties } of [...watched, ...unhealthy]) {
      const [, page = 'none'] = /Runbook: (\S+\.md)$/.exec(properties.AlarmDescription) ?? [];
      expect(existsSync(join(root, page)), properties.AlarmDescription).toBe(true);
    }
    expect(read('docs/runbooks/README.md')).toContain(`(${name}-tasks-missing.md)`);
  });

  test('has a rule for Prometheus and an alarm of CloudWatch for what it counts itself, or a reason not to', () => {
    const own = THRESHOLDS.filter((one) => (one.service ?? 'signaling') === name);
    expect(own.length > 0, name).toBe(NO_RULE[name] === undefined);
    const rules = read('docs/dashboards/alerts.prometheus.json');
    const alarms = JSON.stringify(all('AWS::CloudWatch::Alarm').map(({ properties }) => properties));
    for (const { id, metric } of own) {
      expect(rules).toContain(`"alert": "${id}"`);
      expect(alarms, id).toContain(metric.metric);
    }
  });

  test('is on the bill, among the log events, the settings and what can break', () => {
    expect(read('docs/capacity.md')).toMatch(new RegExp(`^\\| ${called} tasks \\|`, 'm'));
    expect(read('docs/log-events.md')).toMatch(new RegExp(`^## ${name}$`, 'm'));
    expect(read('docs/system-topology.md')).toMatch(new RegExp(`^### ${name}$`, 'm'));
    expect(read('docs/failure-domains.md')).toMatch(new RegExp(`^\\| [^|]*\\b${called}\\b`, 'im'));
    expect(read('docs/deployment-and-testing.md')).toContain(`\`${name}Image\``);
  });
});
