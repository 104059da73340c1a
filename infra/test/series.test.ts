/**
 * Every alarm and widget is on a series that exists: of AWS by its documentation (published-metrics.ts), of ours by what the services
 * really write: they run, their /metrics is scraped and converted as the collector's configuration says.
 */
import { startTestAuth } from '@tandem/auth/testing';
import { startTestCaptions } from '@tandem/captions/testing';
import { startTestHooks } from '@tandem/hooks/testing';
import { FAILURE_REASONS, RATING_ISSUES } from '@tandem/protocol';
import { createMetrics } from '@tandem/service';
import { KPIS, type MetricRef, SLOS, THRESHOLDS } from '@tandem/service/kpi';
import { startRedis } from '@tandem/service/testing';
import { startTestNode } from '@tandem/signaling/testing';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { beforeAll, expect, test } from 'vitest';
import { type CanaryCommand, parseCommand } from '../canary/src/options.ts';
import { type CanaryMetrics, metricLine } from '../canary/src/result.ts';
import { mediaMetrics } from '../media-node/src/node-load.ts';
import { embeddedMetrics } from '../node-kit/metrics.ts';
import { composerMetrics } from '../recording-composer/src/metrics.ts';
import { Network, Observability, SessionCache, SignalingService, TopologyStack } from '../src/index.ts';
import { turnMetrics } from '../turn-node/src/turn-metrics.ts';
import { METRICS_AN_ALARM, PUBLISHED } from './published-metrics.ts';
import {
  bodyOfDashboard,
  emitted,
  key,
  type Series,
  seriesOfAlarm,
  seriesOfDashboard,
  seriesOfLine,
  text,
} from './series-read.ts';
import { FLAGS, PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;

const template: Any = synthesize(PRODUCTION, { checks: false }).template;
const resources = (type: string): [string, Any][] =>
  Object.entries(template.Resources as Record<string, Any>).filter(([, one]) => one.Type === type);
/** The configuration that a service's collector gets. */
function collectorOf(service: string): Any {
  const collector = containersOf(service).find((c: Any) => c.Name === 'collector');
  return JSON.parse(text(collector.Environment.find((v: Any) => v.Name === 'AOT_CONFIG_CONTENT').Value));
}

function containersOf(service: string): Any[] {
  const [, task] =
    resources('AWS::ECS::TaskDefinition').find(([id]) => new RegExp(`${service}Task`, 'i').test(id)) ?? [];
  return task.Properties.ContainerDefinitions;
}

/**
 * Processors that a scrape of this service passes on its way to CloudWatch. OpenTelemetry collector, "Configuration": a component does nothing until a pipeline of
 * `service` names it; the containers of a task share loopback.
 * @throws Error where it does not come there
 */
function processorsOf(service: string): Any[] {
  const config = collectorOf(service);
  const [{ static_configs, metrics_path = '/metrics', scheme = 'http' }] =
    config.receivers.prometheus.config.scrape_configs;
  const app = containersOf(service).find((c: Any) => c.Name === 'app');
  const listens = app.Environment.find((v: Any) => v.Name === 'PORT').Value;
  const asked = static_configs
    .flatMap(({ targets }: Any) => targets)
    .map((one: string) => `${scheme}://${one}${metrics_path}`);
  if (asked.join() !== `http://127.0.0.1:${listens}/metrics`)
    throw new Error(`${service} listens on ${listens}, and ${asked} is asked`);
  const way = Object.values<Any>(config.service.pipelines).find(
    ({ receivers, exporters }) => receivers.includes('prometheus') && exporters.includes('awsemf'),
  );
  if (!way) throw new Error(`no pipeline of ${service} leads from the scrape to CloudWatch`);
  return way.processors.map((name: string) => {
    if (!(name in config.processors)) throw new Error(`${service}: no processor ${name}`);
    return { name, ...config.processors[name] };
  });
}

/** The settings of a task that are known before it is deployed. */
function settingsOf(name: RegExp): Record<string, string> {
  const [, task] = resources('AWS::ECS::TaskDefinition').find(([id]) => name.test(id)) ?? [];
  const all: [string, unknown][] = task.Properties.ContainerDefinitions[0].Environment.map((v: Any) => [
    v.Name,
    v.Value,
  ]);
  return Object.fromEntries(all.filter((one): one is [string, string] => typeof one[1] === 'string'));
}

/** What a node with the settings of its task writes. */
function writtenByNode(service: string, name: RegExp, metrics: Parameters<typeof embeddedMetrics>[1]): Series[] {
  const settings = settingsOf(name);
  return seriesOfLine(
    embeddedMetrics({ service, stack: settings.METRICS_STACK ?? '', part: settings.METRICS_PART ?? '' }, metrics),
  );
}

/** What the canary with the settings of its task writes. */
function writtenByCanary(): Series[] {
  const { metrics } = parseCommand([], settingsOf(/CanaryTask/)) as CanaryCommand;
  return seriesOfLine(metricLine(metrics as CanaryMetrics, { passed: true, steps: [] }));
}

let ours: Set<string>;
/** Names of what nodes and the composer write. */
const written: string[] = [];
/** What the services say of their metrics, by name: counter, gauge, histogram. */
let types: Map<string, string>;
/** What the services write before anything has happened. */
let fresh: string;

beforeAll(async () => {
  await using auth = await startTestAuth();
  await using node = await startTestNode({ keys: auth });
  await using redis = await startRedis();
  await using hooks = await startTestHooks({ redisUrl: redis.url, jwksUrl: auth.jwksUrl });
  await using captions = await startTestCaptions({ jwksUrl: auth.jwksUrl, recognizers: 'en=ws://127.0.0.1:2700' });
  const scrape = async (port: number) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  // The process is measured by `main`, beside the service.
  const own = createMetrics({ service: 'process' });
  own.observeProcess();
  const process_ = await own.text();
  const scrapes = {
    Auth: await scrape(auth.port),
    Signaling: await scrape(node.port),
    Hooks: await scrape(hooks.port),
    Captions: await scrape(captions.port),
  };
  fresh = Object.values(scrapes).join('\n');
  types = new Map([...fresh.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type]));
  const all = Object.entries(scrapes).flatMap(([service, text]) => {
    processorsOf(service);
    return emitted(collectorOf(service), `${text}\n${process_}`);
  });
  for (const [service, task, metrics] of [
    ['turn', /TurnTask/, turnMetrics({ allocations: 0, load: 0, mbps: 0, serving: 1, draining: 0 })],
    [
      'media',
      /MediaTask/,
      mediaMetrics({
        ...{ rooms: 0, legs: 0, load: 0, mbps: 0, serving: 1, draining: 0, streams: 0, viewers: 0 },
        ...{ enginesLost: 0, roomsMoved: 0, publishFailures: 0, watchFailures: 0, firstPictureMs: 0 },
        ...{ packagers: 0, packagerFailures: 0 },
      }),
    ],
    ['composer', /RecordingsTask/, composerMetrics({ failed: false })],
  ] as const) {
    const series = writtenByNode(service, task, metrics);
    written.push(...series.map(({ name }) => name));
    all.push(...series);
  }
  all.push(...writtenByCanary());
  ours = new Set(all.map(key));
});

