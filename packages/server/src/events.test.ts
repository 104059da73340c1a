/** Events and webhook endpoints against a server that answers by script. The real services: test/cli.test.ts, test/webhooks.test.ts. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { parse } from 'yaml';
import { TandemServer } from './tandem-server.ts';
import { startScriptedServer } from './testing.ts';

const API_KEY = 'tk_abcdefghij_secret-of-this-test';
const connect = (url: string) => new TandemServer({ url, apiKey: API_KEY, maxRetries: 1 });

/** Each request of the stream is answered by the next of `connections`. */
async function startStream(connections: readonly ((response: ServerResponse) => void)[]) {
  const heard: { url: string | undefined; lastId: unknown }[] = [];
  const server = createServer((request, response) => {
    request.resume();
    if (request.url === '/auth/token') {
      response.end('{"access_token":"t","expires_in":600}');
      return;
    }
    heard.push({ url: request.url, lastId: request.headers['last-event-id'] });
    response.setHeader('content-type', 'text/event-stream');
    connections[heard.length - 1]?.(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard };
}

const event = (id: string) => `id: ${id}\nevent: peer.joined\ndata: {"id":"evt_${id}","type":"peer.joined"}\n\n`;

test('a stream goes on behind its last event, and behind where it began when it broke before the first', async () => {
  const { url, heard } = await startStream([
    // Breaks before an event, after an id.
    (response) => void response.end('retry: 1000\nid: 1-0-0\n\n'),
    // In the middle of one, and of a character.
    (response) => {
      const bytes = Buffer.from(`${event('2-0-0')}id: 3-0-0\ndata: {"id":"é`);
      response.write(bytes.subarray(0, 20));
      response.write(bytes.subarray(20, -1), () => response.destroy());
    },
    (response) => void response.writeHead(503).end(),
    (response) => {
      const bytes = Buffer.from(event('3-0-0').replace('peer.joined"}', 'é"}'));
      response.write(bytes.subarray(0, -5));
      setImmediate(() => response.write(bytes.subarray(-5)));
    },
  ]);
  const ids: string[] = [];
  for await (const { id, type } of connect(url).events.stream({ roomId: 'a', types: ['peer.joined', 'peer.left'] })) {
    ids.push(`${id} ${type}`);
    if (ids.length === 2) break;
  }
  expect(ids).toEqual(['evt_2-0-0 peer.joined', 'evt_3-0-0 é']);
  expect(heard.map(({ lastId }) => lastId)).toEqual([undefined, '1-0-0', '2-0-0', '2-0-0']);
  expect(heard[0]?.url).toBe('/v1/events?roomId=a&types=peer.joined%2Cpeer.left');
});

test('failures that are not in a row do not end a stream', async () => {
  const ended = (n: number) => (response: ServerResponse) => void response.end(event(`${n}-0-0`));
  const refused = (response: ServerResponse) => void response.writeHead(503).end();
  // A token that ends ends its stream without an error.
  const { url, heard } = await startStream([ended(1), refused, ended(2), refused, ended(3)]);
  // 50 ms between them.
  const spy = vi.spyOn(Math, 'random').mockReturnValue(-0.45);
  onTestFinished(() => spy.mockRestore());
  const ids: string[] = [];
  for await (const { id } of connect(url).events.stream()) {
    ids.push(id);
    if (ids.length === 3) break;
  }
  expect(ids).toEqual([1, 2, 3].map((n) => `evt_${n}-0-0`));
  expect(heard).toHaveLength(5);
});

test('a stream is not opened again before Retry-After', async () => {
  const full = (response: ServerResponse) => void response.writeHead(503, { 'retry-after': '2' }).end();
  const { url } = await startStream([full, (response) => void response.end(event('1-0-0'))]);
  const since = performance.now();
  for await (const _ of connect(url).events.stream()) break;
  expect(performance.now() - since).toBeGreaterThan(1990);
});

test('a stream ends with what does not pass, and with its signal', async () => {
  const refused = await startStream([(response) => void response.writeHead(403).end('{"code":"scope_missing"}')]);
  await expect(connect(refused.url).events.stream().next()).rejects.toMatchObject({ code: 'scope_missing' });
  const away = await startStream([
    (response) => void response.writeHead(503).end(),
    (response) => void response.writeHead(503).end(),
  ]);
  await expect(connect(away.url).events.stream().next()).rejects.toMatchObject({ status: 503 });
  expect(away.heard).toHaveLength(2);
  const silent = await startStream([(response) => void response.write('id: 1-0-0\n\n')]);
  const stop = new AbortController();
  const next = connect(silent.url).events.stream({ signal: stop.signal }).next();
  setTimeout(() => stop.abort(), 50);
  await expect(next).rejects.toMatchObject({ code: 'aborted' });
});

test('each operation of docs/events-api.yaml has its method', async () => {
  await using server = await startScriptedServer(({ path }) => {
    if (path === '/auth/token') return undefined;
    if (path.startsWith('/v1/events'))
      return { status: 200, body: { events: [], nextCursor: '2', more: !path.includes('after=2') } };
    return { status: 200, body: { endpoints: [], deliveries: [], secret: 's', events: 1 } };
  });
  const { events, webhookEndpoints: endpoints } = connect(server.url);
  for await (const _ of events.list({ after: '1', roomId: 'a', types: ['peer.left'] }));
  await endpoints.create({ url: 'https://a.example' });
  await endpoints.list();
  await endpoints.get('a/b');
  await endpoints.update('a', { state: 'disabled' });
  await endpoints.remove('a');
  await endpoints.rotateSecret('a');
  await endpoints.test('a');
  await endpoints.deliveries('a', 'failed');
  expect(await endpoints.replay('a', { after: '2026-01-01T00:00:00Z' })).toBe(1);
  const { paths } = parse(readFileSync(new URL('../../../docs/events-api.yaml', import.meta.url), 'utf8'));
  const wanted = Object.entries<object>(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const said = server.heard.map(({ method, path }) => {
    const { pathname } = new URL(path, server.url);
    return `${method} ${pathname.replace(/^(\/v1\/webhook-endpoints\/)[^/]+/, '$1{endpointId}')}`;
  });
  expect([...new Set(said)].sort()).toEqual(wanted.sort());
  expect(server.heard.slice(0, 2).map(({ path }) => new URL(path, server.url).searchParams.get('after'))).toEqual([
    '1',
    '2',
  ]);
});
