/** What a month costs, line by line as a bill has it. */
import { type Assumption, assumption as a, LIST, listRead, UNREAD } from './assumption.ts';

/** Of Fargate on Linux, $ an hour. */
const FARGATE = { arm64: { vcpu: 0.03238, gigabyte: 0.00356 }, 'x86-64': { vcpu: 0.04048, gigabyte: 0.004445 } };

/** @returns $ an hour of a task */
export function fargateTask(vcpus: number, gigabytes: number, architecture: keyof typeof FARGATE = 'arm64'): number {
  return vcpus * FARGATE[architecture].vcpu + gigabytes * FARGATE[architecture].gigabyte;
}

export const PRICES = {
  egressFirst10Tb: a(0.09, '$/GB', LIST),
  egressNext40Tb: a(0.085, '$/GB', LIST),
  egressNext100Tb: a(0.07, '$/GB', LIST),
  egressBeyond: a(0.05, '$/GB', LIST),
  fargateTask: a(fargateTask(1, 2), '$/h', `1 vCPU and 2 GB on ARM; ${LIST}`),
  turnNode: a(0.0624, '$/h', `c7gn.medium; ${UNREAD}`),
  mediaNode: a(0.1248, '$/h', `c7gn.large; ${UNREAD}`),
  cacheNode: a(0.1264, '$/h', `cache.m7g.large with Valkey, which costs a fifth less than with Redis; ${LIST}`),
  smallFargateTask: a(fargateTask(0.25, 0.5), '$/h', `development: 0.25 vCPU and 0.5 GB on ARM; ${LIST}`),
  smallTurnNode: a(0.0084, '$/h', `development: t4g.micro; ${LIST}`),
  smallCacheNode: a(0.0128, '$/h', `development: cache.t4g.micro with Valkey; ${LIST}`),
  publicIp: a(0.005, '$/h', `each public IPv4 address in use; ${listRead('August 2026')}`),
  nat: a(0.045, '$/h', LIST),
  natGigabyte: a(0.045, '$/GB', LIST),
  alb: a(0.0225, '$/h', LIST),
  lcu: a(0.008, '$/LCU-h', LIST),
  nlb: a(0.0225, '$/h', LIST),
  nlcu: a(0.006, '$/NLCU-h', `TLS: 1 GB an hour, 50 new or 3,000 open connections; ${LIST}`),
  cloudFrontRequests: a(
    1,
    '$/million',
    'HTTPS, United States and Europe; wring.co/blog/aws-cloudfront-pricing-guide, March 2026',
  ),
  cloudFrontGigabyte: a(0.085, '$/GB', `beyond the first 1,000 GB a month, which are free; ${LIST}`),
  cloudFrontToOrigin: a(0.02, '$/GB', `what viewers send, United States and Europe; ${UNREAD}`),
  cloudFrontFunction: a(0.1, '$/million', 'invocations, one a request; cur.vantage.sh/aws/amazoncloudfront'),
  wafRequests: a(0.6, '$/million', 'inspected; c3x.dev/blog/aws-waf-cost-explained, 2026'),
  webAcl: a(5, '$/month', 'c3x.dev/blog/aws-waf-cost-explained, awsnegotiations.com/waf-pricing-strategy.html'),
  wafRule: a(1, '$/month', 'c3x.dev/blog/aws-waf-cost-explained, awsnegotiations.com/waf-pricing-strategy.html'),
  signature: a(
    0.15,
    '$/10,000',
    'KMS requests with ECC keys; factualminds.com/blog/aws-kms-pricing-keys-requests-multi-region, June 2026',
  ),
  kmsKey: a(1, '$/month', LIST),
  secret: a(0.4, '$/month', listRead('September 2026')),
  alarm: a(0.1, '$/month', 'standard resolution; c3x.dev/resources/aws/aws_cloudwatch_metric_alarm'),
  compositeAlarm: a(0.5, '$/month', 'c3x.dev/resources/aws/aws_cloudwatch_metric_alarm'),
  dashboard: a(
    3,
    '$/month',
    'factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards, June 2026',
  ),
  nodeDisk: a(30 * 0.08, '$/month', `30 GB of gp3, the disk of each instance; ${listRead('September 2026')}`),
  insightsMetric: a(
    0.07,
    '$/month',
    'each metric of Container Insights with enhanced observability; fortem.dev/blog/ecs-fargate-monitoring',
  ),
  logGigabyte: a(
    0.5,
    '$/GB',
    'us-east-1, taken in by CloudWatch Logs, flow logs as well; c3x.dev/blog/cloudwatch-logs-cost-optimization',
  ),
  s3Gigabyte: a(
    0.023,
    '$/GB and month',
    'us-east-1, S3 Standard; devnotes.tech/understanding-aws-s3-pricing-a-complete-cost-breakdown-with-examples',
  ),
  logsPerTask: a(4, '$/month', 'about 8 GB of logs and 60 metrics a task; estimate'),
} as const;

