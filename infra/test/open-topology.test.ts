/** What the whole topology lets its user decide. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CloudFormationValidatePlugin, Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import * as sns from 'aws-cdk-lib/aws-sns';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, test } from 'vitest';
import { TopologyProfile, TopologyStack, WebRtcTopology, type WebRtcTopologyProps } from '../src/index.ts';
import { FLAGS, readFindings, synthQuietly } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
const resources = (template: Any): [string, Any][] => Object.entries(template.Resources);
const ofType = (template: Any, type: string): Any[] =>
  resources(template).flatMap(([, one]) => (one.Type === type ? [one.Properties] : []));
const image = ecs.ContainerImage.fromRegistry('example.com/image:1');
const images = { authImage: image, signalingImage: image, turnImage: image, canaryImage: image };

/** Template of a development topology with these properties, and what cdk-nag and the schemas find in it where they are asked. */
function topologyWith(
  props: (stack: TopologyStack) => WebRtcTopologyProps,
  checks: 'checked' | 'template only' = 'checked',
): { template: Any; findings: string[] } {
  const outdir = mkdtempSync(join(tmpdir(), 'tandem-open-'));
  const before = process.exitCode;
  try {
    const app = new App({ context: FLAGS, outdir });
    const stack = new TopologyStack(app, 'Own', { zones: 2 });
    new WebRtcTopology(stack, 'Calls', { profile: TopologyProfile.DEVELOPMENT, ...images, ...props(stack) });
    if (checks === 'checked')
      Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new CloudFormationValidatePlugin());
    const directory = synthQuietly(app);
    const findings = readFindings(directory)
      // The user's own VPC, cluster and topic are not ours; the two annotations say that this is a development stack without a build.
      .filter((one) => one.resource.startsWith('Own/Calls') && one.plugin !== 'Construct Annotations')
      .map((one) => JSON.stringify(one));
    return { template: JSON.parse(readFileSync(join(directory, 'Own.template.json'), 'utf8')), findings };
  } finally {
    process.exitCode = before;
    rmSync(outdir, { recursive: true, force: true });
  }
}

const subnets = (...types: ec2.SubnetType[]) =>
  types.map((subnetType) => ({ name: subnetType.toLowerCase(), subnetType }));
const { PUBLIC, PRIVATE_WITH_EGRESS, PRIVATE_ISOLATED } = ec2.SubnetType;

test('sizes, times, retention, HSTS and limits are taken as given', () => {
  const { template, findings } = topologyWith(() => ({
    cacheOptions: { nodeType: 'cache.r7g.large', replicasPerShard: 1, snapshotRetentionDays: 3 },
    serviceOptions: {
      cpu: 2048,
      memoryLimitMiB: 4096,
      stopTimeout: Duration.seconds(60),
      traces: true,
      remoteShell: true,
    },
    turnOptions: {
      instanceType: new ec2.InstanceType('c7gn.large'),
      nodeMbps: 3000,
      drainTimeout: Duration.minutes(30),
      totalQuota: 900,
      remoteShell: true,
    },
    monthlyEgressBudgetUsd: 300,
    logRetention: RetentionDays.THREE_DAYS,
    removalPolicy: RemovalPolicy.RETAIN,
    rateLimit: 5000,
    authRateLimit: 700,
    hsts: { maxAge: Duration.days(1), includeSubdomains: false, preload: false },
    webAclArn: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/a/1',
    privateDomainName: 'calls.internal',
  }));
  expect(findings).toEqual([]);
  expect(ofType(template, 'AWS::ElastiCache::ReplicationGroup')[0]).toMatchObject({
    CacheNodeType: 'cache.r7g.large',
    ReplicasPerNodeGroup: 1,
    SnapshotRetentionLimit: 3,
  });
  const tasks = ofType(template, 'AWS::ECS::TaskDefinition');
  const services = tasks.filter((task) => task.ContainerDefinitions.some((c: Any) => c.Name === 'app'));
  expect(services).toHaveLength(2);
  for (const task of services) {
    expect(task).toMatchObject({ Cpu: '2048', Memory: '4096' });
    expect(task.ContainerDefinitions.find((c: Any) => c.Name === 'app')).toMatchObject({ StopTimeout: 60 });
  }
  expect(ofType(template, 'AWS::EC2::LaunchTemplate')[0].LaunchTemplateData.InstanceType).toBe('c7gn.large');
  const [node] = tasks.flatMap((task) => task.ContainerDefinitions).filter((c: Any) => c.Name === 'turn');
  expect(node.Environment).toEqual(
    expect.arrayContaining([
      { Name: 'DRAIN_SECONDS', Value: '1800' },
      { Name: 'TOTAL_QUOTA', Value: '900' },
      { Name: 'NODE_MBPS', Value: '3000' },
    ]),
  );
  const groups = ofType(template, 'AWS::Logs::LogGroup');
  expect(groups.length).toBeGreaterThan(5);
  expect(new Set(groups.map((group) => group.RetentionInDays))).toEqual(new Set([3]));
  for (const [id, one] of resources(template).filter(([, r]) => r.Type === 'AWS::S3::Bucket'))
    expect(one.DeletionPolicy, id).toBe('Retain');
  const [headers] = ofType(template, 'AWS::CloudFront::ResponseHeadersPolicy');
  expect(headers.ResponseHeadersPolicyConfig.SecurityHeadersConfig.StrictTransportSecurity).toEqual({
    AccessControlMaxAgeSec: 86_400,
    IncludeSubdomains: false,
    Override: true,
    Preload: false,
  });
  const rules = ofType(template, 'AWS::WAFv2::WebACL')[0].Rules;
  expect(rules.flatMap((r: Any) => r.Statement.RateBasedStatement?.Limit ?? [])).toEqual([700, 5000, 90_000]);
  expect(ofType(template, 'AWS::CloudFront::Distribution')[0].DistributionConfig.WebACLId).toContain('webacl/a/1');
  expect(ofType(template, 'AWS::ServiceDiscovery::PrivateDnsNamespace')[0].Name).toBe('calls.internal');
  expect(JSON.stringify(template)).toContain('auth.calls.internal');
  expect(JSON.stringify(template)).not.toContain('tandem.internal');
});

