import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { topology } from '../topology/index.ts';
import { composeFile, renderCompose, signalingNames } from './render.ts';

const root = resolve(import.meta.dirname, '../..');

test('compose.yaml is what the topology says now (else: npm run render:compose)', () => {
  expect(readFileSync(resolve(root, 'compose.yaml'), 'utf8')).toBe(renderCompose());
});

test('every setting of a service is one that its schema knows, and no secret stands in the file', () => {
  const { services } = composeFile();
  for (const [part, names] of [['auth', ['auth']] as const, ['signaling', signalingNames] as const]) {
    for (const name of names) {
      const { environment } =
        (services as unknown as Record<string, { environment: Record<string, string> }>)[name] ?? {};
      expect(Object.keys(environment ?? {}).filter((key) => !(key in topology[part].config.properties))).toEqual([]);
    }
  }
  for (const line of renderCompose().split('\n'))
    if (/PASSWORD|SECRET|requirepass|auth-secret/.test(line) && !line.startsWith('#'))
      expect(line).toMatch(/\$\{TANDEM_\w+:\?|--requirepass$|--use-auth-secret$/);
});

test('all containers run without root, without capabilities and on a read-only root', () => {
  for (const service of Object.values(composeFile().services))
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], init: true });
});

test('every variable of compose.yaml is explained in docs/deployment-and-testing.md, and none that it does not ask', () => {
  const variables = (text: string) => [...new Set(text.match(/\bTANDEM_[A-Z_]+/g))].sort();
  expect(variables(readFileSync(resolve(root, 'docs/deployment-and-testing.md'), 'utf8'))).toEqual(
    variables(renderCompose()),
  );
});
