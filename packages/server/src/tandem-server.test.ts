/** What the SDK sends, sends again and says, against a server that answers by script. The real services: test/server-sdk.test.ts. */
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { parse } from 'yaml';
import { TandemError } from './errors.ts';
import { TandemServer, type TandemServerOptions } from './tandem-server.ts';
import { type ScriptedAnswer, type ScriptedServer, startScriptedServer } from './testing.ts';

const API_KEY = 'tk_abcdefghij_secret-of-this-test';
const connect = (server: ScriptedServer, more: Partial<TandemServerOptions> = {}) =>
  new TandemServer({ url: server.url, apiKey: API_KEY, ...more });
const problem = (
  status: number,
  code: string,
  more: object = {},
  headers: Record<string, string> = {},
): ScriptedAnswer => ({
  status,
  headers,
  body: { type: `urn:tandem:problem:${code}`, title: 'x', status, detail: 'why', code, instance: 'req-1', ...more },
});
const failureOf = async (call: Promise<unknown>): Promise<TandemError> => {
  const error: unknown = await call.then(
    () => undefined,
    (e) => e,
  );
  expect(error).toBeInstanceOf(TandemError);
  return error as TandemError;
};

test('each operation of docs/server-api.yaml has its method, and nothing else is sent', async () => {
  await using server = await startScriptedServer(({ method, path }) => {
    if (method === 'GET' && path.startsWith('/v1/rooms?')) return { status: 200, body: { rooms: [{ roomId: 'a' }] } };
    if (path.endsWith('recordings?limit=100')) return { status: 200, body: { recordings: [{ recordingId: 'r' }] } };
    if (path === '/v1/tokens')
      return { status: 201, body: { token: 't', expires_at: 1, user_id: 'u', session_id: 's' } };
    return method === 'DELETE' ? { status: 204 } : undefined;
  });
  const { rooms, peers, messages, tokens, recordings } = connect(server);
  await rooms.create({ roomId: 'a' });
  for await (const room of rooms.list({ prefix: 'a', tag: 'b', pageSize: 7 })) expect(room.roomId).toBe('a');
  await rooms.get('a/b');
  await rooms.update('a', { locked: null }, { ifMatch: '"1"' });
  await rooms.close('a');
  await peers.list('a');
  await peers.get('a', 'b');
  await peers.mute('a', 'b', 'audio');
  await peers.update('a', 'b', { metadata: { role: 'x' }, ifMatch: '"1"' });
  await peers.move('a', 'b', { to: 'c' });
  await peers.remove('a', 'b', { ban: 'user', banSeconds: 60, reason: 'why not' });
  await messages.send('a', { topic: 't', data: 1 });
  expect(await tokens.create({ userId: 'u' })).toEqual({
    ...{ token: 't', expiresAt: '1970-01-01T00:00:01.000Z', userId: 'u', sessionId: 's' },
  });
  await recordings.start('a', { layout: 'speaker' });
  await recordings.stop('a', 'r');
  for await (const { recordingId } of recordings.list('a')) expect(recordingId).toBe('r');
  await recordings.get('a', 'r');
  for await (const chunk of await recordings.file('a', 'r', 'composed.webm'))
    expect(new TextDecoder().decode(chunk)).toBe('{}');
  await recordings.delete('a', 'r');
  const documents = ['server-api.yaml', 'openapi.yaml'].map((name) =>
    parse(readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8')),
  );
  const wanted = Object.entries<Record<string, { parameters?: { in: string; name: string }[] }>>({
    ...documents[0].paths,
    '/v1/tokens': documents[1].paths['/v1/tokens'],
  }).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [] }]) => ({
      call: `${method.toUpperCase()} ${path}`,
      // `link` is for pages: a backend follows the redirect.
      query: parameters.filter((p) => p.in === 'query' && !['cursor', 'link'].includes(p.name)).map((p) => p.name),
    })),
  );
  const said = server.heard.map(({ method, path }) => {
    const { pathname, searchParams } = new URL(path, server.url);
    const template = pathname
      .replace(/^(\/v1\/rooms\/)[^/]+/, '$1{roomId}')
      .replace(/(\/peers\/)[^/]+/, '$1{peerId}')
      .replace(/(\/recordings\/)[^/]+/, '$1{recordingId}')
      .replace(/(\/files\/)[^/]+/, '$1{name}');
    return { call: `${method} ${template}`, query: [...searchParams.keys()] };
  });
  const sorted = (list: typeof said) => list.map(({ call, query }) => `${call} ${query.sort()}`).sort();
  expect(sorted(said)).toEqual(sorted(wanted));
  expect(server.heard[2]?.path).toBe('/v1/rooms/a%2Fb');
  expect(server.heard[3]?.headers).toMatchObject({ 'if-match': '"1"', 'content-type': 'application/merge-patch+json' });
});

