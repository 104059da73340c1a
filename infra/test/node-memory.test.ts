/** Containers of nodes share the memory of their instance; ECS does not look whether their limits fit. */
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { expect, test } from 'vitest';
import {
  MediaFleet,
  type MediaFleetProps,
  Network,
  TopologyProfile,
  TopologyStack,
  TurnFleet,
  type TurnFleetProps,
  WebRtcTopology,
} from '../src/index.ts';
import { instanceMiB } from '../src/node-memory.ts';

type Any = ReturnType<typeof JSON.parse>;

/** Memory, GiB. Source: Amazon EC2 instance types guide, "Specifications for Amazon EC2 … instances" of each family. */
const PUBLISHED_GIB: Readonly<Record<string, number>> = {
  ...{
    't4g.nano': 0.5,
    't4g.micro': 1,
    't4g.small': 2,
    't4g.medium': 4,
    't4g.large': 8,
    't4g.xlarge': 16,
    't4g.2xlarge': 32,
  },
  ...{
    'c6g.medium': 2,
    'c6gn.large': 4,
    'c7g.2xlarge': 16,
    'c7gn.medium': 2,
    'c7gn.large': 4,
    'c7gn.xlarge': 8,
    'c7gn.16xlarge': 128,
  },
  ...{
    'c8gn.48xlarge': 384,
    'm6g.medium': 4,
    'm7g.large': 8,
    'm8g.24xlarge': 384,
    'r7g.medium': 8,
    'r8g.large': 16,
    'r7gd.16xlarge': 512,
  },
};
/**
 * What Linux has of it before anything runs, MiB: 3.8 of 4 GiB and 949 of 1,024 MiB are what people print of such instances (`free -m`). The agent of ECS, Docker and
 * systemd take the rest; "Amazon ECS Linux container instance memory management" says to leave them some.
 */
const SEEN = 0.93;
const SYSTEM_MIB = 200;

const image = ecs.ContainerImage.fromRegistry('example.com/image:1');

/** Limits of the containers of a fleet's task, by name, MiB. */
function limits(make: (stack: TopologyStack, vpc: ec2.IVpc) => void): Record<string, number> {
  const stack = new TopologyStack(new App(), 'Fleet');
  make(stack, new Network(stack, 'Network', { natGateways: 0 }).vpc);
  const tasks: Any[] = Object.values(Template.fromStack(stack).findResources('AWS::ECS::TaskDefinition'));
  return Object.fromEntries(
    tasks.flatMap((one) => one.Properties.ContainerDefinitions.map((c: Any) => [c.Name, c.Memory])),
  );
}
const media = (props: Partial<MediaFleetProps>) =>
  limits((stack, vpc) => {
    const given = {
      vpc,
      image,
      packagerImage: image,
      authUrl: 'https://calls.example.com',
      signalingUrl: 'wss://calls.example.com/ws/signal',
    };
    new MediaFleet(stack, 'Media', { ...given, directory: { url: 'rediss://cache.example.com:6379' }, ...props });
  });
const turn = (props: Partial<TurnFleetProps>) =>
  limits((stack, vpc) => void new TurnFleet(stack, 'Turn', { vpc, image, ...props }));
const type = (name: string) => ({ instanceType: new ec2.InstanceType(name) });

test('memory of an instance type is what its page says; of a family that is not known it is not guessed', () => {
  for (const [name, gib] of Object.entries(PUBLISHED_GIB)) expect(instanceMiB(name), name).toBe(gib * 1024);
  for (const name of ['x2gd.large', 'im4gn.large', 'c7gn.metal', 'hpc7g.4xlarge', 't4g.16xlarge', 'c7gn.small', 'c7gn'])
    expect(instanceMiB(name), name).toBeUndefined();
});

test('all limits of an instance are together what it has: the kernel never chooses between node and packager', () => {
  const made: [string, Record<string, number>][] = [
    ['c7gn.large', media({})],
    ...[1, 2, 5, 8].map((packagers): [string, Record<string, number>] => ['c7gn.large', media({ packagers })]),
    ['c7gn.xlarge', media({ packagers: 12, ...type('c7gn.xlarge') })],
    ['c7gn.medium', turn({})],
    ['t4g.micro', turn(type('t4g.micro'))],
    [
      't4g.micro',
      limits((stack) => {
        const images = { authImage: image, signalingImage: image, turnImage: image, canaryImage: image };
        new WebRtcTopology(stack, 'Calls', { profile: TopologyProfile.DEVELOPMENT, ...images });
      }),
    ],
  ];
  for (const [name, { turn: relay = 0, media: node = 0, packager = 0 }] of made) {
    const sum = relay + node + packager;
    expect(sum, name).toBeGreaterThanOrEqual(512);
    expect(sum, `${name}: ${relay} ${node} ${packager}`).toBeLessThanOrEqual(
      (PUBLISHED_GIB[name] ?? 0) * 1024 * SEEN - SYSTEM_MIB,
    );
  }
  // Where there is room the limits are those of the docstrings.
  expect(made.map(([, one]) => one.media ?? one.turn).slice(0, 1)).toEqual([3072]);
  expect(turn({})).toEqual({ turn: 1536 });
});

test('what does not fit is refused by name, at synth; of a type that is not known nothing is said', () => {
  expect(() => media({ packagers: 9 })).toThrow(
    /^MediaFleet\.instanceType: a c7gn\.large has \d+ MiB for it, beside 2576 for packagers/,
  );
  expect(() => media({ packagers: 2, memoryLimitMiB: 3072 })).toThrow(/^MediaFleet\.memoryLimitMiB: 3072 is too much/);
  expect(() => turn({ memoryLimitMiB: 2048 })).toThrow(/^TurnFleet\.memoryLimitMiB: 2048 is too much/);
  expect(() => media({ memoryLimitMiB: 600 })).toThrow(/^MediaFleet\.memoryLimitMiB: a node needs 1024/);
  expect(() => turn(type('t4g.nano'))).toThrow(/^TurnFleet\.instanceType: a t4g\.nano has/);
  expect(media({ packagers: 2, memoryLimitMiB: 3072, ...type('x2gd.large') })).toMatchObject({ media: 3072 });
});
