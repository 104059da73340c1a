import { loadConfig } from '@tandem/service';
import { expect, test } from 'vitest';
import { enginePorts, MediaNodeConfig } from './config.ts';

const config = (more: Record<string, string>) =>
  loadConfig(MediaNodeConfig, {
    SIGNALING_URL: 'ws://localhost',
    AUTH_URL: 'http://localhost',
    MEDIA_SECRET: 'x'.repeat(43),
    REDIS_URL: 'redis://localhost',
    ...more,
  });

test('each engine has ports of its own, as many as legs, encoders and viewers together may be', () => {
  const few = { MEDIA_MIN_PORT: '30000', MAX_LEGS: '300', MAX_STREAMS: '50', MAX_VIEWERS: '150' };
  const ports = config({ ...few, MEDIA_MAX_PORT: '30999' });
  expect([enginePorts(ports, 0), enginePorts(ports, 1)]).toEqual([
    [30_000, 30_499],
    [30_500, 30_999],
  ]);
  for (const last of ['30001', '29000', '30998'])
    expect(() => enginePorts(config({ ...few, MEDIA_MAX_PORT: last }), 0)).toThrow(
      /^MEDIA_MAX_PORT: .*MAX_LEGS, MAX_STREAMS and MAX_VIEWERS are 500 together. Fix: 30999 or more, or lower those$/,
    );
  expect(enginePorts(config({}), 1)).toEqual([30_000, 39_999]);
});
