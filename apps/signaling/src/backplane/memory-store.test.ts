/** What the embedded store forgets by itself. */
import { expect, test } from 'vitest';
import type { Clock } from '../core/clock.ts';
import { MemoryStore } from './memory-store.ts';
import { GRANTS_TTL_MS } from './room-grants.ts';

test('grants of a room go when their time is over', () => {
  let now = 20_000;
  const store = new MemoryStore({ now: () => now } as Clock);
  store.changeGrants('early', 'ada', { publish: true });
  now += GRANTS_TTL_MS / 2;
  store.changeGrants('late', 'bob', { publish: true });
  now += GRANTS_TTL_MS / 2;
  store.expire();
  expect([...store.granted.keys()]).toEqual(['late']);
});