/** What AWS writes as value of a dimension: type of the resource, and what CloudFormation returns that is it (nothing: its Ref). Sources: as PUBLISHED. */
const VALUES: Readonly<Record<string, readonly [type: string, attribute?: string]>> = {
  LoadBalancer: ['AWS::ElasticLoadBalancingV2::LoadBalancer', 'LoadBalancerFullName'],
  TargetGroup: ['AWS::ElasticLoadBalancingV2::TargetGroup', 'TargetGroupFullName'],
  ClusterName: ['AWS::ECS::Cluster'],
  ServiceName: ['AWS::ECS::Service', 'Name'],
  AutoScalingGroupName: ['AWS::AutoScaling::AutoScalingGroup'],
  DistributionId: ['AWS::CloudFront::Distribution'],
  RuleName: ['AWS::Events::Rule'],
};

/** Is this the value of a resource of the template? `text` writes it as its id, a dot and the attribute. */
function isValue(dimension: string, value: string): boolean {
  if (dimension === 'Region') return value === 'Global';
  if (dimension === 'CacheClusterId') {
    // ElastiCache guide: shards count from 0001, nodes of a shard from 001.
    const [, id, shard, node] = /^(\w+)-(\d{4})-(\d{3})$/.exec(value) ?? [];
    const group = resources('AWS::ElastiCache::ReplicationGroup').find(([one]) => one === id)?.[1].Properties;
    const isOf = (n: string | undefined, most: number) => Number(n) >= 1 && Number(n) <= most;
    return group !== undefined && isOf(shard, group.NumNodeGroups) && isOf(node, 1 + group.ReplicasPerNodeGroup);
  }
  // arn:…:listener/app/<name>/<id>/<listener>: its middle is the load balancer's full name.
  const [, listener] = (dimension === 'LoadBalancer' && /^(\w+)\[1\]\/\1\[2\]\/\1\[3\]$/.exec(value)) || [];
  if (listener) return resources('AWS::ElasticLoadBalancingV2::Listener').some(([id]) => id === listener);
  const [type, attribute] = VALUES[dimension] ?? [];
  return type !== undefined && resources(type).some(([id]) => value === (attribute ? `${id}.${attribute}` : id));
}

