import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generateTypes } from '../generate-types.ts';

test('src/api-types.ts is fresh (node packages/server/generate-types.ts writes it)', () => {
  expect(readFileSync(new URL('api-types.ts', import.meta.url), 'utf8')).toBe(generateTypes());
});
