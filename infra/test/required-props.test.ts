/** What TypeScript requires is asked for at run time too: plain JavaScript and casts leave it out. The list is that of the API report. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
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
const cache = { url: 'rediss://cache.example.com:6379' };
const certificate = Certificate.fromCertificateArn(stack, 'Certificate', PRODUCTION.regionalCertificateArn);
const store = new tandem.SessionCache(stack, 'Store', { vpc, subnets: { subnetType: ec2.SubnetType.PUBLIC } });
const jwksUrl = 'https://auth.example.com/.well-known/jwks.json';
const domain = { domainName: 'calls.example.com', certificate, regionalCertificate: certificate };

/** A whole set of properties, and what takes it. */
type Case = readonly [name: string, props: object, make: (scope: Construct, props: never) => unknown];
const made =
  <P>(type: new (scope: Construct, id: string, props: P) => unknown) =>
  (scope: Construct, props: P) =>
    new type(scope, 'Made', props);
const signingKeys = new tandem.SigningKeys(stack, 'Keys');
const hostedZone = HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z1', zoneName: 'example.com' });
const CASES: Readonly<Record<string, Case>> = {
  AuthServiceProps: ['AuthService', { vpc, cache, signingKeys, image }, made(tandem.AuthService)],
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
  TurnDirectoryProps: ['TurnDirectory', { cache: store }, made(tandem.TurnDirectory)],
};
/** Whose required properties have no run-time check: a number that CloudWatch itself refuses to be without. */
const LEFT_OUT = ['AlarmThreshold'];

const report = readFileSync(join(import.meta.dirname, '../api-report.txt'), 'utf8');
const required = [...report.matchAll(/^export interface (\w+)[^{]*\{\n([\s\S]*?)^\}/gm)].flatMap(
  ([, name = '', body = '']) =>
    LEFT_OUT.includes(name)
      ? []
      : [...body.matchAll(/^ {4}readonly (\w+):/gm)].map(([, prop = '']) => ({ name, prop })),
);

test('each case is of the API report', () => {
  expect(Object.keys(CASES).filter((name) => !required.some((one) => one.name === name))).toEqual([]);
});

test.each(required)('$name, $prop: left out or null, it is missed by name', ({ name, prop }) => {
  const [construct, props, make] = CASES[name] ?? [];
  if (!props || !make) throw new Error(`${name} has required properties: add it to CASES`);
  expect(Object.keys(props)).toContain(prop);
  for (const none of [undefined, null]) {
    const scope = new Stack();
    expect(() => make(scope, { ...props, [prop]: none } as never)).toThrow(
      `${construct}.${prop}: it is missing. Fix: `,
    );
  }
});
