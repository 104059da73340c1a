import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { IConstruct } from 'constructs';
import { check } from './check.ts';

/** Of each app: VPC and name of the private zones in it. */
const taken = new WeakMap<IConstruct, Set<string>>();

/**
 * A VPC has one private zone of a name (Route 53 API reference, "CreateHostedZone", ConflictingDomainExists), so two topologies in one VPC need
 * two names. A topology of another app is not known here.
 * @throws Error naming the property and the fix
 */
export function checkPrivateDomain(scope: IConstruct, vpc: ec2.IVpc, name: string): void {
  const { root } = scope.node;
  const names = taken.get(root) ?? new Set();
  // Of a VPC that does not exist yet the id is a token, the same for each use.
  const key = `${vpc.vpcId} ${name}`;
  check(
    !names.has(key),
    'WebRtcTopology',
    'privateDomainName',
    `another topology in this VPC has "${name}", and a VPC has one private zone of a name`,
    'a name of its own, such as second.internal',
  );
  taken.set(root, names.add(key));
}
