/** Who may call what, wherever the running system depends on it; by the policies of the template, evaluated as IAM does. */
import { expect, test } from 'vitest';
import { topology } from '../topology/index.ts';
import { SENT_BY_SERVICES } from './aws-rules.ts';
import { ACCOUNT, allows, mayUseKey, REGION, resourcePolicy, rolePolicies } from './policy.ts';
import { PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
const template: Any = synthesize(PRODUCTION, { checks: false }).template;
const ids = (type: string, name: RegExp) =>
  Object.entries(template.Resources as Record<string, Any>).flatMap(([id, one]) =>
    one.Type === type && name.test(id) ? [id] : [],
  );
function id(type: string, name: RegExp): string {
  const [first, ...more] = ids(type, name);
  if (!first || more.length > 0) throw new Error(`${type} ${name}: ${[first, ...more].join()}`);
  return first;
}
const tls = { 'aws:SecureTransport': 'true' };
const here = { ...tls, 'aws:SourceAccount': ACCOUNT };
const may = (role: string, action: string, resource: string, context = {}) =>
  allows(rolePolicies(template, role), { principal: role, action, resource, context });

const topic = id('AWS::SNS::Topic', /Observability/);
const topicPolicy = resourcePolicy(template, 'AWS::SNS::TopicPolicy', 'Topics', topic);
const cloudwatch = 'cloudwatch.amazonaws.com';

test.each([cloudwatch, 'budgets.amazonaws.com'])(
  'alarms arrive: %s may publish to the topic, over TLS, for this account only',
  (service) => {
    const publish = (principal: string, context: Record<string, string>) =>
      allows(topicPolicy, { principal, action: 'sns:Publish', resource: topic, context });
    expect(publish(service, here)).toBe(true);
    expect(publish(service, { ...tls, 'aws:SourceAccount': '999900001111' })).toBe(false);
    expect(publish(service, { ...here, 'aws:SecureTransport': 'false' })).toBe(false);
    expect(publish('events.amazonaws.com', here)).toBe(false);
    // And it may use the key of the topic, or SNS refuses to store the message.
    const key = template.Resources[id('AWS::KMS::Key', /TopicKey/)].Properties.KeyPolicy.Statement;
    for (const action of ['kms:GenerateDataKey', 'kms:Decrypt']) {
      expect(allows(key, { principal: service, action, resource: '*', context: here })).toBe(true);
      expect(allows(key, { principal: 'events.amazonaws.com', action, resource: '*', context: here })).toBe(false);
    }
  },
);

test('the canary reads the policies of the topic and of its key, and uses neither', () => {
  const canary = id('AWS::IAM::Role', /CanaryTaskTaskRole/);
  const key = id('AWS::KMS::Key', /TopicKey/);
  expect(may(canary, 'sns:GetTopicAttributes', topic)).toBe(true);
  for (const action of ['kms:DescribeKey', 'kms:GetKeyPolicy'])
    expect(mayUseKey(template, canary, key, { action }), action).toBe(true);
  for (const action of ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:PutKeyPolicy'])
    expect(mayUseKey(template, canary, key, { action }), action).toBe(false);
  expect(may(canary, 'sns:Publish', topic)).toBe(false);
});

test('every alarm action is that topic', () => {
  const alarms = Object.values(template.Resources as Record<string, Any>).filter((one) =>
    /^AWS::CloudWatch::(Composite)?Alarm$/.test(one.Type),
  );
  const actions = alarms.flatMap((a) => [...(a.Properties.AlarmActions ?? []), ...(a.Properties.OKActions ?? [])]);
  expect(actions.length).toBeGreaterThan(20);
  for (const action of actions) expect(action).toEqual({ Ref: topic });
});

test('auth reads and rotates the signing keys, signaling and TURN do not; only the services read their secrets', () => {
  const key = id('AWS::KMS::Key', /SigningKeys/);
  const [auth, signaling, turn] = [/AuthTaskTaskRole/, /SignalingTaskTaskRole/, /TurnTaskTaskRole/].map((name) =>
    id('AWS::IAM::Role', name),
  ) as [string, string, string];
  const signing = id('AWS::SecretsManager::Secret', /SigningKeys/);
  // It signs in process: it reads and rotates the keys in a secret, which takes these two of the key that encrypts it.
  for (const action of ['kms:Decrypt', 'kms:GenerateDataKey']) {
    const request = { action, context: { 'kms:ViaService': `secretsmanager.${REGION}.amazonaws.com` } };
    expect(mayUseKey(template, auth, key, request), action).toBe(true);
    for (const role of [signaling, turn]) expect(mayUseKey(template, role, key, request), action).toBe(false);
  }
  for (const action of ['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue']) {
    expect(may(auth, action, signing), action).toBe(true);
    for (const role of [signaling, turn]) expect(may(role, action, signing), action).toBe(false);
  }
  expect(mayUseKey(template, auth, key, { action: 'kms:ScheduleKeyDeletion' })).toBe(false);
  const secret = id('AWS::SecretsManager::Secret', /TurnSecret/);
  // Both read it while they run: it rotates.
  for (const role of [auth, turn]) expect(may(role, 'secretsmanager:GetSecretValue', secret)).toBe(true);
  expect(may(signaling, 'secretsmanager:GetSecretValue', secret)).toBe(false);
});

test('a container gets the secrets that its definition names, from its execution role', () => {
  let named = 0;
  for (const [task, { Type, Properties }] of Object.entries(template.Resources as Record<string, Any>)) {
    if (Type !== 'AWS::ECS::TaskDefinition') continue;
    const role = Properties.ExecutionRoleArn?.['Fn::GetAtt']?.[0];
    for (const { ValueFrom } of Properties.ContainerDefinitions.flatMap((c: Any) => c.Secrets ?? [])) {
      const secret = /"Ref":"([^"]+)"/.exec(JSON.stringify(ValueFrom).replace(/"AWS::\w+"/g, ''))?.[1] ?? '';
      expect(may(role, 'secretsmanager:GetSecretValue', secret), `${task}: ${secret}`).toBe(true);
      named++;
    }
  }
  expect(named).toBeGreaterThan(3);
});

