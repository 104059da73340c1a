/** Every rule of docs/service-contracts.md has a test, and every rule that a test names is there. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../../', import.meta.url);
const files = (folder: string) =>
  readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
    .filter((f) => /\.test\.ts$|testing\/[a-z-]*contract[a-z-]*\.ts$/.test(f) && !f.includes('node_modules'))
    .map((f) => readFileSync(new URL(`${folder}/${f}`, root), 'utf8'));

test('rules and tests name each other', () => {
  const contract = readFileSync(new URL('docs/service-contracts.md', root), 'utf8');
  const rules = new Set([...contract.matchAll(/^- \*\*([SBMA]-\d+)\*\*/gm)].map((m) => m[1]));
  const sources = [
    ...files('apps/signaling/src'),
    ...files('apps/auth/src'),
    ...files('packages/protocol/src'),
    ...files('infra/media-node/src'),
    // What a client does with what it hears.
    ...files('apps/client/src'),
    ...files('packages/rtc/src'),
  ].join('\n');
  const named = new Set([...sources.matchAll(/['"`]([SBMA]-\d+) /g)].map((m) => m[1]));
  expect([...rules].filter((r) => !named.has(r))).toEqual([]);
  expect([...named].filter((r) => !rules.has(r))).toEqual([]);
});
