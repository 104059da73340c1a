/** The whole topology, both profiles: every check, and each property that matters. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SignalingConfig } from '@tandem/signaling/config';
import { Default } from 'typebox/value';
import { expect, test } from 'vitest';
import { DENIED_PEERS } from '../topology/denied-peers.ts';
import { topology } from '../topology/index.ts';
import { DEVELOPMENT_EXCEPTIONS, GUARD_EXCEPTIONS } from './guard-exceptions.ts';
import { PRODUCTION, type Synthesized, synthesize } from './synth.ts';

type Resource = { Type: string; Properties: Record<string, never>; DeletionPolicy?: string; Condition?: string };
type Any = ReturnType<typeof JSON.parse>;

const production = synthesize(PRODUCTION);
const development = synthesize({ profile: 'development' }, { built: false });
console.log(
  `synth with all checks: production ${production.seconds.toFixed(1)} s, development ${development.seconds.toFixed(1)} s`,
);

function all(type: string, of = production): { id: string; properties: Any; whole: Resource }[] {
  return Object.entries((of.template as Any).Resources as Record<string, Resource>)
    .filter(([, one]) => one.Type === type)
    .map(([id, whole]) => ({ id, properties: whole.Properties ?? {}, whole }));
}
function one(type: string, of = production) {
  return only(type, all(type, of));
}
/** The one of the TURN fleet or of the media nodes. */
function oneOf(part: 'Turn' | 'Media', type: string) {
  return only(
    type,
    all(type).filter(({ id }) => id.startsWith(`Topology${part}`)),
  );
}
function only(type: string, found: ReturnType<typeof all>) {
  const [first, ...more] = found;
  if (!first || more.length > 0) throw new Error(`${type}: ${more.length + Number(!!first)} of them`);
  return first;
}
const container = (id: RegExp, name: string, of = production) =>
  all('AWS::ECS::TaskDefinition', of)
    .find((task) => id.test(task.id))
    ?.properties.ContainerDefinitions.find((c: Any) => c.Name === name);
const runbookExists = (text: string) => {
  const page = /Runbook: (docs\/runbooks\/[\w-]+\.md)/.exec(text)?.[1];
  return page !== undefined && existsSync(join(import.meta.dirname, '../..', page));
};

test('cdk-nag AwsSolutions, cfn-guard and the CloudFormation schemas find nothing', () => {
  for (const [{ findings }, exceptions] of [
    [production, GUARD_EXCEPTIONS],
    [development, { ...GUARD_EXCEPTIONS, ...DEVELOPMENT_EXCEPTIONS }],
  ] as const)
    expect(findings.filter((f) => !(f.rule in exceptions) && f.plugin !== 'Construct Annotations')).toEqual([]);
  // An exception that nothing needs any more must go.
  const unneeded = (exceptions: object, of: Synthesized) =>
    Object.keys(exceptions).filter((rule) => !of.findings.some((f) => f.rule === rule));
  expect(unneeded(GUARD_EXCEPTIONS, production)).toEqual([]);
  expect(unneeded(DEVELOPMENT_EXCEPTIONS, development)).toEqual([]);
  for (const reason of Object.values({ ...GUARD_EXCEPTIONS, ...DEVELOPMENT_EXCEPTIONS }))
    expect(reason.length).toBeGreaterThan(20);
});

