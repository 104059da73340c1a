import { Duration } from 'aws-cdk-lib';
import type * as autoscaling from 'aws-cdk-lib/aws-autoscaling';
import type * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elb from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Construct } from 'constructs';
import { topology } from '../topology/index.ts';
import { acknowledge } from './acknowledge.ts';

/** turns: by a network load balancer that ends TLS, so that no node holds a private key. UDP and media never pass it. */
export function turnTls(
  scope: Construct,
  instances: autoscaling.AutoScalingGroup,
  nodes: ec2.ISecurityGroup,
  certificate: acm.ICertificate,
  drain: Duration,
  options: { readonly vpc: ec2.IVpc; readonly deletionProtection: boolean },
): elb.NetworkLoadBalancer {
  const { vpc, deletionProtection } = options;
  const ports = [443, topology.turn.tlsPort];
  const securityGroup = new ec2.SecurityGroup(scope, 'TlsSecurityGroup', {
    vpc,
    description: 'turns: over TLS',
    allowAllOutbound: false,
  });
  for (const port of ports) securityGroup.addIngressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(port), 'TURN over TLS');
  securityGroup.addEgressRule(nodes, ec2.Port.tcp(topology.turn.port), 'to the nodes');
  securityGroup.addEgressRule(nodes, ec2.Port.tcp(topology.turn.readyPort), 'health checks');
  nodes.addIngressRule(securityGroup, ec2.Port.tcp(topology.turn.readyPort), 'health checks of turns:');
  const balancer = new elb.NetworkLoadBalancer(scope, 'Tls', {
    vpc,
    internetFacing: true,
    deletionProtection,
    crossZoneEnabled: true,
    vpcSubnets: { subnetType: ec2.SubnetType.PUBLIC },
    securityGroups: [securityGroup],
  });
  acknowledge(securityGroup, { 'AwsSolutions-EC23': 'A relay is public; it admits who has fresh credentials.' });
  acknowledge(balancer, {
    'AwsSolutions-ELB2':
      'The nodes log allocations; TLS connection logs would hold addresses of callers and say no more.',
  });
  const group = targetGroup(scope, vpc, drain);
  instances.attachToNetworkTargetGroup(group);
  for (const port of ports)
    balancer.addListener(`Port${port}`, {
      port,
      protocol: elb.Protocol.TLS,
      certificates: [certificate],
      sslPolicy: elb.SslPolicy.TLS13_RES,
      defaultTargetGroups: [group],
    });
  return balancer;
}

function targetGroup(scope: Construct, vpc: ec2.IVpc, drain: Duration): elb.NetworkTargetGroup {
  const group = new elb.NetworkTargetGroup(scope, 'TlsNodes', {
    vpc,
    port: topology.turn.port,
    protocol: elb.Protocol.TCP,
    targetType: elb.TargetType.INSTANCE,
    // Auto Scaling waits it out before its lifecycle hook begins, from which the node knows that it is to go and refuses new calls. The load balancer may open connections to it
    // for about as long (infra/test/aws-rules.ts), so until then the node takes them. Open ones stay past its end (connectionTermination).
    deregistrationDelay: Duration.seconds(300),
    connectionTermination: false,
    preserveClientIp: true,
    // A node closes this port as soon as it drains, also for an update of the service, in which its instance stays.
    healthCheck: {
      protocol: elb.Protocol.TCP,
      port: String(topology.turn.readyPort),
      interval: Duration.seconds(10),
    },
  });
  // New calls go elsewhere; those that are open stay until the drain is over.
  group.setAttribute('target_health_state.unhealthy.connection_termination.enabled', 'false');
  group.setAttribute('target_health_state.unhealthy.draining_interval_seconds', String(drain.toSeconds()));
  return group;
}