test('lists go on behind short and empty pages', async () => {
  const pages = [
    { rooms: [{ roomId: 'a' }], nextCursor: 'x' },
    { rooms: [], nextCursor: 'y' },
    { rooms: [{ roomId: 'b' }] },
  ];
  await using server = await startScriptedServer(({ path }, n) =>
    path.startsWith('/v1/rooms') ? { status: 200, body: pages[n - 1] } : undefined,
  );
  const found: string[] = [];
  for await (const { roomId } of connect(server).rooms.list()) found.push(roomId);
  expect(found).toEqual(['a', 'b']);
  expect(server.heard.map(({ path }) => path)).toEqual(['/v1/rooms', '/v1/rooms?cursor=x', '/v1/rooms?cursor=y']);
});

test('one token for calls at the same time; a refused one is renewed once and the call sent again', async () => {
  let refused = 'token-1';
  await using server = await startScriptedServer(({ path, headers }) =>
    path !== '/auth/token' && headers.authorization === `Bearer ${refused}` ? problem(401, 'token_refused') : undefined,
  );
  const tandem = connect(server);
  await Promise.all([1, 2, 3].map(() => tandem.rooms.get('a')));
  expect(server.tokenRequests.length).toBe(2);
  expect(server.tokenRequests[0]?.headers['x-api-key']).toBe(API_KEY);
  expect(server.heard.every(({ headers }) => headers['x-api-key'] === undefined)).toBe(true);
  // Also what may not be sent twice: a refused token means that nothing was done.
  refused = 'token-2';
  await tandem.messages.send('a', { topic: 't', data: 1 });
  expect(server.tokenRequests.length).toBe(3);
  refused = 'token-3';
  server.heard.length = 0;
  await tandem.rooms.get('a');
  expect(server.heard.length).toBe(2);
});

test('a token near its end is renewed beside the call, and serves while auth is away', async () => {
  let isAway = false;
  await using server = await startScriptedServer(({ path }) =>
    isAway && path === '/auth/token' ? problem(503, 'unavailable') : undefined,
  );
  let now = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  onTestFinished(() => clock.mockRestore());
  const tandem = connect(server, { maxRetries: 0 });
  const tokenAt = async (seconds: number) => {
    now = seconds * 1000;
    await tandem.rooms.get('a');
    return server.heard.at(-1)?.headers.authorization;
  };
  expect(await tokenAt(0)).toBe('Bearer token-1');
  expect([await tokenAt(479), server.tokenRequests.length]).toEqual(['Bearer token-1', 1]);
  isAway = true;
  expect(await tokenAt(481)).toBe('Bearer token-1');
  await expect.poll(() => server.tokenRequests.length).toBe(2);
  expect(await failureOf(tokenAt(571))).toMatchObject({ status: 503, code: 'unavailable' });
  isAway = false;
  const fresh = Number((await tokenAt(572))?.split('-')[1]);
  expect(fresh).toBeGreaterThan(2);
  expect(await tokenAt(572 + 479)).toBe(`Bearer token-${fresh}`);
});

test.each<[string, ScriptedAnswer, number]>([
  ['a connection that breaks', 'cut', 2],
  ['503', problem(503, 'unavailable'), 2],
  ['502 of a proxy', { status: 502, body: '<html>' }, 2],
  ['429', problem(429, 'rate_limited', { retryAfter: 0 }), 2],
  ['404', problem(404, 'room_unknown'), 1],
  ['a Retry-After that is too far away', problem(503, 'unavailable', {}, { 'retry-after': '31' }), 1],
])('%s is tried again if that can help', async (_what, answer, tries) => {
  await using server = await startScriptedServer(({ path }, n) =>
    path !== '/auth/token' && n === 1 ? answer : undefined,
  );
  const outcome = await connect(server)
    .rooms.get('a')
    .then(
      () => 'done',
      (e) => e,
    );
  expect([server.heard.length, outcome === 'done']).toEqual([tries, tries === 2]);
});

test('what may not be done twice is sent again after 429 only', async () => {
  for (const [answer, tries] of [
    ['cut', 1],
    [problem(503, 'unavailable'), 1],
    [problem(429, 'rate_limited'), 2],
  ] as const) {
    await using server = await startScriptedServer(({ path }, n) =>
      path !== '/auth/token' && n === 1 ? answer : undefined,
    );
    const tandem = connect(server);
    for (const call of [
      () => tandem.messages.send('a', { topic: 't', data: 1 }),
      () => tandem.rooms.update('a', { locked: true }, { ifMatch: '"1"' }),
    ]) {
      server.heard.length = 0;
      await call().catch(() => {});
      expect(server.heard.length).toBe(tries);
    }
  }
});

test('Retry-After is waited for; one that is too far away, as a number or a date, is said', async () => {
  const times: number[] = [];
  await using server = await startScriptedServer(({ path }) => {
    if (path === '/auth/token') return undefined;
    if (path.endsWith('later'))
      return { status: 503, headers: { 'retry-after': new Date(Date.now() + 3_600_000).toUTCString() } };
    times.push(performance.now());
    return times.length === 1 ? { status: 503, headers: { 'retry-after': '1' } } : undefined;
  });
  const tandem = connect(server);
  await tandem.rooms.get('a');
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(990);
  const { retryAfter, code } = await failureOf(tandem.rooms.get('later'));
  expect(code).toBe('http_503');
  expect(retryAfter).toBeGreaterThan(3000);
  expect(retryAfter).toBeLessThanOrEqual(3600);
});

