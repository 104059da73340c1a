import { type Capacity, type CapacityInput, capacity, PRICES, TRAFFIC, UNITS } from './model.ts';

const dollars = (value: number) => `$${Math.round(value).toLocaleString('en-US')}`;
const round = (value: number) => (value < 10 ? Number(value.toFixed(1)) : Math.round(value)).toLocaleString('en-US');

/** What `npm run capacity` prints. */
export function report(input: CapacityInput): string {
  const result = capacity(input);
  const lines = [
    `${input.peers.toLocaleString('en-US')} peers at once, profile ${input.profile ?? 'production'}`,
    '',
    `signaling tasks   ${result.signalingTasks}   (1 vCPU, 2 GB; ${round(result.messagesPerSecond)} messages/s)`,
    `auth tasks        ${result.authTasks}`,
    `cache             ${result.cacheShards} shards, ${result.cacheNodes} nodes`,
    `TURN nodes        ${result.turnNodes}   (${round(result.relayGbps)} Gbit/s relayed)`,
    `load balancer     ${round(result.lcuSteady)} LCU, ${round(result.lcuStorm)} when everybody reconnects`,
    '',
    ...Object.entries(result.monthly).map(([name, cost]) => `${name.padEnd(18)}${dollars(cost).padStart(12)} a month`),
    `${'total'.padEnd(18)}${dollars(result.total).padStart(12)} a month`,
    '',
    ...(result.ceilings.length > 0 ? ['Ceilings:', ...result.ceilings.map((one) => `- ${one}`), ''] : []),
    'Assumptions:',
    ...[TRAFFIC, UNITS, PRICES].flatMap((group) =>
      Object.entries(group).map(([name, one]) => `- ${name}: ${one.value} ${one.unit} (${one.source})`),
    ),
  ];
  return lines.join('\n');
}

/** The table of docs/capacity.md. */
export function table(sizes: readonly number[] = [1000, 10_000, 100_000, 1_000_000]): string {
  const row = (name: string, of: (c: Capacity) => string) =>
    `| ${name} | ${sizes.map((peers) => of(capacity({ peers }))).join(' | ')} |`;
  return [
    `| peers at once | ${sizes.map((n) => n.toLocaleString('en-US')).join(' | ')} |`,
    `| --- | ${sizes.map(() => '---:').join(' | ')} |`,
    row('signaling tasks', (c) => String(c.signalingTasks)),
    row('auth tasks', (c) => String(c.authTasks)),
    row('cache shards (nodes)', (c) => `${c.cacheShards} (${c.cacheNodes})`),
    row('TURN nodes', (c) => String(c.turnNodes)),
    row('relayed, Gbit/s', (c) => round(c.relayGbps)),
    row('LCU, steady / storm', (c) => `${round(c.lcuSteady)} / ${round(c.lcuStorm)}`),
    row('a month', (c) => dollars(c.total)),
    row('of it TURN egress', (c) => `${Math.round((100 * (c.monthly['TURN egress'] ?? 0)) / c.total)} %`),
  ].join('\n');
}
