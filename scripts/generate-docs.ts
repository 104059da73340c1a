/**
 * Writes what the docs say of KPIs and topology, from packages/service/src/kpi.ts and infra/topology, so that they cannot be
 * older than the code. `node scripts/generate-docs.ts`; test/docs.test.ts fails when a file is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { SERVICE_EVENTS } from '@tandem/service';
import {
  BURN_RATES,
  burnRatePromql,
  KPIS,
  type Kpi,
  kpiPromql,
  MIN_EVENTS,
  SLO_WINDOW_DAYS,
  SLOS,
  THRESHOLDS,
  thresholdPromql,
} from '@tandem/service/kpi';
import { AUTH_EVENTS } from '../apps/auth/src/log-events.ts';
import { CAPTIONS_EVENTS } from '../apps/captions/src/log-events.ts';
import { HOOKS_EVENTS } from '../apps/hooks/src/log-events.ts';
import { SIGNALING_EVENTS } from '../apps/signaling/src/log-events.ts';
import { GENERATED } from './generated-header.ts';
import { embedPage, pairSchemas, reactPage, rtcPage, serverPage } from './sdk-pages.ts';
import { topologyPage } from './topology-page.ts';

/** Every generated file by its path from the root. */
export function generateDocs(): Record<string, string> {
  return {
    'docs/kpis.md': kpiPage(),
    'docs/system-topology.md': topologyPage(),
    'docs/log-events.md': eventsPage(),
    'docs/rtc-api.md': rtcPage(),
    'docs/server-sdk.md': serverPage(),
    'docs/embed-api.md': embedPage(),
    'docs/react-api.md': reactPage(),
    'docs/pair-protocol.schema.json': pairSchemas(),
    'docs/dashboards/calls.grafana.json': `${JSON.stringify(dashboard(), null, 2)}\n`,
    'docs/dashboards/alerts.prometheus.json': `${JSON.stringify(alertRules(), null, 2)}\n`,
  };
}

/** Media nodes and composers write lines for CloudWatch: they are no targets of Prometheus. */
const streamLines = () => [
  '## Streams and recordings',
  '',
  'Of media nodes, a line a minute each, and of the composer, a line for each recording (CloudWatch, namespace `Tandem`; on one host the lines are in the log).',
  '',
  '| What | Metrics | Alarm and runbook |',
  '| --- | --- | --- |',
  '| Streams that were taken | `media_streams` now; `media_publish_failures`: answered 5xx | `PublishFailures`: [streams-fail](runbooks/streams-fail.md) |',
  '| Viewers that were taken | `media_viewers` now; `media_watch_failures`: refused with 5xx, and nothing to see by HLS either | `WatchFailures`: [streams-fail](runbooks/streams-fail.md) |',
  '| Programs for streams that the load balancer reaches | `UnHealthyHostCount` of its target group | `StreamTargets`: [streams-fail](runbooks/streams-fail.md) |',
  '| Rooms that HLS is made of | `media_packagers` now; `media_packager_failures`: ended by themselves, or nothing came of it | `PackagersFail`, where there are packagers: [streams-fail](runbooks/streams-fail.md) |',
  '| Traffic, which is most of the bill | `media_mbps` of each media node, `turn_mbps` of each TURN node, Mbit/s out; the sum of a fleet is `metricTraffic()`. Each Mbit/s is 0.45 GB an hour: [what it costs](capacity.md) | none: load is alarmed |',
  '| First picture of a viewer | `media_first_picture_ms`, mean of the minute, as the live page says it | none: it depends on the viewer’s network |',
  '| Recordings that became a film | `recordings_composed`, `recordings_failed` | `RecordingsFailed`, `ComposerNotStarted`: [recordings-fail](runbooks/recordings-fail.md) |',
  '',
];

