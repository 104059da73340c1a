/** The document is fresh, and the running service keeps what it promises: driven from the document, with good and wild input. */
import { readFileSync } from 'node:fs';
import { startRedis } from '@tandem/service/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { formatApiKeyEntry, newApiKey } from './access/api-key.ts';
import { openApiYaml } from './openapi.ts';
import { startTestAuth, type TestAuth } from './testing.ts';

const committed = readFileSync(new URL('../../../docs/openapi.yaml', import.meta.url), 'utf8');

// biome-ignore lint/suspicious/noExplicitAny: a JSON document
type Json = any;
const document: Json = parse(committed);
interface Operation {
  readonly path: string;
  readonly method: string;
  readonly spec: Json;
}
const operations: Operation[] = Object.entries(document.paths as Record<string, Json>).flatMap(([path, item]) =>
  Object.entries(item as Json).map(([method, spec]) => ({ path, method, spec: spec as Json })),
);

let auth: TestAuth;
let token: string;
beforeAll(async () => {
  auth = await startTestAuth({ TURN_URIS: 'turn:127.0.0.1:3478?transport=udp', TURN_SECRETS: 's' });
  token = (await auth.login('ada')).token;
});
afterAll(() => auth[Symbol.asyncDispose]());

function resolve(schema: Json): Json {
  if (!schema?.$ref) return schema;
  return String(schema.$ref)
    .slice(2)
    .split('/')
    .reduce((at: Json, key: string) => at[key], document);
}

