import { Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * Dimensions of everything that a part writes to CloudWatch itself. Namespace, service and stack alone would be one series for two
 * services or fleets in one stack, and each would scale on the other's load; `part` is the construct's place in its stack.
 */
export function metricIdentity(
  part: IConstruct,
  service: string,
): { readonly service: string; readonly stack: string; readonly part: string } {
  const stack = Stack.of(part);
  return { service, stack: stack.stackName, part: part.node.path.slice(stack.node.path.length).replace(/^\//, '') };
}
