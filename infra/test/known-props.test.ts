/** What TypeScript refuses is refused at run time too: plain JavaScript and casts get past the compiler. The list is that of the API report. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import type { Construct } from 'constructs';
import { expect, test } from 'vitest';
import * as tandem from '../src/index.ts';
import { PRODUCTION } from './synth.ts';

const stack = new Stack();
const vpc = new ec2.Vpc(stack, 'Vpc');
const image = ecs.ContainerImage.fromRegistry('example.com/image:1');
const recognizerImage = ecs.ContainerImage.fromRegistry(`example.com/recognizer@sha256:${'ab'.repeat(32)}`);
const cache = { url: 'rediss://cache.example.com:6379' };
const certificate = Certificate.fromCertificateArn(stack, 'Certificate', PRODUCTION.regionalCertificateArn);
const store = new tandem.SessionCache(stack, 'Store', { vpc, subnets: { subnetType: ec2.SubnetType.PUBLIC } });
const jwksUrl = 'https://auth.example.com/.well-known/jwks.json';
const domain = { domainName: 'calls.example.com', certificate, regionalCertificate: certificate };

/** A whole set of properties, and what takes it. */
type Case = readonly [name: string, props: object, make: (scope: Construct, props: never) => unknown];
/** Properties at a place in those of a topology. */
const inTopology = (prop: string, props: object): Case => [
  `WebRtcTopology.${prop}`,
  props,
  (scope, given) => new tandem.WebRtcTopology(scope, 'Made', { domain, access: 'open', [prop]: given }),
];
const made =
  <P>(type: new (scope: Construct, id: string, props: P) => unknown) =>
  (scope: Construct, props: P) =>
    new type(scope, 'Made', props);
