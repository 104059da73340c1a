/**
 * The delivery promise with real processes: three nodes and a real Redis, twenty peers over real sockets; kill -9 of a node,
 * CLIENT KILL TYPE pubsub, Redis paused for 5 s, SIGTERM of another node. The simulation has the same invariants 10,000 times.
 */
import { expect, test } from 'vitest';
import { clusterUnderFaults } from './cluster-faults/run.ts';

test('node killed, subscriptions killed, Redis paused, node drained: lost 0, duplicated 0, reordered 0', async () => {
  const report = await clusterUnderFaults();
  const { tally, lost, duplicated, reordered, reconnects } = report;
  console.log(
    `cluster faults: ${tally.sent} messages, lost ${lost}, duplicated ${duplicated}, reordered ${reordered}, reported failed ${tally.failed}, ${reconnects} reconnects`,
  );
  const story = `${report.log.join('\n')}\n${report.violations.slice(0, 20).join('\n')}`;
  expect({ lost, duplicated, reordered, failed: tally.failed }, story).toEqual({
    lost: 0,
    duplicated: 0,
    reordered: 0,
    failed: 0,
  });
  expect(report.violations, story).toEqual([]);
  expect(report.views, 'one view of every room').toEqual([]);
  expect(report.exitOfDrained, 'the drained node ended by itself').toBe(0);
  expect(tally.sent).toBeGreaterThan(1000);
  expect(reconnects, 'the faults were felt').toBeGreaterThan(0);
});

test('negative control: with resend switched off the same run loses messages', async () => {
  const report = await clusterUnderFaults({ resend: false });
  console.log(`negative control: ${report.tally.sent} messages, lost ${report.lost}`);
  expect(report.lost).toBeGreaterThan(0);
});
