/** `npm run bench -- soak`: people talk while every part and link fails; what must hold is checked after each fault. */
import { parseArgs } from 'node:util';
import { fixed, quantile, table } from './lib/stats.ts';

export const summary =
  'soak: faults of every part and link for 15 minutes; messages, views, metadata, sessions, keys, and each rule with a time';

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: 'string', default: '15' },
      seed: { type: 'string', default: '1' },
      fault: { type: 'string', multiple: true },
      'sdk-peers': { type: 'string', default: '60' },
      'raw-peers': { type: 'string', default: '8' },
      'no-rules': { type: 'boolean', default: false },
    },
  });
  if (!values['no-rules']) await printRules();
  const { soak } = await import('./lib/soak-run.ts');
  const report = await soak({
    seed: Number(values.seed),
    forMs: Number(values.minutes) * 60_000,
    ...(values.fault ? { faults: values.fault } : {}),
    sdkPeers: Number(values['sdk-peers']),
    rawPeers: Number(values['raw-peers']),
    onProgress: (text) => console.log(text),
  });
  const byFault = Map.groupBy(report.healings, (h) => h.fault);
  const rows = [...byFault].map(([fault, all]) => {
    const ms = all.map((h) => h.ms);
    return [fault, String(all.length), fixed(quantile(ms, 0.5) / 1000), fixed(Math.max(...ms) / 1000)];
  });
  console.log(`\n${table([['healed after the fault, seconds', 'times', 'median', 'worst'], ...rows])}\n`);
  for (const { name, descriptors, residentMb } of report.nodes)
    console.log(`${name}: ${descriptors} descriptors, ${residentMb} MB resident`);
  const { sent, arrived, failed, reasons } = report.tally;
  console.log(
    `messages of the SDK: sent ${sent}, arrived ${arrived}, reported failed ${failed} ${JSON.stringify(reasons)}`,
  );
  console.log(
    `keys at the end ${report.keysAtEnd}, broken invariants ${report.violations.length} (seed ${values.seed})`,
  );
  for (const line of report.violations.slice(0, 30)) console.log(`  ${line}`);
  if (report.violations.length > 0) process.exitCode = 1;
}

async function printRules(): Promise<void> {
  const [{ measureRules }, { startTestKeys }, { startCluster }] = await Promise.all([
    import('./lib/soak-rules.ts'),
    import('../apps/signaling/src/testing.ts'),
    import('@tandem/service/testing'),
  ]);
  await using keys = await startTestKeys();
  await using cluster = await startCluster({ replicas: true });
  const rows = (await measureRules(keys, cluster)).map(({ rule, promise, limit, seen }) => {
    const held = seen <= limit ? '' : 'BROKEN';
    if (held) process.exitCode = 1;
    return [`${rule} ${promise}`, fixed(seen), held];
  });
  console.log(`${table([['rule', 'seen, seconds', ''], ...rows])}\n`);
}
