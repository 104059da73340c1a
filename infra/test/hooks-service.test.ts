/** The events service on AWS: where it may go, what it may read, who reaches it; and by itself, outside of our topology. */
import { App, type CfnElement } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { expect, test } from 'vitest';
import { HooksService, Network, TopologyStack, WebRtcTopology } from '../src/index.ts';
import { TopologyProfile } from '../src/profile.ts';
import { topology } from '../topology/index.ts';
import { allows, rolePolicies } from './policy.ts';
import { resourcesOf } from './resources.ts';
import { PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
const production = synthesize(PRODUCTION, { checks: false });
const { all, container } = resourcesOf(production);
const image = ecs.ContainerImage.fromRegistry('example.com/image:1');
const jwksUrl = 'https://calls.example.com/.well-known/jwks.json';
const cache = { url: 'rediss+cluster://cache.example.com:6379' };

test('two tasks at least, over private subnets of three zones; its paths go before the rest of /v1', () => {
  const service = all('AWS::ECS::Service').find(({ id }) => id.includes('Hooks'))?.properties;
  expect(service.AvailabilityZoneRebalancing).toBe('ENABLED');
  const { AssignPublicIp, Subnets } = service.NetworkConfiguration.AwsvpcConfiguration;
  expect([AssignPublicIp, Subnets.length]).toEqual(['DISABLED', 3]);
  const target = all('AWS::ApplicationAutoScaling::ScalableTarget').find(({ id }) => id.includes('Hooks'));
  expect(target?.properties).toMatchObject({ MinCapacity: 2, MaxCapacity: 20 });
  const rules = all('AWS::ElasticLoadBalancingV2::ListenerRule').map(({ properties }) => ({
    priority: properties.Priority as number,
    paths: properties.Conditions[0].PathPatternConfig.Values as string[],
  }));
  const priority = (path: string) => rules.find(({ paths }) => paths.includes(path))?.priority;
  for (const route of topology.hooks.routes) expect(priority(`${route}*`)).toBeLessThan(priority('/v1*') as number);
});

test('no secret is a variable: the key and the credentials come from Secrets Manager; signaling writes events', () => {
  const app = container(/TopologyHooksTask/, 'app');
  expect(app.Secrets.map((one: Any) => one.Name).sort()).toEqual(['REDIS_PASSWORD', 'REDIS_USERNAME', 'WEBHOOK_KEY']);
  const variables = Object.fromEntries(app.Environment.map((one: Any) => [one.Name, one.Value]));
  expect(Object.keys(variables).sort()).toEqual([
    'JWKS_URL',
    'PORT',
    'REDIS_URL',
    'TOKEN_AUDIENCE',
    'TOKEN_ISSUER',
    'TRUSTED_PROXIES',
  ]);
  const key = all('AWS::SecretsManager::Secret').find(({ id }) => id.includes('HooksKey'))?.properties;
  // As the setting's schema asks: 43 characters of base64url.
  const { passwordLength, excludePunctuation } = Object.fromEntries(
    Object.entries(key.GenerateSecretString).map(([name, value]) => [name[0]?.toLowerCase() + name.slice(1), value]),
  );
  expect([passwordLength, excludePunctuation]).toEqual([43, true]);
  expect((topology.hooks.config.properties.WEBHOOK_KEY as Any).pattern).toBe('^[A-Za-z0-9_-]{43}$');
  expect(container(/TopologySignalingTask/, 'app').Environment).toContainEqual({ Name: 'EVENTS', Value: 'true' });
});

test('it goes out by HTTPS, to the cache and to auth, and nowhere else; its role may write its log and nothing else', () => {
  const groups = all('AWS::EC2::SecurityGroup').filter(({ id }) => id.startsWith('TopologyHooks'));
  expect(groups).toHaveLength(1);
  const [group] = groups;
  const own = group?.properties.SecurityGroupEgress.map((rule: Any) => [rule.CidrIp, rule.FromPort, rule.ToPort]);
  expect(own).toEqual([['0.0.0.0/0', 443, 443]]);
  const more = all('AWS::EC2::SecurityGroupEgress').filter(({ properties }) =>
    JSON.stringify(properties.GroupId).includes(`"${group?.id}"`),
  );
  expect(more.map(({ properties }) => properties.FromPort).sort()).toEqual([topology.cache.port, topology.auth.port]);
  const role = all('AWS::IAM::Role').find(({ id }) => /TopologyHooksTaskTaskRole/.test(id))?.id as string;
  const may = (action: string, resource: string) =>
    allows(rolePolicies(production.template, role), { principal: role, action, resource, context: {} });
  const log = all('AWS::Logs::LogGroup').find(({ id }) => /TopologyHooksLogs/.test(id))?.id;
  expect(may('logs:PutLogEvents', `${log}.Arn`)).toBe(true);
  for (const { id } of all('AWS::SecretsManager::Secret')) expect(may('secretsmanager:GetSecretValue', id)).toBe(false);
});

test('by itself in a VPC of one’s own, with its key and settings', () => {
  const stack = new TopologyStack(new App(), 'Own', { zones: 2 });
  const { vpc } = new Network(stack, 'Network', { zones: 2 });
  const hooks = new HooksService(stack, 'Events', {
    ...{ vpc, cache, jwksUrl, image, apiRequestsPerSecond: 7, maxStreams: 9 },
    environment: { MAX_STREAMS: '10' },
  });
  hooks.connections.allowTo(ec2.Peer.ipv4('10.9.0.0/16'), ec2.Port.tcp(6379));
  const template = Template.fromStack(stack).toJSON() as Any;
  const [task] = Object.values<Any>(template.Resources).filter((one) => one.Type === 'AWS::ECS::TaskDefinition');
  const { Environment } = task.Properties.ContainerDefinitions[0];
  expect(Environment).toContainEqual({ Name: 'API_REQUESTS_PER_SECOND', Value: '7' });
  // A variable that is given itself wins.
  expect(Environment.filter((one: Any) => one.Name === 'MAX_STREAMS')).toEqual([{ Name: 'MAX_STREAMS', Value: '10' }]);
});

test('queues that endpoints may name: their URLs are a setting, and the tasks alone may send to them and use their keys', () => {
  const stack = new TopologyStack(new App(), 'Queues', { zones: 2 });
  const { vpc } = new Network(stack, 'Network', { zones: 2 });
  const key = new kms.Key(stack, 'Key');
  const [mine, other] = ['Mine', 'Other'].map(
    (id) => new sqs.Queue(stack, id, { fifo: true, encryptionMasterKey: key }),
  );
  const queues = [mine as sqs.Queue];
  new HooksService(stack, 'Events', { vpc, cache, jwksUrl, image, queues });
  const template = Template.fromStack(stack).toJSON() as Any;
  const of = (type: string) => Object.entries<Any>(template.Resources).filter(([, one]) => one.Type === type);
  const [[, task] = []] = of('AWS::ECS::TaskDefinition');
  const { Environment } = task.Properties.ContainerDefinitions[0];
  const id = (queue?: sqs.Queue) => stack.getLogicalId(queue?.node.defaultChild as CfnElement);
  expect(Environment).toContainEqual({ Name: 'EVENT_QUEUES', Value: { Ref: id(mine) } });
  const role = of('AWS::IAM::Role').find(([name]) => /TaskRole/.test(name) && /Events/.test(name))?.[0] as string;
  const may = (action: string, resource: string) =>
    allows(rolePolicies(template, role), { principal: role, action, resource, context: {} });
  expect([may('sqs:SendMessage', `${id(mine)}.Arn`), may('sqs:SendMessage', `${id(other)}.Arn`)]).toEqual([
    true,
    false,
  ]);
  expect(may('sqs:ReceiveMessage', `${id(mine)}.Arn`)).toBe(false);
  expect(may('kms:GenerateDataKey', `${stack.getLogicalId(key.node.defaultChild as CfnElement)}.Arn`)).toBe(true);
});

test('what does not fit is refused by name', () => {
  const stack = new TopologyStack(new App(), 'Refused', { zones: 2 });
  const { vpc } = new Network(stack, 'Network', { zones: 2 });
  const service = (more: object) => () =>
    new HooksService(stack, `Events${stack.node.children.length}`, { vpc, cache, jwksUrl, image, ...more });
  expect(service({ jwksUrl: 'calls.example.com' })).toThrow('HooksService.jwksUrl');
  expect(service({ maxStreams: 0 })).toThrow('HooksService.maxStreams');
  expect(service({ queues: [new sqs.Queue(stack, 'Standard')] })).toThrow('HooksService.queues');
  const local = 'http://127.0.0.1:9324/000000000000/events.fifo';
  for (const url of ['https://sqs.eu-central-1.amazonaws.com/123456789012/standard', 'events.fifo', local])
    expect(service({ environment: { EVENT_QUEUES: url } }), url).toThrow(/^HooksService\.environment: EVENT_QUEUES: /);
  for (const environment of [
    { EVENT_QUEUES: 'https://sqs.eu-central-1.amazonaws.com/123456789012/events.fifo' },
    { EVENT_QUEUES: local, PRIVATE_ENDPOINTS: 'true' },
  ])
    expect(service({ environment })).not.toThrow();
  expect(service({ environment: { WEBHOOK_KEY: 'k'.repeat(43) } })).toThrow('WEBHOOK_KEY is not fit');
  const whole = (more: object) => () =>
    new WebRtcTopology(stack, `Calls${stack.node.children.length}`, { profile: TopologyProfile.DEVELOPMENT, ...more });
  expect(whole({ eventsOptions: { minTasks: 2 } })).toThrow('WebRtcTopology.events');
  expect(whole({ events: true, existingCache: { services: cache, turnNodes: cache } })).toThrow(
    'WebRtcTopology.existingCache.hooks',
  );
  expect(whole({ createRooms: 'nobody' })).toThrow('SignalingService.createRooms');
  expect(() => synthesize({ events: 'yes' }, { checks: false })).toThrow('-c events=true');
});

test('CREATE_ROOMS and API_REQUESTS_PER_SECOND of signaling have properties', () => {
  const { template } = synthesize({ ...PRODUCTION, createRooms: 'api' }, { checks: false });
  const { Environment } = container(/TopologySignalingTask/, 'app', { ...production, template });
  expect(Environment).toContainEqual({ Name: 'CREATE_ROOMS', Value: 'api' });
});