/** What the bill counts and no traffic changes; a test counts the same in the template. */
export const FOOTPRINT = {
  secrets: a(4, 'secrets', 'counted in the template of the production profile, without media nodes and events'),
  kmsKeys: a(2, 'keys', 'counted in the same template'),
  alarms: a(42, 'alarms', 'counted in the same template'),
  compositeAlarms: a(9, 'composite alarms', 'counted in the same template'),
  dashboards: a(1, 'dashboards', 'counted in the same template'),
  services: a(3, 'ECS services', 'counted in the same template'),
  webAcls: a(1, 'web ACLs', 'counted in the same template'),
  webAclRules: a(4, 'rules of web ACLs', 'counted in the same template'),
} as const;

/** What the account writes of itself. */
export const RECORDS = {
  insightsPerTask: a(40, 'metrics', 'assumption: of a task and its two containers, about 13 each; not counted on AWS'),
  insightsPerService: a(
    26,
    'metrics',
    'assumption: of a service and its task definition, about 13 each; not counted on AWS',
  ),
  natPerTask: a(12, 'GB a month', 'assumption: its logs and metrics on their way out, and two images a week'),
  flowRecords: a(
    3,
    'flow log records a peer and minute',
    'assumption: one each way on the task, each ten minutes on the load balancer, and its share of a relay',
  ),
  flowRecordBytes: a(100, 'bytes', 'FLOW_LOG_FIELDS of infra/src/network.ts, no addresses'),
  accessRecordBytes: a(80, 'bytes', 'assumption: a line of 600 bytes, compressed'),
  accessLogMonths: a(3, 'months', 'the bucket of infra/src/edge.ts keeps 90 days'),
} as const satisfies Record<string, Assumption>;

/** Traffic that costs little beside media, and is on the bill all the same. */
export const REQUESTS = {
  perJoin: a(
    15,
    'requests a join',
    'assumption: a dozen files of the page from a warm cache, two tokens, ICE servers, a socket',
  ),
  perPeerHour: a(12, 'requests a peer and hour', 'tokens and TURN credentials, each asked for once in 10 minutes'),
  signalingKilobytes: a(1.2, 'KB a relayed message', 'assumption: an offer or answer of 6 KB among ten candidates'),
  pageMegabytes: a(0.5, 'MB a join', 'assumption: half of the joins come with an empty cache; `npm run size`'),
  turnsShare: a(
    0.1,
    'share of relayed media',
    'assumption: networks that let only TLS out; it passes the network load balancer',
  ),
  accessTokenMinutes: a(10, 'min', 'ACCESS_TTL_SECONDS of apps/auth'),
  callMinutes: a(15, 'min', 'assumption: as joinsPerHour'),
} as const satisfies Record<string, Assumption>;

/** Who signs access tokens: KMS, or auth itself with keys that KMS encrypts (docs/decisions/0014-signing-in-process.md). */
export type Signing = 'kms' | 'process';

export interface Load {
  readonly production: boolean;
  readonly signing: Signing;
  /** Hours of the month at this load. */
  readonly hours: number;
  readonly peers: number;
  readonly joinsPerHour: number;
  /** Relayed by signaling, all peers together. */
  readonly messagesPerSecond: number;
  readonly signalingTasks: number;
  readonly authTasks: number;
  readonly cacheNodes: number;
  readonly turnNodes: number;
  readonly lcu: number;
  readonly relayGigabytes: number;
}

/** Signatures a month: a token at each join, and another each time it runs out during the call. */
export function signaturesPerMonth(peers: number, joinsPerHour: number, hours: number): number {
  const perJoin = Math.ceil(REQUESTS.callMinutes.value / REQUESTS.accessTokenMinutes.value);
  return peers * joinsPerHour * perJoin * hours;
}

