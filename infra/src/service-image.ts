import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { imagesFolder, repository } from './paths.ts';

/** Container of a service, built (by Docker, at deploy time only) from the repository or from the packed bundle. */
export function serviceImage(name: string, architecture: ecs.CpuArchitecture): ecs.ContainerImage {
  const platform = architecture === ecs.CpuArchitecture.X86_64 ? Platform.LINUX_AMD64 : Platform.LINUX_ARM64;
  // The repository's .dockerignore is an allow list: hashing takes milliseconds, and nothing private gets in.
  if (repository && existsSync(join(repository, 'Dockerfile')))
    return ecs.ContainerImage.fromAsset(repository, { target: name, platform });
  const folder = join(imagesFolder, name);
  if (!existsSync(folder))
    throw new Error(`image: no sources of ${name} at ${folder}. Fix: pass \`image\`, or install the whole package.`);
  return ecs.ContainerImage.fromAsset(folder, { platform });
}
