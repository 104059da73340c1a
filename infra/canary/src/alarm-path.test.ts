import { expect, test } from 'vitest';
import { examineAlarmPath, type TopicAttributes } from './alarm-path.ts';

const ARN = 'arn:aws:sns:eu-west-1:111122223333:Alarms';
const topic = (statements: readonly object[], more: TopicAttributes = {}): TopicAttributes => ({
  TopicArn: ARN,
  SubscriptionsConfirmed: '1',
  SubscriptionsPending: '0',
  Policy: JSON.stringify({ Version: '2012-10-17', Statement: statements }),
  ...more,
});
/** What CDK's `enforceSSL` writes, and all of it (aws-cdk-lib 2.276, aws-sns/lib/topic-base). */
const onlyTls = {
  Sid: 'AllowPublishThroughSSLOnly',
  Effect: 'Deny',
  Principal: '*',
  Action: 'sns:Publish',
  Resource: ARN,
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
};
const cloudWatch = {
  Effect: 'Allow',
  Principal: { Service: 'cloudwatch.amazonaws.com' },
  Action: 'sns:Publish',
  Resource: ARN,
  Condition: { StringEquals: { 'aws:SourceAccount': '111122223333' } },
};
/** The policy that SNS gives a topic by itself (SNS developer guide, "Default access policy"). */
const byDefault = {
  Sid: '__default_statement_ID',
  Effect: 'Allow',
  Principal: { AWS: '*' },
  Action: ['SNS:GetTopicAttributes', 'SNS:Publish', 'SNS:Subscribe'],
  Resource: ARN,
  Condition: { StringEquals: { 'AWS:SourceOwner': '111122223333' } },
};

test('an alarm reaches somebody: the default policy, or an Allow beside the TLS-only Deny', () => {
  expect(examineAlarmPath(ARN, topic([byDefault]))).toBe(1);
  expect(examineAlarmPath(ARN, topic([onlyTls, cloudWatch], { SubscriptionsConfirmed: '2' }))).toBe(2);
});

test('fault 4 of the deployed stack: a lone Deny lets nobody publish', () => {
  expect(() => examineAlarmPath(ARN, topic([onlyTls]))).toThrow(/CloudWatch is not allowed .*cloudwatch.amazonaws.com/);
});

test('an Allow for another account, action, topic or principal is none; what is not understood helps nobody', () => {
  const wrong: object[] = [
    { ...cloudWatch, Condition: { StringEquals: { 'aws:SourceAccount': '999999999999' } } },
    { ...cloudWatch, Action: 'sns:Subscribe' },
    { ...cloudWatch, Resource: `${ARN}2` },
    { ...cloudWatch, Principal: { Service: 'events.amazonaws.com' } },
    { ...cloudWatch, Condition: { NumericLessThan: { 'aws:MultiFactorAuthAge': '5' } } },
    { ...cloudWatch, NotAction: 'sns:Publish', Action: undefined },
  ];
  for (const statement of wrong)
    expect(() => examineAlarmPath(ARN, topic([statement])), JSON.stringify(statement)).toThrow('not allowed');
  expect(() => examineAlarmPath(ARN, topic([cloudWatch, { ...onlyTls, Condition: {} }]))).toThrow('is denied');
  expect(() =>
    examineAlarmPath(ARN, topic([cloudWatch, { ...onlyTls, Condition: { Unknown: { 'aws:x': 'y' } } }])),
  ).toThrow('is denied');
});

test('a topic that nobody confirmed, and one whose policy cannot be read', () => {
  expect(() =>
    examineAlarmPath(ARN, topic([cloudWatch], { SubscriptionsConfirmed: '0', SubscriptionsPending: '1' })),
  ).toThrow('no confirmed subscription (1 pending)');
  for (const Policy of ['', 'no JSON', '{"Statement":7}', '{}'])
    expect(() => examineAlarmPath(ARN, { ...topic([]), Policy })).toThrow();
});
