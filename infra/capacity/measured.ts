/**
 * What our own benchmarks printed, so that the model rests on figures that anybody can measure again (bench/README.md). Put yours
 * here, with the command and the day, then `npm run capacity -- --write`.
 */
import type { Assumption } from './assumption.ts';

const machine = 'on 2 cores of an AMD EPYC, Node 24, Redis 7.0';
const measured = (value: number, unit: string, bench: string, day: string): Assumption => ({
  value,
  unit,
  source: `\`npm run bench -- ${bench}\` of ${day}, ${machine}`,
});

export const MEASURED = {
  messageCpu: measured(
    5.5,
    'µs of CPU a message between two nodes, both nodes and Redis together',
    'nodes --nodes 1,2,4 --only tandem --rounds 12 --warm-up 6000',
    '2026-11-25',
  ),
  joinCpu: measured(
    274,
    'µs of CPU a join, a Redis Cluster of three included: 3.43 times the reference of 86 µs',
    'joins',
    '2026-11-25',
  ),
  idleMemory: measured(6.5, 'KiB of memory an idle connection', 'memory', '2026-11-25'),
} as const;
