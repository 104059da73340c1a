/** Raw HTTP/1.1 to the real auth and signaling services, and to the edge in front of them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { API_SCOPES } from '@tandem/protocol';
import { createLogger, loadConfig } from '@tandem/service';
import fc from 'fast-check';
import { formatApiKeyEntry, newApiKey, startTestAuth } from '../../apps/auth/src/testing.ts';
import { startTestNode } from '../../apps/signaling/src/testing.ts';
import { EdgeConfig } from '../../infra/local/edge/config.ts';
import { startEdge } from '../../infra/local/edge/server.ts';
import type { FuzzTarget } from './target.ts';

const PATHS = [
  '/auth/token',
  '/auth/refresh',
  '/auth/revoke',
  '/auth/ice-servers',
  '/.well-known/jwks.json',
  '/ws/signal',
  '/reports',
  '/v1/rooms',
  '/v1/rooms/x',
  '/v1/rooms/%ff',
  '/v1/rooms/x/peers',
  '/v1/rooms/x/peers/y?banSeconds=9',
  '/v1/rooms/x/messages',
  '/v1/tokens',
  '/health/live',
  '/health/ready',
  '/metrics',
  '/auth/%2e%2e/metrics',
  '/ws/../metrics',
  '//metrics',
  '/%6detrics',
  '*',
  'http://127.0.0.1:9/auth/x',
  '/\u0000',
];
const HEADERS = [
  'authorization',
  'content-type',
  'origin',
  'upgrade',
  'connection',
  'x-forwarded-for',
  'cookie',
  'idempotency-key',
  'if-match',
  'transfer-encoding',
  'sec-websocket-key',
  'traceparent',
];
/** By RFC 9110: not implemented, no target (with Retry-After), version. Any other 5xx is a fault of ours. */
const ALLOWED_5XX = new Set([501, 503, 505]);
const ANSWER_MS = 5000;

const token = (text: string) => text.replace(/[^\x21-\x7e]/g, '');
const line = (text: string) => text.replace(/[\r\n]/g, ' ');

/** Request targets that fooled a proxy, here or elsewhere. `{elsewhere}` is a host that nobody may ask. */
const CORPUS = readFileSync(join(import.meta.dirname, '../corpus/request-targets.txt'), 'utf8')
  .trim()
  .split('\n');

/** Targets of the corpus, whole, and with pieces of one another in any order. */
function targets(elsewhere: string): fc.Arbitrary<string> {
  const known = CORPUS.map((target) => target.replaceAll('{elsewhere}', elsewhere));
  const pieces = [...new Set(known.flatMap((target) => target.split(/(?<=[/\\])|(?=[/\\])/)))];
  return fc.oneof(
    fc.constantFrom(...known),
    fc
      .array(fc.constantFrom(...pieces, '/metrics', '/auth', '/ws', '?', '%', ';'), { minLength: 1, maxLength: 8 })
      .map((p) => p.join('')),
  );
}

/** @param credentials values of Authorization that hold, for what lies behind them */
function requests(
  paths: fc.Arbitrary<string> = fc.constantFrom(...PATHS),
  credentials: readonly string[] = [],
): fc.Arbitrary<string> {
  const method = fc.oneof(
    fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'CONNECT', 'PATCH'),
    fc.string().map(token),
  );
  const path = fc.oneof(
    { weight: 4, arbitrary: paths },
    { weight: 2, arbitrary: fc.tuple(paths, fc.webFragments()).map(([p, f]) => `${p}?${f}`) },
    { weight: 1, arbitrary: fc.string().map((s) => `/${token(s)}`) },
  );
  const header = fc.tuple(
    fc.constantFrom(...HEADERS),
    fc.oneof(
      fc.string().map(line),
      fc.constantFrom('Bearer x.y.z', 'websocket', 'application/json', 'chunked', 'null'),
    ),
  );
  const authorization = fc.tuple(fc.constant('authorization'), fc.constantFrom('Bearer x.y.z', ...credentials));
  const type = fc.tuple(
    fc.constant('content-type'),
    fc.constantFrom('application/json', 'application/merge-patch+json'),
  );
  const headers = fc.oneof(
    fc.array(header, { maxLength: 5 }),
    fc.tuple(authorization, type, header).map((all) => [...all]),
  );
  const body = fc.oneof(
    roomSettings(),
    fc.json(),
    fc.string(),
    fc.constantFrom('', '{', '{"userId":"a"}', '[]', '"x"', 'null', `{"userId":${'['.repeat(5000)}`),
  );
  return fc.tuple(method, path, headers, body, fc.boolean()).map(([m, p, h, b, length]) => {
    const lines = [`${m} ${p} HTTP/1.1`, 'host: 127.0.0.1', 'connection: close', ...h.map(([k, v]) => `${k}: ${v}`)];
    if (length) lines.push(`content-length: ${Buffer.byteLength(b)}`);
    return `${lines.join('\r\n')}\r\n\r\n${b}`;
  });
}

