import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** State, on the construct itself, why a rule of cdk-nag does not apply; so users who run cdk-nag find the argument too. */
export function acknowledge(construct: IConstruct, reasons: { readonly [rule: string]: string }): void {
  for (const [id, reason] of Object.entries(reasons)) Validations.of(construct).acknowledge({ id, reason });
}

/** ECR's and the custom resources' unavoidable ones. */
export const ECR_TOKEN = {
  'AwsSolutions-IAM5[Resource::*]':
    'ecr:GetAuthorizationToken knows no resources (AWS service authorization reference).',
} as const;
export const BASIC_EXECUTION = {
  'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]':
    'A Lambda of CDK itself; the policy lets it write its own logs and nothing else.',
} as const;
