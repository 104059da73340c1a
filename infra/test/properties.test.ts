/** Random properties: valid ones always synthesize without a finding of the schemas, wrong ones are always refused by name. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CloudFormationValidatePlugin, Duration, Stack, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { AwsSolutionsChecks } from 'cdk-nag';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Network, SessionCache, SignalingService, TopologyStack, TurnFleet } from '../src/index.ts';
import { FLAGS, readFindings, synthQuietly } from './synth.ts';

const image = ecs.ContainerImage.fromRegistry('example.com/image:1');
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
          new SignalingService(stack, 'Signaling', {
            vpc: network.vpc,
            cache: access,
            jwksUrl,
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
const store = (props: object) => new SessionCache(stack, `C${id++}`, { vpc, ...props });
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
  ['TurnFleet.minNodes', odd, (minNodes) => turn({ minNodes })],
  ['TurnFleet.maxNodes', fc.constantFrom(1, 2), (maxNodes) => turn({ maxNodes })],
  ['TurnFleet.totalQuota', above(16_384), (totalQuota) => turn({ totalQuota })],
  ['TurnFleet.drainTimeout', above(172_800).map((n) => Duration.seconds(n)), (drainTimeout) => turn({ drainTimeout })],
  [
    'TurnFleet.turnHost',
    fc.constantFrom('https://a.example', 'UPPER.example', 'nodots', 'a..b', '-a.example'),
    (turnHost) => turn({ turnHost }),
  ],
  ['TurnFleet.certificate', fc.constant('turn.example.com'), (turnHost) => turn({ turnHost })],
  ['TurnFleet.realm', fc.constantFrom('', 'Has Space', 'x'.repeat(200)), (realm) => turn({ realm })],
  [
    'TurnFleet.instanceType',
    fc.constantFrom('c7i.large', 'm6i.xlarge', 't3.micro'),
    (name) => turn({ instanceType: new ec2.InstanceType(name) }),
  ],
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
