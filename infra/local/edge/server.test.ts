import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, loadConfig } from '@tandem/service';
import { expect, onTestFinished, test, vi } from 'vitest';
import { selfSigned } from '../certificate.ts';
import { EdgeConfig } from './config.ts';
import { cacheControl } from './pages.ts';
import { startEdge } from './server.ts';
import { start, startNode } from './testing.ts';

test('pages carry cache and security headers, and the headers file itself stays inside', async () => {
  const { origin } = await start({});
  const get = (path: string) => fetch(origin + path);
  const page = await get('/');
  expect(await page.text()).toBe('<p>home');
  expect(page.headers.get('cache-control')).toBe('no-store');
  expect(page.headers.get('content-security-policy')).toBe("default-src 'self'; frame-ancestors 'none'");
  expect(page.headers.get('x-content-type-options')).toBe('nosniff');
  expect(await (await get('/call?room=a')).text()).toBe('<p>call');
  expect((await get('/_next/static/a.js')).headers.get('cache-control')).toContain('immutable');
  expect((await get('/sw.js')).headers.get('cache-control')).toBe('no-store');
  const missing = await get('/nowhere');
  expect([missing.status, await missing.text()]).toEqual([404, '<p>nothing']);
  expect((await get('/security-headers.json')).status).toBe(404);
  const settings = await get('/config.json');
  expect(await settings.json()).toMatchObject({ signalingUrl: '', authUrl: '' });
  expect(settings.headers.get('cache-control')).toBe('no-store');
  expect(cacheControl('/x/out/index.html')).toBe('no-store');
});

test('requests reach their service with the client address appended, and another node when one is gone', async () => {
  const auth = [await startNode('a'), await startNode('b')];
  const { origin } = await start({ auth });
  const post = () =>
    fetch(`${origin}/auth/token?x=1`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': '6.6.6.6' },
      body: '{"userId":"ada"}',
    }).then((r) => r.json() as Promise<{ name: string; url: string; body: string }>);
  const first = await post();
  expect(first).toMatchObject({ url: '/auth/token?x=1', body: '{"userId":"ada"}' });
  const taken = auth.find((n) => n.name === first.name);
  expect(taken?.seen[0]?.headers).toMatchObject({
    'x-forwarded-for': '6.6.6.6, 127.0.0.1',
    'x-forwarded-proto': 'http',
    host: new URL(origin).host,
  });
  await taken?.close();
  for (let i = 0; i < 3; i += 1) expect((await post()).name).not.toBe(first.name);
  await auth.find((n) => n !== taken)?.close();
  expect((await fetch(`${origin}/auth/token`, { method: 'POST', body: 'x' })).status).toBe(503);
  await vi.waitFor(async () => expect((await fetch(`${origin}/health`)).status).toBe(503), { timeout: 20_000 });
});

/** One request of these bytes; the status that answers it. */
function raw(origin: string, head: string): Promise<number> {
  const { hostname, port } = new URL(origin);
  return new Promise((done, failed) => {
    const socket = connect(Number(port), hostname, () => socket.write(`${head}\r\n\r\n`));
    socket.once('data', (data) => {
      done(Number(/^HTTP\/1\.1 (\d+)/.exec(data.toString())?.[1]));
      socket.destroy();
    });
    socket.on('error', failed);
  });
}

test('no other host is asked and no internal path is shown, however the request target is spelled', async () => {
  const [auth, signaling, elsewhere] = [
    await startNode('auth'),
    await startNode('signaling'),
    await startNode('other'),
  ];
  const { origin } = await start({ auth: [auth], signaling: [signaling] });
  const other = new URL(elsewhere.url).host;
  const refused = [
    ...[
      `${elsewhere.url}/auth/x`,
      `HTTP://${other}/auth/x`,
      `//${other}/auth/x`,
      `/\\${other}/auth/x`,
      `${other}/auth/x`,
    ],
    ...['*', 'auth/x', '/auth/../metrics', '/auth/%2e%2e/metrics', '/auth/.%2E/metrics', '/auth/%252e%252e/metrics'],
    ...[
      '/auth/%2525252e%2525252e/x',
      '/auth/..%2fmetrics',
      '/auth%2f..%2fmetrics',
      '/auth/..%5cmetrics',
      '/ws/../metrics',
    ],
    ...[
      '/ws/%2e%2e/health/ready',
      '/ws/..',
      '/reports/./x',
      '/.well-known/%2e%2e/internal/revocations',
      '/auth/%00',
      '/auth/%',
    ],
    ...['/auth/%ff', '/auth/x%0d%0aHost:y', `/auth/${'a'.repeat(9000)}`],
  ];
  for (const target of refused) {
    expect([target, await raw(origin, `GET ${target} HTTP/1.1\r\nhost: ${other}`)]).toEqual([target, 400]);
    const upgrade = 'host: x\r\nconnection: upgrade\r\nupgrade: websocket';
    expect([target, await raw(origin, `GET ${target} HTTP/1.1\r\n${upgrade}`)]).toEqual([target, 400]);
  }
  for (const path of ['/metrics', '/internal/revocations', '/health/ready', '/Auth/x', '/authx', '/ws%2fsignal'])
    expect([400, 404], path).toContain(await raw(origin, `GET ${path} HTTP/1.1\r\nhost: x`));
  expect([...auth.seen, ...signaling.seen, ...elsewhere.seen]).toEqual([]);
  // What a page sends arrives byte for byte.
  const plain = '/auth/%C3%A9/x%20y;z=1/?room=a%2F..%2Fb&u=http://x/..';
  expect(await raw(origin, `GET ${plain} HTTP/1.1\r\nhost: x`)).toBe(200);
  expect(auth.seen.map((r) => r.url)).toEqual([plain]);
});

