/** From a browser's report to the number on the dashboard: real nodes, real auth, a real Prometheus, the panels that we ship. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CallLeg, CallReport } from '@tandem/protocol';
import { connectRedis, writeMediaNode } from '@tandem/service';
import { startCollector, startRedis } from '@tandem/service/testing';
import { connectClient, startTestNode } from '@tandem/signaling/testing';
import { expect, test } from 'vitest';
import { startTestAuth } from '../apps/auth/src/testing.ts';
import { startTestCaptions } from '../apps/captions/src/testing.ts';
import { startTestHooks } from '../apps/hooks/src/testing.ts';
import { RULES, type Sample, startPrometheus } from './support/prometheus.ts';

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
}
const dashboard = readFileSync(resolve(import.meta.dirname, '../docs/dashboards/calls.grafana.json'), 'utf8');
const { panels } = JSON.parse(dashboard) as { panels: Panel[] };

const times = <T>(n: number, value: T): T[] => Array.from({ length: n }, () => value);
const up: CallLeg = { outcome: 'connected', phase: 'end', setupMs: 400, mos: 4.2, dropped: false, path: 'host' };
const served: CallLeg = {
  ...up,
  topology: 'sfu',
  firstPictureMs: 600,
  pictureMs: 100_000,
  frozenMs: 10_000,
  keyframeRequests: 20,
};
const paired: CallLeg = { ...up, firstPictureMs: 600, pictureMs: 100_000, frozenMs: 0 };
const relayed: CallLeg = { ...up, path: 'relay', relayProtocol: 'udp' };
const dropped: CallLeg = { ...relayed, dropped: true };
const failed: CallLeg = { outcome: 'failed', phase: 'end', failure: 'ice-failed' };
const gaveUp: CallLeg = { outcome: 'abandoned', phase: 'end' };
const call = (roomSize: number, legs: CallLeg[], more: Partial<CallReport> = {}): CallReport => ({
  version: 1,
  client: '1.2.3',
  region: 'eu-central-1',
  roomSize,
  legs,
  ...more,
});

test('reports become the ratios and quantiles of the dashboard; every panel and alarm asks for what the services really tell', async () => {
  await using redis = await startRedis();
  await using collector = await startCollector();
  await using auth = await startTestAuth({ REDIS_URL: redis.url });
  const config = { REDIS_URL: redis.url, MEDIA_FROM: 2, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  await using north = await startTestNode({ keys: auth, config });
  await using south = await startTestNode({ keys: auth, config });
  await using hooks = await startTestHooks({ redisUrl: redis.url, jwksUrl: auth.jwksUrl });
  await using captions = await startTestCaptions({ jwksUrl: auth.jwksUrl, recognizers: 'en=ws://127.0.0.1:2700' });
  const reports = async () => {
    for (const body of [
      call(2, [...times(9, up), paired, ...times(20, gaveUp)], {
        resumes: { ok: 3, failed: 1 },
        switches: { ok: 9, failed: 1 },
      }),
      call(5, [...times(2, up), ...times(2, served), ...times(4, relayed), dropped, failed]),
      call(2, [], { rating: 4 }),
    ])
      for (const { url } of [north, south]) {
        const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
        expect((await fetch(`${url}/reports`, init)).status).toBe(204);
      }
  };
  await auth.login('ada');
  // Twice: what Prometheus sees first is only where counting starts.
  await reports();
  const host = (url: string) => new URL(url).host;
  await using prometheus = await startPrometheus({
    signaling: [host(north.url), host(south.url)],
    auth: [host(auth.url)],
    hooks: [host(hooks.url)],
    captions: [host(captions.url)],
  });
  await prometheus.scraped();
  await reports();
  // A room of two is given a node that never comes, then the other one.
  const directory = connectRedis(redis.url);
  for (const id of ['m1', 'm2']) await writeMediaNode(directory, id, { zone: 'z', load: 0, state: 'serving' });
  const writing = setInterval(() => {
    for (const id of ['m1', 'm2']) void writeMediaNode(directory, id, { zone: 'z', load: 0, state: 'serving' });
  }, 1000);
  using ada = await connectClient(north, (await auth.login('ada')).token);
  using ben = await connectClient(north, (await auth.login('ben')).token);
  await ada.join('room');
  await ben.join('room');
  await expect
    .poll(() => prometheus.query('sum by (reason) (tandem_media_assignments_total > 0)'), { timeout: 30_000 })
    .toHaveLength(2);
  clearInterval(writing);
  directory.disconnect();
  await prometheus.scraped();

  const shown = async (title: string): Promise<Sample[]> => {
    const panel = panels.find((p) => p.title === title) ?? expect.fail(`no panel ${title}`);
    const results = panel.targets.map(({ expr }) => prometheus.query(expr.replaceAll('$__rate_interval', '10m')));
    return (await Promise.all(results)).flat();
  };
  const values = async (title: string) => (await shown(title)).map((s) => Number(s.value.toFixed(4)));
  const by = async (title: string, label: string) =>
    Object.fromEntries((await shown(title)).map((s) => [s.labels[label], Number(s.value.toFixed(4))]));

  expect(await values('Call set-up success ratio')).toEqual([0.95]);
  expect(await by('Call set-up success ratio by room_size', 'room_size')).toEqual({ '2': 1, '5-6': 0.9 });
  expect(await by('Call set-up success ratio by region', 'region')).toEqual({ 'eu-central-1': 0.95 });
  expect(await by('Call set-up success ratio by client', 'client')).toEqual({ '1.2.3': 0.95 });
  expect(await values('Call retention (1 − drop rate)')).toEqual([Number((18 / 19).toFixed(4))]);
  expect(await values('Relay share')).toEqual([Number((5 / 19).toFixed(4))]);
  expect(await values('Session resume success ratio')).toEqual([0.75]);
  // 0.4 s lies in the bucket from 0.3 to 0.5, MOS 4.2 in the one from 4.03 to 4.34; quantiles are interpolated in it.
  expect(await values('Call set-up time')).toEqual([0.4, 0.49, 0.498]);
  expect(await values('MOS distribution')).toEqual([4.185, 4.061, 4.0455]);
  expect(await by('Call set-up success ratio by topology', 'topology')).toEqual({ mesh: 0.9444, sfu: 1 });
  expect(await values('Switch success ratio')).toEqual([0.9]);
  expect(await by('Moving picture (1 − freezes) by topology', 'topology')).toEqual({ mesh: 1, sfu: 0.9 });
  expect(await by('Keyframe requests a second of picture by topology', 'topology')).toEqual({ mesh: 0, sfu: 0.2 });
  // 0.6 s lies in the bucket from 0.5 to 0.75.
  expect(await values('Time to picture')).toEqual([0.625, 0.7375, 0.7475]);
  expect(Object.keys(await by('Rooms given to media nodes', 'reason')).sort()).toEqual(['first', 'silent']);
  expect(Object.keys(await by('Failure reasons', 'reason'))).toEqual(['ice-failed']);
  expect(Object.keys(await by('What people say', 'rating'))).toEqual(['4']);

  for (const { title } of panels) {
    const samples = await shown(title);
    // A group that begins at zero has no quantile before its first call.
    expect(samples.map(({ value }) => value).filter((value) => !Number.isNaN(value)).length, title).toBeGreaterThan(0);
  }
  // A scrape that came too late takes a service's series away until the next one.
  for (const [metric] of `${dashboard}${readFileSync(RULES, 'utf8')}`.matchAll(/\btandem_\w+/g))
    await expect.poll(() => prometheus.query(`count(${metric})`), { timeout: 30_000, message: metric }).toHaveLength(1);
  expect(await prometheus.query('sum by (job) (up)')).toEqual(
    expect.arrayContaining([
      { labels: { job: 'signaling' }, value: 2 },
      { labels: { job: 'auth' }, value: 1 },
    ]),
  );
  expect(await prometheus.query('tandem_http_request_seconds_count{service="auth"}')).not.toEqual([]);

  // Rules are evaluated on a clock of their own, not when a scrape ends.
  await expect
    .poll(async () => (await prometheus.alerts())['call-setup-72h']?.state, { timeout: 30_000 })
    .toBe('firing');
  const alerts = await prometheus.alerts();
  expect(Object.keys(alerts)).toHaveLength(25);
  expect(Object.values(alerts).filter((a) => a.health !== 'ok')).toEqual([]);
  // 5 % failed: five times the budget, which is a ticket, not a page.
  expect([alerts['call-setup-1h']?.state, alerts['call-setup-72h']?.state]).toEqual(['inactive', 'firing']);
  expect(alerts['backplane-down']?.state).toBe('inactive');
});
