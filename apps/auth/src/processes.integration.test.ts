/** Auth as it is deployed: the command line and two processes of the service on one Redis, in production settings. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { formatTraceparent, newTraceContext } from '@tandem/service';
import { type Collector, startCollector, startRedis, type TestRedis } from '@tandem/service/testing';
import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestAuth } from './testing.ts';

const folder = mkdtempSync(join(tmpdir(), 'tandem-processes-'));
const keyFile = join(folder, 'keys.json');
const program = (name: string) => new URL(name, import.meta.url).pathname;
let redis: TestRedis;
let collector: Collector;
let env: Record<string, string>;
/** Of a backend, for any user. */
let key: string;
let services: { url: string; process: ChildProcess; lines: Record<string, unknown>[] }[];

/** Runs cli.ts as people do, see scripts/auth.mjs. */
async function cli(args: string[], more: Record<string, string> = {}) {
  const run = promisify(execFile)(process.execPath, [program('../../../scripts/auth.mjs'), ...args], {
    env: { ...env, ...more },
  });
  return run.then(
    ({ stdout }) => ({ code: 0, out: stdout.trim(), error: '' }),
    ({ code, stdout, stderr }) => ({
      code: code as number,
      out: stdout.trim() as string,
      error: stderr.trim() as string,
    }),
  );
}

/** Starts main.ts and waits until it listens. */
async function service() {
  const process_ = spawn(process.execPath, [program('./main.ts')], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: Record<string, unknown>[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    process_.once('exit', (code) => reject(new Error(`auth ended with ${code}: ${JSON.stringify(lines.at(-1))}`)));
    createInterface({ input: process_.stdout }).on('line', (text) => {
      const line = JSON.parse(text);
      lines.push(line);
      if (line.event === 'start') resolve(line.port);
    });
  });
  return { url: `http://127.0.0.1:${port}`, process: process_, lines };
}

async function post(url: string, path: string, body: object, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  const answer = (await response.json()) as any;
  return { status: response.status, headers: response.headers, body: answer };
}

const secretOf = (apiKey: string) => apiKey.split('_').slice(2).join('_');

async function newKey(...more: string[]) {
  const { out } = await cli(['api-key', 'new', ...more]);
  const [, made = '', id = ''] = /(tk_([0-9a-f]+)_\S+)/.exec(out) ?? [];
  return { key: made, id, out };
}

beforeAll(async () => {
  redis = await startRedis();
  collector = await startCollector();
  env = {
    PATH: process.env.PATH ?? '',
    HOST: '127.0.0.1',
    PORT: '0',
    PROFILE: 'production',
    ACCESS: 'api-key',
    TOKEN_ISSUER: 'tandem',
    TOKEN_AUDIENCE: 'tandem',
    KEY_SOURCE: `file:${keyFile}`,
    REDIS_URL: redis.url,
    RATE_PER_KEY: '40',
    RATE_PER_IP: '0',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_TRACES_SAMPLER_ARG: '0',
  };
  const made = await cli(['keys', 'init', keyFile]);
  expect(made).toMatchObject({ code: 0, out: expect.stringContaining(`KEY_SOURCE=file:${keyFile}`) });
  const [backend, ...started] = await Promise.all([newKey(), service(), service()]);
  key = backend.key;
  services = started;
}, 120_000);
afterAll(async () => {
  for (const { process: child } of services ?? []) child.kill('SIGKILL');
  await collector?.[Symbol.asyncDispose]();
  await redis?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const urls = () => services.map((s) => s.url) as [string, string];

test('cli: the key file is its owner’s only; rotate publishes a successor that signs later', async () => {
  expect(statSync(keyFile).mode & 0o777).toBe(0o600);
  const before = JSON.parse(readFileSync(keyFile, 'utf8')).keys;
  const rotated = await cli(['keys', 'rotate', keyFile]);
  const after = JSON.parse(readFileSync(keyFile, 'utf8')).keys;
  expect(after).toHaveLength(before.length + 1);
  const [, kid = '', from = ''] = /^(\S+) is published and signs from (\S+)$/.exec(rotated.out) ?? [];
  expect(after.at(-1)).toMatchObject({ kid, activeFrom: Date.parse(from) });
  expect(Date.parse(from)).toBeGreaterThan(Date.now());
  const { body } = await post(urls()[0], '/auth/token', { userId: 'ada' }, { 'x-api-key': key });
  expect(decodeProtectedHeader(body.token).kid).toBe(before[0].kid);
});

test('cli: an API key works at once in every process, within its users and grants, until it is revoked', async () => {
  const { key: theirs, id, out } = await newKey('--users', 'acme-*', '--grants', '{"rooms":["acme-*"]}', '--days', '1');
  expect(out).toContain(`kept in Redis as ${id}`);
  for (const url of urls()) {
    expect((await post(url, '/auth/token', { userId: 'acme-ada' }, { 'x-api-key': theirs })).status).toBe(200);
    expect((await post(url, '/auth/token', { userId: 'ada' }, { 'x-api-key': theirs })).body.field).toBe('/userId');
  }
  const listed = await cli(['api-key', 'list']);
  expect(listed.out).toContain(`${id}  users acme-*  grants {"rooms":["acme-*"]}`);
  expect(listed.out).not.toContain(secretOf(theirs));
  expect(await cli(['api-key', 'revoke', id])).toMatchObject({ code: 0, out: `${id} is revoked` });
  for (const url of urls())
    expect((await post(url, '/auth/token', { userId: 'acme-ada' }, { 'x-api-key': theirs })).body.code).toBe('api_key');
  expect((await cli(['api-key', 'list'])).out).toMatch(new RegExp(`${id} .* revoked`));
});

test('cli: without Redis it prints an entry for API_KEYS, which works', async () => {
  const { out } = await cli(['api-key', 'new'], { REDIS_URL: '' });
  const [, printed = ''] = /: (tk_\S+)/.exec(out) ?? [];
  const [, entry = ''] = /^entry for API_KEYS: (\S+)$/m.exec(out) ?? [];
  expect(entry).not.toContain(secretOf(printed));
  await using auth = await startTestAuth({ ACCESS: 'api-key', API_KEYS: entry });
  expect((await auth.post('/auth/token', { userId: 'ada' }, { 'x-api-key': printed })).status).toBe(200);
});

test('cli: what it does not understand it refuses in one line', async () => {
  const table: [string[], RegExp][] = [
    [['keys'], /^usage:/],
    [['keys', 'rotate', '/nonexistent/keys.json'], /^KEY_SOURCE: .* does not exist/],
    [['api-key', 'new', '--grants', '{"admin":true}'], /^--grants: not grants/],
    [['api-key', 'new', '--days', 'soon'], /^--days: expected a number/],
    [['api-key', 'revoke'], /^usage:/],
    [['--secret'], /Unknown option '--secret'/],
  ];
  const answers = await Promise.all(table.map(([args]) => cli(args)));
  answers.forEach(({ code, out, error }, i) => {
    expect([code, out, error.split('\n').length]).toEqual([1, '', 1]);
    expect(error).toMatch(table[i]?.[1] ?? /never/);
  });
});

test('of many that present one refresh token at both processes, one wins; then the family is gone: somebody has a copy', async () => {
  const { body: login } = await post(urls()[0], '/auth/token', { userId: 'ada' }, { 'x-api-key': key });
  const refresh = (i: number, headers = {}) =>
    post(services[i % 2]?.url ?? '', '/auth/refresh', { refresh_token: login.refresh_token }, headers);
  const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => refresh(i)));
  const winners = answers.filter((a) => a.status === 200);
  expect(winners).toHaveLength(1);
  expect(answers.filter((a) => a.status === 401)).toHaveLength(7);
  expect(answers.map((a) => a.body.code)).toContain('refresh_reused');
  for (const url of urls()) {
    const next = { refresh_token: winners[0]?.body.refresh_token };
    expect((await post(url, '/auth/refresh', next)).body.code).toBe('refresh_refused');
    await expect
      .poll(async () => (await fetch(`${url}/auth/validate?token=${winners[0]?.body.token}`)).status, {
        timeout: 20_000,
      })
      .toBe(401);
  }
});

