/**
 * What our own benchmarks printed, so that the model rests on figures that anybody can measure again (bench/README.md). Put yours
 * here, with the command and the day, then `npm run capacity -- --write`.
 */
import type { Assumption } from './model.ts';

const machine = 'on 2 cores at 2.5 GHz, Node 24, Redis 7.0';
const measured = (value: number, unit: string, bench: string, day: string): Assumption => ({
  value,
  unit,
  source: `\`npm run bench -- ${bench}\` of ${day}, ${machine}`,
});

export const MEASURED = {
  messageCpu: measured(
    14.2,
    'µs of CPU a message between two nodes, both nodes and Redis together',
    'nodes --nodes 1,2,4 --only tandem --rounds 12 --warm-up 6000',
    '2026-11-23',
  ),
  joinCpu: measured(
    789,
    'µs of CPU a join, Redis (one server) included: 4.25 times the reference of 175 µs; a Cluster takes two more scripts',
    'joins',
    '2026-11-23',
  ),
  idleMemory: measured(6.7, 'KiB of memory an idle connection', 'memory', '2026-11-23'),
} as const;
