/** What callers reach: CloudFront, the pages, the load balancer; each property that matters. */
import { expect, test } from 'vitest';
import { PART_SECONDS, REQUESTS_OF_ADDRESS } from '../hls-packager/src/hls-times.ts';
import { resourcesOf } from './resources.ts';
import { PRODUCTION, synthesize } from './synth.ts';

/** The managed policy "CachingDisabled". */
const CACHING_DISABLED = '4135ea2d-6df8-44a3-9df3-4b5a84be39ad';

type Any = ReturnType<typeof JSON.parse>;
const production = synthesize(PRODUCTION, { checks: false });
const development = synthesize({ profile: 'development' }, { checks: false, built: false });
const { all, one } = resourcesOf(production);

test('edge: internal, reached by CloudFront alone, idle above the heartbeat, rate rules by network, logs', () => {
  for (const of of [production, development]) {
    const balancer = all('AWS::ElasticLoadBalancingV2::LoadBalancer', of).find(
      (b) => b.properties.Type === 'application',
    );
    const attributes = Object.fromEntries(
      balancer?.properties.LoadBalancerAttributes.map((a: Any) => [a.Key, a.Value]),
    );
    expect(balancer?.properties.Scheme).toBe('internal');
    const subnets = JSON.stringify(balancer?.properties.Subnets);
    expect(subnets).toContain('isolatedSubnet');
    expect(subnets).not.toContain('publicSubnet');
    expect(Number(attributes['idle_timeout.timeout_seconds'])).toBeGreaterThanOrEqual(300);
    expect(attributes).toMatchObject({
      'deletion_protection.enabled': String(of === production),
      'access_logs.s3.enabled': 'true',
      'routing.http.drop_invalid_header_fields.enabled': 'true',
    });
    // CloudFront asks for an internet gateway in the VPC of an origin.
    expect(all('AWS::EC2::VPCGatewayAttachment', of)).toHaveLength(1);
    expect(one('AWS::CloudFront::VpcOrigin', of).properties.VpcOriginEndpointConfig).toMatchObject({
      Arn: { Ref: balancer?.id },
      OriginProtocolPolicy: 'http-only',
    });
    expect(JSON.stringify(of.template)).not.toMatch(/x-origin-secret|SourcePrefixListId/);
  }
  const rules = all('AWS::ElasticLoadBalancingV2::ListenerRule');
  expect(
    rules.flatMap((r) => r.properties.Conditions.find((c: Any) => c.Field === 'path-pattern').PathPatternConfig.Values),
  ).toEqual([
    '/auth*',
    '/.well-known*',
    '/v1/tokens*',
    '/ws*',
    '/reports*',
    '/v1*',
    '/v1/events*',
    '/v1/webhook-endpoints*',
    '/captions*',
    '/whip*',
    '/whep*',
  ]);
  // The lowest number is asked first (Elastic Load Balancing user guide, "Listener rules"): the more exact paths before `/v1*`.
  const priorityOf = (path: string) =>
    rules.find((r) => JSON.stringify(r.properties.Conditions).includes(`"${path}"`))?.properties.Priority;
  expect(priorityOf('/v1/events*')).toBeLessThan(priorityOf('/v1*'));
  const acl = one('AWS::WAFv2::WebACL').properties;
  expect(
    acl.Rules.filter((r: Any) => r.Statement.RateBasedStatement).map(
      (r: Any) => r.Statement.RateBasedStatement.CustomKeys[0].Header.Name,
    ),
  ).toEqual(Array(4).fill('x-viewer-network'));
  // What counts for which: edge-rules.test.ts.
  const [every, playlists] = ['AddressRate', 'PlaylistRate'].map(
    (name) => acl.Rules.find((r: Any) => r.Name === name).Statement.RateBasedStatement,
  );
  expect([every.Limit, playlists.Limit]).toEqual([3000, 75_000]);
  // A viewer asks for a playlist with each part, so these are those of a hundred viewers at one address, and as many parts as the caches of 25 rooms miss; a
  // media node takes no fewer.
  const [viewers, rooms] = [100, 25];
  expect(playlists.Limit).toBe(((viewers + rooms) * playlists.EvaluationWindowSec) / PART_SECONDS);
  expect(playlists.Limit).toBe(playlists.EvaluationWindowSec * REQUESTS_OF_ADDRESS);
  const { RegexString } = playlists.ScopeDownStatement.RegexMatchStatement;
  const counted = [
    '/whep/visit/hls/live.m3u8',
    '/whep/visit',
    '/whep/visit/hls/ID/7.0.m4s',
    '/v1/whep/a/hls/live.m3u8',
  ];
  expect(counted.map((path) => new RegExp(RegexString).test(path))).toEqual([true, false, true, false]);
  // Here it would judge CloudFront's addresses.
  expect(JSON.stringify(acl.Rules)).not.toContain('IpReputation');
  expect(all('AWS::WAFv2::WebACLAssociation')).toHaveLength(1);
});

