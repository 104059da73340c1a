/**
 * What a number of peers needs of everything, and about what it costs. Every number is an assumption with a source or a command
 * that measures it; none is hidden.
 */

import { topology } from '../topology/index.ts';
import { assumption as a } from './assumption.ts';
import { loadBalancerUnits, monthlyBill, REQUESTS, type Signing } from './costs.ts';
import { MEASURED } from './measured.ts';

/** What traffic looks like. */
export const TRAFFIC = {
  roomSize: a(2, 'peers', 'assumption: one-to-one calls; --room-size'),
  relayedShare: a(
    0.2,
    'share of legs',
    'assumption, within the 10–25 % that field reports give; --relayed; the KPI relay-share measures yours',
  ),
  mbpsOut: a(1, 'Mbit/s a peer', 'assumption: 540p VP8 plus audio; --mbps'),
  joinsPerHour: a(4, 'joins a peer and hour', 'assumption: calls of 15 minutes'),
  messagesPerJoin: a(
    30,
    'relayed messages',
    'assumption: an offer or answer, ten candidates as many acknowledgements, and a reserve',
  ),
  heartbeatSeconds: a(25, 's', 'apps/signaling heartbeat'),
  busyHoursPerMonth: a(730, 'h', 'assumption: the peak all month, the dearest case; --hours'),
  reconnectMinutes: a(5, 'min', 'assumption: everybody comes back after a regional fault, with jitter'),
} as const;

/** Scaling holds this share of a task's CPU (`targetCpuPercent`); a reconnect of everybody may take twice as much. */
const targetCpu = a(
  0.5,
  'of a processor',
  'RealtimeService.targetCpuPercent; one Graviton processor counted as one core of the benchmark',
);

/** What one of each carries. Headroom: two of three zones carry the peak. */
export const UNITS = {
  targetCpu,
  connectionsPerTask: a(
    8000,
    'WebSockets',
    `the scaling target of SignalingService; the app refuses above MAX_CONNECTIONS = 20,000. Idle ones take ${Math.round((8000 * MEASURED.idleMemory.value) / 1024)} MiB of the task's 2 GiB`,
  ),
  messagesPerTask: a(
    Math.floor((targetCpu.value * 1e6) / MEASURED.messageCpu.value),
    'messages/s',
    'targetCpu / messageCpu, below',
  ),
  joinsPerTask: a(
    Math.floor((2 * targetCpu.value * 0.8 * 1e6) / MEASURED.joinCpu.value),
    'joins/s',
    '80 % of a processor / joinCpu, below',
  ),
  publishesPerShard: a(
    60_000,
    'SPUBLISH/s',
    '63,000/s by one ioredis process with autopipelining on Redis 7.0 (November 2026), which was the limit; a batch of frames is one publish',
  ),
  tokensPerAuthTask: a(300, 'tokens/s', 'conservative: a token is a signature, two writes to the cache and a log line'),
  mbpsPerTurnNode: a(1500, 'Mbit/s out', 'half of c7gn.medium’s 3.125 Gbit/s baseline (EC2 page, November 2026)'),
  zoneHeadroom: a(1.5, '×', 'three zones of which one may fail'),
} as const;

/** Where the design, or the account's default quotas, end; and what lifts each. */
export const LIMITS = {
  connections: limit(
    UNITS.connectionsPerTask.value,
    'WebSockets of one task',
    'more tasks: they share nothing but the cache',
  ),
  albTargets: limit(1000, 'targets of one load balancer', 'a second one, or larger tasks'),
  albUnits: limit(
    100,
    'load balancer units at once, when everybody reconnects',
    'reserve LCU capacity; the SDK’s full jitter spreads it',
  ),
  fargateStart: limit(
    500,
    'tasks: Fargate starts 20 a second (100 at once), so a cold start takes minutes',
    '`signalingTasks` near the peak, scheduled scaling',
  ),
  publishes: limit(
    UNITS.publishesPerShard.value,
    'publishes a second of one shard',
    '`cacheShards`; resharding is online',
  ),
  cacheNodes: limit(90, 'nodes of one cache', 'a quota raise to 500'),
  kmsSignatures: limit(
    500,
    'ECC signatures a second of one account and region',
    '`SigningKeys.inProcess` (the default of the production profile), or a quota raise',
  ),
  relayPorts: limit(16_384, 'relay ports of one address', 'more nodes: each is independent'),
  turnNodes: limit(
    100,
    'TURN nodes: vCPU quota and public addresses',
    'a quota raise, larger instances, several regions',
  ),
} as const;

