/** Sizes by the clock as Auto Scaling carries them out, and updates of a fleet at each of those sizes. */
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { expect, test } from 'vitest';
import { buildTopology } from '../src/app-stack.ts';
import {
  MediaFleet,
  Network,
  type ScheduledSize,
  SignalingService,
  TopologyProfile,
  TopologyStack,
  TurnFleet,
  WebRtcTopology,
} from '../src/index.ts';
import { rollingUpdate, scheduledTimes } from './aws-rules.ts';
import { PRODUCTION } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
const image = ecs.ContainerImage.fromRegistry('example.com/image:1');
const cache = { url: 'rediss://cache.example.com:6379' };

function build(props: {
  readonly schedules?: ScheduledSize[];
  readonly minNodes?: number;
  readonly maxNodes?: number;
}) {
  const stack = new TopologyStack(new App(), 'Sizes');
  const { vpc } = new Network(stack, 'Network');
  new TurnFleet(stack, 'Turn', { vpc, image, ...props });
  new MediaFleet(stack, 'Media', {
    ...{ vpc, image, directory: cache, ...props },
    signalingUrl: 'wss://calls.example.com/ws/signal',
    authUrl: 'https://calls.example.com',
  });
  const jwksUrl = 'https://auth.example.com/.well-known/jwks.json';
  new SignalingService(stack, 'Signaling', { vpc, cache, jwksUrl, image, schedules: props.schedules });
  const template = Template.fromStack(stack);
  const all = (type: string): Any[] => Object.values(template.findResources(type));
  return {
    groups: all('AWS::AutoScaling::AutoScalingGroup'),
    ofGroups: all('AWS::AutoScaling::ScheduledAction').map((one) => one.Properties),
    ofTasks: all('AWS::ApplicationAutoScaling::ScalableTarget').flatMap((one) => one.Properties.ScheduledActions ?? []),
    daemons: all('AWS::ECS::Service').filter((one) => one.Properties.SchedulingStrategy === 'DAEMON'),
  };
}

const SCHEDULES: ScheduledSize[] = [
  { time: '07:05', days: ['MON', 'SAT', 'SUN'], timeZone: 'Europe/Berlin', min: 9, max: 40 },
  { time: '20:00', min: 1 },
];

test('both ways of writing a time mean the same days and hours, each action says both limits', () => {
  const { ofGroups, ofTasks } = build({ schedules: SCHEDULES });
  const morning = ['MON 07:05', 'SAT 07:05', 'SUN 07:05'];
  const evening = ['FRI', 'MON', 'SAT', 'SUN', 'THU', 'TUE', 'WED'].map((day) => `${day} 20:00`);
  const read = (expression: string) => scheduledTimes(expression).toSorted();
  const limits = (one: Any) => [one.MinSize ?? one.MinCapacity, one.MaxSize ?? one.MaxCapacity].map(Number);
  const seen = [...ofGroups, ...ofTasks.map((one) => ({ ...one, ...one.ScalableTargetAction }))].map((one) => ({
    times: read(one.Recurrence ?? one.Schedule),
    zone: one.TimeZone ?? one.Timezone,
    limits: limits(one),
  }));
  const berlin = { times: morning, zone: 'Europe/Berlin', limits: [9, 40] };
  const night = (most: number) => ({ times: evening, zone: undefined, limits: [1, most] });
  // TURN (30 at most by default), media (20), signaling (30).
  expect(seen).toHaveLength(6);
  for (const one of [berlin, night(30), night(20)]) expect(seen).toContainEqual(one);
  // A desired capacity would set a fleet under load back at that hour.
  for (const one of ofGroups) expect(one.DesiredCapacity).toBeUndefined();
});

test('without a schedule nothing is scheduled', () => {
  const { ofGroups, ofTasks } = build({});
  expect([...ofGroups, ...ofTasks]).toEqual([]);
});

test('an update moves on at each scheduled size, and a deployment leaves the size of the hour alone', () => {
  const { groups, daemons } = build({ schedules: SCHEDULES, minNodes: 4 });
  expect(daemons).toHaveLength(2);
  for (const { Properties } of daemons)
    for (let nodes = 1; nodes <= 40; nodes++) {
      const { MinimumHealthyPercent: min, MaximumPercent: max } = Properties.DeploymentConfiguration;
      expect(rollingUpdate(nodes, min, max).stop, `${nodes} nodes`).toBeGreaterThan(0);
    }
  for (const { UpdatePolicy } of groups) {
    // CloudFormation reference, UpdatePolicy: the group's smallest size must be able to lose an instance or the update never begins.
    expect(UpdatePolicy.AutoScalingRollingUpdate.MinInstancesInService).toBeLessThanOrEqual(1);
    // "AutoScalingScheduledAction": false, its default, sets the template's sizes again at an update during a scheduled size.
    expect(UpdatePolicy.AutoScalingScheduledAction.IgnoreUnmodifiedGroupSizeProperties).toBe(true);
  }
  const fixed = build({ schedules: [{ time: '07:00', min: 2, max: 2 }], minNodes: 3 });
  for (const { UpdatePolicy } of fixed.groups)
    expect(UpdatePolicy.AutoScalingRollingUpdate.MinInstancesInService).toBeLessThan(2);
});

