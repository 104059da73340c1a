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

test('each engine has ports of its own, as many as there may be legs', () => {
  const ports = config({ MEDIA_MIN_PORT: '30000', MEDIA_MAX_PORT: '30999' });
  expect([enginePorts(ports, 0), enginePorts(ports, 1)]).toEqual([
    [30_000, 30_499],
    [30_500, 30_999],
  ]);
  for (const last of ['30001', '29000', '30798'])
    expect(() => enginePorts(config({ MEDIA_MIN_PORT: '30000', MEDIA_MAX_PORT: last }), 0)).toThrow(
      /^MEDIA_MAX_PORT: .*Fix: 30799 or more, or a lower MAX_LEGS$/,
    );
});
