import { TandemServer } from '@tandem/server';
import { expect, test } from 'vitest';
import { startScriptedServer } from '../../server/src/testing.ts';
import { listen } from './commands/listen.ts';
import { Output } from './output.ts';

test('webhooks listen that is interrupted while its endpoint is added removes it all the same', async () => {
  const stop = new AbortController();
  await using server = await startScriptedServer(({ method, path }) => {
    if (path === '/auth/token') return undefined;
    if (method === 'DELETE') return { status: 204 };
    // It is added, and the answer is on its way.
    stop.abort();
    return { status: 201, body: { endpoint: { id: 'ep_1' }, secret: 'whsec_AAAA' } };
  });
  const { webhookEndpoints: endpoints } = new TandemServer({ url: server.url, apiKey: 'tk_abcdefghij_of-this-test' });
  const wanted = { url: undefined, rooms: undefined, types: undefined };
  const out = new Output(() => {}, false);
  await listen({ endpoints, wanted, port: 0, forward: undefined, limit: 1, out, signal: stop.signal }).catch(() => {});
  expect(server.heard.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'POST /v1/webhook-endpoints',
    'DELETE /v1/webhook-endpoints/ep_1',
  ]);
});