test.each([
  [{ time: '7:30', min: 2 }, /schedules\[0\]\.time: "7:30" is no time of day. Fix: such as 07:30/],
  [{ time: '24:00', min: 2 }, /schedules\[0\]\.time: "24:00"/],
  [{ time: '07:30' }, /schedules\[0\]\.min: it is missing/],
  [{ min: 2 }, /schedules\[0\]\.time: it is missing/],
  [{ time: '07:30', days: ['Monday'], min: 2 }, /schedules\[0\]\.days: "Monday" is no day/],
  [{ time: '07:30', days: [], min: 2 }, /schedules\[0\]\.days: it is empty/],
  [{ time: '07:30', days: ['MON', 'MON'], min: 2 }, /schedules\[0\]\.days: .*twice/],
  [{ time: '07:30', timeZone: 'Europe/Bonn', min: 2 }, /schedules\[0\]\.timeZone: "Europe\/Bonn"/],
  [{ time: '07:30', timeZone: '+02:00', min: 2 }, /schedules\[0\]\.timeZone: "\+02:00"/],
  [{ time: '07:30', min: 0 }, /schedules\[0\]\.min: 0 is not a whole number from 1/],
  [{ time: '07:30', min: 5, max: 4 }, /schedules\[0\]\.max: min \(5\) is above the most \(4\)/],
  [{ time: '07:30', min: 31 }, /schedules\[0\]\.min: min \(31\) is above the most \(30\). Fix: give max too/],
] as [ScheduledSize, RegExp][])('%o is refused by name, in a fleet and in a service', (one, message) => {
  const stack = new TopologyStack(new App(), 'Sizes');
  const { vpc } = new Network(stack, 'Network');
  const schedules = [one];
  expect(() => new TurnFleet(stack, 'Turn', { vpc, image, schedules })).toThrow(message);
  const given = { vpc, cache, image, schedules, jwksUrl: 'https://auth.example.com/.well-known/jwks.json' };
  expect(() => new SignalingService(stack, 'Signaling', given)).toThrow(message);
});

test('two entries at one time are refused; the topology hands its options on, and keeps two nodes in production', () => {
  const stack = new TopologyStack(new App(), 'Sizes');
  const { vpc } = new Network(stack, 'Network');
  const twice = { time: '07:30', min: 3 };
  expect(() => new TurnFleet(stack, 'Turn', { vpc, image, schedules: [twice, twice] })).toThrow(
    /schedules\[1\]\.time: another entry/,
  );
  const images = { authImage: image, signalingImage: image, turnImage: image, canaryImage: image, mediaImage: image };
  const schedules = [{ time: '07:30', min: 2 }];
  const options = { schedules };
  const all = { turnOptions: options, mediaOptions: options, serviceOptions: options, mediaNodes: 2 };
  const whole = new TopologyStack(new App(), 'Whole', { zones: 2 });
  new WebRtcTopology(whole, 'Calls', { profile: TopologyProfile.DEVELOPMENT, ...images, ...all });
  const template = Template.fromStack(whole);
  expect(Object.keys(template.findResources('AWS::AutoScaling::ScheduledAction'))).toHaveLength(2);
  const targets = Object.values<Any>(template.findResources('AWS::ApplicationAutoScaling::ScalableTarget'));
  expect(targets.map((one) => one.Properties.ScheduledActions?.length)).toEqual([1, 1]);
  const one = { schedules: [{ time: '20:00', min: 1 }] };
  const certificate = Certificate.fromCertificateArn(whole, 'Certificate', PRODUCTION.regionalCertificateArn);
  for (const name of ['turnOptions', 'mediaOptions'] as const)
    expect(
      () =>
        new WebRtcTopology(new TopologyStack(new App(), 'Night'), 'Calls', {
          access: 'open',
          domain: { domainName: 'calls.example.com', certificate, regionalCertificate: certificate },
          mediaNodes: 2,
          [name]: one,
        }),
    ).toThrow(new RegExp(`WebRtcTopology\\.${name}: schedules\\[0\\]\\.min is 1`));
});

test('context: sizes by the clock of the services and of both fleets, as JSON or an object; a wrong one is refused by name', () => {
  const context = (schedules: unknown, mediaNodes = 2) =>
    buildTopology(new App({ context: { profile: 'development', mediaNodes, schedules } }), undefined);
  const times = (schedules: unknown) => {
    const template = Template.fromStack(context(schedules));
    const groups = Object.values(template.findResources('AWS::AutoScaling::ScheduledAction'));
    const targets = Object.values(template.findResources('AWS::ApplicationAutoScaling::ScalableTarget'));
    const tasks = targets.flatMap((one) => one.Properties.ScheduledActions ?? []);
    return [
      ...groups.map((one) => Number(one.Properties.MinSize)),
      ...tasks.map((t) => t.ScalableTargetAction.MinCapacity),
    ];
  };
  const given = {
    services: [{ time: '07:30', min: 4 }],
    turn: [{ time: '07:30', min: 5 }],
    media: [{ time: '07:30', min: 6 }],
  };
  // Auth and signaling, each.
  expect(times(given).toSorted()).toEqual([4, 4, 5, 6]);
  expect(times(JSON.stringify(given)).toSorted()).toEqual([4, 4, 5, 6]);
  expect(() => context('nonsense')).toThrow(/context\.schedules: it is no JSON object\. Fix: -c schedules=/);
  expect(() => context({ relay: [] })).toThrow(
    /context\.schedules: there is no part "relay"\. Fix: services, turn, media/,
  );
  for (const wrong of [{ time: '07:30', min: 5 }, ['07:30'], null])
    expect(() => context({ turn: wrong })).toThrow(/context\.schedules\.turn: it is no list of sizes/);
  expect(() => context({ turn: [{ time: 'noon', min: 5 }] })).toThrow(/schedules\[0\]\.time: "noon" is no time of day/);
  expect(() => context({ media: [{ time: '07:30' }] })).toThrow(/schedules\[0\]\.min: it is missing/);
});
