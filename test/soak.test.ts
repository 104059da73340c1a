/** The soak of `npm run bench -- soak`, a few faults of it: its invariants hold, and it sees what breaks them. */
import { expect, test } from 'vitest';
import { soak } from '../bench/lib/soak-run.ts';

test('people of the SDK and without it through a few faults: every message, view, word of oneself, session and key', async () => {
  const report = await soak({
    seed: 1,
    forMs: 0,
    faults: [
      'link of clients to a node: cut',
      'link of all to a Redis server: half-close',
      'node: kill -9',
      'people leave and come back',
    ],
    sdkPeers: 9,
    rawPeers: 3,
  });
  expect(report.violations).toEqual([]);
  expect(report.healings).toHaveLength(4);
  expect(report.tally.sent).toBeGreaterThan(50);
});