test('of an idempotent creation and removal a lost answer is no failure', async () => {
  await using server = await startScriptedServer(({ method, path }, n) => {
    if (path === '/auth/token') return undefined;
    const gone = path.includes('/peers/') ? 'peer_unknown' : 'room_unknown';
    return n % 2 ? 'cut' : method === 'DELETE' ? problem(404, gone) : undefined;
  });
  const tandem = connect(server);
  await tandem.rooms.create();
  const keys = server.heard.map(({ headers }) => headers['idempotency-key']);
  expect([keys.length, new Set(keys).size, keys[0]?.length]).toEqual([2, 1, 36]);
  await tandem.peers.remove('a', 'b');
  await tandem.rooms.close('a');
});

test('an error says what, where and when again, and never a secret', async () => {
  const answer = problem(429, 'rate_limited', { field: '/x' }, { 'retry-after': '3600' });
  await using server = await startScriptedServer(({ path }) => (path === '/auth/token' ? undefined : answer));
  const tandem = connect(server);
  const error = await failureOf(tandem.rooms.get('a'));
  expect({ ...error, message: error.message }).toEqual({
    ...{ name: 'TandemError', message: 'GET /v1/rooms/a: 429 rate_limited: why', status: 429, code: 'rate_limited' },
    ...{ field: '/x', retryAfter: 3600, requestId: 'req-1' },
  });
  for (const shown of [
    inspect(tandem, { depth: 9, showHidden: true }),
    inspect(error, { depth: 9 }),
    JSON.stringify(tandem),
  ])
    expect(shown).not.toMatch(/secret-of-this-test|token-1/);
});

test('no answer, a redirect, a stranger’s page, and a caller who gives up', async () => {
  await using server = await startScriptedServer(({ path }) => {
    if (path === '/auth/token') return undefined;
    if (path.endsWith('moved')) return { status: 302, headers: { location: '/elsewhere' } };
    return path.endsWith('page') ? { status: 200, body: '<html>' } : 'silence';
  });
  const tandem = connect(server, { maxRetries: 0 });
  const hasty = connect(server, { timeoutMs: 300, maxRetries: 0 });
  expect(await failureOf(hasty.rooms.get('silent'))).toMatchObject({ status: 0, code: 'timeout' });
  expect(await failureOf(tandem.rooms.get('moved'))).toMatchObject({ status: 0, code: 'unreachable' });
  expect(server.heard.some(({ path }) => path === '/elsewhere')).toBe(false);
  expect(await failureOf(tandem.rooms.get('page'))).toMatchObject({ status: 200, code: 'http_200' });
  const stop = new AbortController();
  const waiting = failureOf(connect(server).rooms.get('silent', { signal: stop.signal }));
  stop.abort();
  expect(await waiting).toMatchObject({ code: 'aborted' });
  const gone = new TandemServer({ url: 'http://127.0.0.1:9', apiKey: API_KEY, maxRetries: 0 });
  expect(await failureOf(gone.rooms.get('a'))).toMatchObject({ status: 0, code: 'unreachable' });
});

test('an id that would lead elsewhere is refused before anything is sent', async () => {
  await using server = await startScriptedServer(() => undefined);
  const { rooms, peers } = connect(server);
  for (const id of ['', '.', '..']) {
    expect(await failureOf(rooms.close(id))).toMatchObject({ code: 'invalid_argument', field: '/roomId' });
    expect(await failureOf(peers.remove('a', id))).toMatchObject({ code: 'invalid_argument', field: '/peerId' });
  }
  expect(server.heard).toEqual([]);
});

test.each<[string, Partial<TandemServerOptions>]>([
  ['/apiKey', { apiKey: '' }],
  ['/apiKey', { apiKey: undefined as never }],
  ['/apiKey', { apiKey: 'a\nb' }],
  ['/url', { url: 'calls.example.org' }],
  ['/url', { url: 'http://calls.example.org' }],
  ['/url', { url: 'https://ada:secret@calls.example.org' }],
  ['/url', { url: 'ftp://calls.example.org' }],
  ['/timeoutMs', { timeoutMs: 0 }],
  ['/maxRetries', { maxRetries: Number.NaN }],
])('a wrong %s is named', (field, options) => {
  const make = () => new TandemServer({ url: 'https://calls.example.org', apiKey: API_KEY, ...options });
  expect(make).toThrow(expect.objectContaining({ code: 'invalid_argument', field }));
});

test('plain http reaches this machine, or what the caller answers for', () => {
  for (const url of ['http://localhost:3000', 'http://127.0.0.1', 'http://[::1]:1'])
    expect(() => new TandemServer({ url, apiKey: `${API_KEY}\n` })).not.toThrow();
  expect(() => new TandemServer({ url: 'http://edge:3000', apiKey: API_KEY, allowPlainHttp: true })).not.toThrow();
});