test('what the edge refuses itself is a problem as the services have it, with the same status and code', async () => {
  const auth = await startNode('auth');
  const { origin } = await start({ auth: [auth] });
  const ask = async (path: string, more: RequestInit = {}) => {
    const response = await fetch(`${origin}${path}`, more);
    const body = (await response.json()) as Record<string, unknown>;
    expect([path, response.headers.get('content-type')]).toEqual([path, 'application/problem+json']);
    expect(body).toMatchObject({ type: `urn:tandem:problem:${body.code}`, status: response.status });
    expect([body.title, body.detail]).toEqual([expect.any(String), expect.any(String)]);
    return [response.status, body.code, response.headers.get('retry-after')];
  };
  const post = (body: string) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body });
  expect(await ask('/auth/%00')).toEqual([400, 'bad_url', null]);
  expect(await ask('/auth/%ff')).toEqual([400, 'bad_url', null]);
  expect(await ask('/v1/..%2fx')).toEqual([400, 'bad_url', null]);
  expect(await ask('/auth/token', post('x'.repeat(300_000)))).toEqual([413, 'body_too_large', null]);
  expect(await ask('/nowhere', post('{}'))).toEqual([404, 'not_found', null]);
  await auth.close();
  expect(await ask('/auth/token', post('{}'))).toEqual([503, 'unavailable', '1']);
});

test.each([
  ['[]', 'CLIENT_SETTINGS must be a JSON object'],
  ['{', 'CLIENT_SETTINGS must be a JSON object'],
  ['{"traceSampling":2}', 'CLIENT_SETTINGS: config.json: traceSampling cannot be used'],
  ['{"signallingUrl":"wss://calls.example.com"}', 'signallingUrl is no setting of the page. Fix: signalingUrl'],
  ['{"branding":{"name":""}}', 'CLIENT_SETTINGS: config.json: branding.name cannot be used'],
  ['{"features":{"chat":"no"}}', 'CLIENT_SETTINGS: config.json: features.chat cannot be used'],
])('page settings that the page would leave out are refused before anything is served: %s', async (given, message) => {
  const config = loadConfig(EdgeConfig, {
    ...{ CLIENT_DIR: '.', AUTH_TARGETS: 'http://127.0.0.1:1', SIGNALING_TARGETS: 'http://127.0.0.1:1', PORT: '0' },
    CLIENT_SETTINGS: given,
  });
  const starting = startEdge(config, createLogger('edge', 'silent'));
  onTestFinished(async () => {
    await starting.then((edge) => edge[Symbol.asyncDispose]()).catch(() => {});
  });
  await expect(starting).rejects.toThrow(message);
});

test('half of a certificate, one that is not there and one of another key are refused by name', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'edge-tls-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const [one, other] = await Promise.all(['one', 'other'].map((name) => selfSigned(join(dir, name), ['127.0.0.1'])));
  const TLS_CERT = one?.cert ?? '';
  for (const [files, problem] of [
    [{ TLS_CERT }, /^configuration: TLS_KEY: not set, and the other half is. Fix: /],
    [{ TLS_KEY: one?.key ?? '' }, /^configuration: TLS_CERT: not set/],
    [{ TLS_CERT, TLS_KEY: join(dir, 'none.pem') }, /^configuration: TLS_KEY: ENOENT/],
    [{ TLS_CERT, TLS_KEY: other?.key ?? '' }, /^configuration: TLS_CERT, TLS_KEY: /],
  ] as const) {
    const targets = { AUTH_TARGETS: 'http://127.0.0.1:1', SIGNALING_TARGETS: 'http://127.0.0.1:1' };
    const config = loadConfig(EdgeConfig, { HOST: '127.0.0.1', PORT: '0', CLIENT_DIR: dir, ...targets, ...files });
    await expect(startEdge(config, createLogger('edge', 'silent'))).rejects.toThrow(problem);
  }
});
