import { CfnResource, type IAspect, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { IConstruct } from 'constructs';

/** For a stack that is tried out: every resource goes with the stack. Log groups and keys would stay by default. */
export class LeaveNothing implements IAspect {
  visit(node: IConstruct): void {
    if (CfnResource.isCfnResource(node)) node.applyRemovalPolicy(RemovalPolicy.DESTROY);
  }
}

/**
 * A log group of the stack for each function that CDK makes for itself, such as the one that empties buckets: Lambda would make one on the
 * first call, which no stack deletes (Lambda guide, "Configuring CloudWatch log groups").
 */
export function ownLogGroups(stack: Stack): void {
  for (const node of stack.node.findAll()) {
    if (!CfnResource.isCfnResource(node) || node.cfnResourceType !== 'AWS::Lambda::Function') continue;
    const scope = node.node.scope;
    if (!scope || !/CustomResourceProvider$/.test(scope.node.id)) continue;
    const group = new logs.LogGroup(scope, 'Logs', { retention: logs.RetentionDays.ONE_WEEK });
    node.addPropertyOverride('LoggingConfig', { LogGroup: group.logGroupName });
  }
}
