/** What people and probes are told while Redis freezes and thaws: real services, a real Redis, the edge in front. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@tandem/service';
import { startRedis } from '@tandem/service/testing';
import { startTestNode } from '@tandem/signaling/testing';
import { expect, onTestFinished, test } from 'vitest';
import { startTestAuth } from '../apps/auth/src/testing.ts';
import { startEdge } from '../infra/local/edge/server.ts';

interface Health {
  readonly status: string;
  readonly dependencies: Record<string, { state: string; since: string; latencyMs?: number; detail?: string }>;
  readonly parts: Record<'auth' | 'signaling', (Pick<Health, 'dependencies'> & { ready: boolean; live: boolean })[]>;
}

const patience = { timeout: 60_000, interval: 100 };

test('Redis frozen and thawed: nobody is restarted, each service names the dependency since when, the edge sums up', async () => {
  await using redis = await startRedis();
  await using auth = await startTestAuth({ REDIS_URL: redis.url });
  const config = { REDIS_URL: redis.url };
  await using north = await startTestNode({ keys: auth, config });
  await using south = await startTestNode({ keys: auth, config });
  const clientDir = mkdtempSync(join(tmpdir(), 'tandem-client-'));
  onTestFinished(() => rmSync(clientDir, { recursive: true }));
  writeFileSync(join(clientDir, 'index.html'), '');
  await using edge = await startEdge(
    {
      HOST: '127.0.0.1',
      PORT: 0,
      LOG_LEVEL: 'silent',
      CLIENT_DIR: clientDir,
      AUTH_TARGETS: auth.url,
      SIGNALING_TARGETS: `${north.url},${south.url}`,
      CLIENT_SETTINGS: '{}',
    },
    createLogger('edge', 'silent'),
  );
  const ask = async (url: string): Promise<[number, Health]> => {
    const response = await fetch(url);
    return [response.status, (await response.json()) as Health];
  };
  const ready = (url: string) => ask(`${url}/health/ready`);
  const summary = async () => (await ask(`http://127.0.0.1:${edge.port}/health`))[1].parts;
  const services = [north, south, auth];
  const known = { state: 'up', since: expect.any(String), latencyMs: expect.any(Number) };

  await expect.poll(async () => (await summary()).signaling.map((n) => n.ready), patience).toEqual([true, true]);
  await expect
    .poll(async () => (await ready(north.url))[1].dependencies, patience)
    .toMatchObject({ backplane: known, keys: known, revocations: { state: 'up' } });
  expect((await ready(auth.url))[1].dependencies).toMatchObject({ keys: known, redis: known });
  for (const { url } of services) expect((await ask(`${url}/health/startup`))[0]).toBe(200);

  const frozenAt = Date.now();
  redis.kill('SIGSTOP');
  for (const { url } of [north, south]) {
    await expect.poll(async () => (await ready(url))[0], patience).toBe(503);
    const [, { status, dependencies }] = await ready(url);
    expect([status, dependencies.backplane?.state]).toEqual(['unavailable', 'down']);
    expect(dependencies.backplane?.detail).toBeTruthy();
    expect(Date.parse(dependencies.backplane?.since ?? '')).toBeGreaterThanOrEqual(frozenAt);
  }
  // Tokens are issued without Redis, so auth stays in service and says that it is not whole.
  await expect.poll(async () => (await ready(auth.url))[1].dependencies.redis?.state, patience).toBe('degraded');
  expect((await ready(auth.url))[0]).toBe(200);
  for (const { url } of services)
    for (const probe of ['live', 'startup'])
      expect([probe, (await ask(`${url}/health/${probe}`))[0]]).toEqual([probe, 200]);
  await expect.poll(async () => (await summary()).signaling.map((n) => n.ready), patience).toEqual([false, false]);
  expect((await summary()).signaling.map((n) => n.live)).toEqual([true, true]);
  expect((await summary()).auth.map((n) => n.ready)).toEqual([true]);
  const [told] = (await summary()).signaling;
  expect(told?.dependencies.backplane).toMatchObject({ state: 'down', since: expect.any(String) });
  // Addresses of ours stay inside: everybody may ask the edge.
  expect(JSON.stringify(await summary())).not.toContain('detail');

  redis.kill('SIGCONT');
  await expect.poll(async () => (await summary()).signaling.map((n) => n.ready), patience).toEqual([true, true]);
  await expect.poll(async () => (await ready(auth.url))[1].dependencies.redis?.state, patience).toBe('up');
});
