/**
 * Each option of the whole topology comes to where AWS reads it: one topology with all of them, each with a value that no other one has. An option that
 * is not in this table fails.
 */
import { App, Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Key } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { expect, test } from 'vitest';
import { TopologyProfile, TopologyStack, WebRtcTopology, type WebRtcTopologyProps } from '../src/index.ts';
import { KNOWN_PROPS } from '../src/known-props.ts';
import { FLAGS } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;

/** Options whose effect another test holds. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  profile: 'topology.test.ts',
  clientBuild: 'page-settings.test.ts',
  clientConfig: 'page-settings.test.ts',
  vpc: 'open-topology.test.ts',
  cluster: 'open-topology.test.ts',
  existingCache: 'open-topology.test.ts',
  alarmTopic: 'open-topology.test.ts',
};

const app = new App({ context: FLAGS });
const stack = new TopologyStack(app, 'Own', { zones: 4 });
/** Of another party, so it is taken by digest alone. */
const RECOGNIZER = `example.com/recognizer@sha256:${'ab'.repeat(32)}`;
const image = (name: string) => ecs.ContainerImage.fromRegistry(`example.com/${name}:1`);
const secret = (name: string) => Secret.fromSecretNameV2(stack, name, name);
const certificate = (name: string) =>
  Certificate.fromCertificateArn(stack, name, `arn:aws:acm:us-east-1:111122223333:certificate/${name}`);
const key = (name: string) => Key.fromKeyArn(stack, name, `arn:aws:kms:eu-west-1:111122223333:key/${name}`);
const webAclArn = 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/own/1';
const at = (time: string, min: number) => [{ time, min, max: min + 3 }];

const GIVEN = {
  profile: TopologyProfile.PRODUCTION,
  domain: {
    domainName: 'eu.calls.example.com',
    certificate: certificate('of-page'),
    regionalCertificate: certificate('of-region'),
    hostedZone: HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z1', zoneName: 'example.com' }),
    sharedDomainName: 'calls.example.com',
  },
  zones: 4,
  access: 'api-key,oidc',
  apiKeys: secret('api-keys'),
  authEnvironment: { OIDC_ISSUER: 'https://login.example.com', OIDC_AUDIENCE: 'calls' },
  signalingEnvironment: { MAX_CONNECTIONS: '4321' },
  authImage: image('auth'),
  signalingImage: image('signaling'),
  hooksImage: image('hooks'),
  captionsImage: image('captions'),
  turnImage: image('turn'),
  mediaImage: image('media'),
  packagerImage: image('packager'),
  composerImage: image('composer'),
  canaryApiKey: secret('canary-key'),
  canaryImage: image('canary'),
  collectorImage: image('collector'),
  cacheShards: 3,
  cachePasswordGeneration: 2,
  privateDomainName: 'calls.internal',
  cacheOptions: {
    nodeType: 'cache.r7g.xlarge',
    replicasPerShard: 4,
    engineVersion: '7.2',
    snapshotRetentionDays: 5,
    encryptionKey: key('99999999-2222-3333-4444-555555555555'),
  },
  serviceOptions: {
    cpu: 2048,
    memoryLimitMiB: 5120,
    stopTimeout: Duration.seconds(61),
    targetCpuPercent: 37,
    schedules: at('07:11', 6),
    remoteShell: true,
    traces: true,
  },
  turnOptions: {
    instanceType: new ec2.InstanceType('c7gn.xlarge'),
    schedules: at('07:22', 5),
    nodeMbps: 2777,
    memoryLimitMiB: 1777,
    drainTimeout: Duration.minutes(31),
    remoteShell: true,
    maxBytesPerSecond: 333_333,
    userQuota: 17,
    totalQuota: 777,
    secretRotation: Duration.days(21),
  },
  events: true,
  eventsOptions: {
    cpu: 512,
    memoryLimitMiB: 3072,
    minTasks: 3,
    maxTasks: 7,
    webhookKey: secret('webhook-key'),
    apiRequestsPerSecond: 77,
    maxStreams: 66,
    queues: [Queue.fromQueueArn(stack, 'Queue', 'arn:aws:sqs:eu-west-1:111122223333:events.fifo')],
    environment: { LOG_LEVEL: 'debug' },
  },
  captions: {
    recognizerImage: ecs.ContainerImage.fromRegistry(RECOGNIZER),
    language: 'de',
    recognizers: { fr: 'wss://speech.example.org/fr' },
    cpu: 4096,
    memoryLimitMiB: 17_408,
    minTasks: 4,
    maxTasks: 8,
    maxSpeakers: 22,
    environment: { SPEAKERS_PER_USER: '4' },
  },
  createRooms: 'api',
  apiRequestsPerSecond: 55,
  mediaNodes: 3,
  maxMediaNodes: 11,
  packagers: 2,
  recordings: true,
  recordingsOptions: { retention: Duration.days(9), cpu: 4096, memoryLimitMiB: 9216, disk: Size.gibibytes(61) },
  mediaOptions: {
    instanceType: new ec2.InstanceType('c7gn.2xlarge'),
    schedules: at('07:33', 4),
    nodeMbps: 1888,
    memoryLimitMiB: 5555,
    drainTimeout: Duration.minutes(7),
    remoteShell: true,
    maxLegs: 501,
    maxPublishers: 44,
  },
  logRetention: RetentionDays.THREE_DAYS,
  removalPolicy: RemovalPolicy.DESTROY,
  webAclArn,
  monthlyEgressBudgetUsd: 321,
  interfaceEndpoints: true,
  rateLimit: 5432,
  authRateLimit: 765,
  hsts: { maxAge: Duration.days(11), includeSubdomains: false, preload: false },
  signalingTasks: 5,
  maxSignalingTasks: 9,
  turnNodes: 4,
  maxTurnNodes: 13,
  alarmEmails: ['oncall@example.com'],
} satisfies WebRtcTopologyProps;

