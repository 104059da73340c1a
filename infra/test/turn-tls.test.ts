/** turns: through the network load balancer, as Elastic Load Balancing and a draining node carry it out. */
import { App, Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as acm from 'aws-cdk-lib/aws-certificatemanager';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { expect, test } from 'vitest';
import { Network, TopologyStack, TurnFleet } from '../src/index.ts';
import { DEFAULT_DEREGISTRATION_DELAY, NLB_OPENS_AFTER_DEREGISTRATION, terminatingHook } from './aws-rules.ts';

type Any = ReturnType<typeof JSON.parse>;
const ARN = 'arn:aws:acm:eu-west-1:111122223333:certificate/11111111-2222-3333-4444-555555555555';

function fleet(drainTimeout: Duration): Any {
  const stack = new TopologyStack(new App(), 'Fleet');
  const { vpc } = new Network(stack, 'Network', { natGateways: 0 });
  new TurnFleet(stack, 'Turn', {
    vpc,
    image: ecs.ContainerImage.fromRegistry('example.com/image:1'),
    certificate: acm.Certificate.fromCertificateArn(stack, 'Certificate', ARN),
    turnHost: 'turn.calls.example.com',
    drainTimeout,
  });
  return Template.fromStack(stack).toJSON();
}
const ofType = (template: Any, type: string): Any[] =>
  Object.values<Any>(template.Resources).flatMap((one) => (one.Type === type ? [one.Properties] : []));

test.each([Duration.minutes(5), Duration.hours(2), Duration.hours(48)])(
  'a node that drains for $amount $unit gets no new calls, and those it has stay',
  (drainTimeout) => {
    const template = fleet(drainTimeout);
    const [group] = ofType(template, 'AWS::ElasticLoadBalancingV2::TargetGroup');
    const [task] = ofType(template, 'AWS::ECS::TaskDefinition');
    const settings = Object.fromEntries(
      task.ContainerDefinitions[0].Environment.map((one: Any) => [one.Name, one.Value]),
    );
    // The port that a draining node closes (turn-node.test.ts), and not that of coturn, which stays open for its calls.
    expect(group.HealthCheckProtocol).toBe('TCP');
    expect(group.HealthCheckPort).toBe(settings.READY_PORT);
    expect(settings.READY_PORT).not.toBe(settings.TURN_PORT);
    const attributes = Object.fromEntries(group.TargetGroupAttributes.map((one: Any) => [one.Key, one.Value]));
    // Network Load Balancer guide, "Target group health", "Connection termination for unhealthy targets": by default established connections
    // end when a target becomes unhealthy; without it they end after the draining interval, 0 to 360000 s, default 0.
    expect(attributes['target_health_state.unhealthy.connection_termination.enabled']).toBe('false');
    const interval = Number(attributes['target_health_state.unhealthy.draining_interval_seconds']);
    expect(interval).toBeGreaterThanOrEqual(drainTimeout.toSeconds());
    expect(interval).toBeLessThanOrEqual(360_000);
    // The same page: the load balancer's security group and the targets' must both allow the health check.
    const port = Number(settings.READY_PORT);
    const rules = (kind: string) =>
      ofType(template, `AWS::EC2::SecurityGroup${kind}`).filter((one) => one.FromPort === port);
    expect(rules('Egress').map((one) => one.DestinationSecurityGroupId)).toHaveLength(1);
    const [from, ...more] = rules('Ingress');
    expect(more).toEqual([]);
    expect(from).toMatchObject({ IpProtocol: 'tcp', ToPort: port });
    expect(JSON.stringify(from.SourceSecurityGroupId)).toContain('TlsSecurityGroup');
  },
);

test.each([Duration.minutes(5), Duration.hours(2)])(
  'an instance that is to go refuses calls when the load balancer sends none, and soon, while $amount $unit are for calls, and those by TLS stay',
  (drainTimeout) => {
    const template = fleet(drainTimeout);
    const [group] = ofType(template, 'AWS::ElasticLoadBalancingV2::TargetGroup');
    const attributes = Object.fromEntries(group.TargetGroupAttributes.map((one: Any) => [one.Key, one.Value]));
    expect(JSON.stringify(ofType(template, 'AWS::AutoScaling::AutoScalingGroup'))).toContain('TargetGroupARNs');
    const { beginsAfter } = terminatingHook(Number(attributes['deregistration_delay.timeout_seconds']));
    // A node that drains refuses calls (turn-node.test.ts): who has TLS alone would get no relay.
    expect(beginsAfter).toBeGreaterThanOrEqual(NLB_OPENS_AFTER_DEREGISTRATION);
    // Until then the node is in the directory and takes new calls over UDP, each of which then holds the instance.
    expect(beginsAfter).toBeLessThanOrEqual(Math.max(DEFAULT_DEREGISTRATION_DELAY, NLB_OPENS_AFTER_DEREGISTRATION));
    // Network Load Balancer guide, "Target group attributes": true ends connections when the delay is over.
    expect(attributes['deregistration_delay.connection_termination.enabled']).toBe('false');
  },
);
