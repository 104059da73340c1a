/**
 * What our own benchmarks printed, so that the model rests on figures that anybody can measure again (bench/README.md). Put yours
 * here, with the command and the day, then `npm run capacity -- --write`.
 */
import type { Assumption } from './model.ts';

const machine = 'on 2 busy cores at 2.5 GHz, Node 24, Redis 7.0';
const measured = (value: number, unit: string, bench: string, day: string): Assumption => ({
  value,
  unit,
  source: `\`npm run bench -- ${bench}\` of ${day}, ${machine}`,
});

export const MEASURED = {
  messageCpu: measured(
    27.9,
    'µs of CPU a message between two nodes, both nodes and Redis together',
    'nodes --nodes 2,4 --only tandem --rounds 4 --warm-up 6000 --in-flight 8',
    '2026-11-22',
  ),
  joinCpu: measured(
    1140,
    'µs of CPU a join, Redis included: 3.85 times the reference of 296 µs',
    'joins --peers 1000 --only tandem,tandem-redis',
    '2026-11-22',
  ),
  idleMemory: measured(
    10.9,
    'KiB of memory an idle connection',
    'memory --connections 5000 --only tandem',
    '2026-11-22',
  ),
} as const;