test('the same refresh, repeated at both processes under one Idempotency-Key, has one answer', async () => {
  const { body: login } = await post(urls()[0], '/auth/token', { userId: 'ada' }, { 'x-api-key': key });
  const same = { 'idempotency-key': 'a-random-key-of-this-request' };
  const body = { refresh_token: login.refresh_token };
  const answers = await Promise.all([0, 1, 0, 1].map((i) => post(services[i]?.url ?? '', '/auth/refresh', body, same)));
  expect(answers.map((a) => a.status)).toEqual([200, 200, 200, 200]);
  expect(new Set(answers.map((a) => a.body.refresh_token)).size).toBe(1);
});

test('a key’s limit is one for both processes, and no other key’s', async () => {
  const [mine, other] = await Promise.all([newKey(), newKey()]);
  const ask = (whose: string, i: number) =>
    post(services[i % 2]?.url ?? '', '/auth/token', { userId: `user-${i}` }, { 'x-api-key': whose });
  const statuses: number[] = [];
  for (let i = 0; i < 44; i++) statuses.push((await ask(mine.key, i)).status);
  expect(statuses.filter((s) => s === 200)).toHaveLength(40);
  const last = await ask(mine.key, 1);
  expect([last.status, last.body.code]).toEqual([429, 'rate_limited']);
  expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await ask(other.key, 0)).status).toBe(200);
});

test('a caller’s trace goes on in the spans, the logs and the audit of auth', async () => {
  const caller = newTraceContext();
  const headers = { 'x-api-key': key, traceparent: formatTraceparent(caller) };
  await post(urls()[1], '/auth/token', { userId: 'ada' }, headers);
  await post(urls()[1], '/auth/refresh', { refresh_token: 'tr1.x' }, headers);
  const ours = () => collector.spans.filter((s) => s.traceId === caller.traceId);
  await expect
    .poll(
      () =>
        ours()
          .map((s) => s.name)
          .sort(),
      { timeout: 30_000 },
    )
    .toEqual(['POST /auth/refresh', 'POST /auth/token']);
  for (const span of ours()) expect(span).toMatchObject({ parentSpanId: caller.spanId, service: 'auth' });
  // Sampling is the caller's word: everything else here was not sampled, and left no span.
  expect(collector.spans).toHaveLength(2);
  const of = (action: string) => services[1]?.lines.find((l) => l.action === action && l.trace_id === caller.traceId);
  await expect
    .poll(() => [of('issue'), of('refuse')], { timeout: 30_000 })
    .toEqual([
      expect.objectContaining({ sub: 'ada', span_id: ours().find((s) => s.name.endsWith('token'))?.spanId }),
      expect.objectContaining({ reason: 'refresh_refused' }),
    ]);
  await expect
    .poll(
      () =>
        collector.logs
          .filter((l) => l.traceId === caller.traceId)
          .map((l) => l.body)
          .sort(),
      { timeout: 30_000 },
    )
    .toEqual(['audit: issue', 'audit: refuse']);
});
