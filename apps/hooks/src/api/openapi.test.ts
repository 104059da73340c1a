import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { eventsApiYaml } from './openapi.ts';

test('docs/events-api.yaml is fresh (node apps/hooks/src/api/openapi.ts > docs/events-api.yaml)', async () => {
  const committed = readFileSync(new URL('../../../../docs/events-api.yaml', import.meta.url), 'utf8');
  expect(await eventsApiYaml()).toBe(committed);
});
