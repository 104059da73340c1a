/** In a second, for every commit; that the simulation finds each fault takes minutes (test/simulation.test.ts). */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MUTATIONS } from './mutations.ts';

const root = new URL('../../', import.meta.url);

test.each(Object.entries(MUTATIONS))('mutation %s still fits the source that it changes', (_, { edits }) => {
  const missing = edits.filter(({ file, now }) => !readFileSync(new URL(file, root), 'utf8').includes(now));
  expect(missing.map(({ file, now }) => `${file}: ${now}`)).toEqual([]);
});
