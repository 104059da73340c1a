/** A signaling task that ECS takes off its load balancer: when it hears of it, and whether its sockets have moved by then. */
import { loadConfig } from '@tandem/service';
import { SignalingConfig } from '@tandem/signaling/config';
import { ANSWER_MS, askEvery } from '@tandem/signaling/ecs-task';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { expect, test } from 'vitest';
import { SignalingService, type SignalingServiceProps } from '../src/index.ts';
import { taskStop } from './aws-rules.ts';

type Any = ReturnType<typeof JSON.parse>;

/** Of a service with these times: what its load balancer does, and what its tasks know. */
function leaving(props: Pick<SignalingServiceProps, 'deregistrationDelay' | 'stopTimeout'>) {
  const stack = new Stack(new App(), 'Calls');
  const service = new SignalingService(stack, 'Signaling', {
    vpc: new ec2.Vpc(stack, 'Vpc'),
    cache: { url: 'rediss://cache.example.com:6379' },
    jwksUrl: 'https://calls.example.com/.well-known/jwks.json',
    image: ecs.ContainerImage.fromRegistry('example.com/image:1'),
    ...props,
  });
  service.createTargetGroup(stack, 'Targets');
  const template = Template.fromStack(stack);
  const of = (type: string): Any => Object.values<Any>(template.findResources(type))[0].Properties;
  const attributes: Any[] = of('AWS::ElasticLoadBalancingV2::TargetGroup').TargetGroupAttributes;
  const delay = attributes.find((one) => one.Key === 'deregistration_delay.timeout_seconds').Value;
  const variables: Any[] = of('AWS::ECS::TaskDefinition').ContainerDefinitions[0].Environment;
  const settings = loadConfig(SignalingConfig, Object.fromEntries(variables.map((one) => [one.Name, one.Value])));
  return { settings, ...taskStop(Number(delay)) };
}

/** How often a task may ask at worst, each time with the longest wait for an answer, so that its sockets have moved when they would be broken. */
function questions({ settings, brokenAfter }: ReturnType<typeof leaving>): number {
  const longest = 1.5 * askEvery(settings.DEREGISTRATION_SECONDS) + ANSWER_MS;
  const left = brokenAfter * 1000 - settings.RECONNECT_WITHIN_MS;
  return Math.ceil(left / longest) - 1;
}

test.each([
  [120, 2],
  [100, 2],
  // The two bounds in the docstring of `deregistrationDelay`.
  [81, 2],
  [80, 1],
  [25, 1],
  [24, 0],
])('%i s: sockets move in time if ECS answers one of %i questions (0: never)', (seconds, expected) => {
  expect(questions(leaving({ deregistrationDelay: Duration.seconds(seconds) }))).toBe(expected);
  expect(questions(leaving({ stopTimeout: Duration.seconds(seconds) }))).toBe(expected);
});

test('without any delay a task does not ask all the time', () => {
  const { settings } = leaving({ deregistrationDelay: Duration.seconds(0) });
  expect(settings.DEREGISTRATION_SECONDS).toBe(0);
  expect(askEvery(settings.DEREGISTRATION_SECONDS)).toBeGreaterThanOrEqual(1000);
});