test('a TURN node answers the lifecycle hook of its own group, and no other', () => {
  const turn = id('AWS::IAM::Role', /TurnTaskTaskRole/);
  const group = id('AWS::AutoScaling::AutoScalingGroup', /Turn/);
  const arn = (name: string) =>
    `arn:aws:autoscaling:${REGION}:${ACCOUNT}:autoScalingGroup:0a1b:autoScalingGroupName/${name}`;
  for (const action of ['CompleteLifecycleAction', 'RecordLifecycleActionHeartbeat']) {
    expect(may(turn, `autoscaling:${action}`, arn(group))).toBe(true);
    expect(may(turn, `autoscaling:${action}`, arn('another'))).toBe(false);
  }
});

test('Secrets Manager rotates: it may call the function, which may read and write that secret', () => {
  const secret = id('AWS::SecretsManager::Secret', /TurnSecret/);
  const permission = Object.values(template.Resources as Record<string, Any>).find(
    (one) => one.Type === 'AWS::Lambda::Permission' && one.Properties.Principal === 'secretsmanager.amazonaws.com',
  );
  expect(permission?.Properties.Action).toBe('lambda:InvokeFunction');
  const role = id('AWS::IAM::Role', /RotateServiceRole/);
  for (const action of ['DescribeSecret', 'GetSecretValue', 'PutSecretValue', 'UpdateSecretVersionStage'])
    expect(may(role, `secretsmanager:${action}`, secret), action).toBe(true);
  expect(may(role, 'secretsmanager:GetSecretValue', 'another')).toBe(false);
});

/** Their parts of the stack. */
const SERVICES = Object.entries(topology).flatMap(([name, { kind }]) =>
  kind === 'service' ? [`${name[0]?.toUpperCase()}${name.slice(1)}`] : [],
);

test('metrics leave: each task role of a collector writes to its log group', () => {
  for (const name of SERVICES) {
    const role = id('AWS::IAM::Role', new RegExp(`${name}TaskTaskRole`));
    const group = id('AWS::Logs::LogGroup', new RegExp(`Topology${name}Logs`));
    for (const action of ['logs:CreateLogStream', 'logs:PutLogEvents'])
      expect(may(role, action, `${group}.Arn`), `${name} ${action}`).toBe(true);
  }
});