/** Why a statistic says nothing of a metric of ours; undefined when it does. The exporter writes a counter's growth of each task and minute. */
function misread({ name, statistic }: Series): string | undefined {
  const type = types.get(name);
  const of = `${statistic} of the ${type} ${name}`;
  if (type === 'counter') return statistic === 'Sum' ? undefined : `${of}: how often is their sum`;
  if (type === 'histogram') return statistic !== 'Sum' ? undefined : `${of} is of seconds and no share`;
  return undefined;
}

/** Why a series does not exist; undefined when it does. */
function missing(series: Series): string | undefined {
  if (ours.has(key(series))) return undefined;
  const names = Object.keys(series.dimensions).sort().join();
  const published = PUBLISHED.find(
    ({ namespace, names: some, dimensions }) =>
      namespace === series.namespace &&
      some.includes(series.name) &&
      dimensions.some((set) => [...set].sort().join() === names),
  );
  if (!published) return `nobody writes ${key(series)}`;
  for (const [name, value] of Object.entries(series.dimensions))
    if (!isValue(name, value)) return `no ${name} is called ${value}`;
  if (published.region && series.region !== published.region) return `${key(series)} is in ${published.region} only`;
  if (series.name === 'CacheHitRate' && resources('AWS::CloudFront::MonitoringSubscription').length === 0)
    return 'CacheHitRate needs a monitoring subscription';
  return undefined;
}

test('every alarm is on series that exist, and its math is inside the quota', () => {
  const alarms = resources('AWS::CloudWatch::Alarm');
  expect(alarms.length).toBeGreaterThan(20);
  for (const [id, alarm] of alarms) {
    const series = seriesOfAlarm(alarm);
    expect(series.length, id).toBeGreaterThan(0);
    expect((alarm.Properties.Metrics ?? []).filter((m: Any) => m.MetricStat).length, id).toBeLessThanOrEqual(
      METRICS_AN_ALARM,
    );
    for (const one of series) expect(missing(one) ?? misread(one), id).toBeUndefined();
    // PutMetricAlarm: EvaluationPeriods × Period is a day at most, with periods of an hour and more seven days.
    const periods: number[] = alarm.Properties.Metrics
      ? alarm.Properties.Metrics.flatMap((m: Any) => m.MetricStat?.Period ?? [])
      : [alarm.Properties.Period];
    const longest = Math.max(...periods);
    expect(longest * alarm.Properties.EvaluationPeriods, id).toBeLessThanOrEqual((longest < 3600 ? 1 : 7) * 86_400);
  }
});

