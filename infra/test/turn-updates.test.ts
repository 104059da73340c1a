/** Updates of the TURN fleet as ECS and Auto Scaling carry them out, for every size that a fleet may have. */
import { App, Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { expect, test } from 'vitest';
import { Network, TopologyStack, TurnFleet, type TurnFleetProps } from '../src/index.ts';
import { topology } from '../topology/index.ts';
import { relayFirewallCommands } from '../topology/relay-firewall.ts';
import { ECS_STABILIZE_SECONDS, LONGEST_STOP_TIMEOUT, longestLifecycleHook, rollingUpdate } from './aws-rules.ts';

type Any = ReturnType<typeof JSON.parse>;

function fleet(props: Partial<TurnFleetProps>) {
  const stack = new TopologyStack(new App(), 'Fleet');
  const { vpc } = new Network(stack, 'Network', { natGateways: 0 });
  new TurnFleet(stack, 'Turn', { vpc, image: ecs.ContainerImage.fromRegistry('example.com/image:1'), ...props });
  const template = Template.fromStack(stack);
  const one = (type: string): Any => Object.values(template.findResources(type) as Any)[0];
  const deployment = one('AWS::ECS::Service').Properties.DeploymentConfiguration;
  const { UserData } = one('AWS::EC2::LaunchTemplate').Properties.LaunchTemplateData;
  const userData: string = UserData['Fn::Base64']['Fn::Join'][1].map((part: Any) => part.Ref ?? part).join('');
  const container = one('AWS::ECS::TaskDefinition').Properties.ContainerDefinitions[0];
  return {
    deployment,
    container,
    userData,
    settings: Object.fromEntries(container.Environment.map((v: Any) => [v.Name, v.Value])),
    agentStopSeconds: Number(/ECS_CONTAINER_STOP_TIMEOUT=(\d+)s/.exec(userData)?.[1]),
    heartbeat: one('AWS::AutoScaling::LifecycleHook').Properties.HeartbeatTimeout as number,
  };
}

const cases = [1, 2, 3, 4, 9].flatMap((minNodes) =>
  [Duration.minutes(1), Duration.hours(2), Duration.hours(48)].map((drainTimeout) => ({ minNodes, drainTimeout })),
);

test.each(cases)(
  '$minNodes nodes at least, drain $drainTimeout.amount $drainTimeout.unit: an update moves on and ends before CloudFormation gives up',
  (props) => {
    const { deployment, agentStopSeconds } = fleet(props);
    expect(agentStopSeconds).toBeGreaterThan(0);
    for (let nodes = props.minNodes; nodes <= props.minNodes + 60; nodes++) {
      const { stop, add } = rollingUpdate(nodes, deployment.MinimumHealthyPercent, deployment.MaximumPercent);
      // A node's ports are the host's, so an old task ends before the new one starts: adding alone helps nobody.
      expect(add, `${nodes} nodes`).toBe(0);
      expect(stop, `${nodes} nodes`).toBeGreaterThan(0);
      // Of one node any percentage above 0 is that node, so a fleet that may shrink to one gets no such promise.
      if (props.minNodes > 1) expect(stop, `${nodes} nodes`).toBeLessThan(nodes);
      expect(Math.ceil(nodes / stop) * agentStopSeconds, `${nodes} nodes`).toBeLessThan(ECS_STABILIZE_SECONDS);
    }
  },
);

test.each(cases)(
  '$minNodes nodes at least, drain $drainTimeout.amount $drainTimeout.unit: what waits for calls is never cut short by its own bound',
  (props) => {
    const { container, settings, agentStopSeconds, heartbeat } = fleet(props);
    expect(container.StopTimeout ?? 0).toBeLessThanOrEqual(LONGEST_STOP_TIMEOUT);
    // The agent of ECS kills what is left: the node ends by itself before.
    expect(Number(settings.STOP_DRAIN_SECONDS)).toBeLessThan(agentStopSeconds);
    expect(Number(settings.DRAIN_SECONDS)).toBe(props.drainTimeout.toSeconds());
    expect(longestLifecycleHook(heartbeat)).toBeGreaterThanOrEqual(props.drainTimeout.toSeconds());
  },
);

test('an instance of the relay starts with the firewall rules that the kernel test holds, again at each boot, before its tasks', () => {
  const { userData, settings, container } = fleet({});
  const ports = [Number(settings.RELAY_MIN_PORT), Number(settings.RELAY_MAX_PORT)] as const;
  expect(topology.turn.relayPorts).toEqual(ports);
  const [user] = container.User.split(':');
  const [, script = ''] = /cat > \/usr\/local\/sbin\/relay-firewall <<'END'\n(.*?)\nEND\n/s.exec(userData) ?? [];
  expect(script.split('\n').slice(1)).toEqual(relayFirewallCommands({ ports, user: Number(user) }));
  expect(userData).toMatch(
    /Before=ecs\.service\n.*WantedBy=multi-user\.target\n.*systemctl enable --now relay-firewall/s,
  );
});
