/** The canary's task, schedule and alarm, alone and in the topology. */
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as kms from 'aws-cdk-lib/aws-kms';
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
  const rights = (of: Template) =>
    Object.values(of.findResources('AWS::IAM::Policy'))
      .filter(({ Properties }) => JSON.stringify(Properties.Roles).includes('CanaryTaskTaskRole'))
      .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
      .map(({ Action, Resource }) => [Action, JSON.stringify(Resource)]);
  // A topic that is not encrypted, or whose key is not known: any key of the region, whose policy it reads.
  expect(rights(template)).toEqual([
    ['sns:GetTopicAttributes', expect.stringMatching(/^\{"Ref":"Topic/)],
    [['kms:DescribeKey', 'kms:GetKeyPolicy'], expect.stringMatching(/:kms:.*:key\/\*"/)],
  ]);
  const own = new Stack(new App(), 'Own');
  const masterKey = new kms.Key(own, 'Key');
  const alarmTopic = new sns.Topic(own, 'Topic', { masterKey });
  new Canary(own, 'Canary', { vpc: new ec2.Vpc(own, 'Vpc'), origin: 'https://calls.example.com', alarmTopic });
  expect(rights(Template.fromStack(own))[1]).toEqual([
    ['kms:DescribeKey', 'kms:GetKeyPolicy'],
    expect.stringMatching(/^\{"Fn::GetAtt":\["Key[^"]*","Arn"\]\}$/),
  ]);
});

test('wrong properties are refused by name', () => {
  expect(() => stackWith({ origin: 'calls.example.com' })).toThrow(/Canary.origin: .*https:\/\/calls.example.com/);
  expect(() => stackWith({ interval: Duration.seconds(10) })).toThrow(/Canary.interval: 10 s is outside/);
  expect(() => stackWith({ without: ['everything'] })).toThrow(/Canary.without: "everything" is no step/);
});

test('the topology has it always, with an alarm that counts a missing run as bad; without a token it tries what needs none', () => {
  const development = Template.fromJSON(synthesize({}, { checks: false }).template);
  development.hasResourceProperties('AWS::CloudWatch::Alarm', {
    MetricName: 'canary_passed',
    ComparisonOperator: 'LessThanThreshold',
    Threshold: 1,
    TreatMissingData: 'breaching',
    AlarmDescription: Match.stringLikeRegexp('canary-failed'),
  });
  development.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(5 minutes)' });
  const without = (template: Template) =>
    Object.values(template.findResources('AWS::ECS::TaskDefinition'))
      .flatMap(({ Properties }) => Properties.ContainerDefinitions)
      .find(({ Name }) => Name === 'canary')
      .Environment.find(({ Name }: Any) => Name === 'CANARY_WITHOUT')?.Value;
  expect(without(development)).toBe('relay-tls');
  const oidcAlone = Template.fromJSON(synthesize({ ...PRODUCTION, access: 'oidc' }, { checks: false }).template);
  oidcAlone.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(5 minutes)' });
  oidcAlone.hasResourceProperties('AWS::CloudWatch::Alarm', {
    MetricName: 'canary_passed',
    TreatMissingData: 'breaching',
  });
  expect(without(oidcAlone)).toBe('tokens');
  const key = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:canary-AbCdEf';
  const keys = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:keys-AbCdEf';
  const withKeys = { ...PRODUCTION, access: 'oidc,api-key', apiKeysSecretArn: keys, canaryApiKeySecretArn: key };
  const withKey = Template.fromJSON(synthesize(withKeys, { checks: false }).template);
  expect(without(withKey)).toBeUndefined();
  withKey.hasResourceProperties('AWS::ECS::TaskDefinition', {
    ContainerDefinitions: [Match.objectLike({ Name: 'canary', Secrets: [{ Name: 'CANARY_API_KEY', ValueFrom: key }] })],
  });
});
