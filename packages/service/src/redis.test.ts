import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { connectRedis } from './redis.ts';

/** What the client of `url` says first to a server at `host`; PORT stands for its port. */
async function firstWords(host: string, url: string): Promise<string> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const client = connectRedis(url.replace('PORT', String((server.address() as AddressInfo).port)));
  client.on('error', () => {});
  onTestFinished(() => {
    client.disconnect();
    server.close();
  });
  const [socket] = (await once(server, 'connection')) as [Socket];
  onTestFinished(() => void socket.destroy());
  return String((await once(socket, 'data'))[0]);
}

test('an IPv6 address stands in brackets', async () => {
  expect(await firstWords('::1', 'redis://[::1]:PORT')).toContain('hello');
  const client = connectRedis('redis+sentinel://[::1],[::1]:26380/calls');
  client.on('error', () => {});
  client.disconnect();
  expect(client.options).toMatchObject({
    name: 'calls',
    sentinels: [
      { host: '::1', port: 26379 },
      { host: '::1', port: 26380 },
    ],
  });
});

test('a password may hold colons, and is decoded', async () => {
  expect(await firstWords('127.0.0.1', 'redis://node:one:two%25@127.0.0.1:PORT/3')).toContain('one:two%\r\n');
});

test.each([
  ['redis://:s3cret%@localhost', /^REDIS_URL: user and password are percent-encoded/],
  ['redis://s3cret@[::1]:x', /^REDIS_URL: a port/],
  ['redis://::1:6379', /^REDIS_URL: a host/],
  ['redis://:6379', /^REDIS_URL: a host/],
  ['redis://localhost:6379/calls', /^REDIS_URL: what follows the \/ is not a database: expected a number/],
  ['redis://localhost:6379/0?family=6', /^REDIS_URL: what follows the \/ is not a database/],
  ['redis+cluster://localhost:6379/1', /^REDIS_URL: what follows the \/ is not a database: expected nothing/],
  ['localhost:6379', /^REDIS_URL: expected redis\[s\]/],
])('%s is refused by name', (url, problem) => {
  expect(() => connectRedis(url)).toThrow(problem);
  expect(() => connectRedis(url)).not.toThrow('s3cret');
});
