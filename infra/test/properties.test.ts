/** Random properties: valid ones always synthesize without a finding of the schemas, wrong ones are always refused by name. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CloudFormationValidatePlugin, Duration, Stack, Validations } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { AwsSolutionsChecks } from 'cdk-nag';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildTopology } from '../src/app-stack.ts';
import {
  AuthService,
  Edge,
  Network,
  Observability,
  SessionCache,
  SignalingService,
  SigningKeys,
  TopologyProfile,
  TopologyStack,
  TurnFleet,
  WebClient,
  WebRtcTopology,
} from '../src/index.ts';
import { FLAGS, PRODUCTION, readFindings, synthQuietly } from './synth.ts';

const image = ecs.ContainerImage.fromRegistry('example.com/image:1');
const ecsSecret = ecs.Secret.fromSecretsManager(Secret.fromSecretNameV2(new Stack(), 'Given', 'given'));
const cache = { url: 'rediss://cache.example.com:6379' };
const jwksUrl = 'https://auth.example.com/.well-known/jwks.json';

const seconds = (min: number, max: number) => fc.integer({ min, max }).map((n) => Duration.seconds(n));
const sizes = fc.constantFrom([256, 512], [512, 1024], [1024, 2048], [1024, 8192], [2048, 4096], [4096, 8192]);

test('valid properties always synthesize, and cdk-nag and the schemas find nothing', () => {
  fc.assert(
    fc.property(
      fc.record({
        size: sizes,
        minTasks: fc.integer({ min: 1, max: 20 }),
        moreTasks: fc.integer({ min: 0, max: 100 }),
        stop: seconds(2, 120),
        shards: fc.integer({ min: 1, max: 90 }),
        replicas: fc.integer({ min: 0, max: 4 }),
        version: fc.constantFrom('7.2', '8.0'),
        minNodes: fc.integer({ min: 2, max: 9 }),
        drain: seconds(60, 172_800),
        quota: fc.integer({ min: 1, max: 16_384 }),
        nat: fc.integer({ min: 1, max: 3 }),
        access: fc.subarray(['open', 'api-key', 'oidc']),
        idle: seconds(61, 4000),
        rate: fc.integer({ min: 10, max: 2_000_000 }),
      }),
      (p) => {
        const outdir = mkdtempSync(join(tmpdir(), 'tandem-prop-'));
        const before = process.exitCode;
        try {
          const app = new App({ context: FLAGS, outdir });
          const stack = new TopologyStack(app, 'Random');
          const network = new Network(stack, 'Network', { natGateways: p.nat });
          const own = new SessionCache(stack, 'Cache', {
            vpc: network.vpc,
            shards: p.shards,
            replicasPerShard: p.replicas,
            engineVersion: p.version,
          });
          const access = own.addUser('App', { userName: 'app', accessString: 'on ~app:* +@all -@admin' });
          const [cpu, memoryLimitMiB] = p.size;
          const signaling = new SignalingService(stack, 'Signaling', {
            vpc: network.vpc,
            cache: access,
            jwksUrl,
            allowedOrigins: 'https://calls.example.com',
            image,
            cpu,
            memoryLimitMiB,
            minTasks: p.minTasks,
            maxTasks: p.minTasks + p.moreTasks,
            stopTimeout: p.stop,
          });
          new TurnFleet(stack, 'Turn', {
            vpc: network.vpc,
            image,
            minNodes: p.minNodes,
            maxNodes: p.minNodes * 3,
            drainTimeout: p.drain,
            totalQuota: p.quota,
          });
          const auth = new AuthService(stack, 'Auth', {
            vpc: network.vpc,
            cache: access,
            signingKeys: new SigningKeys(stack, 'Keys'),
            image,
            access: p.access.join(','),
            environment: { OIDC_ISSUER: 'https://login.example.com', OIDC_AUDIENCE: 'calls' },
            apiKeys: Secret.fromSecretNameV2(stack, 'ApiKeys', 'keys'),
          });
          const edge = new Edge(stack, 'Edge', {
            vpc: network.vpc,
            idleTimeout: p.idle,
            rateLimit: p.rate,
            authRateLimit: p.rate,
            apiRateLimit: p.rate,
          });
          edge.addService(auth, 10);
          edge.addService(signaling, 20);
          new Observability(stack, 'Observability', { signaling, auth, cache: own, edge });
          Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new CloudFormationValidatePlugin());
          expect(readFindings(synthQuietly(app))).toEqual([]);
        } finally {
          process.exitCode = before;
          rmSync(outdir, { recursive: true, force: true });
        }
      },
    ),
    // Each run is a whole synth; the seeds differ from run to run, and a failure prints its own.
    { numRuns: 4, endOnFailure: true },
  );
});

const stack = new Stack();
const vpc = new ec2.Vpc(stack, 'Vpc');
let id = 0;
const signaling = (props: object) => new SignalingService(stack, `S${id++}`, { vpc, cache, jwksUrl, image, ...props });
const turn = (props: object) => new TurnFleet(stack, `T${id++}`, { vpc, image, ...props });
const subnets = { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS };
const store = (props: object) => new SessionCache(stack, `C${id++}`, { vpc, subnets, ...props });
const publicOnly = new ec2.Vpc(stack, 'PublicOnly', {
  natGateways: 0,
  subnetConfiguration: [{ name: 'public', subnetType: ec2.SubnetType.PUBLIC }],
});
const signingKeys = new SigningKeys(stack, 'Keys');
const certificate = Certificate.fromCertificateArn(stack, 'Certificate', PRODUCTION.regionalCertificateArn);
const auth = (props: object) => new AuthService(stack, `A${id++}`, { vpc, cache, signingKeys, image, ...props });
const edge = (props: object) => new Edge(stack, `E${id++}`, { vpc, ...props });
const client = (props: object) => new WebClient(stack, `W${id++}`, props);
const network = (props: object) => new Network(stack, `N${id++}`, props);
const watch = (props: object) => new Observability(stack, `O${id++}`, props);
const all = (props: object) => new WebRtcTopology(stack, `R${id++}`, props);
const domain = { domainName: 'calls.example.com', certificate, regionalCertificate: certificate };
const wrongNames = fc.constantFrom('https://a.example', 'UPPER.example', 'nodots', 'a..b', '-a.example');
const above = (n: number) => fc.integer({ min: n + 1, max: 1_000_000 });
const odd = fc.oneof(fc.integer({ max: 0 }), fc.double({ min: 1.01, max: 1.99, noNaN: true }), fc.constant(Number.NaN));

const WRONG: readonly [name: string, value: fc.Arbitrary<unknown>, make: (value: never) => unknown][] = [
  [
    'SignalingService.stopTimeout',
    above(120).map((n) => Duration.seconds(n)),
    (stopTimeout) => signaling({ stopTimeout }),
  ],
  [
    'SignalingService.deregistrationDelay',
    above(120).map((n) => Duration.seconds(n)),
    (deregistrationDelay) => signaling({ deregistrationDelay }),
  ],
  ['SignalingService.cpu', fc.integer({ min: 1, max: 255 }), (cpu) => signaling({ cpu })],
  ['AuthService.namespace', fc.constant(undefined), (namespace) => auth({ namespace }).internalAddress],
  [
    'SignalingService.memoryLimitMiB',
    fc.integer({ min: 1, max: 2047 }),
    (memoryLimitMiB) => signaling({ memoryLimitMiB }),
  ],
  ['SignalingService.minTasks', odd, (minTasks) => signaling({ minTasks })],
  ['SignalingService.maxTasks', fc.constantFrom(1, 2), (maxTasks) => signaling({ maxTasks })],
  ['SignalingService.trustedProxies', fc.integer({ max: -1 }), (trustedProxies) => signaling({ trustedProxies })],
  [
    'SignalingService.environment',
    fc.constantFrom('lower', 'MY_SECRET', 'REDIS_PASSWORD', '1A'),
    (name) => signaling({ environment: { [name]: 'x' } }),
  ],
  [
    'SignalingService.jwksUrl',
    fc.constantFrom('nonsense', '', 'ftp://a.example/k', 'auth:8081/jwks'),
    (url) => signaling({ jwksUrl: url }),
  ],
  [
    'SignalingService.cache',
    fc.constantFrom('memcached://a:11211', 'http://a', 'rediss:/a', 'redis+sentinal://a'),
    (url) => signaling({ cache: { url } }),
  ],
  [
    'SignalingService.environment',
    fc.constantFrom('lots', '-1', '1.5', '0', 'Infinity'),
    (MAX_CONNECTIONS) => signaling({ environment: { MAX_CONNECTIONS } }),
  ],
  [
    'SignalingService.environment',
    fc.constantFrom('MAX_CONECTIONS', 'MAX_CONNECTION', 'HEARTBEAT_MSS', 'MXA_CONNECTIONS'),
    (name) => signaling({ environment: { [name]: '5' } }),
  ],
  [
    'SignalingService.environment',
    fc.constantFrom('MAX_FRAME_BYTES', 'MAX_CONNECTIONS'),
    (name) => signaling({ environment: { [name]: '5000' }, secrets: { [name]: ecsSecret } }),
  ],
  ['SignalingService.secrets', fc.constant('REDIS_PASWORD'), (name) => signaling({ secrets: { [name]: ecsSecret } })],
  ['AuthService.environment', fc.constantFrom('3', 'soon'), (v) => auth({ environment: { ACCESS_TTL_SECONDS: v } })],
  ['TurnFleet.directory', fc.constant('memcached://a:1'), (url) => turn({ directory: { url } })],
  [
    'SessionCache.nodeType',
    fc.constantFrom('cache.t2.micro', 'cache.m1.small', 'cache.m3.medium', 'cache.r3.large'),
    (nodeType) => store({ nodeType }),
  ],
  ['Observability.minHealthy', fc.oneof(odd, fc.constant(-4)), (minHealthy) => watch({ minHealthy })],
  ['TurnFleet.minNodes', odd, (minNodes) => turn({ minNodes })],
  ['TurnFleet.maxNodes', fc.constantFrom(1, 2), (maxNodes) => turn({ maxNodes })],
  ['TurnFleet.totalQuota', above(16_384), (totalQuota) => turn({ totalQuota })],
  ['TurnFleet.drainTimeout', above(172_800).map((n) => Duration.seconds(n)), (drainTimeout) => turn({ drainTimeout })],
  ['TurnFleet.turnHost', wrongNames, (turnHost) => turn({ turnHost })],
  ['TurnFleet.userQuota', above(1000), (userQuota) => turn({ userQuota })],
  ['TurnFleet.nodeMbps', odd, (nodeMbps) => turn({ nodeMbps })],
  ['TurnFleet.maxBytesPerSecond', fc.integer({ max: 7999 }), (maxBytesPerSecond) => turn({ maxBytesPerSecond })],
  ['TurnFleet.secretRotation', seconds(1, 14_399), (secretRotation) => turn({ secretRotation })],
  ['TurnFleet.certificate', fc.constant('turn.example.com'), (turnHost) => turn({ turnHost })],
  ['TurnFleet.realm', fc.constantFrom('', 'Has Space', 'x'.repeat(200)), (realm) => turn({ realm })],
  [
    'TurnFleet.instanceType',
    fc.constantFrom('c7i.large', 'm6i.xlarge', 't3.micro'),
    (name) => turn({ instanceType: new ec2.InstanceType(name) }),
  ],
  ['SessionCache.subnets', fc.constant(undefined), (none) => store({ subnets: none })],
  ['SignalingService.vpcSubnets', fc.constant(publicOnly), (other) => signaling({ vpc: other })],
  ['SessionCache.shards', fc.oneof(odd, above(500)), (shards) => store({ shards })],
  ['SessionCache.replicasPerShard', fc.integer({ min: 6, max: 99 }), (replicasPerShard) => store({ replicasPerShard })],
  [
    'SessionCache.nodeType',
    fc.constantFrom('m7g.large', 'cache', 'cache.', 'db.t4g.micro'),
    (nodeType) => store({ nodeType }),
  ],
  [
    'SessionCache.engineVersion',
    fc.constantFrom('6.2', '8', 'latest', '9.0'),
    (engineVersion) => store({ engineVersion }),
  ],
  [
    'SessionCache.snapshotRetentionDays',
    fc.integer({ min: 36, max: 1000 }),
    (snapshotRetentionDays) => store({ snapshotRetentionDays }),
  ],
  [
    'SessionCache.addUser.userName',
    fc.constantFrom('', 'Upper', '1st', 'x'.repeat(41)),
    (userName) => store({}).addUser('User', { userName, accessString: 'on ~* +@all' }),
  ],
  [
    'SessionCache.addUser.accessString',
    fc.constantFrom('', 'off ~* +@all', '~* +@all'),
    (accessString) => store({}).addUser('User', { userName: 'app', accessString }),
  ],
  [
    'SessionCache.addUser.passwordGeneration',
    odd,
    (passwordGeneration) =>
      store({}).addUser('User', { userName: 'app', accessString: 'on ~* +@all', passwordGeneration }),
  ],
  ['SignalingService.targetCpuPercent', above(90), (targetCpuPercent) => signaling({ targetCpuPercent })],
  ['SignalingService.targetConnections', odd, (targetConnections) => signaling({ targetConnections })],
  ['AuthService.access', fc.constantFrom('opne', 'open,basic', ' open'), (access) => auth({ access })],
  ['AuthService.apiKeys', fc.constant('api-key'), (access) => auth({ access })],
  ['AuthService.environment', fc.constant('oidc'), (access) => auth({ access })],
  ['AuthService.profile', fc.constantFrom('', 'prod', 'Production'), (profile) => auth({ profile })],
  ['AuthService.trustedProxies', above(10), (trustedProxies) => auth({ trustedProxies })],
  ['Edge.idleTimeout', seconds(1, 60), (idleTimeout) => edge({ idleTimeout })],
  ['Edge.rateLimit', fc.integer({ max: 9 }), (rateLimit) => edge({ rateLimit })],
  ['Edge.apiRateLimit', fc.integer({ max: 9 }), (apiRateLimit) => edge({ apiRateLimit })],
  ['Edge.authRateLimit', fc.integer({ max: 9 }), (authRateLimit) => edge({ authRateLimit })],
  [
    'Edge.addService',
    fc.constantFrom(undefined, ''),
    (allowedOrigins) => edge({}).addService(signaling({ allowedOrigins }), 10),
  ],
  ['WebClient.domainName', wrongNames, (domainName) => client({ domainName, certificate })],
  ['WebClient.certificate', fc.constant('calls.example.com'), (domainName) => client({ domainName, certificate })],
  ['WebClient.clientBuild', fc.constantFrom('', '/nowhere', 'infra'), (clientBuild) => client({ clientBuild })],
  ['Network.zones', fc.oneof(odd, above(6)), (zones) => network({ zones })],
  ['Network.natGateways', above(3), (natGateways) => network({ natGateways })],
  ['Network.cidr', fc.constantFrom('', '10.0.0.0', '10.0.0.0/20', '10.1.2.0/16'), (cidr) => network({ cidr })],
  ['Observability.emails', fc.constantFrom('', 'me', 'a b@c.de', '@c.de'), (one) => watch({ emails: [one] })],
  ['TopologyStack.zones', above(6), (zones) => new TopologyStack(new App(), 'Zones', { zones })],
  ['WebRtcTopology.domain', fc.constant('oidc'), (access) => all({ access })],
  ['WebRtcTopology.access', fc.constantFrom('', undefined), (access) => all({ domain, access })],
  [
    'WebRtcTopology.domain.domainName',
    wrongNames,
    (domainName) => all({ domain: { ...domain, domainName }, access: 'open' }),
  ],
  ['WebRtcTopology.zones', fc.integer({ max: 2 }), (zones) => all({ domain, access: 'open', zones })],
  ['WebRtcTopology.turnNodes', fc.integer({ max: 1 }), (turnNodes) => all({ domain, access: 'open', turnNodes })],
  [
    'WebRtcTopology.signalingTasks',
    odd,
    (signalingTasks) => all({ profile: TopologyProfile.DEVELOPMENT, signalingTasks }),
  ],
  [
    'WebRtcTopology.cacheShards',
    above(160),
    (cacheShards) => all({ profile: TopologyProfile.DEVELOPMENT, cacheShards }),
  ],
  [
    'context.turnNodes',
    fc.constantFrom('three', '-1', '1.5'),
    (turnNodes) => buildTopology(new App({ context: { turnNodes } }), undefined),
  ],
  ['TopologyProfile.named', fc.constantFrom('prod', 'Development'), (name) => TopologyProfile.named(name)],
];

test.each(WRONG)('%s: a wrong one is refused by name, with the fix', (name, value, make) => {
  fc.assert(
    fc.property(value, (wrong) => {
      let message = 'accepted';
      try {
        make(wrong as never);
      } catch (error) {
        message = (error as Error).message;
      }
      expect(message.startsWith(`${name}:`), `${name} with ${String(wrong)}: ${message}`).toBe(true);
      expect(message).toContain('Fix: ');
    }),
    { numRuns: 8 },
  );
});
