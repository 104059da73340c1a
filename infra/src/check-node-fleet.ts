import { Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { check, checkInteger } from './check.ts';

/** What {@link TurnFleet} and {@link MediaFleet} have in common. */
export interface NodeFleet {
  readonly vpc: ec2.IVpc;
  readonly minNodes?: number;
  readonly maxNodes?: number;
  readonly nodeMbps?: number;
  readonly instanceType?: ec2.InstanceType;
}

export interface NodeFleetRules {
  /** Name of the construct. */
  readonly kind: string;
  /** Who needs public addresses, as the error says it. */
  readonly nodes: string;
  /** Of `minNodes`. */
  readonly fewest: number;
  /** A type that fits, as the error says it. */
  readonly instanceType: string;
}

/** @throws Error naming the property and the fix */
export function checkNodeFleet(props: NodeFleet, { kind, nodes, fewest, instanceType }: NodeFleetRules): void {
  const { vpc, minNodes = fewest, maxNodes } = props;
  check(
    !Token.isUnresolved(minNodes),
    kind,
    'minNodes',
    'it is known only when deployed, and how an update goes depends on it',
    'a plain number',
  );
  check(
    Token.isUnresolved(vpc.vpcId) || vpc.publicSubnets.length > 0,
    kind,
    'vpc',
    `it has no public subnets, and ${nodes} need public addresses`,
    'a VPC with a public subnet in each zone',
  );
  checkInteger(kind, 'minNodes', minNodes, 1, 1000);
  checkInteger(kind, 'maxNodes', maxNodes, 1, 1000);
  check(
    maxNodes === undefined || maxNodes >= minNodes,
    kind,
    'maxNodes',
    `${maxNodes} is below minNodes (${minNodes})`,
    'at least minNodes',
  );
  checkInteger(kind, 'nodeMbps', props.nodeMbps, 1, 200_000);
  const type = props.instanceType;
  check(
    type === undefined || Token.isUnresolved(type.toString()) || type.architecture === ec2.InstanceArchitecture.ARM_64,
    kind,
    'instanceType',
    `${type?.toString()} is not Graviton, and the image is built for it`,
    `a type such as ${instanceType}`,
  );
}