interface Limit {
  readonly value: number;
  readonly what: string;
  readonly lift: string;
}
function limit(value: number, what: string, lift: string): Limit {
  return { value, what, lift };
}
function met(name: keyof typeof LIMITS, need: number): string {
  const { value, what, lift } = LIMITS[name];
  return `${Math.ceil(need).toLocaleString('en-US')} against ${value.toLocaleString('en-US')} ${what}. Lift: ${lift}.`;
}

export interface CapacityInput {
  /** Peers in a call at the same time. */
  readonly peers: number;
  /** Share of legs that relay, 0 to 1. */
  readonly relayed?: number;
  readonly mbps?: number;
  readonly roomSize?: number;
  readonly hours?: number;
  readonly profile?: 'development' | 'production';
  /** Who signs access tokens. Default: as the profile does, auth itself in production, KMS in development. */
  readonly signing?: Signing;
}

export interface Capacity {
  readonly signalingTasks: number;
  readonly authTasks: number;
  readonly cacheShards: number;
  readonly cacheNodes: number;
  readonly turnNodes: number;
  readonly lcuSteady: number;
  readonly lcuStorm: number;
  readonly messagesPerSecond: number;
  readonly relayGbps: number;
  readonly monthly: Readonly<Record<string, number>>;
  readonly total: number;
  /** Ceilings that this size meets, and what lifts each. */
  readonly ceilings: readonly string[];
}

/** @throws RangeError naming the option when a number makes no sense */
export function capacity(input: CapacityInput): Capacity {
  const scenario = withDefaults(input);
  const demand = demandOf(scenario);
  const fleet = fleetFor(demand, scenario.production);
  const monthly = monthlyBill({
    ...scenario,
    ...fleet,
    joinsPerHour: TRAFFIC.joinsPerHour.value,
    messagesPerSecond: demand.messagesPerSecond,
    lcu: demand.lcuSteady,
    relayGigabytes: (demand.relayMbps / 8 / 1000) * 3600 * scenario.hours,
  });
  const { messagesPerSecond, lcuSteady, lcuStorm, tokensPerSecond } = demand;
  return {
    ...fleet,
    lcuSteady,
    lcuStorm,
    messagesPerSecond,
    relayGbps: demand.relayMbps / 1000,
    monthly,
    total: Object.values(monthly).reduce((sum, one) => sum + one, 0),
    ceilings: ceilings({
      ...fleet,
      lcuStorm,
      tokensPerSecond: scenario.signing === 'kms' ? tokensPerSecond : 0,
    }),
  };
}

interface Scenario extends Required<Omit<CapacityInput, 'profile'>> {
  readonly production: boolean;
}

/** @throws RangeError as `capacity` does */
function withDefaults(input: CapacityInput): Scenario {
  const { peers, profile = 'production' } = input;
  const production = profile === 'production';
  const relayed = input.relayed ?? TRAFFIC.relayedShare.value;
  const mbps = input.mbps ?? TRAFFIC.mbpsOut.value;
  const roomSize = input.roomSize ?? TRAFFIC.roomSize.value;
  const hours = input.hours ?? TRAFFIC.busyHoursPerMonth.value;
  if (!(Number.isInteger(peers) && peers >= 1 && peers <= 100_000_000))
    throw new RangeError('--peers: a whole number from 1 to 100,000,000');
  if (!(relayed >= 0 && relayed <= 1)) throw new RangeError('--relayed: a share from 0 to 1');
  if (!(mbps > 0 && mbps <= 100)) throw new RangeError('--mbps: above 0, at most 100');
  if (!(roomSize >= 2 && roomSize <= 16)) throw new RangeError('--room-size: from 2 to 16');
  if (!(hours > 0 && hours <= 744)) throw new RangeError('--hours: above 0, at most 744 a month');
  const signing = input.signing ?? (production ? 'process' : 'kms');
  return { peers, relayed, mbps, roomSize, hours, signing, production };
}

