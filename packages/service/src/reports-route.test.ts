import type { CallReport } from '@tandem/protocol';
import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { CallKpis } from './call-kpis.ts';
import { createMetrics } from './metrics.ts';
import { registerReports } from './reports-route.ts';

const leg = {
  outcome: 'connected',
  phase: 'end',
  setupMs: 420,
  mos: 4.2,
  path: 'relay',
  relayProtocol: 'tls',
} as const;
const report: CallReport = { version: 1, client: '1.2.3', roomSize: 2, legs: [leg], resumes: { ok: 2, failed: 1 } };

async function start(options: { burst?: number; address?: () => string } = {}) {
  const metrics = createMetrics({ service: 'signaling' });
  const app = Fastify();
  await registerReports(app, { metrics, ...options });
  metrics.register(app);
  const post = (payload: unknown, type = 'application/json') =>
    app.inject({
      method: 'POST',
      url: '/reports',
      headers: { 'content-type': type },
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    });
  return { app, metrics, post, [Symbol.asyncDispose]: () => app.close() };
}

test('a report becomes counters and histograms, from fetch and from sendBeacon', async () => {
  await using s = await start();
  expect((await s.post(report)).statusCode).toBe(204);
  expect((await s.post(report, 'text/plain;charset=UTF-8')).statusCode).toBe(204);
  const failed = { outcome: 'failed', phase: 'end', failure: 'ice-failed' } as const;
  const interim = { outcome: 'connected', phase: 'interim', mos: 2 } as const;
  expect((await s.post({ ...report, roomSize: 6, legs: [failed, interim] })).statusCode).toBe(204);
  const text = (await s.app.inject('/metrics')).payload;
  expect(text).toMatch(/tandem_call_legs_total\{outcome="connected",room_size="2",.*client="1\.2\.3".*\} 2/);
  expect(text).toMatch(/tandem_call_failures_total\{reason="ice-failed".*\} 1/);
  expect(text).toMatch(/tandem_call_setup_seconds_bucket\{le="0.5",.*\} 2/);
  expect(text).toMatch(/tandem_call_setup_seconds_bucket\{le="0.3",.*\} 0/);
  expect(text).toMatch(/tandem_call_mos_bucket\{le="2",.*room_size="5-6".*\} 1/);
  expect(text).toMatch(/tandem_call_path_total\{path="relay",protocol="tls".*\} 2/);
  expect(text).toMatch(/tandem_session_resumes_total\{outcome="failed".*\} 3/);
});

test('pictures and switches count by topology, and what never was is zero, not missing', async () => {
  await using s = await start();
  expect(await s.metrics.text()).toMatch(/tandem_call_switches_total\{outcome="failed".*\} 0/);
  const seen = {
    ...leg,
    topology: 'sfu',
    firstPictureMs: 600,
    pictureMs: 10_000,
    frozenMs: 12_000,
    keyframeRequests: 5,
  } as const;
  const moved = { ...leg, pictureMs: 5000, frozenMs: 1000 };
  expect((await s.post({ ...report, legs: [seen, moved], switches: { ok: 2, failed: 1 } })).statusCode).toBe(204);
  const text = await s.metrics.text();
  expect(text).toMatch(/tandem_call_legs_total\{outcome="connected",.*topology="sfu".*\} 1/);
  expect(text).toMatch(/tandem_call_picture_seconds_count\{.*topology="sfu".*\} 1/);
  // Nothing is frozen longer than it is there.
  expect(text).toMatch(/tandem_call_picture_time_seconds_total\{picture="frozen",topology="sfu".*\} 10$/m);
  expect(text).toMatch(/tandem_call_picture_time_seconds_total\{picture="moving",topology="mesh".*\} 4$/m);
  expect(text).toMatch(/tandem_call_keyframe_requests_total\{topology="sfu".*\} 5$/m);
  expect(text).toMatch(/tandem_call_keyframe_requests_total\{topology="mesh".*\} 0$/m);
  expect(text).toMatch(/tandem_call_switches_total\{outcome="ok".*\} 2/);
  expect(text).toMatch(/tandem_call_switches_total\{outcome="failed".*\} 1/);
});

