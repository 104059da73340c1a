import { Aws } from 'aws-cdk-lib';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import { check } from './check.ts';

/**
 * An image that a pipeline has built, such as `111122223333.dkr.ecr.eu-west-1.amazonaws.com/tandem/auth@sha256:…`.
 * @param name the context value, for the error
 * @throws Error when it is no ECR reference by digest: a tag may be another image tomorrow
 */
export function imageByDigest(scope: Construct, name: string, reference: string): ecs.ContainerImage {
  const match =
    /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([a-z0-9][a-z0-9._/-]*)@(sha256:[0-9a-f]{64})$/.exec(
      reference,
    );
  check(
    match !== null,
    'context',
    name,
    `"${reference}" is no ECR image by digest`,
    '<account>.dkr.ecr.<region>.amazonaws.com/<repository>@sha256:<64 hex digits>',
  );
  const [, account = '', region = '', repositoryName = '', digest = ''] = match ?? [];
  const repository = ecr.Repository.fromRepositoryAttributes(scope, name, {
    repositoryName,
    // A region of China or of GovCloud has another partition.
    repositoryArn: `arn:${Aws.PARTITION}:ecr:${region}:${account}:repository/${repositoryName}`,
  });
  return ecs.ContainerImage.fromEcrRepository(repository, digest);
}
