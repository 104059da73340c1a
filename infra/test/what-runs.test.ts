/** What runs in the whole topology, in production: cache, services, TURN and media nodes; each property that matters. */
import { SignalingConfig } from '@tandem/signaling/config';
import { askEvery } from '@tandem/signaling/ecs-task';
import { Default } from 'typebox/value';
import { expect, test } from 'vitest';
import { capacity } from '../capacity/model.ts';
import { DENIED_PEERS } from '../topology/denied-peers.ts';
import { topology } from '../topology/index.ts';
import { ECS_READS_A_SECOND, taskStop } from './aws-rules.ts';
import { ACCOUNT, allows, REGION, rolePolicies } from './policy.ts';
import { resourcesOf } from './resources.ts';
import { PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
const production = synthesize(PRODUCTION, { checks: false });
const { all, one, oneOf, container } = resourcesOf(production);

test('the cache is private, encrypted both ways, replicated, fails over, and each client has its own user', () => {
  const cache = one('AWS::ElastiCache::ReplicationGroup');
  expect(cache.properties).toMatchObject({
    Engine: 'valkey',
    ClusterMode: 'enabled',
    TransitEncryptionEnabled: true,
    TransitEncryptionMode: 'required',
    AtRestEncryptionEnabled: true,
    AutomaticFailoverEnabled: true,
    MultiAZEnabled: true,
    NumNodeGroups: 2,
    ReplicasPerNodeGroup: 2,
  });
  expect((cache.whole as Any).UpdatePolicy).toEqual({ UseOnlineResharding: true });
  const users = all('AWS::ElastiCache::User');
  expect(users.map((u) => u.properties.UserName).sort()).toEqual(['hooks', 'media-node', 'tandem', 'turn-node']);
  expect(new Set(users.map((u) => u.properties.UserId)).size).toBe(4);
  for (const name of ['turn', 'media']) {
    const rules = users.find((u) => u.properties.UserName === `${name}-node`)?.properties.AccessString;
    expect(rules).toContain(`~tandem:{${name}}:*`);
    expect(rules).not.toMatch(/allkeys|~\*|\+@all/);
  }
  expect(users.find((u) => u.properties.UserName === 'hooks')?.properties.AccessString).not.toMatch(
    /allkeys|~\*|~tandem:\*|\+@all/,
  );
  const rules = all('AWS::EC2::SecurityGroupIngress').filter((r) =>
    JSON.stringify(r.properties.GroupId).includes('Cache'),
  );
  expect(rules).toHaveLength(5); // auth, signaling, events, TURN nodes, media nodes
  for (const rule of rules) expect(rule.properties.SourceSecurityGroupId).toBeDefined();
});

test('services: Graviton, health on liveness, rollback, drain that fits, zone rebalancing, read-only, not root', () => {
  const services = all('AWS::ECS::Service').filter((s) => /Auth|Signaling|Hooks|Captions/.test(s.id));
  expect(services).toHaveLength(4);
  for (const { properties } of services) {
    expect(properties.DeploymentConfiguration).toMatchObject({
      MinimumHealthyPercent: 100,
      MaximumPercent: 200,
      DeploymentCircuitBreaker: { Enable: true, Rollback: true },
    });
    const alarms = properties.DeploymentConfiguration.Alarms;
    expect(alarms).toMatchObject({ Enable: true, Rollback: true });
    const watched = alarms.AlarmNames.map((name: Any) => all('AWS::CloudWatch::Alarm').find((a) => a.id === name.Ref));
    expect(watched.map((alarm: Any) => alarm?.properties.AlarmDescription.split(' Runbook')[0]).sort()).toEqual([
      'Targets fail their health check.',
      'Targets fail their health check.',
      'Targets fail their health check.',
      'Targets fail their health check.',
      'The services or the load balancer answer with 5xx.',
    ]);
    expect(properties.AvailabilityZoneRebalancing).toBe('ENABLED');
    expect(properties.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp).toBe('DISABLED');
  }
  for (const name of [/TopologyAuthTask/, /TopologySignalingTask/, /TopologyHooksTask/]) {
    const task = all('AWS::ECS::TaskDefinition').find((t) => name.test(t.id));
    expect(task?.properties.RuntimePlatform.CpuArchitecture).toBe('ARM64');
    const app = container(name, 'app');
    expect(app).toMatchObject({
      ReadonlyRootFilesystem: true,
      User: '10001:10001',
      StopTimeout: 120,
      LinuxParameters: { InitProcessEnabled: true },
      // Bad until the cache was reached once: a release that cannot is rolled back.
      HealthCheck: { StartPeriod: 120, Retries: 3 },
    });
    expect(app.HealthCheck.Command.join(' ')).toContain('/health/startup');
  }
  for (const group of all('AWS::ElasticLoadBalancingV2::TargetGroup').filter((g) => g.properties.Protocol === 'HTTP')) {
    expect(group.properties.HealthCheckPath).toBe('/health/live');
    const attributes = Object.fromEntries(group.properties.TargetGroupAttributes.map((a: Any) => [a.Key, a.Value]));
    expect(Number(attributes['deregistration_delay.timeout_seconds'])).toBeLessThanOrEqual(120);
    expect(attributes['stickiness.enabled']).toBe('false');
    expect(attributes['load_balancing.algorithm.type']).toBe('least_outstanding_requests');
  }
  const policies = all('AWS::ApplicationAutoScaling::ScalingPolicy').map(
    (p) => p.properties.TargetTrackingScalingPolicyConfiguration,
  );
  expect(policies.some((p) => p.CustomizedMetricSpecification?.MetricName === 'tandem_signaling_connections')).toBe(
    true,
  );
  for (const policy of policies) expect(policy.ScaleInCooldown).toBeGreaterThanOrEqual(600);
});

test('scale-in drops nobody: sockets move before the load balancer breaks them, the next one waits for it, and no task is protected from leaving', () => {
  const stop = container(/TopologySignalingTask/, 'app').StopTimeout * 1000;
  // Sockets move within this; the sessions are in the cache, so what is left is a resume elsewhere.
  const moved = Number((Default(SignalingConfig, {}) as Any).RECONNECT_WITHIN_MS);
  expect(moved).toBeLessThanOrEqual(stop / 2);
  const group = all('AWS::ElasticLoadBalancingV2::TargetGroup').find(
    (g) => g.properties.Port === topology.signaling.port,
  );
  const attributes = Object.fromEntries(group?.properties.TargetGroupAttributes.map((a: Any) => [a.Key, a.Value]));
  const { brokenAfter, sigtermAfter } = taskStop(Number(attributes['deregistration_delay.timeout_seconds']));
  // By SIGTERM alone all sockets of the old tasks would be broken in one moment.
  expect(sigtermAfter + moved / 1000).toBeGreaterThan(brokenAfter);
  // So a task asks ECS what it wants of it (leaving-task.test.ts), for which it needs this right of its own cluster's tasks.
  // The largest deployment of docs/capacity.md, in a release, leaves most of what ECS answers to others: deployments, consoles, other stacks.
  const tasks = 2 * capacity({ peers: 1_000_000 }).signalingTasks;
  expect(tasks / (askEvery(brokenAfter) / 1000)).toBeLessThan((2 / 3) * ECS_READS_A_SECOND);
  const [role] = all('AWS::IAM::Role').filter(({ id }) => /SignalingTaskTaskRole/.test(id));
  const [cluster] = all('AWS::ECS::Cluster').filter(({ id }) => !/Turn|Media/.test(id));
  const mayAsk = (name: string | undefined) =>
    allows(rolePolicies(production.template, role?.id ?? ''), {
      principal: role?.id ?? '',
      action: 'ecs:DescribeTasks',
      resource: `arn:aws:ecs:${REGION}:${ACCOUNT}:task/${name}/0123456789abcdef`,
    });
  expect([mayAsk(cluster?.id), mayAsk('another')]).toEqual([true, false]);
  for (const { properties } of all('AWS::ApplicationAutoScaling::ScalingPolicy'))
    expect(properties.TargetTrackingScalingPolicyConfiguration.ScaleInCooldown * 1000).toBeGreaterThan(stop);
  // A protected task would stay for as long as one socket is open, and sockets never end by themselves.
  expect(JSON.stringify(all('AWS::IAM::Policy'))).not.toContain('UpdateTaskProtection');
  // A relay cannot move its calls, and a media node moves its rooms first: there the instance waits, renewing the hook.
  for (const { properties } of all('AWS::AutoScaling::LifecycleHook'))
    expect(properties.DefaultResult).toBe('CONTINUE');
});

test('TURN: public nodes, IMDSv2, no load balancer under UDP, quotas, denied peers, drain hook, rotation', () => {
  const template = oneOf('Turn', 'AWS::EC2::LaunchTemplate').properties.LaunchTemplateData;
  expect(template.MetadataOptions).toMatchObject({ HttpTokens: 'required', HttpPutResponseHopLimit: 1 });
  expect(template.NetworkInterfaces[0].AssociatePublicIpAddress).toBe(true);
  expect(template.BlockDeviceMappings[0].Ebs.Encrypted).toBe(true);
  const node = container(/TopologyTurnTask/, 'turn');
  const environment = Object.fromEntries(node.Environment.map((v: Any) => [v.Name, v.Value]));
  expect(environment.DENIED_PEERS.split(',')).toEqual(DENIED_PEERS);
  for (const range of [
    '10.0.0.0-',
    '172.16.0.0-',
    '192.168.0.0-',
    '169.254.0.0-',
    '127.0.0.0-',
    'fc00::-',
    'fe80::-',
    '100.64.0.0-',
  ])
    expect(environment.DENIED_PEERS).toContain(range);
  expect(Number(environment.USER_QUOTA)).toBeGreaterThan(0);
  expect(Number(environment.TOTAL_QUOTA)).toBeLessThan(16_384);
  expect(node).toMatchObject({ ReadonlyRootFilesystem: true, User: '10001:10001' });
  expect(oneOf('Turn', 'AWS::AutoScaling::LifecycleHook').properties).toMatchObject({
    LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
    LifecycleHookName: environment.LIFECYCLE_HOOK,
  });
  expect(
    one('AWS::SecretsManager::RotationSchedule').properties.RotationRules.ScheduleExpression ??
      one('AWS::SecretsManager::RotationSchedule').properties.RotationRules,
  ).toBeDefined();
  const listeners = all('AWS::ElasticLoadBalancingV2::Listener')
    .map((l) => `${l.properties.Protocol}:${l.properties.Port}`)
    .sort();
  expect(listeners).toEqual(['HTTP:80', 'TLS:443', 'TLS:5349']);
  const open = all('AWS::EC2::SecurityGroup')
    .find((g) => /TopologyTurnSecurityGroup/.test(g.id))
    ?.properties.SecurityGroupIngress.map((r: Any) => `${r.IpProtocol}:${r.FromPort}-${r.ToPort}`);
  expect(open).toEqual(['udp:3478-3478', 'tcp:3478-3478', 'udp:49152-65535']);
});

test('media: public nodes, IMDSv2, read-only, not root, drain hook, media ports alone', () => {
  const template = oneOf('Media', 'AWS::EC2::LaunchTemplate').properties.LaunchTemplateData;
  expect(template.MetadataOptions).toMatchObject({ HttpTokens: 'required', HttpPutResponseHopLimit: 1 });
  expect(template.NetworkInterfaces[0].AssociatePublicIpAddress).toBe(true);
  expect(template.BlockDeviceMappings[0].Ebs.Encrypted).toBe(true);
  const node = container(/TopologyMediaTask/, 'media');
  expect(node).toMatchObject({ ReadonlyRootFilesystem: true, User: '10001:10001' });
  const environment = Object.fromEntries(node.Environment.map((v: Any) => [v.Name, v.Value]));
  expect(oneOf('Media', 'AWS::AutoScaling::LifecycleHook').properties).toMatchObject({
    LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING',
    LifecycleHookName: environment.LIFECYCLE_HOOK,
  });
  // Under the names of service discovery, at the ports that the services' groups admit the nodes to.
  const found = all('AWS::ServiceDiscovery::PrivateDnsNamespace').map((n) => n.properties.Name);
  for (const name of ['auth', 'signaling'] as const) {
    const { port } = topology[name];
    const url = new URL(name === 'auth' ? environment.AUTH_URL : environment.SIGNALING_URL);
    expect([url.host, url.protocol]).toEqual([`${name}.${found[0]}:${port}`, name === 'auth' ? 'http:' : 'ws:']);
    expect(
      all('AWS::ServiceDiscovery::Service').some((s) => s.properties.Name === name) ||
        all('AWS::ECS::Service').some((s) => JSON.stringify(s.properties).includes(`"PortName":"${name}"`)),
    ).toBe(true);
    const admitted = all('AWS::EC2::SecurityGroupIngress').filter(
      ({ properties: p }) =>
        JSON.stringify(p.GroupId).includes(name === 'auth' ? 'TopologyAuth' : 'TopologySignaling') &&
        JSON.stringify(p.SourceSecurityGroupId).includes('TopologyMedia'),
    );
    expect(admitted.map(({ properties: p }) => [p.FromPort, p.ToPort])).toEqual([[port, port]]);
  }
});