test('a histogram is written as its growth, as counters are', () => {
  const histograms = resources('AWS::CloudWatch::Alarm')
    .flatMap(([, alarm]) => seriesOfAlarm(alarm))
    .filter(({ name }) => types.get(name) === 'histogram');
  expect(histograms.length).toBeGreaterThan(0);
  // README of awsemfexporter: it makes deltas of counters, and takes histograms as they come; the Prometheus receiver's are cumulative.
  const names = processorsOf('Signaling').find(({ name }) => name === 'cumulativetodelta')?.include.metrics ?? [];
  expect(new Set(histograms.map(({ name }) => name))).toEqual(new Set(names));
});

test('every widget is on series that exist', () => {
  const series = resources('AWS::CloudWatch::Dashboard').flatMap(([, one]) => seriesOfDashboard(one));
  expect(series.length).toBeGreaterThan(30);
  expect(series.map((one) => missing(one) ?? misread(one)).filter(Boolean)).toEqual([]);
});

test('whatever nodes and the composer write each minute is read by an alarm or a widget: a metric is paid for', () => {
  const read = [
    ...resources('AWS::CloudWatch::Alarm').flatMap(([, alarm]) => seriesOfAlarm(alarm)),
    ...resources('AWS::CloudWatch::Dashboard').flatMap(([, one]) => seriesOfDashboard(one)),
  ].map(({ name }) => name);
  expect(written.length).toBeGreaterThan(15);
  expect(written.filter((name) => !read.includes(name))).toEqual([]);
});

test('every policy that scales follows a series that exists', () => {
  const metrics = [
    ...resources('AWS::AutoScaling::ScalingPolicy').map(([, p]) => p.Properties.TargetTrackingConfiguration),
    ...resources('AWS::ApplicationAutoScaling::ScalingPolicy').map(
      ([, p]) => p.Properties.TargetTrackingScalingPolicyConfiguration,
    ),
  ].flatMap((policy) => policy.CustomizedMetricSpecification ?? []);
  expect(metrics.length).toBeGreaterThan(1);
  for (const m of metrics) expect(missing(seriesOfAlarm({ Properties: m })[0] as Series)).toBeUndefined();
});

test('counters count from their first event: the exporter keeps first values', () => {
  for (const service of ['Auth', 'Signaling', 'Hooks', 'Captions'])
    expect(collectorOf(service).exporters.awsemf.retain_initial_value_of_delta_metric).toBe(true);
});

/** Counters on which a KPI, an objective or an alarm rests, each label value that it asks for. */
const counted = (): MetricRef[] => {
  const asked: MetricRef[] = [
    ...KPIS.flatMap(({ query }): MetricRef[] => {
      if (query.kind === 'ratio') return [query.good, query.total];
      if (query.kind === 'quantiles') return [{ metric: query.metric, le: '+Inf' }];
      if (query.kind === 'rates') return query.metrics.map((metric) => ({ metric }));
      return query.kind === 'breakdown' ? [{ metric: query.metric }] : [];
    }),
    ...SLOS.flatMap(({ query }) => [query.good, query.total]),
    ...THRESHOLDS.filter((one) => one.statistic === 'increase').map((one) => one.metric),
    // What the closed lists of the protocol may say, the dashboards draw by.
    { metric: 'tandem_call_failures_total', where: { reason: FAILURE_REASONS } },
    { metric: 'tandem_call_rating_issues_total', where: { issue: RATING_ISSUES } },
    { metric: 'tandem_reports_total', where: { outcome: ['accepted', 'refused', 'limited'] } },
    { metric: 'tandem_call_path_total', where: { protocol: ['udp', 'tcp', 'tls', 'none'] } },
  ];
  return asked.flatMap(({ where, ...one }) => {
    const [filter] = Object.entries(where ?? {});
    return filter ? [filter[1]].flat().map((value) => ({ ...one, where: { [filter[0]]: value } })) : [one];
  });
};