test('undefined is not given: every default stays', () => {
  const nothing = {
    cacheOptions: { nodeType: undefined, replicasPerShard: undefined },
    serviceOptions: { cpu: undefined, memoryLimitMiB: undefined },
    turnOptions: { instanceType: undefined, nodeMbps: undefined },
    hsts: {},
    logRetention: undefined,
  };
  const template = (props: WebRtcTopologyProps) => topologyWith(() => props, 'template only').template;
  expect(template(nothing)).toEqual(template({}));
});

test('existing VPC, cluster and topic: none is made anew, and tasks run behind its NAT', () => {
  const { template, findings } = topologyWith((stack) => {
    const vpc = new ec2.Vpc(stack, 'Vpc', {
      subnetConfiguration: subnets(PUBLIC, PRIVATE_WITH_EGRESS, PRIVATE_ISOLATED),
    });
    return {
      vpc,
      cluster: new ecs.Cluster(stack, 'Cluster', { vpc }),
      alarmTopic: new sns.Topic(stack, 'Topic'),
      alarmEmails: ['oncall@example.com'],
    };
  });
  expect(findings).toEqual([]);
  expect(ofType(template, 'AWS::EC2::VPC')).toHaveLength(1);
  // The fleet has a cluster of its own, whose instances are its nodes.
  expect(ofType(template, 'AWS::ECS::Cluster')).toHaveLength(2);
  expect(ofType(template, 'AWS::SNS::Topic')).toHaveLength(1);
  for (const service of ofType(template, 'AWS::ECS::Service').filter((one) => one.NetworkConfiguration)) {
    const { AssignPublicIp, Subnets } = service.NetworkConfiguration.AwsvpcConfiguration;
    expect(AssignPublicIp).toBe('DISABLED');
    expect(JSON.stringify(Subnets)).toContain('private');
  }
  expect(JSON.stringify(ofType(template, 'AWS::ElastiCache::SubnetGroup'))).toContain('isolated');
});

test('a VPC without NAT: tasks have addresses of their own; the cache takes private subnets where none are isolated', () => {
  const noNat = topologyWith(
    (stack) => ({
      vpc: new ec2.Vpc(stack, 'Vpc', { natGateways: 0, subnetConfiguration: subnets(PUBLIC, PRIVATE_ISOLATED) }),
    }),
    'template only',
  ).template;
  for (const service of ofType(noNat, 'AWS::ECS::Service').filter((one) => one.NetworkConfiguration))
    expect(service.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp).toBe('ENABLED');
  const noIsolated = topologyWith(
    (stack) => ({
      vpc: new ec2.Vpc(stack, 'Vpc', { subnetConfiguration: subnets(PUBLIC, PRIVATE_WITH_EGRESS) }),
    }),
    'template only',
  ).template;
  expect(ofType(noIsolated, 'AWS::ElastiCache::SubnetGroup')[0].SubnetIds).toHaveLength(2);
});

test('an existing cache: none is made, each part logs in as its own user and is let in', () => {
  const { template, findings } = topologyWith((stack) => {
    const vpc = new ec2.Vpc(stack, 'Vpc', { subnetConfiguration: subnets(PUBLIC, PRIVATE_WITH_EGRESS) });
    const group = new ec2.SecurityGroup(stack, 'Cache', { vpc });
    const connections = new ec2.Connections({ securityGroups: [group], defaultPort: ec2.Port.tcp(6380) });
    const user = (name: string) => ({
      url: 'rediss+cluster://cache.example.com:6380',
      secret: Secret.fromSecretNameV2(stack, name, name),
      connections,
    });
    return { vpc, existingCache: { services: user('services'), turnNodes: user('turn-nodes') } };
  });
  expect(findings).toEqual([]);
  expect(resources(template).filter(([, one]) => /ElastiCache/.test(one.Type))).toEqual([]);
  const ingress = ofType(template, 'AWS::EC2::SecurityGroupIngress').filter((one) => one.FromPort === 6380);
  expect(ingress.map((one) => one.Description).sort()).toEqual([
    'TURN node to directory',
    'auth to cache',
    'signaling to cache',
  ]);
  const users = ofType(template, 'AWS::ECS::TaskDefinition')
    .flatMap((task) => task.ContainerDefinitions)
    .flatMap((c: Any) =>
      (c.Secrets ?? [])
        .filter((s: Any) => s.Name === 'REDIS_PASSWORD')
        .map((s: Any) => `${c.Name} ${JSON.stringify(s.ValueFrom)}`),
    );
  expect(users).toHaveLength(3);
  for (const user of users) expect(user).toContain(user.startsWith('turn') ? 'turn-nodes' : 'services');
  expect(ofType(template, 'AWS::CloudWatch::Alarm').filter((one) => one.Namespace === 'AWS/ElastiCache')).toEqual([]);
});
