/** `npm run simulate:media -- [how many] [first seed]`: the seeds of test/media-simulation.test.ts in parts, and what came of them. */
import { spawnSync } from 'node:child_process';

/** Seeds of one process: garbage of more grows old. */
const PART = 500;
/** Of the output of a part that fails. */
const TAIL = 4000;

const [count, first] = [Number(process.argv[2] ?? 10_000), Number(process.argv[3] ?? 1)];
if (!(count > 0 && Number.isSafeInteger(count) && Number.isSafeInteger(first)))
  throw new Error('npm run simulate:media -- [how many seeds] [first seed]');
const began = performance.now();
const failing: string[] = [];
for (let from = first; from < first + count; from += PART) {
  const seeds = Math.min(PART, first + count - from);
  const name = `seeds ${from} to ${from + seeds - 1}`;
  const env = { ...process.env, FIRST: String(from), SEEDS: String(seeds), NO_COLOR: '1' };
  const part = spawnSync('npx', ['vitest', 'run', 'test/media-simulation.test.ts'], { env, encoding: 'utf8' });
  const passed = part.status === 0 && /Tests +1 passed/.test(part.stdout);
  if (!passed) failing.push(name);
  console.log(`${name}: ${passed ? 'as they should be' : `FAILED\n${(part.stdout + part.stderr).slice(-TAIL)}`}`);
}
const seconds = Math.round((performance.now() - began) / 1000);
console.log(
  `${count} seeds in ${seconds} s: ${failing.length === 0 ? 'none fails' : `failing: ${failing.join(', ')}`}`,
);
process.exitCode = failing.length === 0 ? 0 : 1;