function kpiPage(): string {
  const lines = [
    GENERATED,
    '',
    '# Key performance indicators',
    '',
    'From real calls: each browser sends a report of a few hundred bytes at the end of a call, and every five minutes during it, to',
    '`POST /reports` ([schema](../packages/protocol/src/report.ts); no personal data; `reportSampling` of config.json lets a share of the',
    'calls report, which then count for the others). Signaling turns reports into the metrics below.',
    'The list, this page, the [Grafana dashboard](dashboards/calls.grafana.json) and the',
    '[Prometheus alert rules](dashboards/alerts.prometheus.json) come from one source, [kpi.ts](../packages/service/src/kpi.ts).',
    '',
  ];
  for (const kpi of KPIS) {
    lines.push(`## ${kpi.name}`, '', `${kpi.definition}`, '', `- Source: ${kpi.source}`);
    if (kpi.by) lines.push(`- Broken down by: ${kpi.by.map((b) => `\`${b}\``).join(', ')}`);
    lines.push('', '```promql', ...kpiPromql(kpi, '5m').map((q) => q.promql), '```', '');
  }
  lines.push(...streamLines());
  lines.push(
    '## Objectives and alarms',
    '',
    `Objectives hold over ${SLO_WINDOW_DAYS} days. An alarm rises when both of its windows use up the error budget too fast (Google, The Site Reliability Workbook, chapter 5): the long window says that it matters, the short one that it still goes on. A window with fewer than ${MIN_EVENTS} events says nothing.`,
    '',
    '| Objective | Promise | Runbook |',
    '| --- | --- | --- |',
    ...SLOS.map(
      (s) => `| ${s.name} | ${Number((s.objective * 100).toFixed(2))} % | [${s.runbook}](runbooks/${s.runbook}.md) |`,
    ),
    '',
    '| Severity | Long window | Short window | Budget burns |',
    '| --- | --- | --- | --- |',
    ...BURN_RATES.map((b) => `| ${b.severity} | ${b.longMinutes / 60} h | ${b.shortMinutes} min | ${b.factor}× |`),
    '',
    '| Alarm | Condition | Severity | Runbook |',
    '| --- | --- | --- | --- |',
    ...THRESHOLDS.map(
      (t) =>
        `| ${t.name} | \`${thresholdPromql(t).replaceAll('|', '\\|')}\` | ${t.severity} | [${t.runbook}](runbooks/${t.runbook}.md) |`,
    ),
    '',
  );
  return lines.join('\n');
}

function eventsPage(): string {
  const table = (title: string, events: Record<string, string>) => [
    `## ${title}`,
    '',
    '| `event` | Meaning |',
    '| --- | --- |',
    ...Object.entries(events).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`),
    '',
  ];
  return [
    GENERATED,
    '',
    '# Log events',
    '',
    'Every log line that alarms or searches may hang on has a stable `event`. One list a service; a test holds it complete.',
    '',
    ...table('signaling', SIGNALING_EVENTS),
    ...table('auth', AUTH_EVENTS),
    ...table('hooks', HOOKS_EVENTS),
    ...table('captions', CAPTIONS_EVENTS),
    ...table('every service', SERVICE_EVENTS),
  ].join('\n');
}

function panel(kpi: Kpi, by: readonly string[], id: number, y: number, x: number) {
  const { query } = kpi;
  const unit =
    query.kind === 'ratio'
      ? 'percentunit'
      : query.kind === 'breakdown' || query.kind === 'frequency' || query.kind === 'rates'
        ? 'ops'
        : query.unit === 's'
          ? 's'
          : 'none';
  return {
    id,
    title: by.length > 0 ? `${kpi.name} by ${by.join(', ')}` : kpi.name,
    description: `${kpi.definition}\n\nSource: ${kpi.source}`,
    type: 'timeseries',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana's
    datasource: { type: 'prometheus', uid: '${datasource}' },
    gridPos: { h: 8, w: 12, x, y },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    targets: kpiPromql(kpi, '$__rate_interval', by).map((q, i) => ({
      refId: String.fromCharCode(65 + i),
      expr: q.promql,
      legendFormat: q.legend,
    })),
  };
}

function dashboard() {
  const wanted = KPIS.flatMap((kpi) => [
    { kpi, by: [] as string[] },
    ...(kpi.by ?? []).map((label) => ({ kpi, by: [label] })),
  ]);
  return {
    uid: 'tandem-calls',
    title: 'Tandem: calls',
    schemaVersion: 39,
    refresh: '1m',
    time: { from: 'now-6h', to: 'now' },
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus' }] },
    panels: wanted.map(({ kpi, by }, i) => panel(kpi, by, i + 1, Math.floor(i / 2) * 8, (i % 2) * 12)),
  };
}

/** Prometheus reads JSON as YAML: `rule_files: [alerts.prometheus.json]`. */
function alertRules() {
  const rule = (alert: string, expr: string, severity: string, summary: string, runbook: string) => ({
    alert,
    expr,
    labels: { severity },
    annotations: { summary, runbook: `docs/runbooks/${runbook}.md` },
  });
  return {
    groups: [
      {
        name: 'tandem-slo',
        rules: SLOS.flatMap((slo) =>
          BURN_RATES.map((b) =>
            rule(
              `${slo.id}-${b.longMinutes / 60}h`,
              burnRatePromql(slo, b),
              b.severity,
              `${slo.name}: the error budget burns ${b.factor} times too fast`,
              slo.runbook,
            ),
          ),
        ),
      },
      {
        name: 'tandem-thresholds',
        rules: THRESHOLDS.map((t) => rule(t.id, thresholdPromql(t), t.severity, t.name, t.runbook)),
      },
    ],
  };
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '..');
  for (const [path, text] of Object.entries(generateDocs())) {
    const file = resolve(root, path);
    let old = '';
    try {
      old = readFileSync(file, 'utf8');
    } catch {
      // New.
    }
    if (old === text) continue;
    writeFileSync(file, text);
    console.log(`wrote ${path}`);
  }
}