test('web client: private bucket, one origin, WebSocket paths uncached without the Host, headers of the build, files cached as they may', () => {
  for (const bucket of all('AWS::S3::Bucket'))
    expect(bucket.properties.PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    });
  const config = one('AWS::CloudFront::Distribution').properties.DistributionConfig;
  expect(config.Aliases).toEqual(['calls.example.com']);
  expect(config.CacheBehaviors.map((b: Any) => b.PathPattern)).toEqual([
    '/auth*',
    '/.well-known*',
    '/v1/tokens*',
    '/ws*',
    '/reports*',
    '/v1*',
    '/captions*',
    '/whip*',
    '/whep/*/hls/*/*',
    '/whep/*/hls/live.m3u8',
    '/whep*',
  ]);
  const isHls = ({ PathPattern }: Any) => PathPattern.includes('/hls/');
  const [segments, playlist] = config.CacheBehaviors.filter(isHls);
  const uncached = config.CacheBehaviors.filter((one: Any) => !isHls(one));
  const askedOf = (behavior: Any) =>
    all('AWS::CloudFront::OriginRequestPolicy').find(({ id }) => behavior.OriginRequestPolicyId.Ref === id)?.properties
      .OriginRequestPolicyConfig;
  // Of a playlist's query what it waits for reaches the node, and nothing else; its token does, each time.
  expect(playlist.CachePolicyId).toBe(CACHING_DISABLED);
  expect(askedOf(playlist)).toMatchObject({
    QueryStringsConfig: { QueryStringBehavior: 'whitelist', QueryStrings: ['_HLS_msn', '_HLS_part'] },
    HeadersConfig: { HeaderBehavior: 'allExcept', Headers: ['host'] },
    CookiesConfig: { CookieBehavior: 'none' },
  });
  for (const behavior of uncached) {
    // CloudFront forwards other methods than these seven to no origin, and of these the ones that a behavior names (AllowedMethods).
    expect(behavior.AllowedMethods.toSorted()).toEqual(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT']);
    expect(behavior.CachePolicyId).toBe(CACHING_DISABLED);
    expect(behavior.OriginRequestPolicyId).toBe('b689b0a8-53d0-40ab-baf2-68738e2966ac'); // AllViewerExceptHostHeader
  }
  // Segments are kept by their path alone, for as long as the media node says; no token goes there.
  expect(segments.AllowedMethods).toEqual(['GET', 'HEAD']);
  const kept = all('AWS::CloudFront::CachePolicy').find(({ id }) => segments.CachePolicyId.Ref === id);
  const none = { CookiesConfig: { CookieBehavior: 'none' }, HeadersConfig: { HeaderBehavior: 'none' } };
  expect(kept?.properties.CachePolicyConfig).toMatchObject({
    ...{ MinTTL: 0, DefaultTTL: 0, MaxTTL: 60 },
    ParametersInCacheKeyAndForwardedToOrigin: { ...none, QueryStringsConfig: { QueryStringBehavior: 'none' } },
  });
  expect(askedOf(segments).HeadersConfig.Headers).toEqual(['x-viewer-network']);
  // CloudFront keeps errors for ten seconds where nothing else is said, and by path alone: a refusal of one person would be that of all. (Developer Guide,
  // "Control how long CloudFront caches errors"; codes: API reference, "CustomErrorResponse". 416 it never keeps.) Their bodies stay those of the services.
  expect(config.CustomErrorResponses).toEqual(
    [400, 403, 404, 405, 414, 500, 501, 502, 503, 504].map((ErrorCode) => ({ ErrorCode, ErrorCachingMinTTL: 0 })),
  );
  expect(config.Origins.filter((o: Any) => o.VpcOriginConfig)).toHaveLength(1);
  expect(config.Origins.filter((o: Any) => o.CustomOriginConfig)).toHaveLength(0);
  const headers = one('AWS::CloudFront::ResponseHeadersPolicy').properties.ResponseHeadersPolicyConfig
    .SecurityHeadersConfig;
  expect(headers.ContentSecurityPolicy.ContentSecurityPolicy).toContain('sha256-abc=');
  const [hashed, pages] = all('Custom::CDKBucketDeployment').map((d) => d.properties);
  expect(hashed.SystemMetadata['cache-control']).toContain('immutable');
  expect(pages.SystemMetadata['cache-control']).toBe('no-cache');
});

