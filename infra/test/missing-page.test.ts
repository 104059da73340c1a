/** What a viewer gets for a path without a page, as S3, CloudFront and the load balancer carry the template out. */
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { expect, test } from 'vitest';
import { WebClient } from '../src/index.ts';
import { ACCOUNT, allows, resourcePolicy } from './policy.ts';
import { PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
const only = (template: Any, type: string): [string, Any] => {
  const found = Object.entries<Any>(template.Resources).filter(([, one]) => one.Type === type);
  expect(found.length, type).toBe(1);
  return found[0] as [string, Any];
};

/**
 * Status of S3 for an object that is not there: "If you have the s3:ListBucket permission on the bucket, Amazon S3 returns an HTTP status code
 * 404 (Not Found) error. If you don't, 403 (Access Denied)". Amazon S3 API reference, "GetObject".
 */
function missingObject(template: Any): number {
  const [distribution] = only(template, 'AWS::CloudFront::Distribution');
  const [bucket] = Object.entries<Any>(template.Resources).find(
    ([id, one]) => one.Type === 'AWS::S3::Bucket' && id.includes('WebClient'),
  ) as [string, Any];
  const policy = resourcePolicy(template, 'AWS::S3::BucketPolicy', 'Bucket', bucket);
  const may = (action: string, resource: string) =>
    allows(policy, {
      principal: 'cloudfront.amazonaws.com',
      action,
      resource,
      context: {
        'AWS:SourceArn': `arn:aws:cloudfront::${ACCOUNT}:distribution/${distribution}`,
        'aws:SecureTransport': 'true',
      },
    });
  expect(may('s3:GetObject', `${bucket}.Arn/index.html`)).toBe(true);
  return may('s3:ListBucket', `${bucket}.Arn`) ? 404 : 403;
}

test('a path without a page gets a page with status 404 from the load balancer; the services keep their own 403 and 404', () => {
  const template: Any = synthesize(PRODUCTION, { checks: false }).template;
  const { DistributionConfig: config } = only(template, 'AWS::CloudFront::Distribution')[1].Properties;
  const group = config.OriginGroups.Items.find((one: Any) => one.Id === config.DefaultCacheBehavior.TargetOriginId);
  // CloudFront developer guide, "Request and response behavior for origin groups": the second origin is asked when the first answers one
  // of these, and its answer goes to the viewer. For GET, HEAD and OPTIONS alone, which is all that pages allow.
  expect(group.FailoverCriteria.StatusCodes.Items).toContain(missingObject(template));
  expect(config.DefaultCacheBehavior.AllowedMethods ?? ['GET', 'HEAD']).toEqual(['GET', 'HEAD']);
  const [pages, second] = group.Members.Items.map((member: Any) =>
    config.Origins.find((one: Any) => one.Id === member.OriginId),
  );
  expect(pages.S3OriginConfig).toBeDefined();
  expect(second.VpcOriginConfig).toBeDefined();
  // The listener's rules are the services' paths, and those never go to the bucket.
  const patterns = config.CacheBehaviors.map((one: Any) => one.PathPattern);
  for (const rule of Object.values<Any>(template.Resources).filter((one) => one.Type.endsWith('V2::ListenerRule')))
    for (const { PathPatternConfig } of rule.Properties.Conditions)
      for (const path of PathPatternConfig.Values)
        expect(
          patterns.some((pattern: string) => path.startsWith(pattern.replace('*', ''))),
          path,
        ).toBe(true);
  const listener = Object.values<Any>(template.Resources).find(
    (one) => one.Type.endsWith('V2::Listener') && one.Properties.Protocol === 'HTTP',
  );
  const [{ FixedResponseConfig: answer }] = listener.Properties.DefaultActions;
  expect(answer).toMatchObject({ StatusCode: '404', ContentType: 'text/html' });
  expect(answer.MessageBody).toMatch(/<h1>.*<a href="\/">/s);
  // Elastic Load Balancing API reference, "FixedResponseActionConfig": up to 1024 characters.
  expect(answer.MessageBody.length).toBeLessThanOrEqual(1024);
  // The CSP of the pages is on this page too: it has nothing of its own that could be refused.
  expect(answer.MessageBody).not.toMatch(/<(style|script|link)|style=/);
  // Error pages are of the whole distribution ("CustomErrorResponses"): with one, a problem of auth would be this page.
  for (const kept of config.CustomErrorResponses)
    expect(Object.keys(kept).sort()).toEqual(['ErrorCachingMinTTL', 'ErrorCode']);
  // AWS WAF API reference, "RateBasedStatementCustomKey": a request without the key is not counted.
  const policy = template.Resources[config.DefaultCacheBehavior.OriginRequestPolicyId.Ref].Properties;
  const acl = Object.values<Any>(template.Resources).find((one) => one.Properties?.Scope === 'REGIONAL').Properties;
  for (const { Statement } of acl.Rules)
    for (const key of Statement.RateBasedStatement?.CustomKeys ?? [])
      expect(policy.OriginRequestPolicyConfig.HeadersConfig.Headers).toContain(key.Header.Name);
});

test('without services the page is the client’s own', () => {
  const stack = new Stack(new App(), 'Pages');
  new WebClient(stack, 'WebClient');
  const template = Template.fromStack(stack).toJSON();
  const { DistributionConfig: config } = only(template, 'AWS::CloudFront::Distribution')[1].Properties;
  expect(config.OriginGroups).toBeUndefined();
  expect(config.CustomErrorResponses).toContainEqual({
    ErrorCode: missingObject(template),
    ResponseCode: 404,
    ResponsePagePath: '/404.html',
  });
});
