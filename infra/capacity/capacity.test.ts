import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { topology } from '../topology/index.ts';
import { capacity, PRICES, TRAFFIC, UNITS } from './model.ts';
import { report, table } from './report.ts';

test('ten thousand peers: money is mostly TURN egress, near the $24 k of AWS.md', () => {
  const result = capacity({ peers: 10_000 });
  expect(result.monthly['TURN egress']).toBeGreaterThan(20_000);
  expect(result.monthly['TURN egress']).toBeLessThan(50_000);
  expect(result.signalingTasks).toBeGreaterThanOrEqual(topology.signaling.replicas.production);
  expect(capacity({ peers: 10_000, relayed: 0 }).monthly['TURN egress']).toBe(0);
});

test('more peers never need less of anything; one zone of three may fail', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000_000 }), fc.integer({ min: 0, max: 1_000_000 }), (peers, more) => {
      const few = capacity({ peers });
      const many = capacity({ peers: peers + more });
      for (const key of ['signalingTasks', 'authTasks', 'cacheShards', 'turnNodes', 'total'] as const)
        expect(many[key]).toBeGreaterThanOrEqual(few[key]);
      expect(Math.floor((few.signalingTasks * 2) / 3) + 1).toBeGreaterThanOrEqual(
        peers / UNITS.connectionsPerTask.value,
      );
    }),
  );
});

test('a million peers meets ceilings, and each says what lifts it', () => {
  const { ceilings } = capacity({ peers: 1_000_000 });
  expect(ceilings.length).toBeGreaterThan(1);
  for (const one of ceilings) expect(one).toContain('Lift:');
});

test('nonsense is refused by the name of the option', () => {
  expect(() => capacity({ peers: 0 })).toThrow(/--peers/);
  expect(() => capacity({ peers: 1, relayed: 2 })).toThrow(/--relayed/);
  expect(() => capacity({ peers: 1, hours: 0 })).toThrow(/--hours/);
});

test('each assumption names its source, and docs/capacity.md holds the table that the command prints', () => {
  for (const one of [TRAFFIC, UNITS, PRICES].flatMap((group) => Object.values(group)))
    expect(one.source.length).toBeGreaterThan(10);
  expect(report({ peers: 1000 })).toContain('Assumptions:');
  expect(readFileSync(join(import.meta.dirname, '../../docs/capacity.md'), 'utf8')).toContain(table());
});