interface Demand {
  readonly peers: number;
  readonly messagesPerSecond: number;
  /** Joins a second while everybody comes back after a regional fault. */
  readonly reconnectsPerSecond: number;
  readonly tokensPerSecond: number;
  readonly relayMbps: number;
  /** Demand balancer units. */
  readonly lcuSteady: number;
  /** The same while everybody reconnects. */
  readonly lcuStorm: number;
}

function demandOf({ peers, relayed, mbps, roomSize }: Scenario): Demand {
  const joinsPerSecond = (peers * TRAFFIC.joinsPerHour.value) / 3600;
  const reconnectsPerSecond = peers / (TRAFFIC.reconnectMinutes.value * 60);
  // Access tokens live ten minutes; each is asked for once in its life, TURN credentials as often.
  const tokensPerSecond = (2 * peers) / 600;
  // In a mesh each join signals to every other member.
  const messagesPerSecond = joinsPerSecond * TRAFFIC.messagesPerJoin.value * (roomSize - 1);
  return {
    peers,
    messagesPerSecond,
    reconnectsPerSecond,
    tokensPerSecond,
    // peers × (room − 1) / 2 legs; a relayed leg leaves the relay twice, once each way.
    relayMbps: peers * relayed * mbps * (roomSize - 1),
    lcuSteady: loadBalancerUnits({
      newPerSecond: joinsPerSecond + tokensPerSecond,
      active: peers,
      // Each message comes in and goes out.
      gigabytesPerHour: (2 * messagesPerSecond * REQUESTS.signalingKilobytes.value * 3600) / 1e6,
    }),
    // Sessions resume: nothing is negotiated anew.
    lcuStorm: loadBalancerUnits({ newPerSecond: reconnectsPerSecond, active: peers, gigabytesPerHour: 0 }),
  };
}

type Fleet = Pick<Capacity, 'signalingTasks' | 'authTasks' | 'cacheShards' | 'cacheNodes' | 'turnNodes'>;

/** What carries `demand`, with the headroom and the least numbers of the profile. */
function fleetFor(demand: Demand, production: boolean): Fleet {
  const profile = production ? 'production' : 'development';
  const headroom = production ? UNITS.zoneHeadroom.value : 1;
  const up = (need: number, least: number) => Math.max(least, Math.ceil(need * headroom));
  const signalingTasks = up(
    Math.max(
      demand.peers / UNITS.connectionsPerTask.value,
      demand.messagesPerSecond / UNITS.messagesPerTask.value,
      demand.reconnectsPerSecond / UNITS.joinsPerTask.value,
    ),
    topology.signaling.replicas[profile],
  );
  // Nearly every message crosses nodes once there are several.
  const publishes = demand.messagesPerSecond * (1 - 1 / signalingTasks);
  const cacheShards = production ? Math.max(2, Math.ceil((publishes * headroom) / UNITS.publishesPerShard.value)) : 1;
  return {
    signalingTasks,
    authTasks: up(demand.tokensPerSecond / UNITS.tokensPerAuthTask.value, topology.auth.replicas[profile]),
    cacheShards,
    cacheNodes: cacheShards * (production ? 3 : 1),
    turnNodes: up(demand.relayMbps / UNITS.mbpsPerTurnNode.value, production ? 3 : 1),
  };
}

function ceilings(of: {
  signalingTasks: number;
  cacheNodes: number;
  lcuStorm: number;
  turnNodes: number;
  tokensPerSecond: number;
}): string[] {
  const found: string[] = [];
  if (of.tokensPerSecond > LIMITS.kmsSignatures.value) found.push(met('kmsSignatures', of.tokensPerSecond));
  if (of.signalingTasks > LIMITS.albTargets.value) found.push(met('albTargets', of.signalingTasks));
  if (of.signalingTasks > LIMITS.fargateStart.value) found.push(met('fargateStart', of.signalingTasks));
  if (of.cacheNodes > LIMITS.cacheNodes.value) found.push(met('cacheNodes', of.cacheNodes));
  if (of.lcuStorm > LIMITS.albUnits.value) found.push(met('albUnits', of.lcuStorm));
  if (of.turnNodes > LIMITS.turnNodes.value) found.push(met('turnNodes', of.turnNodes));
  return found;
}
