import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { IgnoreMode } from 'aws-cdk-lib';
import { type DockerImageAssetProps, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import type { ImageName } from '../topology/images.ts';
import { COLLECTOR_IMAGE, NODE_IMAGE } from './base-images.ts';
import { imagesFolder, repository } from './paths.ts';

/** Sources of each image beside the manifests; Dockerfile copies the same. A change elsewhere must not deploy it anew. */
const SOURCES: Readonly<Record<ImageName, readonly string[]>> = {
  auth: ['apps/auth'],
  signaling: ['apps/signaling'],
  hooks: ['apps/hooks'],
  captions: ['apps/captions'],
  turn: [
    'infra/node-kit',
    'infra/turn-node',
    'scripts/relay-program.mjs',
    'scripts/lib/relay-program.mjs',
    'scripts/lib/debian-program.mjs',
  ],
  media: [
    'packages/rtc',
    'infra/node-kit',
    'infra/media-node',
    'infra/hls-packager',
    'scripts/media-engine.mjs',
    'scripts/lib/media-engine.mjs',
    'scripts/lib/debian-program.mjs',
  ],
  packager: ['infra/node-kit', 'infra/hls-packager'],
  composer: ['infra/node-kit', 'infra/recording-composer'],
  canary: ['infra/canary'],
  collector: [],
};
const SHARED = ['packages/protocol', 'packages/service', 'scripts/bundle.mjs'];

/** Container of a service, built (by Docker, at deploy time only) from the repository or from the packed bundle. */
export function serviceImage(name: ImageName, architecture: ecs.CpuArchitecture): ecs.ContainerImage {
  const platform = architecture === ecs.CpuArchitecture.X86_64 ? Platform.LINUX_AMD64 : Platform.LINUX_ARM64;
  const { directory, ...asset } = imageAsset(name, repository, platform);
  if (!existsSync(join(directory, 'Dockerfile')))
    throw new Error(`image: no sources of ${name} at ${directory}. Fix: pass \`image\`, or install the whole package.`);
  return ecs.ContainerImage.fromAsset(directory, asset);
}

/** What Docker and the image's name (a hash) see. @param root the repository, or undefined in the packed package */
export function imageAsset(name: ImageName, root: string | undefined, platform: Platform): DockerImageAssetProps {
  const buildArgs: Record<string, string> = name === 'collector' ? { COLLECTOR_IMAGE } : { NODE_IMAGE };
  const common = { target: name, platform, buildArgs, ignoreMode: IgnoreMode.DOCKER };
  if (!root) return { ...common, directory: imagesFolder, exclude: ['*', '!Dockerfile', `!${name}*/**`] };
  if (name === 'collector') return { ...common, directory: root, exclude: ['*', '!Dockerfile'] };
  return {
    ...common,
    directory: root,
    // After the allow list of .dockerignore: the last line that matches wins.
    exclude: [
      ...['apps/**', 'infra/**', 'packages/**', 'scripts/**'],
      ...['!apps/*/package.json', '!infra/package.json', '!packages/*/package.json'],
      ...[...SHARED, ...SOURCES[name]].map((path) => `!${path}${path.endsWith('.mjs') ? '' : '/**'}`),
      ...['**/node_modules', '**/dist', '**/*.test.ts', '**/*.tsbuildinfo'],
    ],
  };
}
