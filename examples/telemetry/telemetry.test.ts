import { expect, test } from 'vitest';
import { run } from './main.ts';

test('latency with a stalled or dead collector is that of a healthy one; losses are counted', async () => {
  const phases = await run(() => {}, { messages: 1000 });
  const of = (name: string) => phases.find((p) => p.name === name) ?? expect.fail(name);
  expect(of('collector healthy').exported).toBeGreaterThan(0);
  // A blocked export would show as the export time-out, 5000 ms; a busy test machine shows a few ms.
  for (const name of ['collector stalled', 'collector stalled, longer', 'collector dead']) {
    expect(of(name).p50).toBeLessThan(of('collector healthy').p50 * 3 + 2);
    expect(of(name).p99).toBeLessThan(500);
  }
  expect(phases.reduce((sum, p) => sum + p.lost, 0)).toBeGreaterThan(0);
});
