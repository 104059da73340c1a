/** The model's prices and what it makes of them, against figures of AWS: its price list line by line, examples of its pricing pages, a bill. */
import { expect, test } from 'vitest';
import { LIST, UNREAD } from './assumption.ts';
import { egress, fargateTask, loadBalancerUnits, PRICES } from './costs.ts';

/**
 * List prices of us-east-1, typed in from the lines of AWS's price list, which are also those of its bills, or from a page that quotes them; not from this repository. Each with
 * its text, and when somebody read it there.
 */
const LISTED: Readonly<Partial<Record<keyof typeof PRICES, readonly [price: number, line: string]>>> = {
  egressFirst10Tb: [
    0.09,
    '$0.090 per GB - first 10 TB / month data transfer out beyond the global free tier; AWSDataTransfer, 2026',
  ],
  egressNext40Tb: [0.085, '$0.085 per GB - next 40 TB / month data transfer out; AWSDataTransfer, 2026'],
  egressNext100Tb: [0.07, '$0.070 per GB - next 100 TB / month data transfer out; AWSDataTransfer, 2026'],
  egressBeyond: [0.05, '$0.050 per GB - greater than 150 TB / month data transfer out; AWSDataTransfer, 2026'],
  cacheNode: [0.1264, 'cache.m7g.large with Valkey, a fifth less than Redis OSS ($0.158); AmazonElastiCache, 2026'],
  smallCacheNode: [
    0.0128,
    'cache.t4g.micro with Valkey, a fifth less than Redis OSS ($0.016); AmazonElastiCache, 2026',
  ],
  smallTurnNode: [0.0084, '$0.0084 per On Demand Linux t4g.micro Instance Hour; AmazonEC2'],
  publicIp: [0.005, '$0.005 per In-use public IPv4 address per hour; AmazonVPC, August 2026'],
  nat: [0.045, '$0.045 per NAT Gateway Hour; AmazonEC2, 2026'],
  natGigabyte: [0.045, '$0.045 per GB Data Processed by NAT Gateways; AmazonEC2, 2026'],
  alb: [0.0225, '$0.0225 per Application LoadBalancer-hour (or partial hour); AWSELB'],
  lcu: [0.008, '$0.008 per used Application load balancer capacity unit-hour (or partial hour); AWSELB'],
  nlb: [0.0225, '$0.0225 per Network LoadBalancer-hour (or partial hour); AWSELB'],
  nlcu: [0.006, '$0.006 per used Network load balancer capacity unit-hour (or partial hour); AWSELB'],
  cloudFrontFunction: [
    0.1,
    '$0.10 per 1 million invocations ($0.0000001 per invocation), Executions-CloudFrontFunctions; AmazonCloudFront, cur.vantage.sh/aws/amazoncloudfront',
  ],
  secret: [0.4, '$0.40 per Secret; AWSSecretsManager, September 2026'],
  kmsKey: [1, 'customer managed key, $1 a month; KMS pricing page, 2026'],
  logGigabyte: [
    0.5,
    '$0.50 per GB custom log data ingested in Standard log class - US East (Northern Virginia); AmazonCloudWatch, 2026',
  ],
  cloudFrontRequests: [
    1,
    '$0.0100 per 10,000 HTTPS requests, United States and Europe; wring.co/blog/aws-cloudfront-pricing-guide, March 2026',
  ],
  cloudFrontGigabyte: [
    0.085,
    'First 10TB: $0.085 a GB, United States and Europe, after 1 TB that is free; CloudFront pricing page',
  ],
  wafRequests: [0.6, '$0.60 per million web requests inspected; c3x.dev/blog/aws-waf-cost-explained, 2026'],
  webAcl: [
    5,
    '$5/month per Web ACL; c3x.dev/blog/aws-waf-cost-explained, awsnegotiations.com/waf-pricing-strategy.html',
  ],
  wafRule: [
    1,
    '$1/month per rule or managed rule group; c3x.dev/blog/aws-waf-cost-explained, awsnegotiations.com/waf-pricing-strategy.html',
  ],
  signature: [
    5 * 0.03,
    'asymmetric operations at 5 times the symmetric rate, $0.03 per 10,000; factualminds.com/blog/aws-kms-pricing-keys-requests-multi-region, June 2026',
  ],
  alarm: [
    0.1,
    'standard resolution (60-second evaluation): $0.10/alarm-month; c3x.dev/resources/aws/aws_cloudwatch_metric_alarm',
  ],
  compositeAlarm: [0.5, 'composite alarms: $0.50/alarm-month; c3x.dev/resources/aws/aws_cloudwatch_metric_alarm'],
  dashboard: [
    3,
    'dashboards at $3 each; factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards, June 2026',
  ],
  nodeDisk: [
    30 * 0.08,
    '$0.08 per GB-month of General Purpose (gp3) provisioned storage; EBS pricing page, September 2026',
  ],
};
/** Those of which no line of the list was read here, so they are as good as the source that they name. */
const UNREAD_HERE: readonly (keyof typeof PRICES)[] = [
  ...(['turnNode', 'mediaNode', 'cloudFrontToOrigin'] as const),
  ...(['insightsMetric', 's3Gigabyte', 'logsPerTask'] as const),
];
/** Made of others. */
const COMPUTED: readonly (keyof typeof PRICES)[] = ['fargateTask', 'smallFargateTask'];