const signingKeys = new tandem.SigningKeys(stack, 'Keys');
const hostedZone = HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z1', zoneName: 'example.com' });
const CASES: Readonly<Record<string, Case>> = {
  AlarmThreshold: [
    'Observability.addAlarm',
    { threshold: 1 },
    (scope, props) =>
      new tandem.Observability(scope, 'Made', {}).addAlarm(
        'One',
        'One.',
        'one',
        new Metric({ namespace: 'Test', metricName: 'X' }),
        props,
      ),
  ],
  AuthServiceProps: ['AuthService', { vpc, cache, signingKeys, image }, made(tandem.AuthService)],
  CacheOptions: inTopology('cacheOptions', {}),
  CaptionsOptions: inTopology('captions', { recognizerImage }),
  CaptionsServiceProps: ['CaptionsService', { vpc, jwksUrl, image, recognizerImage }, made(tandem.CaptionsService)],
  EventsOptions: inTopology('eventsOptions', {}),
  HstsOptions: inTopology('hsts', {}),
  MediaOptions: inTopology('mediaOptions', {}),
  NetworkProps: ['Network', {}, made(tandem.Network)],
  NodeOptions: inTopology('turnOptions', {}),
  ObservabilityProps: ['Observability', {}, made(tandem.Observability)],
  RecordingsOptions: inTopology('recordingsOptions', {}),
  ServiceOptions: inTopology('serviceOptions', {}),
  SigningKeysProps: ['SigningKeys', {}, made(tandem.SigningKeys)],
  TopologyStackProps: ['TopologyStack', {}, (scope, props) => new tandem.TopologyStack(scope, 'Made', props)],
  TurnFleetProps: ['TurnFleet', { vpc, image }, made(tandem.TurnFleet)],
  TurnOptions: inTopology('turnOptions', {}),
  TurnSecretProps: ['TurnSecret', {}, made(tandem.TurnSecret)],
  ViewerRulesProps: ['ViewerRules', {}, made(tandem.ViewerRules)],
  WebClientProps: ['WebClient', {}, made(tandem.WebClient)],
  WebRtcTopologyProps: ['WebRtcTopology', { domain, access: 'open' }, made(tandem.WebRtcTopology)],
  CanaryProps: ['Canary', { vpc, origin: 'https://calls.example.com', image }, made(tandem.Canary)],
  CacheAccess: [
    'SignalingService.cache',
    cache,
    (scope, access) => new tandem.SignalingService(scope, 'Made', { vpc, cache: access, jwksUrl, image }),
  ],
  CacheUserProps: [
    'SessionCache.addUser',
    { userName: 'app', accessString: 'on ~* +@all' },
    (scope, props) => store.addUser(scope.node.id, props),
  ],
  DomainProps: [
    'WebRtcTopology.domain',
    domain,
    (scope, given) => new tandem.WebRtcTopology(scope, 'Made', { domain: given, access: 'open', authImage: image }),
  ],
  EdgeProps: ['Edge', { vpc }, made(tandem.Edge)],
  ExistingCache: [
    'WebRtcTopology.existingCache',
    { services: cache, turnNodes: cache },
    (scope, existingCache) => new tandem.WebRtcTopology(scope, 'Made', { domain, access: 'open', existingCache }),
  ],
  HooksServiceProps: ['HooksService', { vpc, cache, jwksUrl, image }, made(tandem.HooksService)],
  RecordingsProps: ['Recordings', { vpc, image }, made(tandem.Recordings)],
  MediaDirectoryProps: ['MediaDirectory', { cache: store }, made(tandem.MediaDirectory)],
  MediaFleetProps: [
    'MediaFleet',
    {
      vpc,
      directory: cache,
      signalingUrl: 'wss://calls.example.com/ws/signal',
      authUrl: 'https://calls.example.com',
      image,
    },
    made(tandem.MediaFleet),
  ],
  NearestRegionProps: [
    'NearestRegion',
    { domainName: 'calls.example.com', regionalDomainName: 'eu.calls.example.com', certificate, hostedZone },
    made(tandem.NearestRegion),
  ],
  NodeFleetProps: ['TurnFleet', { vpc, image }, made(tandem.TurnFleet)],
  RealtimeServiceProps: ['SignalingService', { vpc, cache, jwksUrl, image }, made(tandem.SignalingService)],
  ScheduledSize: [
    'TurnFleet.schedules[0]',
    { time: '07:30', min: 3 },
    (scope, one) => new tandem.TurnFleet(scope, 'Made', { vpc, image, schedules: [one] }),
  ],
  SessionCacheProps: [
    'SessionCache',
    { vpc, subnets: { subnetType: ec2.SubnetType.PUBLIC } },
    made(tandem.SessionCache),
  ],
  SignalingServiceProps: ['SignalingService', { vpc, cache, jwksUrl, image }, made(tandem.SignalingService)],
  TaskServiceProps: ['CaptionsService', { vpc, jwksUrl, image, recognizerImage }, made(tandem.CaptionsService)],
  TurnDirectoryProps: ['TurnDirectory', { cache: store }, made(tandem.TurnDirectory)],
};