new WebRtcTopology(stack, 'Calls', GIVEN);
const given: Readonly<Record<string, Any>> = Template.fromStack(stack).toJSON().Resources;
/** Those that are looked at: of the topology with every option, or of one without. */
let resources = given;

/** Resources of a type of one part, or of all. */
const of = (type: string, part = ''): Any[] =>
  Object.entries(resources).flatMap(([id, one]) => (one.Type === type && id.startsWith(`Calls${part}`) ? [one] : []));
const task = (part: string): Any => of('AWS::ECS::TaskDefinition', part)[0].Properties;
const container = (part: string, name = 'app'): Any =>
  task(part).ContainerDefinitions.find((c: Any) => c.Name === name);
const setting = (part: string, variable: string, name?: string) =>
  container(part, name).Environment.find((v: Any) => v.Name === variable)?.Value;
const secretOf = (part: string, variable: string) =>
  JSON.stringify(container(part).Secrets.find((v: Any) => v.Name === variable));
const only = (type: string, part = ''): Any => {
  const found = of(type, part);
  expect(found, `${type} of ${part}`).toHaveLength(1);
  return found[0].Properties;
};
const group = (part: string) => only('AWS::AutoScaling::AutoScalingGroup', part);
const template = (part: string) => only('AWS::EC2::LaunchTemplate', part).LaunchTemplateData;
const target = (part: string) => only('AWS::ApplicationAutoScaling::ScalableTarget', part);
const cache = () => only('AWS::ElastiCache::ReplicationGroup');
const services = ['Auth', 'Signaling'];
const scheduled = (part: string) => only('AWS::AutoScaling::ScheduledAction', part);
const hasShell = (part: string) =>
  JSON.stringify(only('AWS::IAM::Role', `${part}InstanceRole`)).includes('AmazonSSMManagedInstanceCore');
const limits = () =>
  of('AWS::WAFv2::WebACL').flatMap((one) =>
    one.Properties.Rules.flatMap((r: Any) => r.Statement.RateBasedStatement?.Limit ?? []),
  );
const hsts = () =>
  only('AWS::CloudFront::ResponseHeadersPolicy').ResponseHeadersPolicyConfig.SecurityHeadersConfig
    .StrictTransportSecurity;
const distribution = () => only('AWS::CloudFront::Distribution').DistributionConfig;
const text = (value: unknown) => JSON.stringify(value);

