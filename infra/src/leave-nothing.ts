import { CfnResource, type IAspect, RemovalPolicy } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** For a stack that is tried out: every resource goes with the stack. Log groups and keys would stay by default. */
export class LeaveNothing implements IAspect {
  visit(node: IConstruct): void {
    if (CfnResource.isCfnResource(node)) node.applyRemovalPolicy(RemovalPolicy.DESTROY);
  }
}
