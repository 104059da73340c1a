import { Aws, Names } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/**
 * A physical name for what AWS keeps once an account, whatever the region: dashboards, CloudFront's policies and access controls.
 * It holds the stack, the construct's path and the region. (CDK's own default leaves the region out.)
 * @param maxLength what AWS takes; a region is at most 14 characters, such as ap-southeast-2
 */
export function globalName(construct: Construct, maxLength: number): string {
  return `${Names.uniqueResourceName(construct, { maxLength: maxLength - 15, separator: '-' })}-${Aws.REGION}`;
}