test('the checks can fail: a public bucket is found by all three', async () => {
  const { App, CloudFormationValidatePlugin, Stack, Validations } = await import('aws-cdk-lib');
  const { CfnBucket } = await import('aws-cdk-lib/aws-s3');
  const { AwsSolutionsChecks } = await import('cdk-nag');
  const { CfnGuardValidator } = await import('@cdklabs/cdk-validator-cfnguard');
  const { readFindings, synthQuietly, FLAGS } = await import('./synth.ts');
  const app = new App({ context: FLAGS });
  const bucket = new CfnBucket(new Stack(app, 'Bad'), 'Bucket', {
    publicAccessBlockConfiguration: { blockPublicAcls: false },
  });
  bucket.addPropertyOverride('NoSuchProperty', 1);
  Validations.of(app).addPlugins(
    new AwsSolutionsChecks(app),
    new CfnGuardValidator(),
    new CloudFormationValidatePlugin(),
  );
  const before = process.exitCode;
  const findings = readFindings(synthQuietly(app));
  process.exitCode = before;
  expect([...new Set(findings.map((f) => f.plugin))].sort()).toEqual([
    'AwsSolutions',
    'CloudFormation Validate',
    'cdk-validator-cfnguard',
  ]);
});

test('synth is deterministic, and inside the limits of CloudFormation', () => {
  // Image names are hashes of the sources, which somebody may be editing while this runs.
  const settled = (text: string) => text.replace(/(container-assets-[^"]+:)[0-9a-f]{64}/g, '$1hash');
  const again = synthesize(PRODUCTION, { checks: false });
  console.log(`synth: ${again.seconds.toFixed(1)} s`);
  expect(settled(again.text)).toBe(settled(production.text));
  expect(Object.keys((production.template as Any).Resources).length).toBeLessThan(400); // limit 500
  expect(Buffer.byteLength(JSON.stringify(production.template))).toBeLessThan(800_000); // limit 1 MB
  expect(Object.keys((production.template as Any).Outputs ?? {}).length).toBeLessThan(200);
});

test('no template holds a secret', () => {
  for (const { text } of [production, development]) {
    expect(text).not.toMatch(/BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}|"(password|secret|token)":\s*"[^"{]{8,}"/i);
    for (const name of ['REDIS_PASSWORD', 'TURN_SECRETS', 'API_KEYS'])
      expect(text).not.toMatch(new RegExp(`"Name":\\s*"${name}",\\s*"Value":`));
  }
  expect(all('AWS::ElastiCache::User')[0]?.properties.AuthenticationMode.Passwords[0]['Fn::Join'][1][0]).toBe(
    '{{resolve:secretsmanager:',
  );
});

test('three zones in production: subnets, NAT, cache, tasks, TURN; two and no NAT in development', () => {
  const zones = new Set(all('AWS::EC2::Subnet').map((s) => JSON.stringify(s.properties.AvailabilityZone)));
  expect(zones.size).toBe(3);
  expect(all('AWS::EC2::NatGateway')).toHaveLength(3);
  expect(all('AWS::EC2::NatGateway', development)).toHaveLength(0);
  for (const { properties } of all('AWS::AutoScaling::AutoScalingGroup'))
    expect(properties.VPCZoneIdentifier).toHaveLength(3);
  for (const service of all('AWS::ECS::Service').filter(
    (s) => s.properties.LaunchType === 'FARGATE' || s.properties.NetworkConfiguration,
  ))
    expect(service.properties.NetworkConfiguration.AwsvpcConfiguration.Subnets).toHaveLength(3);
  expect(all('AWS::EC2::FlowLog')).toHaveLength(1);
});

test('the cache is private, encrypted both ways, replicated, fails over, and each client has its own user', () => {
  const cache = one('AWS::ElastiCache::ReplicationGroup');
  expect(cache.properties).toMatchObject({
    Engine: 'valkey',
    ClusterMode: 'enabled',
    TransitEncryptionEnabled: true,
    TransitEncryptionMode: 'required',
    AtRestEncryptionEnabled: true,
    AutomaticFailoverEnabled: true,
    MultiAZEnabled: true,
    NumNodeGroups: 2,
    ReplicasPerNodeGroup: 2,
  });
  expect((cache.whole as Any).UpdatePolicy).toEqual({ UseOnlineResharding: true });
  const users = all('AWS::ElastiCache::User');
  expect(users.map((u) => u.properties.UserName).sort()).toEqual(['media-node', 'tandem', 'turn-node']);
  expect(new Set(users.map((u) => u.properties.UserId)).size).toBe(3);
  for (const name of ['turn', 'media']) {
    const rules = users.find((u) => u.properties.UserName === `${name}-node`)?.properties.AccessString;
    expect(rules).toContain(`~tandem:{${name}}:*`);
    expect(rules).not.toMatch(/allkeys|~\*|\+@all/);
  }
  const rules = all('AWS::EC2::SecurityGroupIngress').filter((r) =>
    JSON.stringify(r.properties.GroupId).includes('Cache'),
  );
  expect(rules).toHaveLength(4); // auth, signaling, TURN nodes, media nodes
  for (const rule of rules) expect(rule.properties.SourceSecurityGroupId).toBeDefined();
});

test('services: Graviton, health on liveness, rollback, drain that fits, zone rebalancing, read-only, not root', () => {
  const services = all('AWS::ECS::Service').filter((s) => /Auth|Signaling/.test(s.id));
  expect(services).toHaveLength(2);
  for (const { properties } of services) {
    expect(properties.DeploymentConfiguration).toMatchObject({
      MinimumHealthyPercent: 100,
      MaximumPercent: 200,
      DeploymentCircuitBreaker: { Enable: true, Rollback: true },
    });
    const alarms = properties.DeploymentConfiguration.Alarms;
    expect(alarms).toMatchObject({ Enable: true, Rollback: true });
    const watched = alarms.AlarmNames.map((name: Any) => all('AWS::CloudWatch::Alarm').find((a) => a.id === name.Ref));
    expect(watched.map((alarm: Any) => alarm?.properties.AlarmDescription.split(' Runbook')[0]).sort()).toEqual([
      'Targets fail their health check.',
      'Targets fail their health check.',
      'The services or the load balancer answer with 5xx.',
    ]);
    expect(properties.AvailabilityZoneRebalancing).toBe('ENABLED');
    expect(properties.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp).toBe('DISABLED');
  }
  for (const name of [/TopologyAuthTask/, /TopologySignalingTask/]) {
    const task = all('AWS::ECS::TaskDefinition').find((t) => name.test(t.id));
    expect(task?.properties.RuntimePlatform.CpuArchitecture).toBe('ARM64');
    const app = container(name, 'app');
    expect(app).toMatchObject({
      ReadonlyRootFilesystem: true,
      User: '10001:10001',
      StopTimeout: 120,
      LinuxParameters: { InitProcessEnabled: true },
      // Bad until the cache was reached once: a release that cannot is rolled back.
      HealthCheck: { StartPeriod: 120, Retries: 3 },
    });
    expect(app.HealthCheck.Command.join(' ')).toContain('/health/startup');
  }
  for (const group of all('AWS::ElasticLoadBalancingV2::TargetGroup').filter((g) => g.properties.Protocol === 'HTTP')) {
    expect(group.properties.HealthCheckPath).toBe('/health/live');
    const attributes = Object.fromEntries(group.properties.TargetGroupAttributes.map((a: Any) => [a.Key, a.Value]));
    expect(Number(attributes['deregistration_delay.timeout_seconds'])).toBeLessThanOrEqual(120);
    expect(attributes['stickiness.enabled']).toBe('false');
    expect(attributes['load_balancing.algorithm.type']).toBe('least_outstanding_requests');
  }
  const policies = all('AWS::ApplicationAutoScaling::ScalingPolicy').map(
    (p) => p.properties.TargetTrackingScalingPolicyConfiguration,
  );
  expect(policies.some((p) => p.CustomizedMetricSpecification?.MetricName === 'tandem_signaling_connections')).toBe(
    true,
  );
  for (const policy of policies) expect(policy.ScaleInCooldown).toBeGreaterThanOrEqual(600);
});

test('scale-in drops nobody: the drain fits the stop, the next one waits for it, and no task is protected from leaving', () => {
  const stop = container(/TopologySignalingTask/, 'app').StopTimeout * 1000;
  // Sockets move within this of SIGTERM; the sessions are in the cache, so what is left is a resume elsewhere.
  const moved = Number((Default(SignalingConfig, {}) as Any).RECONNECT_WITHIN_MS);
  expect(moved).toBeLessThanOrEqual(stop / 2);
  const group = all('AWS::ElasticLoadBalancingV2::TargetGroup').find(
    (g) => g.properties.Port === topology.signaling.port,
  );
  const attributes = Object.fromEntries(group?.properties.TargetGroupAttributes.map((a: Any) => [a.Key, a.Value]));
  expect(Number(attributes['deregistration_delay.timeout_seconds']) * 1000).toBeGreaterThan(moved);
  for (const { properties } of all('AWS::ApplicationAutoScaling::ScalingPolicy'))
    expect(properties.TargetTrackingScalingPolicyConfiguration.ScaleInCooldown * 1000).toBeGreaterThan(stop);
  // A protected task would stay for as long as one socket is open, and sockets never end by themselves.
  expect(JSON.stringify(all('AWS::IAM::Policy'))).not.toContain('UpdateTaskProtection');
  // A relay cannot move its calls, and a media node moves its rooms first: there the instance waits, renewing the hook.
  for (const { properties } of all('AWS::AutoScaling::LifecycleHook'))
    expect(properties.DefaultResult).toBe('CONTINUE');
});

test('TURN: public nodes, IMDSv2, no load balancer under UDP, quotas, denied peers, drain hook, rotation', () => {
  const template = oneOf('Turn', 'AWS::EC2::LaunchTemplate').properties.LaunchTemplateData;
  expect(template.MetadataOptions).toMatchObject({ HttpTokens: 'required', HttpPutResponseHopLimit: 1 });
  expect(template.NetworkInterfaces[0].AssociatePublicIpAddress).toBe(true);
  expect(template.BlockDeviceMappings[0].Ebs.Encrypted).toBe(true);
  const node = container(/TopologyTurnTask/, 'turn');
  const environment = Object.fromEntries(node.Environment.map((v: Any) => [v.Name, v.Value]));
  expect(environment.DENIED_PEERS.split(',')).toEqual(DENIED_PEERS);
  for (const range of [
    '10.0.0.0-',
    '172.16.0.0-',
    '192.168.0.0-',
    '169.254.0.0-',
    '127.0.0.0-',
    'fc00::-',
    'fe80::-',
    '100.64.0.0-',
  ])
    expect(environment.DENIED_PEERS).toContain(range);
  expect(Number(environment.USER_QUOTA)).toBeGreaterThan(0);
  expect(Number(environment.TOTAL_QUOTA)).toBeLessThan(16_384);
  expect(node).toMatchObject({ ReadonlyRootFilesystem: true, User: '10001:10001' });
  expect(oneOf('Turn', 'AWS::AutoScaling::LifecycleHook').properties).toMatchObject({
    LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
    LifecycleHookName: environment.LIFECYCLE_HOOK,
  });
  expect(
    one('AWS::SecretsManager::RotationSchedule').properties.RotationRules.ScheduleExpression ??
      one('AWS::SecretsManager::RotationSchedule').properties.RotationRules,
  ).toBeDefined();
  const listeners = all('AWS::ElasticLoadBalancingV2::Listener')
    .map((l) => `${l.properties.Protocol}:${l.properties.Port}`)
    .sort();
  expect(listeners).toEqual(['HTTP:80', 'TLS:443', 'TLS:5349']);
  const open = all('AWS::EC2::SecurityGroup')
    .find((g) => /TopologyTurnSecurityGroup/.test(g.id))
    ?.properties.SecurityGroupIngress.map((r: Any) => `${r.IpProtocol}:${r.FromPort}-${r.ToPort}`);
  expect(open).toEqual(['udp:3478-3478', 'tcp:3478-3478', 'udp:49152-65535']);
});

test('media: public nodes, IMDSv2, read-only, not root, drain hook, media ports alone', () => {
  const template = oneOf('Media', 'AWS::EC2::LaunchTemplate').properties.LaunchTemplateData;
  expect(template.MetadataOptions).toMatchObject({ HttpTokens: 'required', HttpPutResponseHopLimit: 1 });
  expect(template.NetworkInterfaces[0].AssociatePublicIpAddress).toBe(true);
  expect(template.BlockDeviceMappings[0].Ebs.Encrypted).toBe(true);
  const node = container(/TopologyMediaTask/, 'media');
  expect(node).toMatchObject({ ReadonlyRootFilesystem: true, User: '10001:10001' });
  const environment = Object.fromEntries(node.Environment.map((v: Any) => [v.Name, v.Value]));
  expect(oneOf('Media', 'AWS::AutoScaling::LifecycleHook').properties).toMatchObject({
    LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
    LifecycleHookName: environment.LIFECYCLE_HOOK,
  });
  // Under the names of service discovery, at the ports that the services' groups admit the nodes to.
  const found = all('AWS::ServiceDiscovery::PrivateDnsNamespace').map((n) => n.properties.Name);
  for (const name of ['auth', 'signaling'] as const) {
    const { port } = topology[name];
    const url = new URL(name === 'auth' ? environment.AUTH_URL : environment.SIGNALING_URL);
    expect([url.host, url.protocol]).toEqual([`${name}.${found[0]}:${port}`, name === 'auth' ? 'http:' : 'ws:']);
    expect(
      all('AWS::ServiceDiscovery::Service').some((s) => s.properties.Name === name) ||
        all('AWS::ECS::Service').some((s) => JSON.stringify(s.properties).includes(`"PortName":"${name}"`)),
    ).toBe(true);
    const admitted = all('AWS::EC2::SecurityGroupIngress').filter(
      ({ properties: p }) =>
        JSON.stringify(p.GroupId).includes(name === 'auth' ? 'TopologyAuth' : 'TopologySignaling') &&
        JSON.stringify(p.SourceSecurityGroupId).includes('TopologyMedia'),
    );
    expect(admitted.map(({ properties: p }) => [p.FromPort, p.ToPort])).toEqual([[port, port]]);
  }
});

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
  ).toEqual(['/auth*', '/.well-known*', '/ws*', '/reports*']);
  const acl = one('AWS::WAFv2::WebACL').properties;
  expect(
    acl.Rules.filter((r: Any) => r.Statement.RateBasedStatement).map(
      (r: Any) => r.Statement.RateBasedStatement.CustomKeys[0].Header.Name,
    ),
  ).toEqual(['x-viewer-network', 'x-viewer-network']);
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
    '/ws*',
    '/reports*',
  ]);
  for (const behavior of config.CacheBehaviors) {
    expect(behavior.CachePolicyId).toBe('4135ea2d-6df8-44a3-9df3-4b5a84be39ad'); // CachingDisabled
    expect(behavior.OriginRequestPolicyId).toBe('b689b0a8-53d0-40ab-baf2-68738e2966ac'); // AllViewerExceptHostHeader
  }
  expect(config.CustomErrorResponses).toBeUndefined();
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
  const code = viewerRequestCode('x-viewer-network');
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
  expect([
    run('/').uri,
    run('/help/').uri,
    run('/call').uri,
    run('/sw.js').uri,
    run('/auth/token').uri,
    run('/.well-known/jwks.json').uri,
  ]).toEqual(['/index.html', '/help/index.html', '/call.html', '/sw.js', '/auth/token', '/.well-known/jwks.json']);
});

