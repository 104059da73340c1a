/** What a node says of itself, with real Redis and the fake engine. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectRedis, loadConfig, readMediaNodes } from '@tandem/service';
import { startRedis } from '@tandem/service/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { findHost } from '../../node-kit/host.ts';
import { MediaNodeConfig } from './config.ts';
import { startMediaNode } from './media-node.ts';
import { FakeEngine } from './testing/fake-engine.ts';

test('a node without an engine says that it takes no rooms, and takes them again with one', async () => {
  await using redis = await startRedis();
  const folder = await mkdtemp(join(tmpdir(), 'media-node-'));
  // After the node has gone, which writes there.
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const config = loadConfig(MediaNodeConfig, {
    RUN_DIR: folder,
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: '0',
    SIGNALING_URL: 'ws://127.0.0.1:9',
    AUTH_URL: 'http://127.0.0.1:9',
    MEDIA_SECRET: 'x'.repeat(43),
    REDIS_URL: redis.url,
    NODE_ID: 'm1',
    METRICS_STACK: 'test',
    PUBLIC_IP: '192.0.2.1',
  });
  const engines: FakeEngine[] = [];
  const gate = { open: true };
  const lines: Record<string, unknown>[] = [];
  await using _node = await startMediaNode(config, {
    host: await findHost(config),
    startEngine: async () => {
      if (!gate.open) throw new Error('no');
      const engine = new FakeEngine();
      engines.push(engine);
      return engine;
    },
    say: () => {},
    tickMs: 20,
    metricsMs: 20,
    writeMetrics: (line) => lines.push(JSON.parse(line)),
  });
  const directory = connectRedis(redis.url);
  const told = async () => ({
    directory: (await readMediaNodes(directory)).get('m1')?.state,
    serving: lines.at(-1)?.media_serving,
    hasLoad: lines.at(-1)?.media_load !== undefined,
  });
  const taking = { directory: 'serving', serving: 1, hasLoad: true };
  await vi.waitFor(async () => expect(await told()).toEqual(taking), { timeout: 10_000 });
  gate.open = false;
  for (const engine of [...engines]) engine.kill();
  await vi.waitFor(async () => expect(await told()).toEqual({ directory: 'draining', serving: 0, hasLoad: false }), {
    timeout: 10_000,
  });
  gate.open = true;
  await vi.waitFor(async () => expect(await told()).toEqual(taking), { timeout: 10_000 });
  directory.disconnect();
});
