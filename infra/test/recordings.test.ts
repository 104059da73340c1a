/** Recordings in the topology: who may do what with which keys, when the composer runs, and what stays. */
import { App, Duration, Size, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { expect, test } from 'vitest';
import { ComposerConfig } from '../recording-composer/src/config.ts';
import { Recordings } from '../src/recordings.ts';
import type { RecordingsProps } from '../src/recordings-props.ts';
import { matchesEvent } from './event-pattern.ts';
import { allows, mayUseKey, resolve, resourcePolicy, rolePolicies } from './policy.ts';
import { PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
const synthesized = synthesize(PRODUCTION, { checks: false });
const template: Any = synthesized.template;
const one = (type: string, name: RegExp): [string, Any] => {
  const found = Object.entries<Any>(template.Resources).filter(([id, r]) => r.Type === type && name.test(id));
  if (found.length !== 1) throw new Error(`${type} ${name}: ${found.map(([id]) => id).join()}`);
  return found[0] as [string, Any];
};
const [bucket, bucketMade] = one('AWS::S3::Bucket', /Recordings/);
const [key] = one('AWS::KMS::Key', /Recordings/);
const ROLES = {
  signaling: one('AWS::IAM::Role', /SignalingTaskTaskRole/)[0],
  media: one('AWS::IAM::Role', /MediaTaskTaskRole/)[0],
  composer: one('AWS::IAM::Role', /RecordingsTaskTaskRole/)[0],
  auth: one('AWS::IAM::Role', /AuthTaskTaskRole/)[0],
  turn: one('AWS::IAM::Role', /TurnTaskTaskRole/)[0],
};
type Role = keyof typeof ROLES;
const who = (action: string, resource: string, context = {}) =>
  (Object.keys(ROLES) as Role[]).filter((role) =>
    allows(rolePolicies(template, ROLES[role]), { principal: ROLES[role], action, resource, context }),
  );
const object = (name: string) => `${bucket}.Arn/${name}`;
const RECORDING = 'rooms/dmlzaXQ/0mf1sh3kz0123456789abcdef';

test('each part may do with each key what it does, and nothing else', () => {
  const WRITES: Record<string, Role[]> = {
    [`${RECORDING}/recording.json`]: ['signaling', 'composer'],
    [`${RECORDING}/node-1.json`]: ['media', 'composer'],
    [`${RECORDING}/parts/1-1-audio-0/000001`]: ['media', 'composer'],
    [`${RECORDING}/composed.webm`]: ['composer'],
    [`${RECORDING}/composed.json`]: ['composer'],
    'waiting/dmlzaXQ/0mf1/begun': ['signaling'],
    'waiting/dmlzaXQ/0mf1/ended': ['media'],
    'waiting/dmlzaXQ/0mf1/claims/a/at': ['composer'],
    elsewhere: [],
  };
  for (const [name, roles] of Object.entries(WRITES)) expect(who('s3:PutObject', object(name)), name).toEqual(roles);
  expect(who('s3:GetObject', object(`${RECORDING}/composed.webm`))).toEqual(['signaling', 'composer']);
  expect(who('s3:GetObject', object('elsewhere'))).toEqual([]);
  expect(who('s3:DeleteObject', object(`${RECORDING}/composed.webm`))).toEqual(['signaling', 'composer']);
  for (const prefix of ['rooms/dmlzaXQ/', 'waiting/'])
    expect(who('s3:ListBucket', `${bucket}.Arn`, { 's3:prefix': prefix }), prefix).toEqual(['signaling', 'composer']);
  expect(who('s3:ListBucket', `${bucket}.Arn`, { 's3:prefix': '' })).toEqual([]);
  const users = (action: string) =>
    (Object.keys(ROLES) as Role[]).filter((role) => mayUseKey(template, ROLES[role], key, { action }));
  expect(users('kms:GenerateDataKey')).toEqual(['signaling', 'media', 'composer']);
  expect(users('kms:Decrypt')).toEqual(['signaling', 'composer']);
  for (const action of ['s3:PutBucketPolicy', 's3:PutObjectAcl', 's3:DeleteBucket'])
    expect(who(action, `${bucket}.Arn`), action).toEqual([]);
});

test('the bucket is private, encrypted by its key, over TLS alone; signaling and media nodes have the same place', () => {
  expect(bucketMade.DeletionPolicy).toBe('Retain');
  const { BucketEncryption, PublicAccessBlockConfiguration } = bucketMade.Properties;
  expect(Object.values(PublicAccessBlockConfiguration)).toEqual([true, true, true, true]);
  expect(resolve(BucketEncryption.ServerSideEncryptionConfiguration)).toEqual([
    {
      BucketKeyEnabled: true,
      ServerSideEncryptionByDefault: { KMSMasterKeyID: `${key}.Arn`, SSEAlgorithm: 'aws:kms' },
    },
  ]);
  const policy = resourcePolicy(template, 'AWS::S3::BucketPolicy', 'Bucket', bucket);
  expect(policy.some((s: Any) => s.Effect === 'Deny' && s.Condition?.Bool?.['aws:SecureTransport'] === 'false')).toBe(
    true,
  );
  for (const [part, container] of [
    ['Signaling', 'app'],
    ['Media', 'media'],
    ['Recordings', 'composer'],
  ] as const) {
    const [, task] = one('AWS::ECS::TaskDefinition', new RegExp(part));
    const { Environment } = task.Properties.ContainerDefinitions.find((c: Any) => c.Name === container);
    const place = Environment.find((e: Any) => e.Name === 'RECORDINGS');
    expect(resolve(place?.Value), part).toBe(`s3://${bucket}`);
    if (container === 'composer')
      expect(Object.keys(ComposerConfig.properties)).toEqual(
        expect.arrayContaining(Environment.map((e: Any) => e.Name)),
      );
  }
});

test('the composer runs by the word that one has ended, and now and then; both rules are watched', () => {
  const rules = Object.entries<Any>(template.Resources).filter(
    ([id, r]) => r.Type === 'AWS::Events::Rule' && /Recordings/.test(id),
  );
  const [task] = one('AWS::ECS::TaskDefinition', /Recordings/);
  const [events] = one('AWS::IAM::Role', /RecordingsTaskEventsRole/);
  for (const [id, { Properties }] of rules) {
    const [target] = Properties.Targets;
    expect([resolve(target.RoleArn), resolve(target.EcsParameters.TaskDefinitionArn)], id).toEqual([
      `${events}.Arn`,
      task,
    ]);
    const run = { principal: events, action: 'ecs:RunTask', resource: task };
    const context = { 'ecs:cluster': resolve(target.Arn) };
    expect(allows(rolePolicies(template, events), { ...run, context }), id).toBe(true);
  }
  expect(rules.map(([, r]) => r.Properties.ScheduleExpression ?? resolve(r.Properties.EventPattern))).toEqual([
    {
      source: ['aws.s3'],
      'detail-type': ['Object Created'],
      detail: { bucket: { name: [bucket] }, object: { key: [{ wildcard: 'waiting/*/ended' }] } },
    },
    'rate(1 hour)',
  ]);
  const [pattern] = rules.flatMap(([, r]) => (r.Properties.EventPattern ? [resolve(r.Properties.EventPattern)] : []));
  // The S3 guide's example, "Amazon S3 event notifications in EventBridge: event message structure", with our bucket and keys.
  const created = (objectKey: string, name = bucket) => ({
    ...{
      version: '0',
      source: 'aws.s3',
      'detail-type': 'Object Created',
      account: '111122223333',
      region: 'eu-west-1',
    },
    detail: { version: '0', bucket: { name }, object: { key: objectKey, size: 5 }, reason: 'PutObject' },
  });
  expect(matchesEvent(pattern, created('waiting/dmlzaXQ/0mf1/ended'))).toBe(true);
  for (const name of ['waiting/dmlzaXQ/0mf1/begun', 'waiting/ended', 'rooms/waiting/a/ended', 'waiting/a/b/ended/at'])
    expect(matchesEvent(pattern, created(name)), name).toBe(false);
  expect(matchesEvent(pattern, created('waiting/a/b/ended', 'another'))).toBe(false);
  expect(matchesEvent(pattern, { ...created('waiting/a/b/ended'), 'detail-type': 'Object Deleted' })).toBe(false);
  const alarms = Object.values<Any>(template.Resources)
    .filter((r) => r.Type === 'AWS::CloudWatch::Alarm')
    .map((r) => r.Properties.AlarmDescription as string);
  expect(alarms.filter((text) => text.includes('recordings-fail.md'))).toHaveLength(2);
});

test('wildcards of EventBridge: any number of characters, escapes, and what it refuses', () => {
  const matches = (text: string, value: string) => matchesEvent({ key: [{ wildcard: text }] }, { key: value });
  expect([matches('a/*/z', 'a/b/c/z'), matches('a*', 'a'), matches('a.*', 'ab'), matches('a\\*', 'a*')]).toEqual([
    ...[true, true, false, true],
  ]);
  expect(matches('a\\*', 'ab')).toBe(false);
  expect(() => matches('a**', 'a')).toThrow('side by side');
  expect(() => matches('a\\b', 'ab')).toThrow('backslash');
  expect(() => matchesEvent({ key: [{ prefix: 'a' }] }, { key: 'ab' })).toThrow('is not known here');
});

function alone(props: Partial<RecordingsProps> = {}) {
  const stack = new Stack(new App(), 'Alone');
  const image = ecs.ContainerImage.fromRegistry('example.com/composer:1');
  new Recordings(stack, 'Recordings', { vpc: new ec2.Vpc(stack, 'Vpc'), image, ...props });
  return Template.fromStack(stack);
}

test('alone: retention and disk are as given, and wrong ones are refused by name', () => {
  const made = alone({ retention: Duration.days(90), disk: Size.gibibytes(50) });
  made.hasResourceProperties('AWS::S3::Bucket', {
    LifecycleConfiguration: {
      Rules: [Match.objectLike({ ExpirationInDays: 90, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } })],
    },
  });
  made.hasResourceProperties('AWS::ECS::TaskDefinition', { EphemeralStorage: { SizeInGiB: 50 } });
  expect(() => alone({ retention: Duration.hours(30) })).toThrow(/Recordings.retention: 108000 s are no whole days/);
  expect(() => alone({ disk: Size.gibibytes(500) })).toThrow(/Recordings.disk: 500/);
  expect(() => alone({ sweepInterval: Duration.seconds(10) })).toThrow(/Recordings.sweepInterval/);
  expect(() =>
    synthesize({ ...PRODUCTION, mediaNodes: '0', packagers: '0', recordings: 'true' }, { checks: false }),
  ).toThrow(/mediaNodes: media nodes record, and there are none/);
});
