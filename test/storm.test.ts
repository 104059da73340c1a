/** The reconnect storm of `npm run bench -- storm`, small: what it promises holds at any size. */
import { expect, test } from 'vitest';
import { storm } from '../bench/lib/storm-run.ts';

test.each([
  ['a node is killed', {}],
  ['and the others refuse what is too much for them', { with503s: true }],
])('S-74, S-90 %s: all come back, no session is lost, one view of every room', async (_name, options) => {
  const report = await storm({ clients: 60, ...options });
  expect(report.wrong).toEqual([]);
  expect(report.lost).toBe(0);
  expect(report.backAfter).toBeDefined();
  expect(report.viewAfter).toBeDefined();
});
