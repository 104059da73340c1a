import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { serverApiYaml } from './openapi.ts';

test('docs/server-api.yaml is fresh (node apps/signaling/src/server/api/openapi.ts > docs/server-api.yaml)', async () => {
  const file = new URL('../../../../../docs/server-api.yaml', import.meta.url);
  expect(readFileSync(file, 'utf8')).toBe(await serverApiYaml());
});