test('a service that just started writes each counter that an alarm, a KPI or a panel asks for, as zero', () => {
  const samples = [...fresh.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/gm)].map(
    ([, name = '', labels = '', value]) => ({
      name,
      labels: Object.fromEntries(
        [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', text = '']) => [label, text]),
      ),
      value,
    }),
  );
  const all = counted();
  expect(all.length).toBeGreaterThan(60);
  const wrong = all.flatMap((ref) => {
    const { metric, where = {}, le } = ref;
    const found = samples.filter(
      ({ name, labels }) =>
        [metric, `${metric}_bucket`].includes(name) &&
        (le === undefined || labels.le === le) &&
        Object.entries(where).every(([label, value]) => labels[label] === value),
    );
    const values = new Set(found.map(({ value }) => value));
    return values.size === 1 && values.has('0') ? [] : [`${JSON.stringify(ref)}: ${[...values].join() || 'none'}`];
  });
  expect(wrong).toEqual([]);
});

test('the check can say no: an unknown name, unknown dimensions, another part of the stack', () => {
  const [, task] = resources('AWS::ECS::TaskDefinition')[0] ?? [];
  expect(task).toBeDefined();
  const group = { namespace: 'AWS/ElastiCache', name: 'EngineCPUUtilization', dimensions: { ReplicationGroupId: 'r' } };
  expect(missing(group)).toContain('nobody writes');
  const [[id] = ['']] = resources('AWS::ElastiCache::ReplicationGroup');
  expect(missing({ ...group, dimensions: { CacheClusterId: `${id}-0001-001` } })).toBeUndefined();
  for (const wrong of [`${id}-0001-009`, `${id}-0000-001`, `${id}-1-1`, 'r-0001-001'])
    expect(missing({ ...group, dimensions: { CacheClusterId: wrong } })).toContain('no CacheClusterId');
  expect(missing({ ...group, name: 'EngineCpu', dimensions: { CacheClusterId: 'r' } })).toContain('nobody writes');
  const [turn] = [...ours].filter((one) => one.startsWith('Tandem turn_load'));
  expect(turn).toContain('part=Topology/Turn');
});

test('the largest cache keeps graphs, alarms and template within the quotas of CloudWatch and CloudFormation', () => {
  const stack = new TopologyStack(new App({ context: FLAGS }), 'Large');
  const { vpc } = new Network(stack, 'Network', {});
  // 500 nodes, the most that ElastiCache gives a cluster.
  const cache = new SessionCache(stack, 'Cache', { vpc, shards: 100, replicasPerShard: 4 });
  const signaling = new SignalingService(stack, 'Signaling', {
    vpc,
    cache: cache.addUser('App', { userName: 'app', accessString: 'on ~app:* +@all -@admin' }),
    jwksUrl: 'https://auth.example.com/.well-known/jwks.json',
    image: ecs.ContainerImage.fromRegistry('example.com/image:1'),
  });
  new Observability(stack, 'Observability', { signaling, cache });
  const large: Any = Template.fromStack(stack).toJSON();
  const all = (type: string): Any[] => Object.values<Any>(large.Resources).filter((one) => one.Type === type);
  const graphs = all('AWS::CloudWatch::Dashboard').flatMap((one) =>
    bodyOfDashboard(one).widgets.map((widget: Any) => widget.properties.metrics?.length ?? 0),
  );
  // CloudWatch guide: "Each graph is limited to using a maximum of 500 metrics and expressions"; quotas: 2,500 metrics a dashboard.
  expect(Math.max(...graphs)).toBeLessThanOrEqual(500);
  expect(graphs.reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(2500);
  // Quotas: "Alarms based on metric math expressions can have up to 10 metrics"; each node is under one alarm of each kind.
  const watched = all('AWS::CloudWatch::Alarm').map((one) => seriesOfAlarm(one).map(key));
  expect(Math.max(...watched.map((one) => one.length))).toBe(10);
  const lag = watched.flat().filter((one) => one.startsWith('AWS/ElastiCache ReplicationLag'));
  expect([lag.length, new Set(lag).size]).toEqual([500, 500]);
  // CloudFormation quotas: 1 MB a template; CDK warns from 80 %; the rest of the topology needs 150 KB.
  expect(JSON.stringify(large).length).toBeLessThan(650_000);
});
