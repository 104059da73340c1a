import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import { acknowledge } from './acknowledge.ts';

/** Keys of the bucket, with `*`. */
export interface RecordingRights {
  readonly list?: readonly string[];
  readonly read?: readonly string[];
  readonly write?: readonly string[];
  readonly remove?: readonly string[];
}

/** Exactly these keys, and of the encryption key what they need. */
export function grantOnRecordings(
  grantee: iam.IGrantable,
  bucket: s3.IBucket,
  key: kms.IKey,
  { list, read, write, remove }: RecordingRights,
): void {
  const objects = (keys: readonly string[]) => keys.map((one) => bucket.arnForObjects(one));
  const statements = [
    list && {
      actions: ['s3:ListBucket'],
      resources: [bucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': [...list] } },
    },
    read && { actions: ['s3:GetObject'], resources: objects(read) },
    // A file in parts is given up by its own right.
    write && { actions: ['s3:PutObject', 's3:AbortMultipartUpload'], resources: objects(write) },
    remove && { actions: ['s3:DeleteObject'], resources: objects(remove) },
  ];
  for (const statement of statements)
    if (statement) grantee.grantPrincipal.addToPrincipalPolicy(new iam.PolicyStatement(statement));
  // S3 user guide, "Uploading an object with SSE-KMS": GenerateDataKey, and Decrypt where it is read or comes in parts.
  key.grant(grantee, ...(read ? ['kms:GenerateDataKey', 'kms:Decrypt'] : ['kms:GenerateDataKey']));
  const { logicalId } = bucket.node.defaultChild as s3.CfnBucket;
  const name = Stack.of(bucket).resolve(logicalId);
  const all = [read, write, remove].flatMap((keys) => keys ?? []);
  const policy = (grantee.grantPrincipal as iam.Role).node?.tryFindChild('DefaultPolicy');
  if (policy)
    acknowledge(
      policy,
      Object.fromEntries(
        all.map((one) => [
          `AwsSolutions-IAM5[Resource::<${name}.Arn>/${one}]`,
          'Keys of recordings are made when they begin; the stars stand for room, id and part.',
        ]),
      ),
    );
}
