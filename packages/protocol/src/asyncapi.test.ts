import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { asyncApi } from './asyncapi.ts';
import { ClientMessages, ServerMessages } from './messages.ts';

const file = new URL('../../../docs/asyncapi.yaml', import.meta.url);

test('S-7 docs/asyncapi.yaml is fresh (npm run asyncapi -w @tandem/protocol)', () => {
  expect(parse(readFileSync(file, 'utf8'))).toEqual(asyncApi());
});

test('S-7 it is AsyncAPI 3.0, by the schema that AsyncAPI publishes, and its payloads are JSON Schema', () => {
  const official = new URL(import.meta.resolve('@asyncapi/specs/schemas/3.0.0-without-$id.json'));
  const ajv = new Ajv({ strict: false, allErrors: true });
  formats.default(ajv);
  const valid = ajv.compile(JSON.parse(readFileSync(official, 'utf8')) as object);
  const api = asyncApi() as { components: { messages: Record<string, { payload: object }> }; operations: object };
  valid(api);
  expect(valid.errors).toBeNull();
  for (const [name, { payload }] of Object.entries(api.components.messages))
    expect(ajv.validateSchema(payload), name).toBe(true);
  expect(valid({ ...api, operations: { send: { action: 'shout' } } })).toBe(false);
});

test('S-7 every message is in it once, and every reference leads somewhere', () => {
  const api = asyncApi() as { components: { messages: Record<string, unknown> } };
  const names = Object.keys(api.components.messages);
  expect(names).toHaveLength(Object.keys(ClientMessages).length + Object.keys(ServerMessages).length);
  for (const [, ref] of JSON.stringify(api).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
    let at: unknown = api;
    for (const part of (ref ?? '').split('/')) at = (at as Record<string, unknown>)[part];
    expect(at, ref).toBeDefined();
  }
});
