/** With a real Redis: its client puts the whole command into the error. */
import Fastify, { type FastifyInstance } from 'fastify';
import { expect, test } from 'vitest';
import { createLogger } from './log.ts';
import { registerProblems } from './problem.ts';
import { connectRedis } from './redis.ts';
import { serviceAppOptions } from './service-app.ts';
import { startRedis } from './testing/index.ts';

test('a command that Redis refuses is logged without its arguments, and a refused login without the password', async () => {
  await using redis = await startRedis();
  const admin = connectRedis(redis.url);
  await admin.call('ACL', 'SETUSER', 'node', 'on', '>S3CRET-right', '~*', '-@all', '+hello', '+info', '+get');
  const client = connectRedis(redis.url, { username: 'node', password: 'S3CRET-right' });
  const refused = connectRedis(redis.url, { username: 'node', password: 'S3CRET-wrong' });
  for (const one of [client, refused]) one.on('error', () => {});
  const lines: string[] = [];
  const log = createLogger('t', 'info', { write: (line) => void lines.push(line) });
  await using app = Fastify(serviceAppOptions({ log })) as unknown as FastifyInstance;
  registerProblems(app);
  app.get('/set', async () => client.set('session', 'S3CRET-token'));
  app.get('/eval', async () => client.eval("return redis.call('SET', KEYS[1], ARGV[1])", 1, 'k', 'S3CRET-message'));
  app.get('/login', async () => refused.get('session'));
  for (const path of ['/set', '/eval', '/login']) expect((await app.inject(path)).statusCode).toBe(500);
  for (const one of [admin, client, refused]) one.disconnect();
  expect(lines.map((line) => JSON.parse(line).err)).toMatchObject([
    { command: 'set', message: expect.stringMatching(/^NOPERM/), stack: expect.any(String) },
    { command: 'eval', message: expect.stringMatching(/^NOPERM/) },
    { command: 'hello', message: expect.stringMatching(/^WRONGPASS/) },
  ]);
  expect(lines.join()).not.toContain('S3CRET');
});
