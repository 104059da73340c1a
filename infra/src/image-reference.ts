import { Aws, Stack } from 'aws-cdk-lib';
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

/**
 * Refuses an image of another party by a name that may be another program tomorrow: a tag, or none. What CDK builds has the hash of its sources as tag.
 * @param reference what the container definition says
 * @throws Error naming the property and the fix
 */
export function checkPinned(scope: Construct, kind: string, property: string, reference: string): void {
  const resolved: unknown = Stack.of(scope).resolve(reference);
  const text = typeof resolved === 'string' ? resolved : JSON.stringify(resolved);
  // The end of the name; of a token that CloudFormation fills in whole, nothing is known here.
  const end = /([@:])((?:sha256:)?[\w.-]+)"?[\]}]*$/.exec(text.slice(text.lastIndexOf('/') + 1));
  const isPinned = end === null ? typeof resolved !== 'string' : /^(?:sha256:)?[0-9a-f]{64}$/.test(end[2] ?? '');
  check(
    isPinned,
    kind,
    property,
    typeof resolved === 'string'
      ? `"${resolved}" may be another program tomorrow`
      : 'its tag may be another program tomorrow',
    'name it by digest: <name>@sha256:<64 hex digits>',
  );
}