test('least privilege: auth alone may use the key of the signing keys; every resource stands only where none is known', () => {
  const statements = all('AWS::IAM::Policy').flatMap((p) =>
    p.properties.PolicyDocument.Statement.map((s: Any) => ({ id: p.id, ...s })),
  );
  const signing = statements.filter((s: Any) => /SigningKeys/.test(JSON.stringify(s.Resource)));
  expect([...new Set(signing.flatMap((s: Any) => s.Action))].sort()).toEqual([
    'kms:Decrypt',
    'kms:GenerateDataKey',
    'secretsmanager:GetSecretValue',
    'secretsmanager:PutSecretValue',
  ]);
  for (const { id } of signing) expect(id).toMatch(/TopologyAuthTaskTaskRole/);
  for (const statement of statements)
    expect([statement.Action].flat().filter((a: string) => /^\*|:\*/.test(a))).toEqual([]);
  const anywhere = statements.filter((s: Any) => [s.Resource].flat().includes('*')).flatMap((s: Any) => s.Action);
  expect([...new Set(anywhere)].sort()).toEqual([
    // Reads of a node's instance about its group; Auto Scaling's reads know no resources.
    'autoscaling:DescribeAutoScalingGroups',
    'autoscaling:DescribeAutoScalingInstances',
    'autoscaling:DescribeScalingActivities',
    // CDK's bucket deployment does not name the distribution.
    'cloudfront:CreateInvalidation',
    'cloudfront:GetInvalidation',
    // These know no resources.
    'ecr:GetAuthorizationToken',
    'ecs:DiscoverPollEndpoint',
    // Of the cluster, by condition.
    'ecs:Poll',
    'ecs:StartTelemetrySession',
    // CDK's role of an ECS instance.
    'logs:CreateLogStream',
    'logs:PutLogEvents',
    'secretsmanager:GetRandomPassword',
  ]);
});

