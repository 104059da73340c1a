/** Media nodes as ECS, Auto Scaling and Secrets Manager carry them out; what holds for every template is in the other tests. */
import { App, Duration } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { Check } from 'typebox/value';
import { expect, test } from 'vitest';
import { MediaNodeConfig } from '../media-node/src/config.ts';
import { mediaMetrics } from '../media-node/src/node-load.ts';
import { embeddedMetrics } from '../node-kit/metrics.ts';
import { MediaFleet, type MediaFleetProps, Network, TopologyStack } from '../src/index.ts';
import { topology } from '../topology/index.ts';
import { mediaFirewallCommands } from '../topology/media-firewall.ts';
import { PACKAGER_USER, packagerFirewallCommands } from '../topology/packager-firewall.ts';
import { ECS_STABILIZE_SECONDS, longestLifecycleHook, rollingUpdate } from './aws-rules.ts';
import { PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;

const GIVEN = {
  directory: { url: 'rediss://cache.example.com:6379' },
  signalingUrl: 'wss://calls.example.com/ws/signal',
  authUrl: 'https://calls.example.com',
  image: ecs.ContainerImage.fromRegistry('example.com/image:1'),
};

function fleet(props: Partial<MediaFleetProps>) {
  const stack = new TopologyStack(new App(), 'Fleet');
  const { vpc } = new Network(stack, 'Network', { natGateways: 0 });
  new MediaFleet(stack, 'Media', { vpc, ...GIVEN, ...props });
  const template = Template.fromStack(stack);
  const one = (type: string): Any => Object.values(template.findResources(type) as Any)[0];
  const container = one('AWS::ECS::TaskDefinition').Properties.ContainerDefinitions[0];
  const { UserData } = one('AWS::EC2::LaunchTemplate').Properties.LaunchTemplateData;
  const userData: string = UserData['Fn::Base64']['Fn::Join'][1].map((part: Any) => part.Ref ?? part).join('');
  return {
    deployment: one('AWS::ECS::Service').Properties.DeploymentConfiguration,
    settings: Object.fromEntries(container.Environment.map((v: Any) => [v.Name, v.Value])),
    secrets: container.Secrets.map((one: Any) => one.Name),
    user: Number(container.User.split(':')[0]),
    agentStopSeconds: Number(/ECS_CONTAINER_STOP_TIMEOUT=(\d+)s/.exec(userData)?.[1]),
    heartbeat: one('AWS::AutoScaling::LifecycleHook').Properties.HeartbeatTimeout as number,
    ports: one('AWS::EC2::SecurityGroup').Properties.SecurityGroupIngress,
    userData,
    scaling: one('AWS::AutoScaling::ScalingPolicy').Properties.TargetTrackingConfiguration,
    secret: one('AWS::SecretsManager::Secret').Properties.GenerateSecretString,
  };
}

test('an update moves on, keeps a node that rooms can move to, and ends before CloudFormation gives up', () => {
  for (const minNodes of [1, 2, 3, 9])
    for (const drainTimeout of [Duration.minutes(1), Duration.minutes(55)]) {
      const { deployment, agentStopSeconds, settings, heartbeat } = fleet({ minNodes, drainTimeout });
      expect(Number(settings.DRAIN_SECONDS)).toBe(drainTimeout.toSeconds());
      expect(agentStopSeconds).toBeGreaterThan(drainTimeout.toSeconds());
      expect(longestLifecycleHook(heartbeat)).toBeGreaterThanOrEqual(drainTimeout.toSeconds());
      for (let nodes = minNodes; nodes <= minNodes + 30; nodes++) {
        const { stop } = rollingUpdate(nodes, deployment.MinimumHealthyPercent, deployment.MaximumPercent);
        expect(stop, `${nodes} nodes`).toBeGreaterThan(0);
        if (minNodes > 1) expect(stop, `${nodes} nodes`).toBeLessThan(nodes);
        expect(Math.ceil(nodes / stop) * agentStopSeconds, `${nodes} nodes`).toBeLessThan(ECS_STABILIZE_SECONDS);
      }
    }
});

test('the fleet grows on the load that its own nodes write, with half of each free', () => {
  const { scaling, settings } = fleet({});
  const { METRICS_STACK: stack, METRICS_PART: part } = settings;
  const values = { rooms: 1, legs: 2, load: 0.75, mbps: 1, serving: 1, draining: 0, enginesLost: 0, roomsMoved: 0 };
  const line = JSON.parse(embeddedMetrics({ service: 'media', stack, part }, mediaMetrics(values)));
  const { Namespace, MetricName, Dimensions, Statistic } = scaling.CustomizedMetricSpecification;
  expect([Namespace, line[MetricName], Statistic]).toEqual([line._aws.CloudWatchMetrics[0].Namespace, 0.75, 'Average']);
  // CloudWatch finds a metric by exactly the dimensions under which it was put.
  const names = Dimensions.map(({ Name }: { Name: string }) => Name);
  expect(line._aws.CloudWatchMetrics[0].Dimensions.map((set: string[]) => set.toSorted())).toContainEqual(
    names.toSorted(),
  );
  for (const { Name, Value } of Dimensions) expect(line[Name]).toBe(Value);
  expect(scaling.TargetValue).toBe(0.5);
});

test('the world reaches media ports by UDP and nothing else, and the host takes none of them for itself', () => {
  const { ports, userData } = fleet({});
  const [low, high] = topology.media.mediaPorts;
  expect(ports).toEqual([
    { CidrIp: '0.0.0.0/0', Description: 'Media', FromPort: low, ToPort: high, IpProtocol: 'udp' },
  ]);
  expect(Number(/ip_local_port_range=10240 (\d+)/.exec(userData)?.[1])).toBeLessThan(low);
});

test('an instance starts with the firewall rules that the kernel test holds, again at each boot, before its tasks', () => {
  const { userData, settings, user } = fleet({});
  const ports = [Number(settings.MEDIA_MIN_PORT), Number(settings.MEDIA_MAX_PORT)] as const;
  const [, script = ''] = /cat > \/usr\/local\/sbin\/media-firewall <<'END'\n(.*?)\nEND\n/s.exec(userData) ?? [];
  expect(script.split('\n').slice(1)).toEqual(mediaFirewallCommands({ ports, user }));
  expect(userData).toMatch(
    /Before=ecs\.service\n.*WantedBy=multi-user\.target\n.*systemctl enable --now media-firewall/s,
  );
});

test('a packager beside each node: a user of its own that may send nothing, no secret, a folder in memory that the two share', () => {
  const stack = new TopologyStack(new App(), 'Fleet');
  const { vpc } = new Network(stack, 'Network', { natGateways: 0 });
  const { image } = GIVEN;
  new MediaFleet(stack, 'Media', { vpc, ...GIVEN, packagers: 3, packagerImage: image });
  const template = Template.fromStack(stack);
  const [{ Properties: task }] = Object.values(template.findResources('AWS::ECS::TaskDefinition')) as [Any];
  const [media, packager] = task.ContainerDefinitions;
  const settings = (one: Any) => Object.fromEntries((one.Environment ?? []).map((v: Any) => [v.Name, v.Value]));
  expect(settings(media)).toMatchObject({ MAX_PACKAGERS: '3' });
  expect(settings(packager)).toEqual({ HLS_DIR: settings(media).HLS_DIR });
  expect(packager.Secrets).toBeUndefined();
  expect(packager).toMatchObject({ Essential: false, ReadonlyRootFilesystem: true, RestartPolicy: { Enabled: true } });
  const [user, group] = packager.User.split(':');
  expect([user, group]).toEqual([String(PACKAGER_USER), media.User.split(':')[1]]);
  expect(user).not.toBe(media.User.split(':')[0]);
  const rules = packagerFirewallCommands(Number(user));
  expect(fleet({ packagers: 3, packagerImage: image }).userData).toContain(rules.join('\n'));
  expect(fleet({}).userData).not.toContain(rules[0]);
  // All that the two share.
  const volumesOf = (one: Any) => one.MountPoints.map((mount: Any) => [mount.SourceVolume, mount.ContainerPath]);
  expect(volumesOf(packager)).toEqual([['hls', '/run/hls']]);
  expect(volumesOf(media)).toContainEqual(['hls', '/run/hls']);
  const { DockerVolumeConfiguration: volume } = task.Volumes.find((one: Any) => one.Name === 'hls');
  expect(volume.DriverOpts).toMatchObject({ type: 'tmpfs', o: expect.stringContaining('mode=0750') });
  // ECS API reference, "DockerVolumeConfiguration": autoprovision is for the scope `shared` alone.
  expect(volume).toMatchObject({ Scope: 'task', Driver: 'local' });
  expect(volume.Autoprovision).toBeUndefined();
});

test('the packager has the time of its node when ECS stops both: it waits itself for the drain', () => {
  const stack = new TopologyStack(new App(), 'Fleet');
  const { vpc } = new Network(stack, 'Network', { natGateways: 0 });
  new MediaFleet(stack, 'Media', { vpc, ...GIVEN, packagers: 1, packagerImage: GIVEN.image });
  const [task] = Object.values(Template.fromStack(stack).findResources('AWS::ECS::TaskDefinition')) as [Any];
  // Without it ECS_CONTAINER_STOP_TIMEOUT of the instance holds (ECS guide, "Amazon ECS container agent configuration"), the same for both.
  for (const container of task.Properties.ContainerDefinitions) expect(container.StopTimeout).toBeUndefined();
});

test('auth and the nodes get one secret, of a form that both take, and none of it as plain text', () => {
  const { secret, secrets, settings } = fleet({});
  // Secrets Manager: without punctuation a password has letters and digits (GetRandomPassword).
  expect(secret).toEqual({ ExcludePunctuation: true, PasswordLength: 43 });
  expect(Check(MediaNodeConfig.properties.MEDIA_SECRET, 'Az09'.padEnd(43, 'x'))).toBe(true);
  expect(secrets).toEqual(['MEDIA_SECRET']);
  expect(settings).not.toHaveProperty('MEDIA_SECRET');
  const tasks = Object.values<Any>((synthesize(PRODUCTION, { checks: false, built: false }).template as Any).Resources)
    .filter((one) => one.Type === 'AWS::ECS::TaskDefinition')
    .flatMap((one) => one.Properties.ContainerDefinitions[0].Secrets ?? [])
    .filter((one: Any) => one.Name === 'MEDIA_SECRET');
  expect(tasks).toHaveLength(2);
  expect(tasks[0].ValueFrom).toEqual(tasks[1].ValueFrom);
});

test('streams over HTTP: from the load balancer alone, to a port that the container names, healthy by liveness', () => {
  const { template } = synthesize(PRODUCTION, { checks: false, built: false });
  const resources = Object.entries<Any>((template as Any).Resources);
  const all = (type: string) => resources.filter(([, one]) => one.Type === type).map(([id, one]) => ({ id, ...one }));
  const [group] = all('AWS::ElasticLoadBalancingV2::TargetGroup').filter(({ id }) => /media/.test(id));
  // ECS developer guide, "Use load balancing to distribute Amazon ECS service traffic": tasks with the network mode host need the target type instance.
  expect(group.Properties).toMatchObject({ TargetType: 'instance', Port: topology.media.port, Protocol: 'HTTP' });
  // The same guide: ECS stops a task that its target group calls unhealthy. A node that drains must not be one.
  expect(group.Properties.HealthCheckPath).toBe(topology.media.livePath);
  const service = all('AWS::ECS::Service').find(({ id }) => /Media/.test(id));
  expect(service?.Properties.LoadBalancers).toEqual([
    { ContainerName: 'media', ContainerPort: topology.media.port, TargetGroupArn: { Ref: group.id } },
  ]);
  const task = all('AWS::ECS::TaskDefinition').find(({ id }) => /MediaTask/.test(id));
  expect(task?.Properties.ContainerDefinitions[0].PortMappings).toMatchObject([{ ContainerPort: topology.media.port }]);
  // Application Load Balancers guide, "Recommended rules": the targets admit the load balancer on the port of traffic and health checks, and it may
  // send there.
  const sides = [
    ['AWS::EC2::SecurityGroupIngress', /Media/],
    ['AWS::EC2::SecurityGroupEgress', /EdgeSecurityGroup/],
  ] as const;
  for (const [type, id] of sides) {
    const rules = all(type).filter((one) => id.test(one.id) && one.Properties.FromPort === topology.media.port);
    expect(rules, type).toHaveLength(1);
    expect(rules[0].Properties).toMatchObject({ ToPort: topology.media.port, IpProtocol: 'tcp' });
    expect(rules[0].Properties.CidrIp).toBeUndefined();
  }
  // A room id has characters that a URL escapes; the pattern's star takes any. The quotas of a rule: five values of conditions.
  const rule = all('AWS::ElasticLoadBalancingV2::ListenerRule').find(({ id }) => /media/.test(id));
  expect(rule?.Properties.Conditions[0].PathPatternConfig.Values.length).toBeLessThanOrEqual(5);
});

test('without media nodes nothing is routed to them', () => {
  const { template } = synthesize(
    { ...PRODUCTION, mediaNodes: undefined, packagers: undefined, recordings: 'false' } as never,
    {
      checks: false,
      built: false,
    },
  );
  expect(JSON.stringify(template)).not.toMatch(/\/wh[ie]p\*/);
});

test.each([
  [{ signalingUrl: 'https://calls.example.com/ws/signal' }, /MediaFleet\.signalingUrl: .*wss: or ws:/],
  [{ authUrl: 'nonsense' }, /MediaFleet\.authUrl: .*https:/],
  [{ directory: { url: 'memcached://x:1' } }, /MediaFleet\.directory/],
  [{ minNodes: 3, maxNodes: 2 }, /MediaFleet\.maxNodes: 2 is below minNodes/],
  [{ maxLegs: 9401 }, /MediaFleet\.maxLegs/],
  [{ drainTimeout: Duration.hours(2) }, /MediaFleet\.drainTimeout/],
  [{ instanceType: new ec2.InstanceType('c7i.large') }, /MediaFleet\.instanceType: .*Graviton/],
] as [Partial<MediaFleetProps>, RegExp][])('%o is refused by name', (props, message) => {
  expect(() => fleet(props)).toThrow(message);
});
