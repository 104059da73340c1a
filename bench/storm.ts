/** `npm run bench -- storm`: a node is killed under thousands of sessions; how many are lost, and how long until all are back. */
import { parseArgs } from 'node:util';
import { fixed, table } from './lib/stats.ts';

export const summary =
  'reconnect storm: a node killed under 3,000 sessions; sessions lost, time until all are back and see one room';

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      clients: { type: 'string', default: '3000' },
      'with-503s': { type: 'boolean', default: false },
      'one-address': { type: 'boolean', default: false },
      'cluster-failover': { type: 'boolean', default: false },
    },
  });
  const { storm } = await import('./lib/storm-run.ts');
  const report = await storm({
    clients: Number(values.clients),
    with503s: values['with-503s'],
    oneAddress: values['one-address'],
    clusterFailover: values['cluster-failover'],
    onProgress: (text) => console.log(text),
  });
  const seconds = (ms: number | undefined) => fixed(ms === undefined ? Number.NaN : ms / 1000);
  const beyond = (ms: number | undefined) => seconds(ms === undefined ? undefined : ms - report.handshakes);
  console.log(
    `\n${table([
      ['', 'seconds', 'beyond the handshakes'],
      [`${report.storming} bare handshakes`, seconds(report.handshakes), '–'],
      ['all sessions back', seconds(report.backAfter), beyond(report.backAfter)],
      ['one view of every room', seconds(report.viewAfter), beyond(report.viewAfter)],
    ])}`,
  );
  console.log(`sessions lost ${report.lost}, answers of 429 and 503 ${report.refused}`);
  for (const line of report.wrong.slice(0, 10)) console.log(line);
  if (report.lost > 0 || report.viewAfter === undefined) process.exitCode = 1;
}
