/** `node test/simulation/run.ts [first seed] [how many]`: for finding and reproducing failures outside of the test run. */
import { type Outcome, runScenario } from './scenario.ts';
import type { WorldOptions } from './world.ts';

/** Scenarios in flight at once: they share turns of the event loop, and nothing else. More of them is slower: garbage grows old. */
const AT_ONCE = 4;

export async function runMany(
  first: number,
  count: number,
  onOutcome: (outcome: Outcome) => void,
  { untilOneFails = false, ...options }: WorldOptions & { readonly untilOneFails?: boolean } = {},
): Promise<void> {
  let next = first;
  const lane = async () => {
    while (next < first + count) {
      const outcome = await runScenario(next++, options);
      onOutcome(outcome);
      if (untilOneFails && outcome.violations.length > 0) next = Infinity;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

if (import.meta.main) {
  const first = Number(process.argv[2] ?? 1);
  const count = Number(process.argv[3] ?? 1);
  const began = performance.now();
  let failing = 0;
  const total = { sent: 0, arrived: 0, failed: 0 };
  await runMany(first, count, (o) => {
    total.sent += o.tally.sent;
    total.arrived += o.tally.arrived;
    total.failed += o.tally.failed;
    if (!o.violations.length) return;
    if (++failing <= 25)
      console.log(`seed ${o.seed}\n  ${o.faults.join('\n  ')}\n  → ${o.violations.slice(0, 5).join('\n  → ')}`);
  });
  console.log(
    `${count} scenarios, ${failing} failing, ${JSON.stringify(total)}, ${Math.round(performance.now() - began)} ms`,
  );
}