/** Lines of the bill, $ a month. */
export function monthlyBill(load: Load): Record<string, number> {
  const { production, hours, turnNodes } = load;
  const price = production
    ? { task: PRICES.fargateTask, turn: PRICES.turnNode, cache: PRICES.cacheNode }
    : { task: PRICES.smallFargateTask, turn: PRICES.smallTurnNode, cache: PRICES.smallCacheNode };
  const task = hours * price.task.value + PRICES.logsPerTask.value;
  const tasks = load.signalingTasks + load.authTasks;
  return {
    'TURN egress': egress(load.relayGigabytes),
    'TURN nodes': turnNodes * (hours * price.turn.value + PRICES.nodeDisk.value),
    'turns: load balancer': production ? hours * PRICES.nlb.value + turnsUnits(load) * PRICES.nlcu.value : 0,
    'signaling tasks': load.signalingTasks * task,
    'auth tasks': load.authTasks * task,
    cache: load.cacheNodes * hours * price.cache.value,
    'page load balancer': hours * (PRICES.alb.value + load.lcu * PRICES.lcu.value),
    'NAT gateways': production
      ? 3 * hours * PRICES.nat.value + tasks * RECORDS.natPerTask.value * PRICES.natGigabyte.value
      : 0,
    'public IPv4': publicAddresses(load) * hours * PRICES.publicIp.value,
    'CloudFront and WAF': pageCost(load),
    signatures: load.signing === 'kms' ? (signatures(load) * PRICES.signature.value) / 10_000 : 0,
    'Container Insights':
      ((tasks + turnNodes) * RECORDS.insightsPerTask.value +
        FOOTPRINT.services.value * RECORDS.insightsPerService.value) *
      PRICES.insightsMetric.value,
    'flow and access logs': logCost(load),
    'keys and secrets': FOOTPRINT.kmsKeys.value * PRICES.kmsKey.value + FOOTPRINT.secrets.value * PRICES.secret.value,
    'alarms and dashboard':
      FOOTPRINT.alarms.value * PRICES.alarm.value +
      FOOTPRINT.compositeAlarms.value * PRICES.compositeAlarm.value +
      FOOTPRINT.dashboards.value * PRICES.dashboard.value,
    // A minute of a small task every five, which is the least that Fargate counts.
    canary: (hours / 5) * PRICES.smallFargateTask.value,
  };
}

const signatures = (load: Load) => signaturesPerMonth(load.peers, load.joinsPerHour, load.hours);

/** What a load balancer does in one hour. */
export interface Balanced {
  /** Connections a second. */
  readonly newPerSecond: number;
  /** Connections in a minute. */
  readonly active: number;
  /** What comes in and what goes out. */
  readonly gigabytesPerHour: number;
  readonly requestsPerSecond?: number;
  /** Rules that are looked at for a request; the first ten cost nothing. */
  readonly rules?: number;
}

/** LCUs of that hour: the dimension that has most (ELB pricing page, "LCU details"). */
export function loadBalancerUnits(of: Balanced): number {
  const { newPerSecond, active, gigabytesPerHour, requestsPerSecond = 0, rules = 0 } = of;
  return Math.max(
    newPerSecond / 25,
    active / 3000,
    gigabytesPerHour,
    (requestsPerSecond * Math.max(0, rules - 10)) / 1000,
  );
}

/** NLCU-hours of a month: what comes in and what goes out are both counted. */
const turnsUnits = (load: Load) => 2 * load.relayGigabytes * REQUESTS.turnsShare.value;

/** TURN nodes; in production a NAT gateway and an address of the network load balancer a zone; in development each task. */
function publicAddresses(load: Load): number {
  return load.turnNodes + (load.production ? 3 + 3 : load.signalingTasks + load.authTasks);
}

/** Requests a month that pass CloudFront. */
const requests = ({ peers, joinsPerHour, hours }: Load) =>
  peers * (joinsPerHour * REQUESTS.perJoin.value + REQUESTS.perPeerHour.value) * hours;

function logCost(load: Load): number {
  const records = load.peers * RECORDS.flowRecords.value * 60 * load.hours;
  return (
    ((records * RECORDS.flowRecordBytes.value) / 1e9) * PRICES.logGigabyte.value +
    ((requests(load) * RECORDS.accessRecordBytes.value) / 1e9) * RECORDS.accessLogMonths.value * PRICES.s3Gigabyte.value
  );
}

function pageCost(load: Load): number {
  const { peers, joinsPerHour, hours, messagesPerSecond } = load;
  const signaling = (messagesPerSecond * 3600 * hours * REQUESTS.signalingKilobytes.value) / 1e6;
  const gigabytes = (peers * joinsPerHour * hours * REQUESTS.pageMegabytes.value) / 1000 + signaling;
  return (
    (requests(load) / 1e6) *
      (PRICES.cloudFrontRequests.value + PRICES.cloudFrontFunction.value + PRICES.wafRequests.value) +
    Math.max(0, gigabytes - 1000) * PRICES.cloudFrontGigabyte.value +
    signaling * PRICES.cloudFrontToOrigin.value +
    FOOTPRINT.webAcls.value * PRICES.webAcl.value +
    FOOTPRINT.webAclRules.value * PRICES.wafRule.value
  );
}

/** $ a month for a number of gigabytes. */
export function egress(gigabytes: number): number {
  const tiers: [number, number][] = [
    [10_240, PRICES.egressFirst10Tb.value],
    [40_960, PRICES.egressNext40Tb.value],
    [102_400, PRICES.egressNext100Tb.value],
    [Number.POSITIVE_INFINITY, PRICES.egressBeyond.value],
  ];
  let left = gigabytes;
  let cost = 0;
  for (const [size, price] of tiers) {
    const part = Math.min(left, size);
    cost += part * price;
    left -= part;
  }
  return cost;
}
