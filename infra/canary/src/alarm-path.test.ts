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

/** What CDK gives a key by itself: the account's own identities, by their IAM policies (aws-cdk-lib 2.276, aws-kms/lib/key). */
const accountItself = {
  Effect: 'Allow',
  Principal: { AWS: 'arn:aws:iam::111122223333:root' },
  Action: 'kms:*',
  Resource: '*',
};
const cloudWatchByKey = {
  Effect: 'Allow',
  Principal: { Service: 'cloudwatch.amazonaws.com' },
  Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
  Resource: '*',
  Condition: { StringEquals: { 'aws:SourceAccount': '111122223333' } },
};
/** The policy of alias/aws/sns, as GetKeyPolicy gives it: whoever uses SNS with an identity of the account, so no service. */
const managedByAws = {
  Sid: 'Allow access through SNS for all principals in the account that are authorized to use SNS',
  Effect: 'Allow',
  Principal: { AWS: '*' },
  Action: ['kms:Decrypt', 'kms:GenerateDataKey*', 'kms:CreateGrant', 'kms:ListGrants', 'kms:DescribeKey'],
  Resource: '*',
  Condition: {
    StringEquals: { 'kms:ViaService': 'sns.eu-west-1.amazonaws.com', 'kms:CallerAccount': '111122223333' },
  },
};

test('an encrypted topic: its key lets CloudWatch encrypt and decrypt, and is enabled', () => {
  const encrypted = (statements: readonly object[], state = 'Enabled') =>
    topic([onlyTls, cloudWatch], {
      KmsMasterKeyId: 'alias/alarms',
      key: { state, policy: JSON.stringify({ Version: '2012-10-17', Statement: statements }) },
    });
  expect(examineAlarmPath(ARN, encrypted([accountItself, cloudWatchByKey]))).toBe(1);
  const refused = [
    [accountItself],
    [managedByAws],
    [{ ...cloudWatchByKey, Action: 'kms:GenerateDataKey*' }],
    [{ ...cloudWatchByKey, Action: 'kms:Decrypt' }],
    [{ ...cloudWatchByKey, Condition: { StringEquals: { 'aws:SourceAccount': '999999999999' } } }],
    [cloudWatchByKey, { ...cloudWatchByKey, Effect: 'Deny' }],
  ];
  for (const statements of refused)
    expect(() => examineAlarmPath(ARN, encrypted(statements)), JSON.stringify(statements)).toThrow(
      /the key of the alarm topic: CloudWatch is (denied|not allowed) kms:(GenerateDataKey|Decrypt)/,
    );
  const both = [accountItself, cloudWatchByKey];
  for (const state of ['Disabled', 'PendingDeletion'])
    expect(() => examineAlarmPath(ARN, encrypted(both, state))).toThrow(`is ${state}`);
  expect(() => examineAlarmPath(ARN, topic([cloudWatch], { KmsMasterKeyId: 'alias/aws/sns' }))).toThrow(
    'cannot be read',
  );
});