/** What stands where AWS reads the option, and what it has to be. */
const SEEN: Readonly<Record<string, () => readonly [found: unknown, is: unknown]>> = {
  'domain.domainName': () => [distribution().Aliases, ['eu.calls.example.com']],
  'domain.certificate': () => [text(distribution().ViewerCertificate), expect.stringContaining('certificate/of-page')],
  'domain.regionalCertificate': () => [
    text(of('AWS::ElasticLoadBalancingV2::Listener', 'Turn').map((one) => one.Properties.Certificates)),
    expect.stringContaining('certificate/of-region'),
  ],
  'domain.hostedZone': () => [
    new Set(of('AWS::Route53::RecordSet').map((one) => one.Properties.HostedZoneId)),
    new Set(['Z1']),
  ],
  'domain.sharedDomainName': () => [only('AWS::ApiGateway::DomainName').DomainName, 'calls.example.com'],
  zones: () => [of('AWS::EC2::NatGateway').length, 4],
  access: () => [setting('Auth', 'ACCESS'), 'api-key,oidc'],
  apiKeys: () => [secretOf('Auth', 'API_KEYS'), expect.stringContaining('secret:api-keys')],
  authEnvironment: () => [setting('Auth', 'OIDC_ISSUER'), 'https://login.example.com'],
  signalingEnvironment: () => [setting('Signaling', 'MAX_CONNECTIONS'), '4321'],
  authImage: () => [container('Auth').Image, 'example.com/auth:1'],
  signalingImage: () => [container('Signaling').Image, 'example.com/signaling:1'],
  captionsImage: () => [container('Captions').Image, 'example.com/captions:1'],
  hooksImage: () => [container('Hooks').Image, 'example.com/hooks:1'],
  turnImage: () => [container('Turn', 'turn').Image, 'example.com/turn:1'],
  mediaImage: () => [container('Media', 'media').Image, 'example.com/media:1'],
  packagerImage: () => [container('Media', 'packager').Image, 'example.com/packager:1'],
  composerImage: () => [task('Recordings').ContainerDefinitions[0].Image, 'example.com/composer:1'],
  canaryApiKey: () => [
    text(task('Canary').ContainerDefinitions[0].Secrets),
    expect.stringContaining('secret:canary-key'),
  ],
  canaryImage: () => [task('Canary').ContainerDefinitions[0].Image, 'example.com/canary:1'],
  collectorImage: () => [
    ['Auth', 'Signaling', 'Hooks', 'Captions'].map((part) => container(part, 'collector').Image),
    Array(4).fill('example.com/collector:1'),
  ],
  cacheShards: () => [cache().NumNodeGroups, 3],
  cachePasswordGeneration: () => [
    new Set(of('AWS::ElastiCache::User', 'Cache').map((one) => one.Properties.AuthenticationMode.Passwords?.length)),
    new Set([2]),
  ],
  privateDomainName: () => [only('AWS::ServiceDiscovery::PrivateDnsNamespace').Name, 'calls.internal'],
  'cacheOptions.nodeType': () => [cache().CacheNodeType, 'cache.r7g.xlarge'],
  'cacheOptions.replicasPerShard': () => [cache().ReplicasPerNodeGroup, 4],
  'cacheOptions.engineVersion': () => [cache().EngineVersion, '7.2'],
  'cacheOptions.snapshotRetentionDays': () => [cache().SnapshotRetentionLimit, 5],
  'cacheOptions.encryptionKey': () => [text(cache().KmsKeyId), expect.stringContaining('99999999-2222')],
  'serviceOptions.cpu': () => [services.map((part) => task(part).Cpu), ['2048', '2048']],
  'serviceOptions.memoryLimitMiB': () => [services.map((part) => task(part).Memory), ['5120', '5120']],
  'serviceOptions.stopTimeout': () => [services.map((part) => container(part).StopTimeout), [61, 61]],
  'serviceOptions.targetCpuPercent': () => [
    services.map(
      (part) =>
        of('AWS::ApplicationAutoScaling::ScalingPolicy', part)
          .map((one) => one.Properties.TargetTrackingScalingPolicyConfiguration)
          .find((one) => one.PredefinedMetricSpecification?.PredefinedMetricType === 'ECSServiceAverageCPUUtilization')
          ?.TargetValue,
    ),
    [37, 37],
  ],
  'serviceOptions.schedules': () => [
    services.map((part) => target(part).ScheduledActions?.map((one: Any) => one.ScalableTargetAction.MinCapacity)),
    [[6], [6]],
  ],
  'serviceOptions.remoteShell': () => [
    services.map((part) => only('AWS::ECS::Service', part).EnableExecuteCommand),
    [true, true],
  ],
  'serviceOptions.traces': () => [
    services.map((part) => text(container(part, 'collector').Environment).includes('otlphttp')),
    [true, true],
  ],
  'turnOptions.instanceType': () => [template('Turn').InstanceType, 'c7gn.xlarge'],
  'turnOptions.schedules': () => [scheduled('Turn').MinSize, 5],
  'turnOptions.nodeMbps': () => [setting('Turn', 'NODE_MBPS', 'turn'), '2777'],
  'turnOptions.memoryLimitMiB': () => [container('Turn', 'turn').Memory, 1777],
  'turnOptions.drainTimeout': () => [setting('Turn', 'DRAIN_SECONDS', 'turn'), '1860'],
  'turnOptions.remoteShell': () => [hasShell('Turn'), true],
  'turnOptions.maxBytesPerSecond': () => [setting('Turn', 'MAX_BYTES_PER_SECOND', 'turn'), '333333'],
  'turnOptions.userQuota': () => [setting('Turn', 'USER_QUOTA', 'turn'), '17'],
  'turnOptions.totalQuota': () => [setting('Turn', 'TOTAL_QUOTA', 'turn'), '777'],
  'turnOptions.secretRotation': () => [
    text(only('AWS::SecretsManager::RotationSchedule').RotationRules),
    expect.stringContaining('21 days'),
  ],
  events: () => [setting('Signaling', 'EVENTS'), 'true'],
  'eventsOptions.cpu': () => [task('Hooks').Cpu, '512'],
  'eventsOptions.memoryLimitMiB': () => [task('Hooks').Memory, '3072'],
  'eventsOptions.minTasks': () => [target('Hooks').MinCapacity, 3],
  'eventsOptions.maxTasks': () => [target('Hooks').MaxCapacity, 7],
  'eventsOptions.webhookKey': () => [secretOf('Hooks', 'WEBHOOK_KEY'), expect.stringContaining('secret:webhook-key')],
  'eventsOptions.apiRequestsPerSecond': () => [setting('Hooks', 'API_REQUESTS_PER_SECOND'), '77'],
  'eventsOptions.maxStreams': () => [setting('Hooks', 'MAX_STREAMS'), '66'],
  'eventsOptions.queues': () => [text(setting('Hooks', 'EVENT_QUEUES')), expect.stringContaining('events.fifo')],
  'eventsOptions.environment': () => [setting('Hooks', 'LOG_LEVEL'), 'debug'],
  'captions.recognizerImage': () => [container('Captions', 'recognizer').Image, RECOGNIZER],
  'captions.language': () => [setting('Captions', 'CAPTIONS_RECOGNIZERS'), expect.stringMatching(/^de=ws:/)],
  'captions.recognizers': () => [
    setting('Captions', 'CAPTIONS_RECOGNIZERS'),
    expect.stringMatching(/,fr=wss:\/\/speech\.example\.org\/fr$/),
  ],
  'captions.cpu': () => [task('Captions').Cpu, '4096'],
  'captions.memoryLimitMiB': () => [task('Captions').Memory, '17408'],
  'captions.minTasks': () => [target('Captions').MinCapacity, 4],
  'captions.maxTasks': () => [target('Captions').MaxCapacity, 8],
  'captions.maxSpeakers': () => [setting('Captions', 'MAX_SPEAKERS'), '22'],
  'captions.environment': () => [setting('Captions', 'SPEAKERS_PER_USER'), '4'],
  createRooms: () => [setting('Signaling', 'CREATE_ROOMS'), 'api'],
  apiRequestsPerSecond: () => [setting('Signaling', 'API_REQUESTS_PER_SECOND'), '55'],
  mediaNodes: () => [group('Media').MinSize, '3'],
  maxMediaNodes: () => [group('Media').MaxSize, '11'],
  packagers: () => [setting('Media', 'MAX_PACKAGERS', 'media'), '2'],
  recordings: () => [text(setting('Signaling', 'RECORDINGS')), expect.stringContaining('s3://')],
  'recordingsOptions.retention': () => [
    of('AWS::S3::Bucket', 'Recordings').flatMap((one) =>
      one.Properties.LifecycleConfiguration.Rules.flatMap((r: Any) => r.ExpirationInDays ?? []),
    ),
    expect.arrayContaining([9]),
  ],
  'recordingsOptions.cpu': () => [task('Recordings').Cpu, '4096'],
  'recordingsOptions.memoryLimitMiB': () => [task('Recordings').Memory, '9216'],
  'recordingsOptions.disk': () => [task('Recordings').EphemeralStorage.SizeInGiB, 61],
  'mediaOptions.instanceType': () => [template('Media').InstanceType, 'c7gn.2xlarge'],
  'mediaOptions.schedules': () => [scheduled('Media').MinSize, 4],
  'mediaOptions.nodeMbps': () => [setting('Media', 'NODE_MBPS', 'media'), '1888'],
  'mediaOptions.memoryLimitMiB': () => [container('Media', 'media').Memory, 5555],
  'mediaOptions.drainTimeout': () => [setting('Media', 'DRAIN_SECONDS', 'media'), '420'],
  'mediaOptions.remoteShell': () => [hasShell('Media'), true],
  'mediaOptions.maxLegs': () => [setting('Media', 'MAX_LEGS', 'media'), '501'],
  'mediaOptions.maxPublishers': () => [setting('Media', 'MAX_PUBLISHERS', 'media'), '44'],
  logRetention: () => [new Set(of('AWS::Logs::LogGroup').map((one) => one.Properties.RetentionInDays)), new Set([3])],
  removalPolicy: () => [
    [
      ...of('AWS::S3::Bucket'),
      ...of('AWS::KMS::Key', 'SigningKeys'),
      ...of('AWS::SecretsManager::Secret', 'SigningKeys'),
    ].map((one) => one.DeletionPolicy),
    Array(5).fill('Delete'),
  ],
  webAclArn: () => [distribution().WebACLId, webAclArn],
  monthlyEgressBudgetUsd: () => [only('AWS::Budgets::Budget').Budget.BudgetLimit.Amount, 321],
  interfaceEndpoints: () => [
    of('AWS::EC2::VPCEndpoint').filter((one) => one.Properties.VpcEndpointType === 'Interface').length > 2,
    true,
  ],
  rateLimit: () => [limits(), expect.arrayContaining([5432])],
  authRateLimit: () => [limits(), expect.arrayContaining([765])],
  'hsts.maxAge': () => [hsts().AccessControlMaxAgeSec, 11 * 86_400],
  'hsts.includeSubdomains': () => [hsts().IncludeSubdomains, false],
  'hsts.preload': () => [hsts().Preload, false],
  signalingTasks: () => [target('Signaling').MinCapacity, 5],
  maxSignalingTasks: () => [target('Signaling').MaxCapacity, 9],
  turnNodes: () => [group('Turn').MinSize, '4'],
  maxTurnNodes: () => [group('Turn').MaxSize, '13'],
  alarmEmails: () => [only('AWS::SNS::Subscription').Endpoint, 'oncall@example.com'],
};