test('each price is that of a line of the list, or says that none was read', () => {
  for (const [name, [price, line]] of Object.entries(LISTED))
    expect(PRICES[name as keyof typeof PRICES].value, line).toBeCloseTo(price, 9);
  // Where no source was read at all, the table of docs/capacity.md says so.
  for (const name of ['turnNode', 'mediaNode', 'cloudFrontToOrigin'] as const)
    expect(PRICES[name].source).toContain(UNREAD);
  for (const [name, [, line]] of Object.entries(LISTED)) {
    const { source } = PRICES[name as keyof typeof PRICES];
    expect(source, name).not.toContain(UNREAD);
    // It names the pages of others that quote the list, and the month in which the list was read, where that is known.
    const pages = line.match(/[\w.-]+\.[a-z]+\/[\w./-]+/g) ?? [];
    for (const read of [...pages, ...(line.match(/[A-Z][a-z]+ 2026/) ?? [])]) expect(source, name).toContain(read);
    if (pages.length > 0) expect(source, name).not.toContain(LIST);
  }
  for (const name of UNREAD_HERE) expect(PRICES[name].source, name).not.toContain(LIST);
  expect([...Object.keys(LISTED), ...UNREAD_HERE, ...COMPUTED].sort()).toEqual(Object.keys(PRICES).sort());
});

test('Fargate: example 1 of its pricing page, five tasks of 1 vCPU and 2 GB for ten minutes a day: $1.01 and $0.22', () => {
  // aws.amazon.com/fargate/pricing: "5 x 1 x 0.000011244 x 600 x 30 = $1.01", "5 x 2 x 0.000001235 x 600 x 30 = $0.22".
  const hours = (5 * 600 * 30) / 3600;
  expect(hours * fargateTask(1, 0, 'x86-64')).toBeCloseTo(1.01, 2);
  expect(hours * fargateTask(0, 2, 'x86-64')).toBeCloseTo(0.22, 2);
  // The page has ARM by the second as well: $0.0000089944 a vCPU, $0.0000009889 a GB.
  expect(fargateTask(1, 0)).toBeCloseTo(3600 * 0.0000089944, 6);
  expect(fargateTask(0, 1)).toBeCloseTo(3600 * 0.0000009889, 6);
});

test('load balancers: example 1 of their pricing page, 1.08 LCUs, $0.03114 an hour; by connections where those are most', () => {
  // aws.amazon.com/elasticloadbalancing/pricing: one new connection a second for two minutes, five requests a second, 300 KB a second, 60 rules.
  const units = loadBalancerUnits({
    ...{ newPerSecond: 1, active: 120, gigabytesPerHour: (300 * 3600) / 1e6 },
    ...{ requestsPerSecond: 5, rules: 60 },
  });
  expect(units).toBeCloseTo(1.08, 9);
  expect(PRICES.alb.value + units * PRICES.lcu.value).toBeCloseTo(0.03114, 9);
  expect(720 * (PRICES.alb.value + units * PRICES.lcu.value)).toBeCloseTo(22.42, 2);
  // Its four dimensions by themselves: 0.04, 0.04, 1.08 and 0.25.
  const none = { newPerSecond: 0, active: 0, gigabytesPerHour: 0 };
  expect(loadBalancerUnits({ ...none, newPerSecond: 1 })).toBeCloseTo(0.04, 9);
  expect(loadBalancerUnits({ ...none, active: 120 })).toBeCloseTo(0.04, 9);
  expect(loadBalancerUnits({ ...none, requestsPerSecond: 5, rules: 60 })).toBeCloseTo(0.25, 9);
});

test('NAT gateways: twelve days of a real bill, 560 hours for $25.20 and 815.445 GB for $36.70', () => {
  expect(560 * PRICES.nat.value).toBeCloseTo(25.2, 2);
  expect(815.445 * PRICES.natGigabyte.value).toBeCloseTo(36.7, 2);
});

test('egress: a real bill of 11.44 GB beyond the free ones is $1.03; 200 TB over all four steps', () => {
  expect(egress(11.44)).toBeCloseTo(1.03, 2);
  // 10 TB × $0.09 + 40 TB × $0.085 + 100 TB × $0.07 + 50 TB × $0.05, with 1,024 GB a TB as bills have it.
  expect(egress(200 * 1024)).toBeCloseTo(921.6 + 3481.6 + 7168 + 2560, 6);
});
