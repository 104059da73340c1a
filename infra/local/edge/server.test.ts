import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, loadConfig } from '@tandem/service';
import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { EdgeConfig } from './config.ts';
import { cacheControl } from './pages.ts';
import { startEdge } from './server.ts';

interface Node {
  url: string;
  name: string;
  seen: http.IncomingMessage[];
  sockets: Set<WebSocket>;
  state: { draining: boolean; refuse: number };
  close(): Promise<void>;
}

/** A service that answers with its name, on HTTP and on sockets. */
async function startNode(name: string): Promise<Node> {
  const state = { draining: false, refuse: 0 };
  const seen: http.IncomingMessage[] = [];
  const sockets = new Set<WebSocket>();
  const server = http.createServer((request, response) => {
    if (request.url === '/health/ready')
      return response
        .writeHead(state.draining ? 503 : 200)
        .end(JSON.stringify({ status: state.draining ? 'draining' : 'ok' }));
    if (request.url === '/health/live') return response.end('{}');
    seen.push(request);
    const chunks: Buffer[] = [];
    request.on('data', (c) => chunks.push(c));
    request.on('end', () =>
      response.end(JSON.stringify({ name, url: request.url, body: Buffer.concat(chunks).toString() })),
    );
    return undefined;
  });
  const wss = new WebSocketServer({ noServer: true, handleProtocols: (set) => [...set][0] ?? false });
  server.on('upgrade', (request, socket, head) => {
    seen.push(request);
    if (state.refuse)
      return void socket.end(`HTTP/1.1 ${state.refuse} No\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno`);
    wss.handleUpgrade(request, socket, head, (ws) => {
      sockets.add(ws);
      ws.send(name);
      ws.on('message', (data, binary) => ws.send(data, { binary }));
    });
    return undefined;
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const close = async () => {
    for (const ws of sockets) ws.terminate();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  };
  onTestFinished(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, name, seen, sockets, state, close };
}

async function start(nodes: { auth?: Node[]; signaling?: Node[] }) {
  const dir = mkdtempSync(join(tmpdir(), 'edge-'));
  mkdirSync(join(dir, '_next/static'), { recursive: true });
  for (const [file, text] of Object.entries({
    'index.html': '<p>home',
    'call.html': '<p>call',
    '404.html': '<p>nothing',
    'sw.js': '//',
    '_next/static/a.js': '//',
    'security-headers.json': JSON.stringify({ 'Content-Security-Policy': "default-src 'self'" }),
  }))
    writeFileSync(join(dir, file), text);
  const lines: string[] = [];
  const edge = await startEdge(
    loadConfig(EdgeConfig, {
      HOST: '127.0.0.1',
      PORT: '0',
      CLIENT_DIR: dir,
      AUTH_TARGETS: (nodes.auth ?? []).map((n) => n.url).join(',') || 'http://127.0.0.1:1',
      SIGNALING_TARGETS: (nodes.signaling ?? []).map((n) => n.url).join(',') || 'http://127.0.0.1:1',
    }),
    createLogger('edge', 'trace', { write: (line) => lines.push(line) }),
  );
  onTestFinished(async () => {
    await edge[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true });
  });
  return { origin: `http://127.0.0.1:${edge.port}`, lines };
}

/** Open a socket and learn which node took it. */
async function open(origin: string, headers = {}): Promise<{ ws: WebSocket; node: string }> {
  const ws = new WebSocket(`${origin.replace('http', 'ws')}/ws/signal?token=hidden`, ['signal.v1', 'bearer.hidden'], {
    headers,
  });
  onTestFinished(() => ws.terminate());
  const node = await new Promise<string>((resolve, reject) => {
    ws.once('message', (data) => resolve(data.toString()));
    ws.once('error', reject);
  });
  return { ws, node };
}

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

test('sockets spread over the nodes, keep their subprotocol and bytes, and their tokens stay out of the log', async () => {
  const signaling = [await startNode('a'), await startNode('b')];
  const { origin, lines } = await start({ signaling });
  const opened = [await open(origin), await open(origin), await open(origin), await open(origin)];
  expect(opened.map((o) => o.node).sort()).toEqual(['a', 'a', 'b', 'b']);
  expect(opened[0]?.ws.protocol).toBe('signal.v1');
  const echo = new Promise((resolve) => opened[0]?.ws.once('message', (d) => resolve(d.toString().length)));
  opened[0]?.ws.send('x'.repeat(200_000));
  expect(await echo).toBe(200_000);
  const code = new Promise((resolve) => opened[1]?.ws.once('close', resolve));
  for (const ws of signaling.find((n) => n.name === opened[1]?.node)?.sockets ?? []) ws.close(4003, 'kicked');
  expect(await code).toBe(4003);
  expect(lines.join('')).not.toContain('hidden');
});

test('a draining, refusing or dead node gets no new sockets while another lives', async () => {
  const [a, b] = [await startNode('a'), await startNode('b')];
  const { origin } = await start({ signaling: [a, b] });
  a.state.draining = true;
  const draining = () =>
    fetch(`${origin}/health`).then((r) => r.json() as Promise<{ parts: { signaling: { draining: boolean }[] } }>);
  await vi.waitFor(async () => expect((await draining()).parts.signaling[0]?.draining).toBe(true), { timeout: 20_000 });
  for (let i = 0; i < 3; i += 1) expect((await open(origin)).node).toBe('b');
  a.state.draining = false;
  await vi.waitFor(async () => expect((await draining()).parts.signaling[0]?.draining).toBe(false), {
    timeout: 20_000,
  });
  a.state.refuse = 503;
  expect((await open(origin)).node).toBe('b');
  a.state.refuse = 401;
  await expect(open(origin)).rejects.toThrow('401');
  await a.close();
  expect((await open(origin)).node).toBe('b');
  await b.close();
  await expect(open(origin)).rejects.toThrow('503');
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