const report = readFileSync(join(import.meta.dirname, '../api-report.txt'), 'utf8');
const interfaces = [...report.matchAll(/^export interface (\w+)[^{]*\{\n([\s\S]*?)^\}/gm)].map(
  ([, name = '', body = '']) => ({
    name,
    // What it inherits is listed with its parent.
    props: [...body.matchAll(/^ {4}readonly (\w+)(\??): ([^;]+);/gm)].map(([, prop = '', optional, type = '']) => ({
      prop,
      required: optional === '',
      type,
    })),
  }),
);
const all = interfaces.flatMap(({ name, props }) => props.map((one) => ({ name, ...one })));
const caseOf = (name: string): Case => {
  const found = CASES[name];
  if (!found) throw new Error(`${name} is public: add it to CASES`);
  return found;
};
/** Makes it in a stack of its own. */
const make = ([, props, create]: Case, more: object) => create(new Stack(), { ...props, ...more } as never);

test('each case is of the API report', () => {
  expect(Object.keys(CASES).filter((name) => !interfaces.some((one) => one.name === name))).toEqual([]);
  expect(all.length).toBeGreaterThan(250);
});

test.each(all.filter((one) => one.required))(
  '$name, $prop: left out or null, it is missed by name',
  ({ name, prop }) => {
    const one = caseOf(name);
    expect(Object.keys(one[1])).toContain(prop);
    for (const none of [undefined, null])
      expect(() => make(one, { [prop]: none })).toThrow(`${one[0]}.${prop}: it is missing. Fix: `);
  },
);

test.each(interfaces)('$name: a misspelt property is refused with the one that was meant', ({ name, props }) => {
  const one = caseOf(name);
  for (const { prop } of props) {
    const slip = prop.replace(/(?<=^..)./, '$&$&');
    const message = `${one[0]}.${slip}: there is no such property. Fix: ${prop}, if that is meant.`;
    expect(() => make(one, { [slip]: 1 })).toThrow(message);
  }
});

/** What JavaScript gives easily in place of each type. */
const wrongFor = (type: string): readonly unknown[] => {
  if (type === 'number') return ['3', Number.NaN, {}, true];
  if (type === 'string') return [3, {}, ['a']];
  if (type === 'boolean') return ['true', 1, {}];
  if (type === 'string[]') return ['one', [1], 3];
  return [17, 'vpc-123', true, () => 1];
};

test.each(all)('$name, $prop: a value that is no $type is refused by name', ({ name, prop, type }) => {
  const one = caseOf(name);
  for (const value of wrongFor(type)) {
    let message = '';
    try {
      make(one, { [prop]: value });
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message.slice(0, `${one[0]}.${prop}`.length), `${String(value)}: ${message}`).toBe(`${one[0]}.${prop}`);
    expect(message).toMatch(/^[\w.[\]]+: .* Fix: .*\.$/s);
  }
});

test('what the issue found: each at its level', () => {
  const refused = (props: object) => () => make(caseOf('WebRtcTopologyProps'), props);
  expect(refused({ turnNods: 3 })).toThrow(
    'WebRtcTopology.turnNods: there is no such property. Fix: turnNodes, if that is meant.',
  );
  expect(refused({ turnOptions: { drainTimeOut: Duration.hours(1) } })).toThrow(
    'WebRtcTopology.turnOptions.drainTimeOut: there is no such property. Fix: drainTimeout, if that is meant.',
  );
  expect(refused({ turnOptions: { schedules: [{ tme: '07:30', time: '07:30', min: 3 }] } })).toThrow(
    'WebRtcTopology.turnOptions.schedules[0].tme: there is no such property. Fix: time, if that is meant.',
  );
  expect(refused({ logRetention: 17 })).toThrow('WebRtcTopology.logRetention: 17 is not a RetentionDays. Fix: ');
  expect(refused({ vpc: 'vpc-123' })).toThrow('WebRtcTopology.vpc: "vpc-123" is not a VPC. Fix: ');
  expect(refused({ turnOptions: { drainTimeout: 300 } })).toThrow(
    'WebRtcTopology.turnOptions.drainTimeout: 300 is not a Duration. Fix: ',
  );
  expect(() => make(caseOf('TopologyStackProps'), { stackNam: 'x' })).toThrow('Fix: stackName, if that is meant.');
  expect(() => make(caseOf('EdgeProps'), { vpcSubnets: { subnetTyp: 'Public' } })).toThrow(
    'Edge.vpcSubnets.subnetTyp: there is no such property. Fix: subnetType, if that is meant.',
  );
});

test('a text where a secret belongs is not printed: it may be the secret', () => {
  const make1 = () => make(caseOf('WebRtcTopologyProps'), { apiKeys: 'tk_live_0123456789' });
  expect(make1).toThrow('WebRtcTopology.apiKeys: a text is not a secret. Fix: ');
});