/** What of a schema a value breaks. Knows the keywords that our document uses, and refuses any other. */
function broken(schemaOrRef: Json, value: Json, at = ''): string[] {
  const schema = resolve(schemaOrRef);
  if (schema.const !== undefined) return value === schema.const ? [] : [`${at} is not ${schema.const}`];
  if (schema.anyOf) return schema.anyOf.some((s: Json) => broken(s, value).length === 0) ? [] : [`${at} fits none`];
  if (schema.enum) return schema.enum.includes(value) ? [] : [`${at} is not in the enum`];
  switch (schema.type) {
    case 'object': {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${at} is no object`];
      const missing = (schema.required ?? [])
        .filter((k: string) => !(k in value))
        .map((k: string) => `${at}/${k} is missing`);
      const extra = Object.keys(value).filter((k) => !(k in (schema.properties ?? {})) && !schema.additionalProperties);
      return [
        ...missing,
        ...extra.map((k) => `${at}/${k} is not in the document`),
        ...Object.entries(schema.properties ?? {}).flatMap(([k, s]) =>
          k in value ? broken(s, value[k], `${at}/${k}`) : [],
        ),
      ];
    }
    case 'array':
      return Array.isArray(value)
        ? value.flatMap((v, i) => broken(schema.items, v, `${at}/${i}`))
        : [`${at} is no array`];
    case 'string':
      return typeof value === 'string' ? [] : [`${at} is no string`];
    case 'boolean':
      return typeof value === 'boolean' ? [] : [`${at} is no boolean`];
    case 'integer':
      return Number.isInteger(value) ? [] : [`${at} is no integer`];
    default:
      return [`${at} has a type the test does not know: ${schema.type}`];
  }
}

async function call(
  operation: Operation,
  request: { body?: Json; query?: Record<string, string>; headers?: Record<string, string>; signed?: boolean },
  url = auth.url,
) {
  const query = new URLSearchParams(request.query ?? {}).toString();
  const response = await fetch(`${url}${operation.path}${query ? `?${query}` : ''}`, {
    method: operation.method.toUpperCase(),
    headers: {
      ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(request.signed ? { authorization: `Bearer ${token}` } : {}),
      ...request.headers,
    },
    ...(request.body === undefined
      ? {}
      : { body: typeof request.body === 'string' ? request.body : JSON.stringify(request.body) }),
  });
  const text = await response.text();
  return { status: response.status, type: response.headers.get('content-type') ?? '', text };
}

/** The answer is one that the document promises for this operation. */
function expectPromised(operation: Operation, answer: { status: number; type: string; text: string }) {
  const name = `${operation.method} ${operation.path} ${answer.status}`;
  const promised = operation.spec.responses[String(answer.status)];
  expect(promised, `${name} is not in the document: ${answer.text.slice(0, 300)}`).toBeDefined();
  expect(answer.status, `${name}: ${answer.text}`).not.toBe(500);
  const [[type, content] = ['no content', undefined]] = Object.entries(promised.content ?? {}) as [string, Json][];
  expect(answer.type.split(';')[0], name).toBe(type);
  expect(broken(content.schema, JSON.parse(answer.text)), name).toEqual([]);
}

test('docs/openapi.yaml is fresh (node apps/auth/src/openapi.ts > docs/openapi.yaml)', async () => {
  expect(await openApiYaml()).toBe(committed);
  expect(document.openapi).toBe('3.1.0');
  const served = await auth.get('/auth/openapi.json');
  expect(Object.keys(served.body.paths)).toEqual(Object.keys(document.paths));
});

test('every operation says what it is for and which problems it may answer', () => {
  expect(operations.map((o) => `${o.method} ${o.path}`).sort()).toEqual([
    'get /.well-known/jwks.json',
    'get /auth/ice-servers',
    'get /auth/sessions',
    'get /auth/validate',
    'post /auth/nonce',
    'post /auth/refresh',
    'post /auth/revoke',
    'post /auth/token',
    'post /v1/tokens',
  ]);
  for (const { spec } of operations) {
    const done = spec.responses['200'] ?? spec.responses['201'];
    expect(spec.summary && spec.operationId && done.description).toBeTruthy();
    expect(spec.responses['429'] && spec.responses.default).toBeTruthy();
  }
});

test('every status in the document is one that the service gives, in the shape that the document says', async () => {
  const redis = await startRedis();
  const oidc = { ACCESS: 'api-key,oidc', OIDC_ISSUER: 'http://127.0.0.1:9', OIDC_AUDIENCE: 'app' };
  await using keyed = await startTestAuth({ ...oidc, REDIS_URL: redis.url });
  await redis[Symbol.asyncDispose]();
  await using openId = await startTestAuth(oidc);
  await using limited = await startTestAuth({ RATE_PER_IP: 1 });
  await limited.get('/nowhere');
  const { key, record } = newApiKey({ users: 'eve' });
  await using backed = await startTestAuth({ ACCESS: 'api-key', API_KEYS: formatApiKeyEntry(record) });
  const asBackend = { 'x-api-key': key };
  const login = () => auth.login('eve');
  const good: Record<string, () => Promise<Json>> = {
    '/auth/token': async () => ({ body: { userId: 'eve', name: 'Eve', grants: { rooms: ['a-*'], publish: true } } }),
    '/auth/refresh': async () => ({ body: { refresh_token: (await login()).refresh_token } }),
    '/auth/revoke': async () => ({ body: { token: (await login()).token } }),
  };
  const forbidden: Record<string, Json> = {
    '/auth/token': { body: { userId: 'eve', grants: { kick: true } } },
    '/auth/revoke': { body: { user_id: 'somebody' }, signed: true },
  };
  const malformed: Record<string, Json> = {
    '/auth/validate': { query: { token: 'a'.repeat(8193) } },
    '/auth/ice-servers': { query: { zone: 'z'.repeat(65) }, signed: true },
  };
  for (const operation of operations) {
    const { path } = operation;
    // Under /v1 credentials come before the body.
    const [url, headers] = path.startsWith('/v1/') ? [backed.url, asBackend] : [auth.url, {}];
    const ways: Record<string, () => ReturnType<typeof call>> = {
      200: async () =>
        path === '/auth/nonce'
          ? call(operation, {}, openId.url)
          : call(operation, { signed: true, ...(await good[path]?.()) }),
      201: () => call(operation, { body: { userId: 'eve' }, headers }, url),
      400: () => call(operation, { headers, ...(malformed[path] ?? { body: '{' }) }, url),
      401: () => call(operation, { headers: { 'x-api-key': 'tk_made_up' } }, openId.url),
      403: () => call(operation, { headers, ...(forbidden[path] ?? { body: { userId: 'other' } }) }, url),
      404: () => call(operation, {}),
      413: () => call(operation, { headers, body: { userId: 'x'.repeat(20_000) } }, url),
      415: () => call(operation, { body: '<x/>', headers: { ...headers, 'content-type': 'application/xml' } }, url),
      429: () => call(operation, {}, limited.url),
      503: () => call(operation, { headers: { 'x-api-key': newApiKey().key } }, keyed.url),
    };
    const { default: unforeseen, ...documented } = operation.spec.responses;
    expect(unforeseen, path).toBeDefined();
    for (const status of Object.keys(documented)) {
      const answer = await ways[status]?.();
      expect([operation.method, path, answer?.status]).toEqual([operation.method, path, Number(status)]);
      if (answer) expectPromised(operation, answer);
    }
    const { security = [] } = operation.spec;
    if (security.length > 0 && !security.some((s: Json) => Object.keys(s).length === 0))
      expect((await call(operation, {})).status).toBe(401);
  }
});

const weird = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    '../..',
    '__proto__',
    "' or 1=1 --",
    '{{7*7}}',
    '%00',
    '\ud800',
    'a'.repeat(5000),
    '🙂',
    '\u202e',
    'tr1.a.b.c',
    'tk_a_b',
    'null',
  ),
);
const anything = fc.oneof({ weight: 3, arbitrary: weird }, { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 4 }) });

test.each(operations)(
  '$method $path answers wild input only with what the document promises',
  { timeout: 120_000 },
  async (operation) => {
    const schema = resolve(Object.values((operation.spec.requestBody?.content ?? {}) as Json)[0] as Json)?.schema;
    const fields = [...Object.keys(resolve(schema)?.properties ?? {}), '__proto__', 'constructor', 'x'];
    const bodies = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.dictionary(fc.constantFrom(...fields), anything, { maxKeys: 5 }).map((v) => JSON.stringify(v)),
      },
      { weight: 2, arbitrary: fc.jsonValue().map((v) => JSON.stringify(v)) },
      { weight: 1, arbitrary: fc.string({ maxLength: 200 }) },
    );
    // Headers carry visible ASCII only; fetch itself refuses the rest.
    const header = fc.string({ maxLength: 60 }).map((s) => s.replace(/[^\x21-\x7e]/g, '-'));
    const request = fc.record({
      ...(operation.method === 'post' ? { body: bodies } : {}),
      query: fc.dictionary(fc.constantFrom('token', 'zone', 'x', 'after'), weird, { maxKeys: 2 }),
      headers: fc.dictionary(
        fc.constantFrom(
          'authorization',
          'x-api-key',
          'idempotency-key',
          'accept',
          'cookie',
          'x-forwarded-for',
          'origin',
        ),
        header,
        { maxKeys: 3 },
      ),
      signed: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(request, async (r) => {
        const answer = await call(operation, r as Json);
        expectPromised(operation, answer);
      }),
      { numRuns: 120 },
    );
    expect((await auth.get('/auth/validate', token)).status).toBeLessThan(500);
  },
);
