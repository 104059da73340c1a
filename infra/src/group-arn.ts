import { ArnFormat, Stack } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';

/** The group as policies name it. */
export function groupArn(group: autoscaling.AutoScalingGroup): string {
  return Stack.of(group).formatArn({
    service: 'autoscaling',
    resource: 'autoScalingGroup',
    // The middle of a group's ARN is an id that AWS makes with the group; the name at the end is exact.
    resourceName: `*:autoScalingGroupName/${group.autoScalingGroupName}`,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

/** Why cdk-nag's rule about wildcards does not apply to {@link groupArn}. */
export function groupArnReason(group: autoscaling.AutoScalingGroup): Record<string, string> {
  const id = Stack.of(group).resolve((group.node.defaultChild as autoscaling.CfnAutoScalingGroup).logicalId);
  return {
    [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:autoscaling:<AWS::Region>:<AWS::AccountId>:autoScalingGroup:*:autoScalingGroupName/<${id}>]`]:
      'The star stands for an id that AWS makes; the name after it is exactly this group.',
  };
}
