import type * as ecs from 'aws-cdk-lib/aws-ecs';
import type { IConstruct } from 'constructs';

/**
 * What starts a task waits for all that the task's roles may. A policy is a resource of its own, to which a task definition does not refer: CloudFormation would start
 * tasks beside it, which then cannot pull their images or read a new secret; three of those, and the circuit breaker takes the deployment back. CDK waits for the task
 * role alone (aws-cdk #24880).
 */
export function startAfterRights(starter: IConstruct, task: ecs.TaskDefinition): void {
  // Its roles and their policies are below it.
  starter.node.addDependency(task);
}
