/** As permissions.test.ts, for what is not in that template: both fleets, the canary's schedule, and what empties buckets at the end. */
import { expect, test } from 'vitest';
import { ACCOUNT, allows, REGION, resolve, resourcePolicy, rolePolicies } from './policy.ts';
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

test('the canary runs by the clock: EventBridge may start that task in that cluster, and hand on its two roles only', () => {
  const role = id(development, 'AWS::IAM::Role', /CanaryTaskEventsRole/);
  const task = id(development, 'AWS::ECS::TaskDefinition', /Canary/);
  const [, rule] = entries(development, 'AWS::Events::Rule').find(([name]) => /Canary/.test(name)) ?? [];
  const [target] = rule.Properties.Targets;
  expect([resolve(target.RoleArn), resolve(target.EcsParameters.TaskDefinitionArn)]).toEqual([`${role}.Arn`, task]);
  const cluster = { 'ecs:cluster': resolve(target.Arn) };
  expect(may(development, role, 'ecs:RunTask', task, cluster)).toBe(true);
  expect(may(development, role, 'ecs:RunTask', task, { 'ecs:cluster': 'another' })).toBe(false);
  expect(may(development, role, 'ecs:RunTask', 'another', cluster)).toBe(false);
  const { ExecutionRoleArn, TaskRoleArn } = development.Resources[task].Properties;
  for (const handed of [ExecutionRoleArn, TaskRoleArn].map(resolve))
    expect(may(development, role, 'iam:PassRole', handed), handed).toBe(true);
  expect(may(development, role, 'iam:PassRole', `${id(development, 'AWS::IAM::Role', /AuthTaskTaskRole/)}.Arn`)).toBe(
    false,
  );
  const trust = development.Resources[role].Properties.AssumeRolePolicyDocument.Statement;
  expect(allows(trust, { principal: 'events.amazonaws.com', action: 'sts:AssumeRole', resource: role })).toBe(true);
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
