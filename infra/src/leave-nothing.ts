import { Aws, CfnResource, Fn, type IAspect, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { IConstruct } from 'constructs';

/** For a stack that is tried out: every resource goes with the stack. Log groups and keys would stay by default. */
export class LeaveNothing implements IAspect {
  visit(node: IConstruct): void {
    if (CfnResource.isCfnResource(node)) node.applyRemovalPolicy(RemovalPolicy.DESTROY);
  }
}

/** A log group of the stack in place of each that AWS would make on the first line, which no stack deletes. */
export function ownLogGroups(stack: Stack): void {
  for (const node of stack.node.findAll()) {
    if (node instanceof ecs.CfnCluster) ownInsights(stack, node);
    if (CfnResource.isCfnResource(node) && node.cfnResourceType === 'AWS::Lambda::Function') ownFunctionLogs(node);
  }
}

/** Of functions that CDK makes for itself, such as the one that empties buckets. Lambda guide, "Configuring CloudWatch log groups". */
function ownFunctionLogs(handler: CfnResource): void {
  const scope = handler.node.scope;
  if (!scope || !/CustomResourceProvider$/.test(scope.node.id)) return;
  const group = new logs.LogGroup(scope, 'Logs', { retention: logs.RetentionDays.ONE_WEEK });
  handler.addPropertyOverride('LoggingConfig', { LogGroup: group.logGroupName });
}

/**
 * Of Container Insights, which names it by the cluster, without a choice (aws/containers-roadmap #2315). So the cluster gets a name that the
 * group can have before it: with the last part of the stack's id, which is new each time that a stack is created. What a cluster that is gone
 * still writes would make the group anew: the VPC, which goes last, waits for it on creation, so it goes after the cluster by minutes.
 */
function ownInsights(stack: Stack, cluster: ecs.CfnCluster): void {
  const scope = cluster.node.scope;
  if (!scope) return;
  const once = Fn.select(4, Fn.split('-', Fn.select(2, Fn.split('/', Aws.STACK_ID))));
  cluster.clusterName = Fn.join('-', [stack.stackName, stack.getLogicalId(cluster), once]);
  const group = new logs.CfnLogGroup(scope, 'InsightsLogs', {
    logGroupName: Fn.join('/', ['/aws/ecs/containerinsights', cluster.clusterName, 'performance']),
    retentionInDays: logs.RetentionDays.ONE_WEEK,
  });
  cluster.addResourceDependency(group);
  for (const node of stack.node.findAll()) if (node instanceof ec2.CfnVPC) node.addResourceDependency(group);
}