const INNER = {
  domain: KNOWN_PROPS.DomainProps,
  cacheOptions: KNOWN_PROPS.CacheOptions,
  serviceOptions: KNOWN_PROPS.ServiceOptions,
  turnOptions: KNOWN_PROPS.TurnOptions,
  eventsOptions: KNOWN_PROPS.EventsOptions,
  captions: KNOWN_PROPS.CaptionsOptions,
  recordingsOptions: KNOWN_PROPS.RecordingsOptions,
  mediaOptions: KNOWN_PROPS.MediaOptions,
  hsts: KNOWN_PROPS.HstsOptions,
} as const;
const namesIn = (props: string) => props.split('; ').map((one) => one.split(/\??: /)[0] ?? '');

test('every option has a place where it is seen', () => {
  const all = namesIn(KNOWN_PROPS.WebRtcTopologyProps).flatMap((name) => {
    const inner = INNER[name as keyof typeof INNER];
    return inner === undefined ? [name] : namesIn(inner).map((one) => `${name}.${one}`);
  });
  expect([...Object.keys(SEEN), ...Object.keys(ELSEWHERE)].sort()).toEqual(all.sort());
  // Of the two, each is given here, or not at all.
  const named = Object.entries<Any>(GIVEN).flatMap(([name, value]) =>
    name in INNER ? Object.keys(value).map((one) => `${name}.${one}`) : [name],
  );
  expect(named.filter((name) => !(name in SEEN) && !(name in ELSEWHERE))).toEqual([]);
  expect(Object.keys(SEEN).filter((name) => !named.includes(name))).toEqual([]);
});

test.each(Object.entries(SEEN))('%s is seen by AWS', (_, seen) => {
  const [found, is] = seen();
  expect(found).toEqual(is);
});

test('none of it is what AWS gets without the option', () => {
  const bare = new TopologyStack(new App({ context: FLAGS }), 'Bare');
  const other = image('other');
  const images = { authImage: other, signalingImage: other, turnImage: other, canaryImage: other };
  const [one, two] = [certificate('bare'), certificate('bare-region')];
  const domain = { domainName: 'other.example.com', certificate: one, regionalCertificate: two };
  const canaryApiKey = secret('bare-key');
  new WebRtcTopology(bare, 'Calls', {
    profile: TopologyProfile.PRODUCTION,
    access: 'open',
    domain,
    canaryApiKey,
    ...images,
  });
  resources = Template.fromStack(bare).toJSON().Resources;
  const same = Object.entries(SEEN).flatMap(([name, seen]) => {
    try {
      const [found, is] = seen();
      expect(found).toEqual(is);
      return [name];
    } catch {
      return [];
    }
  });
  resources = given;
  expect(same).toEqual([]);
});