test('CloudFront reads the pages for this distribution only; the load balancer writes its logs', () => {
  const pages = id('AWS::S3::Bucket', /WebClientBucket/);
  const policy = resourcePolicy(template, 'AWS::S3::BucketPolicy', 'Bucket', pages);
  const distribution = id('AWS::CloudFront::Distribution', /./);
  const read = (arn: string) =>
    allows(policy, {
      principal: 'cloudfront.amazonaws.com',
      action: 's3:GetObject',
      resource: `${pages}.Arn/index.html`,
      context: { ...here, 'AWS:SourceArn': arn },
    });
  expect(read(`arn:aws:cloudfront::${ACCOUNT}:distribution/${distribution}`)).toBe(true);
  expect(read(`arn:aws:cloudfront::${ACCOUNT}:distribution/another`)).toBe(false);
  const logs = id('AWS::S3::Bucket', /AccessLogs/);
  const write = (account: string) =>
    allows(resourcePolicy(template, 'AWS::S3::BucketPolicy', 'Bucket', logs), {
      principal: 'logdelivery.elasticloadbalancing.amazonaws.com',
      action: 's3:PutObject',
      // ELB guide, "Access log files": the account of the load balancer is in the path.
      resource: `${logs}.Arn/AWSLogs/${account}/elasticloadbalancing/eu-west-1/x.log.gz`,
      context: tls,
    });
  expect(write(ACCOUNT)).toBe(true);
  expect(write('999900001111')).toBe(false);
});

test('an Allow for a service of AWS asks for no condition key but those that this service is documented to send', () => {
  const found = Object.values(template.Resources as Record<string, Any>).flatMap((one) =>
    statementsIn(one).flatMap((statement) =>
      statement.Effect === 'Allow'
        ? [statement.Principal?.Service ?? []].flat().flatMap((service: string) =>
            Object.values((statement.Condition ?? {}) as Record<string, object>)
              .flatMap((keys) => Object.keys(keys))
              .map((key) => `${service} ${[statement.Action].flat()[0].split(':')[0]} ${key.toLowerCase()}`),
          )
        : [],
    ),
  );
  expect(new Set(found)).toEqual(new Set(Object.keys(SENT_BY_SERVICES)));
});

/** All statements of policies in a resource. */
function statementsIn(value: Any): Any[] {
  if (Array.isArray(value)) return value.flatMap(statementsIn);
  if (value === null || typeof value !== 'object') return [];
  return [...(value.Effect && value.Action ? [value] : []), ...Object.values(value).flatMap(statementsIn)];
}

test('the evaluation can say no: a lone Deny, another action, an unknown condition', () => {
  const deny = {
    Effect: 'Deny',
    Principal: '*',
    Action: 'sns:Publish',
    Resource: 't',
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  };
  const ask = { principal: cloudwatch, action: 'sns:Publish', resource: 't', context: here };
  expect(allows([deny], ask)).toBe(false);
  const allow = { Effect: 'Allow', Principal: { Service: cloudwatch }, Action: 'sns:Publish', Resource: 't' };
  expect(allows([deny, allow], ask)).toBe(true);
  expect(allows([allow], { ...ask, action: 'sns:Subscribe' })).toBe(false);
  expect(() => allows([{ ...allow, Condition: { DateGreaterThan: { a: 'b' } } }], ask)).toThrow('DateGreaterThan');
});

test('a role uses a key only where the key policy lets it or the account decide; a Deny of either side wins', () => {
  const root = {
    Effect: 'Allow',
    Principal: {
      AWS: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':iam::', { Ref: 'AWS::AccountId' }, ':root']] },
    },
    Action: 'kms:*',
    Resource: '*',
  };
  const self = {
    Effect: 'Allow',
    Principal: { AWS: { 'Fn::GetAtt': ['Role', 'Arn'] } },
    Action: 'kms:Decrypt',
    Resource: '*',
  };
  const other = { ...self, Principal: { Service: cloudwatch } };
  const granted = { Effect: 'Allow', Action: 'kms:Decrypt', Resource: { 'Fn::GetAtt': ['Key', 'Arn'] } };
  const uses = (byKey: readonly Any[], byRole: readonly Any[]) =>
    mayUseKey(
      {
        Resources: {
          Key: { Type: 'AWS::KMS::Key', Properties: { KeyPolicy: { Statement: byKey } } },
          Policy: {
            Type: 'AWS::IAM::Policy',
            Properties: { Roles: [{ Ref: 'Role' }], PolicyDocument: { Statement: byRole } },
          },
        },
      },
      'Role',
      'Key',
      { action: 'kms:Decrypt' },
    );
  expect(uses([root], [granted])).toBe(true);
  expect(uses([self], [])).toBe(true);
  // The role's policy alone, and the account's word alone, are not enough.
  expect(uses([other], [granted])).toBe(false);
  expect(uses([root], [])).toBe(false);
  expect(uses([root, { ...self, Effect: 'Deny' }], [granted])).toBe(false);
  expect(uses([root, self], [{ ...granted, Effect: 'Deny' }])).toBe(false);
});
