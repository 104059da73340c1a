/** Calls that wait for one token, against a server that holds it back. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { TandemServer } from './tandem-server.ts';

/** A deployment whose token comes when `answer` is called. */
async function startHeldToken() {
  const heard: (string | undefined)[] = [];
  const asked = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const server = createServer(async ({ url }, response) => {
    heard.push(url);
    asked.resolve();
    await gate.promise;
    response.end('{"access_token":"t","expires_in":600}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, heard, asked: asked.promise, answer: gate.resolve };
}

test('a signal ends a call while its token is fetched, and leaves the token to other calls', async () => {
  const server = await startHeldToken();
  const { rooms, events } = new TandemServer({ url: server.url, apiKey: 'tk_abc_def', maxRetries: 0 });
  const stop = new AbortController();
  const { signal } = stop;
  const isAborted = (call: Promise<unknown>) => expect(call).rejects.toMatchObject({ status: 0, code: 'aborted' });
  const mine = [isAborted(rooms.get('mine', { signal })), isAborted(events.stream({ signal }).next())];
  const other = rooms.get('other');
  await server.asked;
  stop.abort();
  await Promise.all([...mine, isAborted(rooms.get('late', { signal }))]);
  server.answer();
  await other;
  expect(server.heard).toEqual(['/auth/token', '/v1/rooms/other']);
});

test('who is gone before it begins has no token fetched', async () => {
  const server = await startHeldToken();
  const { rooms } = new TandemServer({ url: server.url, apiKey: 'tk_abc_def', maxRetries: 0 });
  server.answer();
  await expect(rooms.get('a', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
  expect(server.heard).toEqual([]);
});
