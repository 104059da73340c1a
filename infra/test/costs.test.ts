/** What the bill of docs/capacity.md counts, the template of the production profile really holds. */
import { beforeAll, expect, test } from 'vitest';
import { FOOTPRINT, type Load, monthlyBill, PRICES, signaturesPerMonth } from '../capacity/costs.ts';
import { capacity } from '../capacity/model.ts';
import { PRODUCTION, synthesize } from './synth.ts';

type Resource = { Type: string; Properties?: Record<string, unknown> };
let resources: Resource[];
const count = (type: string) => resources.filter(({ Type }) => type === Type).length;

/** Of nobody. */
const LOAD: Load = {
  production: true,
  signing: 'process',
  hours: 730,
  peers: 0,
  joinsPerHour: 4,
  messagesPerSecond: 0,
  signalingTasks: 3,
  authTasks: 3,
  cacheNodes: 6,
  turnNodes: 3,
  lcu: 0,
  relayGigabytes: 0,
};

beforeAll(() => {
  const { template } = synthesize(
    { ...PRODUCTION, events: 'false', recognizerImage: '', mediaNodes: '0', packagers: '0', recordings: 'false' },
    { checks: false },
  );
  resources = Object.values((template as unknown as { Resources: Record<string, Resource> }).Resources);
});

test('keys, secrets, services, alarms, dashboards and web ACL rules of the template are what the model counts', () => {
  const rules = resources
    .filter(({ Type }) => Type === 'AWS::WAFv2::WebACL')
    .flatMap(({ Properties }) => Properties?.Rules as unknown[]);
  expect({
    kmsKeys: count('AWS::KMS::Key'),
    secrets: count('AWS::SecretsManager::Secret'),
    alarms: count('AWS::CloudWatch::Alarm'),
    compositeAlarms: count('AWS::CloudWatch::CompositeAlarm'),
    dashboards: count('AWS::CloudWatch::Dashboard'),
    services: count('AWS::ECS::Service'),
    webAcls: count('AWS::WAFv2::WebACL'),
    webAclRules: rules.length,
  }).toEqual(Object.fromEntries(Object.entries(FOOTPRINT).map(([name, { value }]) => [name, value])));
});

test('each instance has the disk that the bill has, and the cluster the Container Insights', () => {
  const disks = resources
    .filter(({ Type }) => Type === 'AWS::EC2::LaunchTemplate')
    .map(({ Properties }) => JSON.stringify(Properties));
  expect(disks.length).toBeGreaterThan(0);
  for (const disk of disks) expect(disk).toContain('"VolumeSize":30,"VolumeType":"gp3"');
  const clusters = resources.filter(({ Type }) => Type === 'AWS::ECS::Cluster').map(({ Properties }) => Properties);
  for (const cluster of clusters)
    expect(cluster?.ClusterSettings).toEqual([{ Name: 'containerInsights', Value: 'enhanced' }]);
});

test('three NAT gateways, each with an address, as the bill has them', () => {
  expect([count('AWS::EC2::NatGateway'), count('AWS::EC2::EIP')]).toEqual([3, 3]);
});

test('the production profile signs in process, so the bill has no signatures; with KMS they would be the third line', () => {
  const keys = resources.filter(
    ({ Type, Properties }) => Type === 'AWS::KMS::Key' && Properties?.KeyUsage === 'SIGN_VERIFY',
  );
  expect(keys).toEqual([]);
  expect(capacity({ peers: 10_000 }).monthly.signatures).toBe(0);
  // 10,000 peers × 4 joins an hour × 2 tokens in 15 minutes × 730 h × $0.15 for 10,000: reckoned by hand.
  expect(signaturesPerMonth(10_000, 4, 730)).toBe(58_400_000);
  expect(capacity({ peers: 10_000, signing: 'kms' }).monthly.signatures).toBeCloseTo(876, 6);
});

test('each request of a viewer runs one function of CloudFront, and is on the bill: reckoned by hand', () => {
  type Behavior = { FunctionAssociations?: { EventType: string }[] };
  const distribution = resources.find(({ Type }) => Type === 'AWS::CloudFront::Distribution');
  const config = distribution?.Properties?.DistributionConfig as Record<string, unknown> | undefined;
  const behaviors = [config?.DefaultCacheBehavior, ...((config?.CacheBehaviors as unknown[]) ?? [])] as Behavior[];
  expect(behaviors.length).toBeGreaterThan(3);
  for (const { FunctionAssociations } of behaviors)
    expect(FunctionAssociations?.map(({ EventType }) => EventType)).toEqual(['viewer-request']);
  const load = { ...LOAD, peers: 1000 };
  // 1,000 peers × (4 joins × 15 + 12) × 730 h = 52.56 million requests; 1,460 GB of pages, of which 460 are paid; a web ACL with four rules.
  expect(monthlyBill(load)['CloudFront and WAF']).toBeCloseTo(52.56 * (1 + 0.1 + 0.6) + 460 * 0.085 + 9, 6);
});

test('the lines add up to the total, and none is forgotten', () => {
  const { monthly, total } = capacity({ peers: 1000 });
  expect(Object.values(monthly).reduce((sum, one) => sum + one, 0)).toBe(total);
  const idle = monthlyBill(LOAD);
  // Three gateways, three addresses of the network load balancer, three nodes.
  expect(idle['public IPv4']).toBeCloseTo(9 * 730 * PRICES.publicIp.value, 6);
  expect(
    Object.entries(idle)
      .filter(([, cost]) => cost === 0)
      .map(([name]) => name),
  ).toEqual(['TURN egress', 'signatures', 'flow and access logs']);
  // Disks of three instances; six tasks and three nodes of 40 metrics, three services of 26: reckoned by hand.
  expect(idle['TURN nodes']).toBeCloseTo(3 * (730 * 0.0624 + 2.4), 6);
  expect(idle['Container Insights']).toBeCloseTo((9 * 40 + 3 * 26) * 0.07, 6);
  // Three gateways, and 12 GB of each of six tasks.
  expect(idle['NAT gateways']).toBeCloseTo(3 * 730 * 0.045 + 72 * 0.045, 6);
});
