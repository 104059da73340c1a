/** One process of many scenarios: sends its sum to the test. With MUTATION it ends at the first that fails. */
import { runMany } from './run.ts';
import type { Outcome } from './scenario.ts';

const [first = '1', count = '1'] = process.argv.slice(2);
const total = { scenarios: 0, sent: 0, arrived: 0, failed: 0 };
const failing: Pick<Outcome, 'seed' | 'faults' | 'violations'>[] = [];
const onOutcome = ({ seed, tally, faults, violations }: Outcome) => {
  total.scenarios++;
  total.sent += tally.sent;
  total.arrived += tally.arrived;
  total.failed += tally.failed;
  if (violations.length) failing.push({ seed, faults, violations: violations.slice(0, 6) });
};
await runMany(Number(first), Number(count), onOutcome, { untilOneFails: process.env.MUTATION !== undefined });
process.send?.({ ...total, failing });
process.disconnect?.();
