import { expect, test, vi } from 'vitest';
import { edgeChild } from './parts.ts';

test('settings of the page reach the edge from the environment of npm start', () => {
  const plan = { ports: { edge: 1, auth: 2, signaling: [3] }, edgeHost: 'localhost', clientDir: '/' };
  const settings = () => edgeChild(plan as unknown as Parameters<typeof edgeChild>[0]).env?.CLIENT_SETTINGS;
  expect(settings()).toBeUndefined();
  vi.stubEnv('CLIENT_SETTINGS', '{"embedOrigins":["https://clinic.example.org"]}');
  expect(settings()).toBe('{"embedOrigins":["https://clinic.example.org"]}');
  vi.unstubAllEnvs();
});
