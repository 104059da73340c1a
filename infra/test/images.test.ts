/** What an image's name (a hash of its inputs) depends on: a change elsewhere must not deploy it anew. */
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { COLLECTOR_IMAGE, NODE_IMAGE, NODE_MACHINE_IMAGE } from '../src/base-images.ts';
import { imageAsset } from '../src/service-image.ts';
import { BUNDLES, IMAGES } from '../topology/images.ts';

const repository = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'images-'));
const root = join(folder, 'repository');
let made = 0;

function hashes(): string[] {
  const stack = new Stack(new App({ outdir: join(folder, `cdk.out.${made++}`) }), 'Images');
  return IMAGES.map(
    (name) => new DockerImageAsset(stack, name, imageAsset(name, root, Platform.LINUX_ARM64)).assetHash,
  );
}

/** Of the repository as it is; each change below is taken back. */
let unchanged: string[];

/** Which images a change of this file renames. */
function renamedBy(file: string): string[] {
  const path = join(root, file);
  const text = readFileSync(path);
  appendFileSync(path, '\n// changed\n');
  const after = hashes();
  cpSync(join(repository, file), path);
  expect(readFileSync(path).equals(text)).toBe(true);
  return IMAGES.filter((_, i) => unchanged[i] !== after[i]);
}

beforeAll(() => {
  const skip = /(^|\/)(node_modules|dist|out|\.next|cdk\.out[^/]*|\.git|\.local)$/;
  for (const part of [
    '.dockerignore',
    'Dockerfile',
    'package.json',
    'package-lock.json',
    '.npmrc',
    'tsconfig.base.json',
  ])
    cpSync(join(repository, part), join(root, part));
  for (const part of ['apps', 'infra', 'packages', 'scripts'])
    cpSync(join(repository, part), join(root, part), {
      recursive: true,
      filter: (path) => !skip.test(relative(repository, path)),
    });
  unchanged = hashes();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('each image depends on its own sources and what it shares, and on nothing else', () => {
  expect(renamedBy('apps/client/src/sw.ts')).toEqual([]);
  // The media node's agent is a signaling peer.
  expect(renamedBy('packages/rtc/src/index.ts')).toEqual(['media']);
  expect(renamedBy('infra/media-node/main.ts')).toEqual(['media']);
  expect(renamedBy('scripts/lib/media-engine.mjs')).toEqual(['media']);
  expect(renamedBy('scripts/lib/relay-program.mjs')).toEqual(['turn']);
  expect(renamedBy('scripts/lib/debian-program.mjs')).toEqual(['turn', 'media']);
  expect(renamedBy('infra/node-kit/host.ts')).toEqual(['turn', 'media', 'packager', 'composer']);
  // The media node knows what the folder holds that the two share.
  expect(renamedBy('infra/hls-packager/main.ts')).toEqual(['media', 'packager']);
  expect(renamedBy('infra/recording-composer/main.ts')).toEqual(['composer']);
  expect(renamedBy('infra/src/edge.ts')).toEqual([]);
  expect(renamedBy('apps/auth/src/attack.test.ts')).toEqual([]);
  expect(renamedBy('apps/auth/src/main.ts')).toEqual(['auth']);
  expect(renamedBy('apps/signaling/src/main.ts')).toEqual(['signaling']);
  expect(renamedBy('apps/hooks/src/main.ts')).toEqual(['hooks']);
  expect(renamedBy('apps/captions/src/main.ts')).toEqual(['captions']);
  expect(renamedBy('infra/turn-node/main.ts')).toEqual(['turn']);
  expect(renamedBy('infra/canary/main.ts')).toEqual(['canary']);
  expect(renamedBy('packages/service/src/index.ts')).toEqual([...BUNDLES]);
  expect(renamedBy('packages/protocol/src/index.ts')).toEqual([...BUNDLES]);
  expect(renamedBy('package-lock.json')).toEqual([...BUNDLES]);
  expect(hashes()).toEqual(unchanged);
});

test('bases of what goes to the cloud are pinned by digest', () => {
  for (const image of [NODE_IMAGE, COLLECTOR_IMAGE]) expect(image).toMatch(/^[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}$/);
  // A parameter named `recommended` or `latest` changes what it means: a deployment would replace every relay by the way.
  expect(NODE_MACHINE_IMAGE).toMatch(/\/al2023-ami-ecs-hvm-\d{4}\.\d+\.\d{8}-kernel-[\d.]+-arm64\/image_id$/);
  for (const name of BUNDLES) expect(imageAsset(name, root, Platform.LINUX_ARM64).buildArgs).toEqual({ NODE_IMAGE });
  expect(imageAsset('collector', root, Platform.LINUX_ARM64).buildArgs).toEqual({ COLLECTOR_IMAGE });
  expect(readFileSync(join(repository, 'Dockerfile'), 'utf8')).toContain(
    `ARG NODE_IMAGE=${NODE_IMAGE.split('@')[0]}\n`,
  );
  // A pipeline gives no argument: what it builds is what `cdk deploy` would build.
  expect(readFileSync(join(repository, 'Dockerfile'), 'utf8')).toContain(`ARG COLLECTOR_IMAGE=${COLLECTOR_IMAGE}\n`);
});
