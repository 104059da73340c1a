/** As permissions.test.ts, for what is not in that template: both fleets, what EventBridge starts, the pages, and what empties buckets at the end. */
import { expect, test } from 'vitest';
import { ACCOUNT, allows, mayUseKey, REGION, resolve, resourcePolicy, rolePolicies } from './policy.ts';
import { PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
const production: Any = synthesize({ ...PRODUCTION, mediaNodes: 2 }, { checks: false }).template;
const development: Any = synthesize({}, { checks: false }).template;
const TEMPLATES = { production, development };

const entries = (template: Any, type: string): [string, Any][] =>
  Object.entries<Any>(template.Resources).filter(([, one]) => one.Type === type);
function id(template: Any, type: string, name: RegExp): string {
  const [first, ...more] = entries(template, type).filter(([one]) => name.test(one));
  if (!first || more.length > 0) throw new Error(`${type} ${name}: ${[first, ...more].map((one) => one?.[0]).join()}`);
  return first[0];
}
const may = (template: Any, role: string, action: string, resource: string, context = {}) =>
  allows(rolePolicies(template, role), { principal: role, action, resource, context });
const groupArn = (name: string) =>
  `arn:aws:autoscaling:${REGION}:${ACCOUNT}:autoScalingGroup:0a1b:autoScalingGroupName/${name}`;

test.each(['Turn', 'Media'])(
  '%s: an instance joins its own cluster, its agent ends its own group’s hooks and nothing else',
  (part) => {
    const role = id(production, 'AWS::IAM::Role', new RegExp(`${part}InstanceRole`));
    const cluster = `${id(production, 'AWS::ECS::Cluster', new RegExp(part))}.Arn`;
    const group = id(production, 'AWS::AutoScaling::AutoScalingGroup', new RegExp(part));
    // ECS developer guide, "Amazon ECS container instance IAM role": what its agent asks for.
    for (const action of ['RegisterContainerInstance', 'DeregisterContainerInstance', 'SubmitTaskStateChange']) {
      expect(may(production, role, `ecs:${action}`, cluster), action).toBe(true);
      expect(may(production, role, `ecs:${action}`, 'another'), action).toBe(false);
    }
    for (const action of ['Poll', 'StartTelemetrySession']) {
      expect(may(production, role, `ecs:${action}`, 'any', { 'ecs:cluster': cluster }), action).toBe(true);
      expect(may(production, role, `ecs:${action}`, 'any', { 'ecs:cluster': 'another' }), action).toBe(false);
    }
    expect(may(production, role, 'ecs:DiscoverPollEndpoint', 'any')).toBe(true);
    // node-health-unit.ts
    expect(may(production, role, 'autoscaling:SetInstanceHealth', groupArn(group))).toBe(true);
    expect(may(production, role, 'autoscaling:SetInstanceHealth', groupArn('another'))).toBe(false);
    for (const what of ['AutoScalingGroups', 'AutoScalingInstances', 'ScalingActivities'])
      expect(may(production, role, `autoscaling:Describe${what}`, 'any'), what).toBe(true);
    // Containers of an instance must not be what the instance is.
    expect(may(production, role, 'secretsmanager:GetSecretValue', 'any')).toBe(false);

    const task = id(production, 'AWS::IAM::Role', new RegExp(`${part}TaskTaskRole`));
    for (const action of ['CompleteLifecycleAction', 'RecordLifecycleActionHeartbeat']) {
      expect(may(production, task, `autoscaling:${action}`, groupArn(group)), action).toBe(true);
      expect(may(production, task, `autoscaling:${action}`, groupArn('another')), action).toBe(false);
    }
    expect(may(production, task, 'autoscaling:SetInstanceHealth', groupArn(group))).toBe(false);
  },
);

test.each(Object.entries(TEMPLATES))(
  '%s: each task starts: its image is pulled and its log written, by a role that ECS may take',
  (_, template) => {
    const tasks = entries(template, 'AWS::ECS::TaskDefinition');
    expect(tasks.length).toBeGreaterThan(3);
    for (const [name, { Properties }] of tasks) {
      const execution = Properties.ExecutionRoleArn['Fn::GetAtt'][0];
      expect(may(template, execution, 'ecr:GetAuthorizationToken', '*'), name).toBe(true);
      const pulls = rolePolicies(template, execution).filter((s) => [s.Action].flat().includes('ecr:BatchGetImage'));
      expect(pulls.length, name).toBeGreaterThan(0);
      for (const { LogConfiguration } of Properties.ContainerDefinitions) {
        const group = `${LogConfiguration.Options['awslogs-group'].Ref}.Arn`;
        for (const action of ['logs:CreateLogStream', 'logs:PutLogEvents'])
          expect(may(template, execution, action, group), `${name} ${action}`).toBe(true);
      }
      for (const role of [execution, Properties.TaskRoleArn['Fn::GetAtt'][0]]) {
        const trust = template.Resources[role].Properties.AssumeRolePolicyDocument.Statement;
        const taken = (principal: string) => allows(trust, { principal, action: 'sts:AssumeRole', resource: role });
        expect([taken('ecs-tasks.amazonaws.com'), taken('ec2.amazonaws.com')], role).toEqual([true, false]);
      }
    }
  },
);

test('what runs by the clock or by an event: EventBridge may start that task in that cluster, and hand on its two roles only', () => {
  const started = Object.values(TEMPLATES).flatMap((template) =>
    entries(template, 'AWS::Events::Rule').flatMap(([name, { Properties }]) =>
      Properties.Targets.filter((one: Any) => one.EcsParameters).map((target: Any) => ({ template, name, target })),
    ),
  );
  // The canary in both; the composer, when a recording has ended and each hour.
  expect(started).toHaveLength(4);
  for (const { template, name, target } of started) {
    const task = resolve(target.EcsParameters.TaskDefinitionArn);
    const role = resolve(target.RoleArn).replace(/\.Arn$/, '');
    const cluster = { 'ecs:cluster': resolve(target.Arn) };
    expect(may(template, role, 'ecs:RunTask', task, cluster), name).toBe(true);
    expect(may(template, role, 'ecs:RunTask', task, { 'ecs:cluster': 'another' }), name).toBe(false);
    expect(may(template, role, 'ecs:RunTask', 'another', cluster), name).toBe(false);
    const { ExecutionRoleArn, TaskRoleArn } = template.Resources[task].Properties;
    for (const handed of [ExecutionRoleArn, TaskRoleArn].map(resolve))
      expect(may(template, role, 'iam:PassRole', handed), `${name} ${handed}`).toBe(true);
    const other = `${id(template, 'AWS::IAM::Role', /AuthTaskTaskRole/)}.Arn`;
    expect(may(template, role, 'iam:PassRole', other), name).toBe(false);
    const trust = template.Resources[role].Properties.AssumeRolePolicyDocument.Statement;
    expect(allows(trust, { principal: 'events.amazonaws.com', action: 'sts:AssumeRole', resource: role })).toBe(true);
  }
});

test('the pages arrive: the function that publishes reads what CDK uploaded, writes their bucket and asks CloudFront to forget', () => {
  for (const template of Object.values(TEMPLATES)) {
    const role = id(template, 'AWS::IAM::Role', /CustomCDKBucketDeployment/);
    const pages = id(template, 'AWS::S3::Bucket', /WebClientBucket/);
    const policy = resourcePolicy(template, 'AWS::S3::BucketPolicy', 'Bucket', pages);
    // Of the bucket and of the role, in one account: one Allow is enough, and no Deny of either.
    const writes = (action: string, tls: string) =>
      allows([...policy, ...rolePolicies(template, role)], {
        principal: role,
        action,
        resource: `${pages}.Arn/index.html`,
        context: { 'aws:SecureTransport': tls },
      });
    expect([writes('s3:PutObject', 'true'), writes('s3:PutObject', 'false')]).toEqual([true, false]);
    for (const { Properties } of entries(template, 'Custom::CDKBucketDeployment').map(([, one]) => one))
      for (const source of resolve(Properties.SourceBucketNames))
        expect(may(template, role, 's3:GetObject', `arn:aws:s3:::${source}/a.zip`), source).toBe(true);
    expect(may(template, role, 'cloudfront:CreateInvalidation', 'any')).toBe(true);
    expect(may(template, role, 's3:PutObject', `${id(template, 'AWS::S3::Bucket', /AccessLogs/)}.Arn/a`)).toBe(false);
  }
});

test('auth signs with KMS in development; auth and media nodes read the secret of media nodes, and nobody else', () => {
  const key = id(development, 'AWS::KMS::Key', /SigningKeys/);
  const signs = (part: string, action: string) =>
    mayUseKey(development, id(development, 'AWS::IAM::Role', new RegExp(`${part}TaskTaskRole`)), key, { action });
  for (const action of ['kms:Sign', 'kms:GetPublicKey'])
    expect([signs('Auth', action), signs('Signaling', action)], action).toEqual([true, false]);
  expect(signs('Auth', 'kms:ScheduleKeyDeletion')).toBe(false);
  const secret = id(production, 'AWS::SecretsManager::Secret', /^TopologyMediaSecret/);
  const readers = entries(production, 'AWS::IAM::Role')
    .map(([name]) => name)
    .filter((name) => may(production, name, 'secretsmanager:GetSecretValue', secret));
  expect(readers.map((name) => /Topology(\w+?)Task(Execution|Task)Role/.exec(name)?.[1]).sort()).toEqual([
    'Auth',
    'Media',
  ]);
});

/** Each role of the templates, and the test that evaluates what it is for. A role that nobody has evaluated is in none. */
const EVALUATED: Record<string, RegExp> = {
  'permissions.test.ts': /(Auth|Signaling|Hooks|Turn|Canary)TaskTaskRole|RotateServiceRole/,
  'recordings.test.ts': /RecordingsTaskTaskRole|MediaTaskTaskRole/,
  'captions-service.test.ts': /CaptionsTaskTaskRole/,
  'vpc-origin.test.ts': /OriginGroupRemoveServiceRole/,
  'this file':
    /InstanceRole|TaskExecutionRole|TaskEventsRole|FlowLogIAMRole|^CustomS3AutoDelete|^CustomCDKBucketDeployment/,
};

test('each role of both templates is one that a test evaluates', () => {
  for (const template of Object.values(TEMPLATES)) {
    const roles = entries(template, 'AWS::IAM::Role').map(([name]) => name);
    expect(roles.length).toBeGreaterThan(12);
    expect(roles.filter((name) => !Object.values(EVALUATED).some((known) => known.test(name)))).toEqual([]);
  }
});

test('flow logs are written; a destroyed development stack may empty each of its buckets, a production one none', () => {
  for (const template of Object.values(TEMPLATES)) {
    const flow = id(template, 'AWS::IAM::Role', /FlowLogIAMRole/);
    const group = id(template, 'AWS::Logs::LogGroup', /FlowLogs/);
    expect(may(template, flow, 'logs:PutLogEvents', `${group}.Arn`)).toBe(true);
  }
  const emptying = `${id(development, 'AWS::IAM::Role', /CustomS3AutoDelete/)}.Arn`;
  const buckets = entries(development, 'AWS::S3::Bucket').map(([name]) => name);
  expect(buckets.length).toBeGreaterThan(0);
  for (const bucket of buckets) {
    const policy = resourcePolicy(development, 'AWS::S3::BucketPolicy', 'Bucket', bucket);
    for (const [action, resource] of [
      ['s3:ListBucketVersions', `${bucket}.Arn`],
      ['s3:DeleteObjectVersion', `${bucket}.Arn/a`],
    ] as const) {
      // Over TLS: each bucket denies the rest.
      const context = { 'aws:SecureTransport': 'true' };
      expect(allows(policy, { principal: emptying, action, resource, context }), `${bucket} ${action}`).toBe(true);
      expect(allows(policy, { principal: 'another', action, resource, context })).toBe(false);
    }
  }
  expect(entries(production, 'AWS::IAM::Role').filter(([name]) => /AutoDelete/.test(name))).toEqual([]);
});
