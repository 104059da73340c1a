/** What the bill of docs/capacity.md counts, the template of the production profile really holds. */
import { beforeAll, expect, test } from 'vitest';
import { FOOTPRINT, monthlyBill, PRICES, signaturesPerMonth } from '../capacity/costs.ts';
import { capacity } from '../capacity/model.ts';
import { PRODUCTION, synthesize } from './synth.ts';

type Resource = { Type: string; Properties?: Record<string, unknown> };
let resources: Resource[];
const count = (type: string) => resources.filter(({ Type }) => type === Type).length;

beforeAll(() => {
  const { template } = synthesize({ ...PRODUCTION, events: 'false' }, { checks: false });
  resources = Object.values((template as unknown as { Resources: Record<string, Resource> }).Resources);
});

/** A few more or less change no bill that anybody would notice; a kind that is forgotten does. */
function expectAbout(assumed: number, real: number, what: string): void {
  expect(Math.abs(assumed - real), `${what}: ${assumed} assumed, ${real} in the template`).toBeLessThanOrEqual(
    Math.max(3, real * 0.25),
  );
}

test('keys, secrets, alarms, dashboards and web ACL rules of the template are what the model counts', () => {
  expectAbout(FOOTPRINT.kmsKeys.value, count('AWS::KMS::Key'), 'kmsKeys');
  expectAbout(FOOTPRINT.secrets.value, count('AWS::SecretsManager::Secret'), 'secrets');
  expectAbout(FOOTPRINT.alarms.value, count('AWS::CloudWatch::Alarm'), 'alarms');
  expectAbout(FOOTPRINT.compositeAlarms.value, count('AWS::CloudWatch::CompositeAlarm'), 'compositeAlarms');
  expectAbout(FOOTPRINT.webAcls.value, count('AWS::WAFv2::WebACL'), 'webAcls');
  expectAbout(FOOTPRINT.dashboards.value, count('AWS::CloudWatch::Dashboard'), 'dashboards');
  const rules = resources
    .filter(({ Type }) => Type === 'AWS::WAFv2::WebACL')
    .flatMap(({ Properties }) => Properties?.Rules as unknown[]);
  expectAbout(FOOTPRINT.webAclRules.value, rules.length, 'webAclRules');
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

test('the lines add up to the total, and none is forgotten', () => {
  const { monthly, total } = capacity({ peers: 1000 });
  expect(Object.values(monthly).reduce((sum, one) => sum + one, 0)).toBe(total);
  const idle = monthlyBill({
    production: true,
    signing: 'process',
    hours: 730,
    peers: 0,
    joinsPerHour: 4,
    signalingTasks: 3,
    authTasks: 3,
    cacheNodes: 6,
    turnNodes: 3,
    lcu: 0,
    relayGigabytes: 0,
  });
  // Three gateways, three addresses of the network load balancer, three nodes.
  expect(idle['public IPv4']).toBeCloseTo(9 * 730 * PRICES.publicIp.value, 6);
  expect(
    Object.entries(idle)
      .filter(([, cost]) => cost === 0)
      .map(([name]) => name),
  ).toEqual(['TURN egress', 'signatures']);
});