test('alarms: every one goes to the encrypted topic, or is half of one that does; each names its runbook', () => {
  const alarms = [...all('AWS::CloudWatch::Alarm'), ...all('AWS::CloudWatch::CompositeAlarm')];
  const rules = JSON.stringify(all('AWS::CloudWatch::CompositeAlarm').map((c) => c.properties.AlarmRule));
  const own = alarms.filter((a) => /Observability/.test(a.id));
  expect(own.length).toBeGreaterThan(20);
  for (const alarm of own) {
    if (alarm.properties.AlarmActions?.length) expect(alarm.properties.AlarmDescription).toSatisfy(runbookExists);
    else expect(rules).toContain(alarm.id);
  }
  const slow = own.find((alarm) => /ObservabilityCallSetupTime/.test(alarm.id))?.properties;
  expect(slow).toMatchObject({ Threshold: 3, ComparisonOperator: 'GreaterThanThreshold' });
  expect(slow.Metrics.map((m: Any) => m.MetricStat?.Metric.MetricName).filter(Boolean)).toEqual([
    'tandem_call_setup_seconds',
    'tandem_call_setup_seconds',
  ]);
  expect(JSON.stringify(container(/TopologySignalingTask/, 'collector'))).toContain('cumulativetodelta');
  const topic = one('AWS::SNS::Topic');
  expect(topic.properties.KmsMasterKeyId).toBeDefined();
  expect(all('AWS::CloudWatch::Dashboard').length).toBeGreaterThan(0);
  for (const alarm of all('AWS::CloudWatch::Alarm'))
    for (const metric of alarm.properties.Metrics ?? [])
      if (metric.MetricStat) expect(metric.MetricStat.Period).toBeLessThanOrEqual(86_400);
});

test('a template without a client build refuses to deploy, in one line that names the fix', () => {
  expect(JSON.stringify((development.template as Any).Rules)).toContain('npm run build -w @tandem/client');
  expect((production.template as Any).Rules?.TopologyWebClientClientIsBuilt).toBeUndefined();
});

test('data that must not be lost stays when the stack goes, in production', () => {
  const key = all('AWS::KMS::Key').find((k) => /SigningKeys/.test(k.id));
  expect(key?.whole.DeletionPolicy).toBe('Retain');
  expect(production.stack.terminationProtection).toBe(true);
});
