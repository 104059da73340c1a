/** What telling backends costs: tasks, and webhooks through the NAT gateways. */
import { topology } from '../topology/index.ts';
import { assumption as a, LIST } from './assumption.ts';
import { fargateTask, PRICES } from './costs.ts';
import { TRAFFIC, UNITS } from './model.ts';

export const EVENTS = {
  eventsPerJoin: a(3, 'events a join', 'a call of two: room.started, two of peer.joined and peer.left, room.ended'),
  webhooksPerEvent: a(1, 'webhooks an event', 'assumption: one endpoint that wants all'),
  kilobytesPerWebhook: a(
    8,
    'KB, both ways',
    'assumption: 4 KB of certificates, the rest of the TLS handshake, half a KB of event; each try has a connection of its own',
  ),
  webhooksPerTask: a(
    100,
    'webhooks/s',
    'assumption, not measured: half a processor at 5 ms of CPU a webhook, most of it TLS',
  ),
  eventsTask: a(fargateTask(0.5, 1), '$/h', `0.5 vCPU and 1 GB on ARM; ${LIST}`),
} as const;

/** Each task works on whole partitions of the rooms, of which there are this many. */
const MOST_TASKS = 64;

export interface Events {
  readonly webhooksPerSecond: number;
  readonly tasks: number;
  /** $ a month. */
  readonly tasksCost: number;
  /** $ a month of the NAT gateways. */
  readonly traffic: number;
}

/** @param peers in a call at the same time @param hours of the month */
export function events(peers: number, hours: number): Events {
  const joins = (peers * TRAFFIC.joinsPerHour.value) / 3600;
  const webhooksPerSecond = joins * EVENTS.eventsPerJoin.value * EVENTS.webhooksPerEvent.value;
  const tasks = Math.max(
    topology.hooks.replicas.production,
    Math.ceil((webhooksPerSecond / EVENTS.webhooksPerTask.value) * UNITS.zoneHeadroom.value),
  );
  const gigabytes = (webhooksPerSecond * 3600 * hours * EVENTS.kilobytesPerWebhook.value) / 1e6;
  return {
    webhooksPerSecond,
    tasks,
    tasksCost: tasks * (hours * EVENTS.eventsTask.value + PRICES.logsPerTask.value),
    traffic: gigabytes * PRICES.natGigabyte.value,
  };
}

/** The section of docs/capacity.md. */
export function eventsSection(hours: number, sizes: readonly number[] = [1000, 10_000, 100_000, 1_000_000]): string {
  const all = sizes.map((peers) => events(peers, hours));
  const row = (name: string, of: (one: Events) => string) => `| ${name} | ${all.map(of).join(' | ')} |`;
  const dollars = (value: number) => `$${Math.round(value).toLocaleString('en-US')}`;
  return [
    'With `events: true` ([events](events.md)); the bill above has none of this.',
    '',
    `| peers at once | ${sizes.map((n) => n.toLocaleString('en-US')).join(' | ')} |`,
    `| --- | ${sizes.map(() => '---:').join(' | ')} |`,
    row('webhooks a second', (one) => one.webhooksPerSecond.toFixed(one.webhooksPerSecond < 10 ? 1 : 0)),
    row('events tasks', (one) => String(one.tasks)),
    row('tasks a month', (one) => dollars(one.tasksCost)),
    row('NAT traffic a month', (one) => dollars(one.traffic)),
    '',
    `At most ${MOST_TASKS} tasks have something to do: beyond that larger ones (\`eventsOptions.cpu\`). Signaling and the cache have 1 to 3 % more work a join`,
    '(`npm run bench -- joins --events`).',
  ].join('\n');
}
