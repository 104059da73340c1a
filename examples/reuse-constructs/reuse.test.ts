/** The constructs as a user has them: packed, installed elsewhere, type-checked, synthesized. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildPackage, PEERS } from '../../infra/scripts/build.ts';
import { BUNDLES } from '../../infra/topology/images.ts';

const repository = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'reuse-'));
const npm = (...args: string[]) =>
  execFileSync('npm', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

beforeAll(async () => {
  await buildPackage(join(folder, 'package'));
  const tarball = npm('pack', './package', '--silent').trim().split('\n').at(-1);
  for (const file of ['app.ts']) copyFileSync(join(import.meta.dirname, file), join(folder, file));
  writeFileSync(join(folder, 'package.json'), '{"name":"company","private":true,"type":"module"}');
  rmSync(join(folder, 'package'), { recursive: true });
  // The peers are 200 MB that this machine has already: linked, not fetched again.
  npm('install', `./${tarball}`, '--offline', '--legacy-peer-deps', '--no-audit', '--no-fund', '--ignore-scripts');
  for (const peer of PEERS)
    symlinkSync(join(repository, 'node_modules', peer), join(folder, 'node_modules', peer), 'dir');
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Resources = Record<string, { Type: string; Properties: Record<string, unknown> }>;

test('the app of a user type-checks against the packed declarations', () => {
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'es2022',
        module: 'nodenext',
        strict: true,
        skipLibCheck: false,
        noEmit: true,
        types: ['node'],
        typeRoots: [join(repository, 'node_modules/@types')],
        preserveSymlinks: true,
        // Only ours must be clean; a user's skipLibCheck is their choice.
        erasableSyntaxOnly: true,
      },
      files: ['app.ts'],
    }),
  );
  const { stdout } = spawnSync(process.execPath, [join(repository, 'node_modules/typescript/bin/tsc'), '-p', folder], {
    encoding: 'utf8',
  });
  expect(
    stdout
      .split('\n')
      .filter((line) =>
        /^(app\.ts|node_modules\/@tandem)/.test(line.replace(/^.*?(node_modules\/@tandem|app\.ts)/, '$1')),
      ),
  ).toEqual([]);
});

test('both stacks synthesize from the installed package and make nothing but what was asked', () => {
  const run = spawnSync(process.execPath, ['app.ts'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, OUT: join(folder, 'cdk.out') },
  });
  expect(run.stderr).not.toMatch(/Error/);
  expect(run.stdout).toContain('CompanySignaling and CompanyTurn written.');
  const resources = (stack: string): Resources =>
    JSON.parse(readFileSync(join(folder, 'cdk.out', `${stack}.template.json`), 'utf8')).Resources;
  const types = (stack: string) => Object.values(resources(stack)).map((one) => one.Type);
  const signaling = types('CompanySignaling');
  expect(signaling).toContain('AWS::ECS::Service');
  for (const type of [
    'AWS::EC2::VPC',
    'AWS::ECS::Cluster',
    'AWS::ElastiCache::ReplicationGroup',
    'AWS::CloudFront::Distribution',
  ])
    expect(signaling).not.toContain(type);
  const service = Object.values(resources('CompanySignaling')).find((one) => one.Type === 'AWS::ECS::Service');
  expect(service?.Properties.Cluster).toBe('company');
  const task = JSON.stringify(
    Object.values(resources('CompanySignaling')).find((one) => one.Type === 'AWS::ECS::TaskDefinition'),
  );
  expect(task).toContain('https://login.example.com/.well-known/jwks.json');
  expect(task).toContain('company/cache/signaling');
  const turn = types('CompanyTurn');
  expect(turn).toContain('AWS::AutoScaling::AutoScalingGroup');
  expect(turn).not.toContain('AWS::EC2::VPC');
  // Each image is staged with its own files alone, so that another's change does not deploy it.
  const staged = readdirSync(join(folder, 'cdk.out'))
    .filter((name) => name.startsWith('asset.') && readdirSync(join(folder, 'cdk.out', name)).includes('Dockerfile'))
    .map((name) => readdirSync(join(folder, 'cdk.out', name)).filter((file) => file !== 'Dockerfile'));
  // The collector's is another's program, and holds none of ours.
  expect(staged.sort()).toEqual([[], ['signaling'], ['turn', 'turn-files']]);
  // The secret is theirs: none made, none rotated by us.
  expect(turn).not.toContain('AWS::SecretsManager::Secret');
  expect(turn).not.toContain('AWS::SecretsManager::RotationSchedule');
});

test('the package holds what its images are built from: bundles, Redis scripts, one Dockerfile', () => {
  const images = join(folder, 'node_modules/@tandem/infra/images');
  const dockerfile = readFileSync(join(images, 'Dockerfile'), 'utf8');
  const copied = [...dockerfile.matchAll(/^COPY ([\w-]+) \/app$/gm)].map(([, name = '']) => name);
  expect(copied.toSorted()).toEqual(BUNDLES.toSorted());
  // What a stage takes from the folder is in it.
  for (const [, source = ''] of dockerfile.matchAll(/^COPY (?!--)(\S+) /gm))
    expect(existsSync(join(images, source)), source).toBe(true);
  for (const name of copied) expect(readdirSync(join(images, name))).toContain('main.mjs');
  const stages = [...dockerfile.matchAll(/^FROM \S+ AS ([\w-]+)$/gm)].map(([, name]) => name);
  for (const [, from] of dockerfile.matchAll(/--from=([\w-]+)/g)) expect(stages).toContain(from);
  expect(readdirSync(join(images, 'signaling/scripts')).sort()).toEqual(
    readdirSync(join(repository, 'apps/signaling/src/backplane/scripts')).sort(),
  );
});

test('a wrong property fails at synth and names itself and the fix', () => {
  writeFileSync(
    join(folder, 'wrong.mjs'),
    `import { Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { SignalingService, TurnFleet, SessionCache } from '@tandem/infra';
const stack = new Stack();
const vpc = new ec2.Vpc(stack, 'Vpc');
const cache = { url: 'redis://x:6379' };
for (const make of [
  () => new SignalingService(stack, 'A', { vpc, cache, jwksUrl: 'http://a', stopTimeout: Duration.seconds(300) }),
  () => new TurnFleet(stack, 'B', { vpc, turnHost: 'turn.example.com' }),
  () => new SessionCache(stack, 'C', { vpc, shards: 0 }),
]) try { make(); console.log('accepted'); } catch (error) { console.log(error.message); }`,
  );
  const { stdout } = spawnSync(process.execPath, ['wrong.mjs'], { cwd: folder, encoding: 'utf8' });
  const lines = stdout.trim().split('\n');
  expect(lines[0]).toMatch(/^SignalingService\.stopTimeout: 300 s .*120.*Fix: Duration\.seconds\(120\)/);
  expect(lines[1]).toMatch(/^TurnFleet\.certificate: .*Fix: give both or neither/);
  expect(lines[2]).toMatch(/^SessionCache\.shards: 0 .*Fix: /);
});
