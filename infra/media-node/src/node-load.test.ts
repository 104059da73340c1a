/** How full a node says it is: by what it is asked for, not by who is counted twice. */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '@tandem/service';
import { expect, test } from 'vitest';
import { MediaNodeConfig } from './config.ts';
import { NodeLoad } from './node-load.ts';

const config = loadConfig(MediaNodeConfig, {
  SIGNALING_URL: 'ws://127.0.0.1:9',
  AUTH_URL: 'http://127.0.0.1:9',
  MEDIA_SECRET: 'x'.repeat(43),
  REDIS_URL: 'redis://127.0.0.1:9',
  MAX_LEGS: '400',
  MAX_VIEWERS: '500',
});
const loadOf = async ({ legs, viewers, cpu = 0 }: { legs: number; viewers: number; cpu?: number }) => {
  const load = await NodeLoad.start(config, { bytesSent: async () => 0, cpu: () => cpu });
  await load.read(legs, [{ viewers: { count: viewers } }]);
  return load.load;
};

test('viewers fill a node by their own limit, and take no place of people', async () => {
  expect(await loadOf({ legs: 500, viewers: 500 })).toBe(1);
  expect(await loadOf({ legs: 250, viewers: 250 })).toBe(0.5);
  expect(await loadOf({ legs: 600, viewers: 200 })).toBe(1);
  expect(await loadOf({ legs: 100, viewers: 0 })).toBe(0.25);
});

test('the processor fills a node at 80 %, and traffic at what is set: what is fullest counts', async () => {
  expect(await loadOf({ legs: 100, viewers: 0, cpu: 0.8 })).toBe(1);
  expect(await loadOf({ legs: 300, viewers: 0, cpu: 0.4 })).toBe(0.75);
  let sent = 0;
  const load = await NodeLoad.start({ ...config, NODE_MBPS: 1 }, { bytesSent: async () => sent, cpu: () => 0 });
  await sleep(50);
  // Far more than 1 Mbit/s, however late this is read.
  sent = 100_000_000;
  await load.read(1, []);
  expect(load.load).toBeGreaterThan(1);
  expect(load.load).toBeCloseTo(load.mbps, 2);
});
