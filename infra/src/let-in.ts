import type * as ec2 from 'aws-cdk-lib/aws-ec2';

/**
 * `to` lets `from` in by its default port. The rule is in the stack of `from`, which refers to that of `to` anyway, and not the reverse: stacks that refer to each other
 * do not synthesize (test/split-stacks.test.ts). A group that lets out everything needs no rule to get out, and CDK warns of one.
 */
export function letIn(from: ec2.SecurityGroup, to: ec2.Connections | undefined, what: string): void {
  if (!to) return;
  if (!from.allowAllOutbound || !to.defaultPort) from.connections.allowToDefaultPort(to, what);
  // As the stack of the one who connects: `remoteRule`.
  else for (const group of to.securityGroups) group.addIngressRule(from, to.defaultPort, what, true);
}