test('a rating counts once, and repeats nothing of its call', async () => {
  await using s = await start();
  const rating = { ...report, legs: [], rating: 2, issues: ['echo', 'echo', 'video'] };
  expect((await s.post(rating)).statusCode).toBe(204);
  const text = await s.metrics.text();
  expect(text).toMatch(/tandem_call_ratings_total\{rating="2".*\} 1/);
  expect(text).toMatch(/tandem_call_rating_issues_total\{issue="echo".*\} 1/);
  expect(text).not.toMatch(/^tandem_session_resumes_total\{.*\} [1-9]/m);
});

test('refuses what is not a report, naming the field; nothing personal fits in', async () => {
  await using s = await start();
  const wrong = await s.post({ ...report, roomSize: 'two' });
  expect(wrong.statusCode).toBe(400);
  expect(wrong.json().detail).toContain('/roomSize');
  expect((await s.post({ ...report, userId: 'ann' })).statusCode).toBe(400);
  expect((await s.post({ ...report, client: 'ann@example.org' })).statusCode).toBe(400);
  expect((await s.post({ ...report, legs: [{ ...leg, failure: 'Ann left' }] })).statusCode).toBe(400);
  expect((await s.post('{')).statusCode).toBe(400);
  expect((await s.post({ ...report, client: 'x'.repeat(17_000) })).statusCode).toBe(413);
  expect((await s.post(report, 'application/xml')).statusCode).toBe(415);
  expect(await s.metrics.text()).not.toMatch(/^tandem_call_legs_total\{.*\} [1-9]/m);
});

test('limits one address and says when to retry', async () => {
  await using s = await start({ burst: 3 });
  const codes = [];
  for (let i = 0; i < 5; i++) codes.push((await s.post(report)).statusCode);
  expect(codes).toEqual([204, 204, 204, 429, 429]);
  expect((await s.post(report)).headers['retry-after']).toBe('10');
});

test('a stranger cannot mint series: versions beyond the twentieth are one', async () => {
  await using s = await start({ burst: 1000 });
  for (let i = 0; i < 100; i++) await s.post({ ...report, client: `9.9.${i}`, legs: [leg] });
  const clients = new Set(
    [...(await s.metrics.text()).matchAll(/tandem_call_legs_total\{.*?client="([^"]*)".*\} [1-9]/g)].map((m) => m[1]),
  );
  expect(clients.size).toBe(21);
  expect(clients.has('other')).toBe(true);
});

test('whoever invents clients and regions mints few series, and no call is lost to the counters', async () => {
  const metrics = createMetrics({ service: 'signaling' });
  const kpis = new CallKpis(metrics);
  let legs = 0;
  for (let client = 0; client < 30; client++)
    for (let region = 0; region < 30; region++)
      for (const roomSize of [2, 4, 6, 8])
        for (const topology of ['mesh', 'sfu'] as const) {
          kpis.add({ ...report, client: `c${client}`, region: `r${region}`, roomSize, legs: [{ ...leg, topology }] });
          legs += 1;
        }
  const series = (await metrics.text()).split('\n').filter((line) => line && !line.startsWith('#'));
  expect(series.length).toBeLessThan(5000);
  const counted = series.filter((line) => line.startsWith('tandem_call_legs_total{'));
  expect(counted.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)).toBe(legs);
  for (const size of ['2', '3-4', '5-6', '7+'])
    expect(counted.join()).toMatch(
      new RegExp(`room_size="${size.replace('+', '[+]')}",region="other",client="other",topology="sfu"`),
    );
});

test('the addresses of one IPv6 subscriber share one limit', async () => {
  let sender = 0;
  await using s = await start({ burst: 3, address: () => `2001:db8:0:7::${(sender++).toString(16)}` });
  const statuses: number[] = [];
  for (let i = 0; i < 5; i++) statuses.push((await s.post(report)).statusCode);
  expect(statuses).toEqual([204, 204, 204, 429, 429]);
});
