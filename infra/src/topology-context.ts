import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import type { TopologyProfile } from './profile.ts';
import type { topologyDefaults } from './topology-defaults.ts';
import type { WebRtcTopologyProps } from './webrtc-topology-props.ts';

/** What the parts of a topology are made of. */
export interface TopologyContext {
  /** The topology itself: the scope of its parts. */
  readonly scope: Construct;
  readonly props: WebRtcTopologyProps;
  readonly profile: TopologyProfile;
  readonly defaults: ReturnType<typeof topologyDefaults>;
  readonly vpc: ec2.IVpc;
}

/** Behind NAT where there is any; else tasks reach registries and the interfaces of AWS by addresses of their own. */
export function taskPlacement(vpc: ec2.IVpc) {
  const assignPublicIp = vpc.privateSubnets.length === 0;
  return {
    vpcSubnets: { subnetType: assignPublicIp ? ec2.SubnetType.PUBLIC : ec2.SubnetType.PRIVATE_WITH_EGRESS },
    assignPublicIp,
  };
}