test('the CloudFront function: real address, no token in the URL, pages by name', async () => {
  const { viewerRequestCode } = await import('../src/viewer-request.ts');
  const { previewBrand } = await import('../topology/link-preview.ts');
  const code = viewerRequestCode('x-viewer-network', previewBrand({ branding: { name: 'Calls' } }));
  expect(code.length).toBeLessThan(10_240);
  const handler = new Function(`${code}; return handler;`)() as (event: Any) => Any;
  const run = (uri: string, querystring = {}, headers = {}, ip = '192.0.2.9') =>
    handler({ viewer: { ip }, request: { uri, querystring, headers } });
  const forged = { 'x-viewer-network': { value: 'forged' } };
  expect(run('/ws/signal', { token: { value: 'abc' } }, forged)).toEqual({
    uri: '/ws/signal',
    querystring: {},
    headers: {
      'x-viewer-network': { value: '192.0.2.9' },
      authorization: { value: 'Bearer abc' },
    },
  });
  const network = (ip: string) => run('/', {}, {}, ip).headers['x-viewer-network'].value;
  expect(['2001:db8:0:1::1', '2001:DB8::1:aaaa:bbbb:cccc:dddd', '2001:0db8:0000:0001:0:0:0:2'].map(network)).toEqual([
    '2001:db8:0:1::/64',
    '2001:db8:0:1::/64',
    '2001:db8:0:1::/64',
  ]);
  expect(['::1', '2001:db8::', '::ffff:192.0.2.9'].map(network)).toEqual([
    '0:0:0:0::/64',
    '2001:db8:0:0::/64',
    '192.0.2.9',
  ]);
  expect([run('/').uri, run('/help/').uri, run('/live').uri, run('/sw.js').uri]).toEqual([
    '/index.html',
    '/help/index.html',
    '/live/index.html',
    '/sw.js',
  ]);
  // What a behavior of CloudFront sends to a service arrives as it was asked for.
  const { CacheBehaviors } = one('AWS::CloudFront::Distribution').properties.DistributionConfig;
  for (const { PathPattern } of CacheBehaviors)
    for (const path of [
      PathPattern.replace('*', ''),
      PathPattern.replace('*', '/one'),
      PathPattern.replace('*', '/one/two'),
    ])
      expect(run(path).uri).toBe(path);
});

test('the move of an old stack to an internal load balancer: nothing of the old one is taken over, and services wait for the new rules', () => {
  // Elastic Load Balancing guide, "Target groups": one load balancer uses a target group, so an update that replaces the load balancer needs new ones.
  // The ids of stacks from before decision 15.
  const ids = all('AWS::ElasticLoadBalancingV2::TargetGroup').map(({ id }) => id);
  for (const old of ['TopologyEdgeauthTargetsBF428A39', 'TopologyEdgesignalingTargets7219F99C'])
    expect(ids).not.toContain(old);
  const rules = all('AWS::ElasticLoadBalancingV2::ListenerRule').map(({ id }) => id);
  const services = all('AWS::ECS::Service').filter(({ properties }) => properties.LoadBalancers?.length > 0);
  // Auth, signaling, events, captions, media nodes.
  expect(services).toHaveLength(5);
  // A new target group takes a task only once a load balancer uses it (ECS refuses it before).
  for (const { whole } of services) expect(rules.some((id) => whole.DependsOn?.includes(id))).toBe(true);
  const origin = one('AWS::CloudFront::VpcOrigin');
  expect(JSON.stringify(origin.properties)).toContain('TopologyEdgeLoadBalancer');
  expect(JSON.stringify(one('AWS::CloudFront::Distribution').properties)).toContain(origin.id);
});