/** Settings of rooms, near to good ones. */
function roomSettings(): fc.Arbitrary<string> {
  const value = fc.oneof(
    fc.jsonValue(),
    fc.boolean(),
    fc.integer(),
    fc.date({ noInvalidDate: true }).map((d) => d.toISOString()),
  );
  const names = [
    'roomId',
    'maxPeers',
    'locked',
    'expiresAt',
    'endAt',
    'emptyTimeoutSeconds',
    'metadata',
    'tags',
    'topic',
    'data',
  ];
  return fc.dictionary(fc.constantFrom(...names), value).map((settings) => JSON.stringify(settings));
}

/** What comes back for raw bytes; empty when the server closes without a word, as it may. */
function ask(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    const done = () => {
      socket.destroy();
      resolve(Buffer.concat(chunks).toString('latin1'));
    };
    socket.setTimeout(ANSWER_MS, done);
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      // An open WebSocket or a stream: its head is enough.
      if (/^HTTP\/1\.1 101/.test(chunks[0]?.toString('latin1') ?? '')) done();
    });
    socket.on('end', done);
    socket.on('error', done);
  });
}

function expectSound(answer: string, request: string): void {
  if (answer === '') return;
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1]);
  if (!status) throw new Error(`no HTTP: ${answer.slice(0, 80)} for ${request.slice(0, 400)}`);
  if (status >= 500 && !ALLOWED_5XX.has(status)) throw new Error(`${status} for ${request.slice(0, 400)}`);
}

export const httpTarget: FuzzTarget = {
  name: 'HTTP',
  open: async () => {
    const key = newApiKey({ scopes: API_SCOPES });
    const auth = await startTestAuth({ ACCESS: 'open,api-key', API_KEYS: formatApiKeyEntry(key.record) });
    const node = await startTestNode({ keys: auth, config: { API_REQUESTS_PER_SECOND: 100_000 } });
    const port = (url: string) => Number(new URL(url).port);
    const ports = [port(auth.url), node.port];
    const { body: backend } = await auth.post(
      '/auth/token',
      { grant_type: 'client_credentials' },
      { 'x-api-key': key.key },
    );
    const credentials = [`Bearer ${backend.access_token}`, `Bearer ${key.key}`];
    const live = async () => {
      for (const p of ports) {
        const answer = await ask(p, 'GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
        if (!answer.startsWith('HTTP/1.1 200')) throw new Error(`not alive on ${p}: ${answer.slice(0, 80)}`);
      }
    };
    return {
      attack: async (seed, runs) => {
        await fc.assert(
          fc.asyncProperty(requests(undefined, credentials), fc.nat(ports.length - 1), async (request, which) => {
            expectSound(await ask(ports[which] as number, request), request);
          }),
          { seed, numRuns: Math.ceil(runs / 5), endOnFailure: true },
        );
        await live();
      },
      [Symbol.asyncDispose]: async () => {
        await node[Symbol.asyncDispose]();
        await auth[Symbol.asyncDispose]();
      },
    };
  },
};

/** What only the services show, to those who reach them directly: metrics, and the text of the internal routes. */
const INTERNAL = /^# (HELP|TYPE) |"revocations"/m;

export const edgeTarget: FuzzTarget = {
  name: 'edge',
  open: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fuzz-edge-'));
    writeFileSync(join(folder, 'index.html'), '<p>home');
    writeFileSync(join(folder, '404.html'), '<p>nothing');
    let asked = 0;
    const elsewhere = createServer((socket) => {
      asked += 1;
      socket.destroy();
    });
    await new Promise<void>((done) => elsewhere.listen(0, '127.0.0.1', done));
    const other = `127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
    const auth = await startTestAuth();
    const node = await startTestNode({ keys: auth });
    const settings = {
      HOST: '127.0.0.1',
      PORT: '0',
      CLIENT_DIR: folder,
      AUTH_TARGETS: auth.url,
      SIGNALING_TARGETS: `http://127.0.0.1:${node.port}`,
    };
    const edge = await startEdge(loadConfig(EdgeConfig, settings), createLogger('edge', 'silent'));
    return {
      attack: async (seed, runs) => {
        await fc.assert(
          fc.asyncProperty(requests(targets(other)), async (request) => {
            const answer = await ask(edge.port, request);
            expectSound(answer, request);
            if (INTERNAL.test(answer)) throw new Error(`shows what is internal: ${request.slice(0, 400)}`);
            if (asked > 0) throw new Error(`asks another host: ${request.slice(0, 400)}`);
          }),
          { seed, numRuns: Math.ceil(runs / 5), endOnFailure: true },
        );
        const answer = await ask(edge.port, 'GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
        if (!answer.startsWith('HTTP/1.1 200')) throw new Error(`the edge is not alive: ${answer.slice(0, 80)}`);
      },
      [Symbol.asyncDispose]: async () => {
        await edge[Symbol.asyncDispose]();
        await node[Symbol.asyncDispose]();
        await auth[Symbol.asyncDispose]();
        await new Promise((done) => elsewhere.close(done));
        rmSync(folder, { recursive: true });
      },
    };
  },
};
