/** What infra/README.md shows, deployed as it stands: a page that CloudFront serves reaches the services behind it. */
import { originAllowed } from '@tandem/service';
import { expect, test } from 'vitest';
import { readmeParts } from './readme-parts.ts';

type Any = ReturnType<typeof JSON.parse>;
const parts = readmeParts();
const all = (type: string): Any[] =>
  Object.values<Any>(parts)
    .filter((one) => one.Type === type)
    .map(({ Properties }) => Properties);
const [distribution] = all('AWS::CloudFront::Distribution').map((one) => one.DistributionConfig);
/** A public name of the page, or the one that CloudFront gives. */
const page = `https://${distribution.Aliases?.[0] ?? 'd111111abcdef8.cloudfront.net'}`;
/** Text of the template, where the deployment knows it. */
const text = (value: Any): string =>
  typeof value === 'string'
    ? value
    : value['Fn::Join'][1].map((one: Any) => (typeof one === 'string' ? one : page.slice('https://'.length))).join('');

/**
 * The Host that the load balancer gets: its own name, as the managed policy AllViewerExceptHostHeader keeps back that of the viewer and CloudFront then writes the
 * domain name of the origin (CloudFront guide, "Use managed origin request policies", "Add an origin request policy").
 */
const host = 'internal-parts-edge-123.eu-west-1.elb.amazonaws.com';

test.each(['signaling', 'captions'] as const)('a page of the README opens a socket of %s', (name) => {
  const [app] = all('AWS::ECS::TaskDefinition')
    .flatMap(({ ContainerDefinitions }) => ContainerDefinitions)
    .filter(({ PortMappings }) => PortMappings?.some((port: Any) => port.Name === name));
  const given = app.Environment.find(({ Name }: Any) => Name === 'ALLOWED_ORIGINS')?.Value ?? '';
  const headers = { host, origin: page, 'x-forwarded-proto': 'http' };
  expect(originAllowed(headers, text(given))).toBe(true);
  expect(originAllowed({ ...headers, origin: 'https://elsewhere.example' }, text(given))).toBe(false);
});

/** Services do not start without the keys of auth: a name that needs the whole stack, or a record that is made after it, would never let a first deployment end. */
test('services read the keys of auth in the VPC, under a name that exists with auth itself, and are let in', () => {
  const services = all('AWS::ECS::Service');
  const tasks = Object.entries<Any>(parts).filter(([, { Type }]) => Type === 'AWS::ECS::TaskDefinition');
  const appOf = ({ TaskDefinition }: Any): Any => {
    const [, task] = tasks.find(([id]) => id === TaskDefinition.Ref) ?? [];
    return task?.Properties.ContainerDefinitions[0];
  };
  const names = all('AWS::ServiceDiscovery::Service').map(({ Name }) => `${Name}.tandem.internal`);
  expect(all('AWS::ServiceDiscovery::PrivateDnsNamespace').map(({ Name }) => Name)).toEqual(['tandem.internal']);
  const groups = (service: Any): Any[] => service.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups;
  const [auth] = services.filter((one) => appOf(one).PortMappings?.[0].Name === 'auth');
  const readers = services.flatMap((one) => {
    const url = appOf(one).Environment?.find(({ Name }: Any) => Name === 'JWKS_URL')?.Value;
    return url ? [{ url: new URL(url), group: groups(one)[0] }] : [];
  });
  expect(readers.length).toBe(3);
  for (const { url, group } of readers) {
    expect(names).toContain(url.hostname);
    expect(Number(url.port)).toBe(appOf(auth).PortMappings[0].ContainerPort);
    expect(all('AWS::EC2::SecurityGroupIngress')).toContainEqual(
      expect.objectContaining({
        GroupId: groups(auth)[0],
        SourceSecurityGroupId: group,
        FromPort: Number(url.port),
        ToPort: Number(url.port),
      }),
    );
  }
});

/**
 * The behavior that CloudFront takes: the first whose pattern matches, else the default one; `*` is any characters, none too (CloudFront guide, "Cache behavior settings",
 * "Path pattern").
 */
const behaviorOf = (path: string): Any =>
  distribution.CacheBehaviors.find(({ PathPattern }: Any) =>
    new RegExp(`^${PathPattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(path),
  ) ?? distribution.DefaultCacheBehavior;

test('what the load balancer has a rule for, CloudFront sends there, with any method', () => {
  const [balancer] = distribution.Origins.filter((one: Any) => one.VpcOriginConfig);
  const paths = all('AWS::ElasticLoadBalancingV2::ListenerRule').flatMap(
    ({ Conditions }) => Conditions[0].PathPatternConfig.Values,
  );
  expect(paths).toEqual(expect.arrayContaining(['/ws*', '/captions*', '/whip*', '/whep*', '/v1/events*']));
  const reached = paths.filter((path: string) => {
    const { TargetOriginId, AllowedMethods } = behaviorOf(path.replace('*', '/room'));
    return TargetOriginId === balancer.Id && AllowedMethods.includes('POST');
  });
  expect(reached).toEqual(paths);
  // Playlists and segments of HLS keep behaviors of their own, before that of WHEP.
  const own = ['/whep/room/hls/live.m3u8', '/whep/room/hls/1/2.m4s', '/whep/room'].map((path) => behaviorOf(path));
  expect(new Set(own.map(({ PathPattern }) => PathPattern)).size).toBe(3);
});
