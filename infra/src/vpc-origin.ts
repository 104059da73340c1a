import { CustomResource, Duration, Stack } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledge, BASIC_EXECUTION } from './acknowledge.ts';
import { REMOVAL_CODE } from './origin-group-removal.ts';

export interface VpcOfOrigin {
  readonly vpc: ec2.IVpc;
  readonly distribution: cloudfront.Distribution;
  /** Of the function that removes what CloudFront leaves. */
  readonly logRetention: logs.RetentionDays | undefined;
}

/**
 * What a VPC origin needs of its VPC, and leaves in it. CloudFront wants an internet gateway that is attached (developer guide, "Restrict access with VPC origins"). And it makes a security group in the
 * VPC, `CloudFront-VPCOrigins-Service-SG`, which stays when the origin is deleted and keeps the VPC from being deleted (DependencyViolation). So a VPC of this stack waits, on deletion, for a
 * function that removes the group. A VPC of another stack may hold origins of others, and its deletion waits for none of them here.
 */
export function vpcOfOrigin(scope: Construct, { vpc, distribution, logRetention }: VpcOfOrigin): void {
  const isOurs = vpc.node.defaultChild instanceof ec2.CfnVPC && Stack.of(vpc) === Stack.of(scope);
  const needed = [
    ...vpc.publicSubnets.map((subnet) => subnet.internetConnectivityEstablished),
    ...(isOurs ? [removedGroup(new Construct(scope, 'OriginGroup'), vpc, logRetention)] : []),
  ];
  for (const origin of distribution.node.findAll())
    if (origin instanceof cloudfront.CfnVpcOrigin) origin.node.addDependency(...needed);
}

function removedGroup(
  scope: Construct,
  vpc: ec2.IVpc,
  retention: logs.RetentionDays = logs.RetentionDays.ONE_MONTH,
): CustomResource {
  const remove = new lambda.Function(scope, 'Remove', {
    description: 'Removes the security group that CloudFront leaves in the VPC',
    runtime: lambda.Runtime.NODEJS_24_X,
    architecture: lambda.Architecture.ARM_64,
    handler: 'index.handler',
    code: lambda.Code.fromInline(REMOVAL_CODE),
    timeout: Duration.minutes(15),
    memorySize: 128,
    logGroup: new logs.LogGroup(scope, 'Logs', { retention }),
  });
  const stack = Stack.of(scope);
  // Service Authorization Reference, EC2: reads know no resources; a group is deleted by its VPC.
  remove.addToRolePolicy(new iam.PolicyStatement({ actions: ['ec2:DescribeSecurityGroups'], resources: ['*'] }));
  remove.addToRolePolicy(
    new iam.PolicyStatement({
      actions: ['ec2:DeleteSecurityGroup'],
      resources: [stack.formatArn({ service: 'ec2', resource: 'security-group', resourceName: '*' })],
      conditions: { ArnEquals: { 'ec2:Vpc': vpc.vpcArn } },
    }),
  );
  acknowledge(remove, {
    ...BASIC_EXECUTION,
    'AwsSolutions-IAM5[Resource::*]': 'Reads of EC2 know no resources.',
    'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:security-group/*]':
      'The group of CloudFront has no name before the origin is made; the condition bounds it to this VPC.',
  });
  const resource = new CustomResource(scope, 'Removed', {
    serviceToken: remove.functionArn,
    resourceType: 'Custom::OriginGroupRemoved',
    properties: { Vpc: vpc.vpcId },
  });
  // Its rights are there until it has answered.
  resource.node.addDependency(remove);
  return resource;
}
