/** How event streams end: whoever is gone, drained or out of time gives its place back. The feed and its contents: test/webhooks.test.ts. */
import { once } from 'node:events';
import { get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BackendClaims } from '@tandem/protocol';
import { connectRedis, type RedisClient, RevocationSet } from '@tandem/service';
import { startRedis, type TestRedis } from '@tandem/service/testing';
import Fastify from 'fastify';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { keys } from '../keys.ts';
import { EventStreams } from './events.ts';

const PARTITION = 1;
const WAIT = { timeout: 10_000, interval: 20 };

let server: TestRedis;
let redis: RedisClient;
beforeAll(async () => {
  server = await startRedis();
  redis = connectRedis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
});

const log = (ms: number, body: string) =>
  redis.xadd(keys.log(PARTITION), `${ms}-*`, 'i', 'evt_a', 't', 'room.started', 'r', 'x', 'b', body);

/**
 * A task with one stream of one client, whose token ends after `lifeS`. `errors`: what the answer emitted.
 * @param given one task for several streams, and whose key this one's is
 */
async function openStream(lifeS: number, given: { streams?: EventStreams; key?: string } = {}) {
  const revoked = new RevocationSet();
  const { streams = new EventStreams(redis, revoked, 1), key = 'api-key:a' } = given;
  const errors: unknown[] = [];
  const answer = Promise.withResolvers<ServerResponse>();
  const app = Fastify();
  app.get('/', (_request, reply) => {
    reply.raw.on('error', (error) => errors.push(error));
    answer.resolve(reply.raw);
    const claims = { exp: Date.now() / 1000 + lifeS, session_id: key } as BackendClaims;
    streams.serve(reply, { after: [0, 0, 0], partition: PARTITION, isWanted: () => true }, claims);
    return reply;
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const request = get({ host: '127.0.0.1', port, agent: false }).on('error', () => {});
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.on('error', () => {}).resume();
  onTestFinished(async () => {
    request.destroy();
    app.server.closeAllConnections();
    await app.close();
  });
  return { streams, errors, revoked, raw: await answer.promise, request, response };
}

/** Holds the next reading of the log until `goOn`. */
function holdRedis() {
  const held = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const time = redis.time.bind(redis);
  const spy = vi.spyOn(redis, 'time').mockImplementationOnce((async () => {
    held.resolve();
    await gate.promise;
    return time();
  }) as typeof redis.time);
  onTestFinished(() => spy.mockRestore());
  return { held: held.promise, goOn: gate.resolve };
}

test.each(['leaves', 'is sent away', 'is sent away and gone'])('a client that %s while Redis is read', async (how) => {
  await log(Date.now() - 5000, '{}');
  const { held, goOn } = holdRedis();
  const { streams, errors, raw, request } = await openStream(600);
  await held;
  expect(streams.open).toBe(1);
  const gone = once(raw, 'close');
  if (how === 'leaves') request.destroy();
  else streams.close();
  if (how !== 'is sent away') await gone;
  goOn();
  await vi.waitFor(() => expect(streams.open).toBe(0), WAIT);
  await gone;
  expect(errors).toEqual([]);
});

test('a client that reads nothing has its place until its token ends', async () => {
  for (let i = 0; i < 20; i++) await log(Date.now() - 5000, `"${'x'.repeat(1_000_000)}"`);
  const { streams, errors, raw, response } = await openStream(2);
  response.pause();
  expect(streams.open).toBe(1);
  await vi.waitFor(() => expect(streams.open).toBe(0), WAIT);
  // Nor does what it did not read lie here any longer.
  expect([raw.destroyed, errors]).toEqual([true, []]);
});

test('E-9 a stream ends when the API key of its token is revoked, also while Redis is read: it gets nothing more', async () => {
  await redis.del(keys.log(PARTITION));
  await log(Date.now() - 5000, '"first"');
  const { streams, revoked, response } = await openStream(600);
  let text = '';
  response.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  await vi.waitFor(() => expect(text).toContain('data: "first"'), WAIT);
  const { held, goOn } = holdRedis();
  await held;
  await log(Date.now() - 2000, '"second"');
  const at = Math.floor(Date.now() / 1000);
  revoked.add({ kind: 'session', id: 'api-key:a', at, exp: at + 600 });
  goOn();
  await vi.waitFor(() => expect(streams.open).toBe(0), WAIT);
  await vi.waitFor(() => expect(response.complete).toBe(true), WAIT);
  expect(text).not.toContain('second');
});

test('a full task: the API key with the most streams gives its newest one up for another key, until they have as many', async () => {
  const streams = new EventStreams(redis, new RevocationSet(), 4);
  const open = async (key: string) => (await openStream(600, { streams, key })).response;
  const [first, second, third, fourth] = [await open('a'), await open('a'), await open('a'), await open('a')];
  const [other, another] = [await open('b'), await open('b')];
  await vi.waitFor(() => expect([fourth.complete, third.complete]).toEqual([true, true]), WAIT);
  expect([first, second, other, another].map((one) => one.complete)).toEqual([false, false, false, false]);
  const statuses = [];
  for (const key of ['a', 'b', 'c', 'c']) statuses.push([key, (await open(key)).statusCode]);
  expect(statuses).toEqual([
    ['a', 503],
    ['b', 503],
    ['c', 200],
    ['c', 503],
  ]);
  expect(streams.open).toBe(4);
});
