/** What a profile needs of an account is what its template makes. */
import { expect, test } from 'vitest';
import { resourcesOf } from '../../test/resources.ts';
import { PRODUCTION, synthesize } from '../../test/synth.ts';
import { type NeededDomain, needsOf } from './needs.ts';

type Any = ReturnType<typeof JSON.parse>;

const DOMAIN: NeededDomain = {
  name: PRODUCTION.domainName,
  certificateArn: PRODUCTION.certificateArn,
  regionalCertificateArn: PRODUCTION.regionalCertificateArn,
  hostedZoneId: PRODUCTION.hostedZoneId,
};

test.each([
  ['production', { ...PRODUCTION, events: 'true' }, { mediaNodes: 2, events: true, captions: true, recordings: true }],
  ['development', { profile: 'development' }, {}],
] as const)('vCPUs, nodes, addresses and load balancers in %s are those of the template', (profile, context, sizes) => {
  const domain = profile === 'production' ? DOMAIN : undefined;
  const needs = needsOf(profile, 'eu-west-1', sizes, domain);
  const { all } = resourcesOf(synthesize(context, { checks: false }));
  const vcpus = (task: Any) =>
    Number(all('AWS::ECS::TaskDefinition').find(({ id }) => id === task.Ref)?.properties.Cpu) / 1024;
  const tasks = (service: string) =>
    all('AWS::ApplicationAutoScaling::ScalableTarget').find((target) =>
      JSON.stringify(target.properties.ResourceId).includes(service),
    )?.properties.MinCapacity as number;
  const services = all('AWS::ECS::Service').filter(
    ({ properties }) => properties.LaunchType !== 'EC2' && properties.SchedulingStrategy !== 'DAEMON',
  );
  const running = services.map(({ id, properties }) => tasks(`${id}`) * vcpus(properties.TaskDefinition));
  // The canary, and with recordings the composer, which two rules start: one that ended, and the sweep.
  const started = all('AWS::Events::Rule').flatMap(({ properties }) =>
    properties.Targets.flatMap((one: Any) => (one.EcsParameters ? [vcpus(one.EcsParameters.TaskDefinitionArn)] : [])),
  );
  const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
  expect(services.length).toBeGreaterThan(1);
  // A rollout runs twice the tasks of each service.
  expect(needs.fargateVcpus).toEqual({
    peak: 2 * sum(running) + sum(started),
    steady: sum(running) + 0.25,
  });
  expect(started.length).toBe(profile === 'production' ? 3 : 1);
  const { NumNodeGroups, ReplicasPerNodeGroup, CacheNodeType } =
    all('AWS::ElastiCache::ReplicationGroup')[0]?.properties ?? ({} as Any);
  expect([needs.cacheNodeType, needs.cacheNodes.peak]).toEqual([
    CacheNodeType,
    NumNodeGroups * (ReplicasPerNodeGroup + 1),
  ]);
  const types = all('AWS::EC2::LaunchTemplate').map((one) => (one.properties.LaunchTemplateData as Any).InstanceType);
  expect([...needs.instanceTypes].sort()).toEqual(types.sort());
  expect(needs.elasticIps.peak).toBe(all('AWS::EC2::EIP').length);
  const balancers = (type: string) =>
    all('AWS::ElasticLoadBalancingV2::LoadBalancer').filter((one) => one.properties.Type === type).length;
  expect([needs.applicationLoadBalancers.peak, needs.networkLoadBalancers.peak]).toEqual([
    balancers('application'),
    balancers('network'),
  ]);
});

test('a bigger profile never needs less', () => {
  const small = needsOf('development', 'eu-west-1');
  const large = needsOf('production', 'eu-west-1', { signalingTasks: 20, turnNodes: 9, mediaNodes: 4, cacheShards: 4 });
  expect(large.zones).toBeGreaterThan(small.zones);
  for (const key of ['fargateVcpus', 'instanceVcpus', 'elasticIps', 'cacheNodes'] as const)
    expect(large[key].peak).toBeGreaterThan(small[key].peak);
  const without = needsOf('production', 'eu-west-1', { turnNodes: 9 });
  const withMedia = needsOf('production', 'eu-west-1', { turnNodes: 9, mediaNodes: 4 });
  // Four of two vCPUs each, twice while they are replaced.
  expect(withMedia.instanceVcpus.peak - without.instanceVcpus.peak).toBe(16);
  expect(withMedia.instanceTypes).toEqual([...without.instanceTypes, 'c7gn.large']);
});
