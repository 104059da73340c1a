/**
 * `npm run fuzz -- [--minutes N] [--seed S] [--only NAME]`: random and mutated inputs for everything that strangers and
 * participants can reach. Bounded by default (a thousand inputs a target). The seeds are printed; what breaks a rule is
 * printed in its smallest form and kept in test/corpus/found, and the command fails.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { frameTarget } from './frames.ts';
import { edgeTarget, httpTarget } from './http.ts';
import { descriptionTarget, peerMessageTarget } from './peer-input.ts';
import { streamTarget } from './streams.ts';
import type { FuzzTarget } from './target.ts';

const TARGETS: readonly FuzzTarget[] = [
  peerMessageTarget,
  descriptionTarget,
  frameTarget,
  httpTarget,
  edgeTarget,
  streamTarget,
];
/** Inputs of one seed; with a time to fill, seeds follow one another. */
const RUNS = 1000;
const FOUND = new URL('../corpus/found/', import.meta.url);

async function fuzz(target: FuzzTarget, first: number, ms: number): Promise<boolean> {
  await using open = await target.open();
  const until = performance.now() + ms;
  let seed = first;
  do {
    try {
      await open.attack(seed, RUNS);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      console.error(`${target.name}: broken by seed ${seed}\n${text}`);
      mkdirSync(FOUND, { recursive: true });
      writeFileSync(new URL(`${target.name.replaceAll(' ', '-')}-${seed}.txt`, FOUND), `${text}\n`);
      return false;
    }
    seed++;
  } while (performance.now() < until);
  console.log(`${target.name}: seeds ${first} to ${seed - 1}, nothing found`);
  return true;
}

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' }, only: { type: 'string' } },
});
const minutes = Number(values.minutes ?? 0);
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e6));
const chosen = TARGETS.filter((target) => values.only === undefined || target.name === values.only);
if (!Number.isFinite(minutes) || minutes < 0 || !Number.isInteger(seed) || chosen.length === 0) {
  console.error(
    `fuzz: --minutes is a number of 0 or more, --seed an integer, --only one of: ${TARGETS.map((t) => t.name).join(', ')}`,
  );
  process.exit(2);
}
let fine = true;
for (const target of chosen) fine = (await fuzz(target, seed, (minutes * 60_000) / chosen.length)) && fine;
process.exit(fine ? 0 : 1);
