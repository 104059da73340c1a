/** The whole topology, both profiles: every check, and what holds for all of it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DEVELOPMENT_EXCEPTIONS, GUARD_EXCEPTIONS } from './guard-exceptions.ts';
import { circleIn, resourcesOf, waitsFor } from './resources.ts';
import { PRODUCTION, type Synthesized, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;

const production = synthesize(PRODUCTION);
const development = synthesize({ profile: 'development' });
console.log(
  `synth with all checks: production ${production.seconds.toFixed(1)} s, development ${development.seconds.toFixed(1)} s`,
);

/** What the command line of CDK prints of a construct: annotations, also those that no report holds. */
const SAID = ['aws:cdk:info', 'aws:cdk:warning', 'aws:cdk:error'];
const { all, one, container } = resourcesOf(production);
const runbookExists = (text: string) => {
  const page = /Runbook: (docs\/runbooks\/[\w-]+\.md)/.exec(text)?.[1];
  return page !== undefined && existsSync(join(import.meta.dirname, '../..', page));
};

/** What an update replaces while calls go on: the part of a service, instances or files. Each has a place in the order. */
const REPLACED: Readonly<Record<string, RegExp>> = {
  'AWS::ECS::Service': /^Topology(Auth|Signaling|Hooks|Captions|Media|Turn)/,
  'AWS::AutoScaling::AutoScalingGroup': /^Topology(Media|Turn)/,
  'Custom::CDKBucketDeployment': /^TopologyWebClient(Pages|Hashed)/,
};
/** Which parts are new before this one begins, as docs/deployment-and-testing.md and CHANGELOG.md say; no other part waits, and a part not for itself. */
const ORDER: Readonly<Record<string, readonly string[]>> = {
  Auth: [],
  Captions: [],
  Hooks: [],
  Media: [],
  Turn: [],
  Signaling: ['Hooks', 'Media'],
  Hashed: [],
  Pages: ['Auth', 'Captions', 'Hashed', 'Hooks', 'Media', 'Signaling'],
};

test('an update comes to each part in the order that the documentation says, and what has no place in it is refused', () => {
  for (const { template } of [production, development]) {
    const resources = (template as Any).Resources;
    const parts = new Map<string, string>();
    for (const [id, { Type }] of Object.entries<Any>(resources))
      if (Type in REPLACED) parts.set(id, REPLACED[Type]?.exec(id)?.[1] ?? `no place for ${id}`);
    const there = new Set(parts.values());
    for (const [id, part] of parts) {
      const waited = [...waitsFor(resources, id)].flatMap((one) => parts.get(one) ?? []);
      expect([...new Set(waited)].filter((one) => one !== part).sort(), part).toEqual(
        ORDER[part]?.filter((one) => there.has(one)),
      );
      // A node's instances are new before their service, which they take over from the one before.
      if (['Media', 'Turn'].includes(part) && resources[id].Type === 'AWS::ECS::Service')
        expect(waited).toContain(part);
    }
  }
  const of = (synthesized: Synthesized) => all('AWS::ECS::Service', synthesized).length;
  expect([of(production), of(development)]).toEqual([6, 3]);
});

test('cdk-nag AwsSolutions, cfn-guard and the CloudFormation schemas find nothing', () => {
  for (const [{ findings }, exceptions] of [
    [production, GUARD_EXCEPTIONS],
    [development, { ...GUARD_EXCEPTIONS, ...DEVELOPMENT_EXCEPTIONS }],
  ] as const)
    expect(findings.filter((f) => !(f.rule in exceptions))).toEqual([]);
  for (const { stack } of [production, development]) {
    const said = stack.node.findAll().flatMap(({ node }) => node.metadata.filter(({ type }) => SAID.includes(type)));
    expect(said.map(({ data }) => data)).toEqual([]);
  }
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

test('no resource waits for itself: CloudFormation refuses a circle, and cdk synth does not look for one', () => {
  for (const { template } of [production, development]) expect(circleIn((template as Any).Resources)).toEqual([]);
  const circle = { A: { Properties: { Name: { 'Fn::Sub': 'x-${B.Arn}' } } }, B: { DependsOn: 'A' } };
  expect(circleIn(circle)).toEqual(['A', 'B', 'A']);
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
    // Reads of the group that CloudFront leaves in the VPC; EC2's reads know no resources.
    'ec2:DescribeSecurityGroups',
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
  const unbuilt = synthesize({ profile: 'development' }, { built: false, checks: false });
  expect(JSON.stringify((unbuilt.template as Any).Rules)).toContain('npm run build -w @tandem/client');
  expect((production.template as Any).Rules?.TopologyWebClientClientIsBuilt).toBeUndefined();
});

test('data that must not be lost stays when the stack goes, in production', () => {
  const key = all('AWS::KMS::Key').find((k) => /SigningKeys/.test(k.id));
  expect(key?.whole.DeletionPolicy).toBe('Retain');
  expect(production.stack.terminationProtection).toBe(true);
});
