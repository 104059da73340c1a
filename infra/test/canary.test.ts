/** The canary's task, schedule and alarm, alone and in the topology. */
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as sns from 'aws-cdk-lib/aws-sns';
import { expect, test } from 'vitest';
import { CanaryConfig } from '../canary/src/config.ts';
import { type CanaryCommand, parseCommand } from '../canary/src/options.ts';
import { type CanaryMetrics, metricLine } from '../canary/src/result.ts';
import { Canary, type CanaryProps } from '../src/canary.ts';
import { PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;

function stackWith(props: Partial<CanaryProps> & { topic?: boolean } = {}) {
  const stack = new Stack(new App(), 'Calls');
  const vpc = new ec2.Vpc(stack, 'Vpc');
  const { topic, ...more } = props;
  const alarmTopic = topic ? { alarmTopic: new sns.Topic(stack, 'Topic') } : {};
  const canary = new Canary(stack, 'Canary', { vpc, origin: 'https://calls.example.com', ...alarmTopic, ...more });
  return { stack, canary, template: Template.fromStack(stack) };
}

test('the alarm reads the very series that the program writes', () => {
  const { stack, canary, template } = stackWith();
  const [task] = Object.values(template.findResources('AWS::ECS::TaskDefinition'));
  const { Environment } = (task as Any).Properties.ContainerDefinitions[0];
  // The region is the deployment's to say.
  const texts = Environment.filter(({ Value }: { Value: unknown }) => typeof Value === 'string');
  const settings = Object.fromEntries(texts.map(({ Name, Value }: Record<string, string>) => [Name, Value]));
  const { metrics } = parseCommand([], settings) as CanaryCommand;
  const line = JSON.parse(metricLine(metrics as CanaryMetrics, { passed: false, steps: [] }, 1));
  const [{ Namespace, Dimensions, Metrics }] = line._aws.CloudWatchMetrics;
  const metric = canary.metricPassed().toMetricConfig().metricStat;
  expect([metric?.namespace, metric?.metricName]).toEqual([Namespace, Metrics[0].Name]);
  expect(metric?.dimensions?.map(({ name }) => name)).toEqual([...Dimensions[0]].sort());
  for (const { name, value } of metric?.dimensions ?? []) expect(stack.resolve(value)).toBe(line[name]);
  expect(line.canary_passed).toBe(0);
});

test('two canaries of one stack have a series each', () => {
  const { stack, canary } = stackWith();
  const other = new Canary(stack, 'Other', { vpc: new ec2.Vpc(stack, 'OtherVpc'), origin: 'https://two.example.com' });
  const series = (one: Canary) => JSON.stringify(one.metricPassed().toMetricConfig().metricStat?.dimensions);
  expect(series(canary)).not.toBe(series(other));
});

test('every variable is one of the program, and the topic may be read and nothing else', () => {
  const { template } = stackWith({ topic: true, without: ['relay-tls'] });
  const [task] = Object.values(template.findResources('AWS::ECS::TaskDefinition'));
  const names = task?.Properties.ContainerDefinitions[0].Environment.map((one: { Name: string }) => one.Name);
  expect(names).toEqual(expect.arrayContaining(['CANARY_ORIGIN', 'CANARY_WITHOUT', 'CANARY_ALARM_TOPIC']));
  expect(Object.keys(CanaryConfig.properties)).toEqual(expect.arrayContaining(names));
  template.hasResourceProperties('AWS::IAM::Policy', {
    PolicyDocument: {
      Statement: [
        { Action: 'sns:GetTopicAttributes', Effect: 'Allow', Resource: { Ref: Match.stringLikeRegexp('^Topic') } },
      ],
    },
    Roles: [{ Ref: Match.stringLikeRegexp('TaskRole') }],
  });
});

test('wrong properties are refused by name', () => {
  expect(() => stackWith({ origin: 'calls.example.com' })).toThrow(/Canary.origin: .*https:\/\/calls.example.com/);
  expect(() => stackWith({ interval: Duration.seconds(10) })).toThrow(/Canary.interval: 10 s is outside/);
  expect(() => stackWith({ without: ['everything'] })).toThrow(/Canary.without: "everything" is no step/);
});

test('the topology has it where a token is to be had, with an alarm that counts a missing run as bad', () => {
  const development = Template.fromJSON(synthesize({}, { checks: false }).template);
  development.hasResourceProperties('AWS::CloudWatch::Alarm', {
    MetricName: 'canary_passed',
    ComparisonOperator: 'LessThanThreshold',
    Threshold: 1,
    TreatMissingData: 'breaching',
    AlarmDescription: Match.stringLikeRegexp('canary-failed'),
  });
  development.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(5 minutes)' });
  const oidcAlone = Template.fromJSON(synthesize(PRODUCTION, { checks: false }).template);
  const schedules = oidcAlone.findResources('AWS::Events::Rule', {
    Properties: { ScheduleExpression: 'rate(5 minutes)' },
  });
  expect(schedules).toEqual({});
  const key = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:canary-AbCdEf';
  const keys = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:keys-AbCdEf';
  const withKeys = { ...PRODUCTION, access: 'oidc,api-key', apiKeysSecretArn: keys, canaryApiKeySecretArn: key };
  const withKey = Template.fromJSON(synthesize(withKeys, { checks: false }).template);
  withKey.hasResourceProperties('AWS::ECS::TaskDefinition', {
    ContainerDefinitions: [Match.objectLike({ Name: 'canary', Secrets: [{ Name: 'CANARY_API_KEY', ValueFrom: key }] })],
  });
});
