/** Rules in front of CloudFront, as AWS WAF and CloudFront take them. */
import { App, Stack } from 'aws-cdk-lib';
import { expect, test } from 'vitest';
import { ViewerRules } from '../src/index.ts';
import { PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
const ofType = (template: Any, type: string): Any[] =>
  Object.values<Any>(template.Resources).flatMap((one) => (one.Type === type ? [one.Properties] : []));

/**
 * Managed rule groups that judge the client's address. They need to see it: behind a proxy or CDN "use the forwarded IP configuration" does not
 * exist for them. AWS WAF developer guide, "IP reputation rule groups".
 */
const OF_THE_ADDRESS = ['AWSManagedRulesAmazonIpReputationList', 'AWSManagedRulesAnonymousIpList'];
const groups = (acl: Any): string[] =>
  acl.Rules.flatMap((rule: Any) => rule.Statement.ManagedRuleGroupStatement?.Name ?? []);

test('rules that judge the viewer’s address are before CloudFront, in the one region that CloudFront reads', () => {
  const { stack, template, findings } = synthesize({ part: 'viewer-rules', stackName: 'Calls' });
  // CloudFormation reference, AWS::WAFv2::WebACL, "Scope": for CLOUDFRONT, resources are made in us-east-1.
  expect(stack.region).toBe('us-east-1');
  const [acl] = ofType(template, 'AWS::WAFv2::WebACL');
  expect(acl.Scope).toBe('CLOUDFRONT');
  expect(groups(acl).filter((name) => OF_THE_ADDRESS.includes(name))).not.toEqual([]);
  // AWS WAF API reference, "Rule": priorities differ, and a rule group has OverrideAction in place of Action.
  expect(new Set(acl.Rules.map((rule: Any) => rule.Priority)).size).toBe(acl.Rules.length);
  for (const rule of acl.Rules) expect([rule.Action, rule.OverrideAction]).toEqual([undefined, { None: {} }]);
  expect(findings).toEqual([]);
  expect(Object.values<Any>((template as Any).Outputs)).toHaveLength(1);
});

test('the topology hangs it before CloudFront, and the load balancer judges no address that is CloudFront’s', () => {
  const webAclArn = 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/ViewerRules/0123abcd';
  const { template } = synthesize({ ...PRODUCTION, webAclArn }, { checks: false, built: false });
  // CloudFront API reference, "DistributionConfig", WebACLId: of WAF version 2 the ARN, and not the id.
  expect(ofType(template, 'AWS::CloudFront::Distribution')[0].DistributionConfig.WebACLId).toBe(webAclArn);
  for (const acl of ofType(template, 'AWS::WAFv2::WebACL')) {
    expect(groups(acl).filter((name) => OF_THE_ADDRESS.includes(name))).toEqual([]);
    // AWS WAF API reference, "RateLimitIP": each distinct address is a count of its own, and no key is a prefix of an address. So a rule
    // that counts addresses gives one IPv6 subscriber 2^64 counts.
    for (const { Statement } of acl.Rules)
      if (Statement.RateBasedStatement)
        expect(JSON.stringify(Statement.RateBasedStatement)).not.toMatch(/"(IP|ForwardedIP|FORWARDED_IP)"/);
  }
});

test.each([
  [{ env: { region: 'eu-west-1' } }, {}, /ViewerRules\.scope: its stack is in eu-west-1/],
  [{}, {}, /ViewerRules\.scope: .*known only when deployed/],
  [{ env: { region: 'us-east-1' } }, { managedRules: ['IpReputation'] }, /ViewerRules\.managedRules: "IpReputation"/],
])('%o with %o is refused by name', (stack, props, message) => {
  expect(() => new ViewerRules(new Stack(new App(), 'Rules', stack), 'Rules', props)).toThrow(message);
});

test('a part that does not exist is refused by name', () => {
  expect(() => synthesize({ part: 'viewer-rule' })).toThrow(/context\.part: .*viewer-rule/);
});
