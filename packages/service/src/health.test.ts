import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { type DependencyHealth, registerHealth } from './health.ts';

test('liveness asks nobody, start-up waits once, readiness tells each dependency and the drain', async () => {
  const since = '2026-11-01T00:00:00.000Z';
  let redis: DependencyHealth = { state: 'down', since, detail: 'connecting' };
  let draining = false;
  let asked = 0;
  const app = Fastify();
  registerHealth(app, {
    service: 'x',
    draining: () => draining,
    dependencies: {
      redis: () => {
        asked++;
        return redis;
      },
    },
  });
  const get = async (path: string) => {
    const { statusCode, payload } = await app.inject(`/health/${path}`);
    return { code: statusCode, ...JSON.parse(payload) };
  };
  expect(await get('live')).toMatchObject({ code: 200, status: 'ok' });
  expect(asked).toBe(0);
  expect(await get('startup')).toMatchObject({ code: 503, status: 'starting' });
  expect(await get('ready')).toMatchObject({ code: 503, status: 'unavailable', dependencies: { redis } });
  redis = { state: 'up', since, latencyMs: 0.4 };
  expect(await get('startup')).toMatchObject({ code: 200 });
  expect(await get('ready')).toMatchObject({ code: 200, dependencies: { redis: { latencyMs: 0.4, since } } });
  redis = { state: 'down', since };
  expect(await get('startup')).toMatchObject({ code: 200 });
  expect(await get('live')).toMatchObject({ code: 200 });
  redis = { state: 'degraded', since };
  expect(await get('ready')).toMatchObject({ code: 200 });
  draining = true;
  expect(await get('ready')).toMatchObject({ code: 503, status: 'draining' });
  await app.close();
});
