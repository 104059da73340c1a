/** What those who run the stack, and pay for it, rely on: nothing stays behind, no addresses in logs, shells, traces, tags, the budget. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { Network, TopologyProfile, TopologyStack, WebRtcTopology } from '../src/index.ts';
import { wafKeeps } from './aws-rules.ts';
import { allows, rolePolicies } from './policy.ts';
import { PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
const resources = (template: Any): [string, Any][] => Object.entries(template.Resources);
const ofType = (template: Any, type: string): Any[] =>
  resources(template).flatMap(([, one]) => (one.Type === type ? [one.Properties] : []));
const development: Any = synthesize({ profile: 'development' }, { checks: false, built: false }).template;
const production: Any = synthesize(PRODUCTION, { checks: false }).template;

/** A topology with everything of this page on. */
const full: Any = (() => {
  const stack = new TopologyStack(new App(), 'Full', { zones: 2 });
  const image = ecs.ContainerImage.fromRegistry('example.com/image:1');
  new WebRtcTopology(stack, 'Calls', {
    profile: TopologyProfile.DEVELOPMENT,
    authImage: image,
    signalingImage: image,
    turnImage: image,
    canaryImage: image,
    serviceOptions: { traces: true, remoteShell: true },
    turnOptions: { remoteShell: true },
    monthlyEgressBudgetUsd: 300,
  });
  return Template.fromStack(stack).toJSON();
})();

test('destroy of development leaves nothing: no resource is retained, and buckets are emptied first', () => {
  // CloudFormation deletes what has no DeletionPolicy; a bucket with objects in it stops the deletion.
  const kept = (template: Any) =>
    resources(template).flatMap(([id, one]) => (/Retain|Snapshot/.test(one.DeletionPolicy ?? '') ? [id] : []));
  expect(kept(development)).toEqual([]);
  expect(kept(production).length).toBeGreaterThan(5);
  const emptied = JSON.stringify(ofType(development, 'Custom::S3AutoDeleteObjects'));
  const buckets = resources(development).filter(([, one]) => one.Type === 'AWS::S3::Bucket');
  expect(buckets.length).toBeGreaterThan(1);
  for (const [id] of buckets) expect(emptied).toContain(`"${id}"`);
  for (const balancer of ofType(development, 'AWS::ElasticLoadBalancingV2::LoadBalancer'))
    expect(balancer.LoadBalancerAttributes).not.toContainEqual({ Key: 'deletion_protection.enabled', Value: 'true' });
});

/** Text of a name that CloudFormation joins, with its references as they are. */
const joined = (value: Any): string =>
  value?.['Fn::Join']
    ? value['Fn::Join'][1].map(joined).join(value['Fn::Join'][0])
    : typeof value === 'string'
      ? value
      : JSON.stringify(value);

/** Whether the template holds the log group of a cluster's Container Insights, made before the cluster: else ECS may be first, and creation fails. */
function ownsInsights(template: Any, id: string): boolean {
  const { Properties, DependsOn = [] } = template.Resources[id];
  if (Properties.ClusterName === undefined) return false;
  const name = `/aws/ecs/containerinsights/${joined(Properties.ClusterName)}/performance`;
  return resources(template).some(
    ([group, one]) => [DependsOn].flat().includes(group) && joined(one.Properties.LogGroupName) === name,
  );
}

/** Log groups that AWS makes when something first writes, with the resource that makes it so; no stack deletes them. */
function implicitLogGroups(template: Any): string[] {
  return resources(template).flatMap(([id, { Type, Properties }]) => {
    // Lambda guide, "Configuring CloudWatch log groups".
    if (Type === 'AWS::Lambda::Function' && !Properties.LoggingConfig?.LogGroup) return [`/aws/lambda/${id}`];
    // CloudWatch guide, "Container Insights performance log events for Amazon ECS".
    const settings: Any[] = Type === 'AWS::ECS::Cluster' ? (Properties.ClusterSettings ?? []) : [];
    const watched = settings.some(({ Name, Value }) => Name === 'containerInsights' && Value !== 'disabled');
    if (watched && !ownsInsights(template, id)) return [`/aws/ecs/containerinsights/${id}/performance`];
    // API Gateway guide, "Set up CloudWatch logging": execution logs of a stage; RDS and others are not in these templates.
    const logged =
      Type === 'AWS::ApiGateway::Stage' && (Properties.MethodSettings ?? []).some((one: Any) => one.LoggingLevel);
    return logged ? [`API-Gateway-Execution-Logs_${id}`] : [];
  });
}

test('log groups that AWS would make by itself are of the stack in development', () => {
  expect(implicitLogGroups(development)).toEqual([]);
  // Data stays in production; and a cluster that gets a name is made anew.
  expect(implicitLogGroups(production).length).toBeGreaterThan(1);
  expect(implicitLogGroups({ Resources: { F: { Type: 'AWS::Lambda::Function', Properties: {} } } })).toEqual([
    '/aws/lambda/F',
  ]);
});

test('the log group of a cluster has a name that no earlier stack left behind, and goes minutes after the cluster', () => {
  const groups = resources(development).filter(([, one]) =>
    /containerinsights/.test(joined(one.Properties.LogGroupName ?? '')),
  );
  // The services' cluster and that of the TURN nodes.
  expect(groups.map(([id]) => id)).toHaveLength(2);
  const [, vpc] = resources(development).find(([, one]) => one.Type === 'AWS::EC2::VPC') ?? [];
  for (const [id, { Properties }] of groups) {
    // CloudFormation guide, "Pseudo parameters": the id of a stack ends in a UUID, another one at each creation.
    expect(joined(Properties.LogGroupName)).toContain('AWS::StackId');
    expect(vpc.DependsOn).toContain(id);
  }
});

test('flow logs hold no address', () => {
  const [log] = ofType(production, 'AWS::EC2::FlowLog');
  expect(log.LogFormat).toContain('{dstport}');
  // VPC guide, "Flow log records": the fields with addresses are srcaddr, dstaddr, pkt-srcaddr and pkt-dstaddr.
  expect(log.LogFormat).not.toMatch(/addr/);
});

/** Headers in which our APIs take a credential, as they describe themselves; a browser's WebSocket has its token in the list of subprotocols. */
function credentialHeaders(): string[] {
  const schemes = ['openapi', 'server-api', 'events-api'].flatMap((name) => {
    const api = parse(readFileSync(join(import.meta.dirname, `../../docs/${name}.yaml`), 'utf8'));
    return Object.values<Any>(api.components.securitySchemes ?? {});
  });
  expect(schemes.map(({ type }) => type)).toEqual(expect.arrayContaining(['http', 'apiKey']));
  return [
    ...schemes.map(({ in: where, name }) => (where === 'header' ? name : 'authorization')),
    'sec-websocket-protocol',
  ];
}

test('the web ACL writes down what it refuses, and nothing of the others: neither their addresses nor the bill of it', () => {
  for (const template of [production, development]) {
    const found = ofType(template, 'AWS::WAFv2::LoggingConfiguration');
    expect(found).toHaveLength(1);
    for (const { LoggingFilter: filter, RedactedFields: fields } of found) {
      expect([wafKeeps(filter, 'BLOCK'), wafKeeps(filter, 'COUNT'), wafKeeps(filter, 'ALLOW')]).toEqual([
        true,
        true,
        false,
      ]);
      const redacted = fields.flatMap((one: Any) => one.SingleHeader?.Name ?? []);
      expect(redacted).toEqual(expect.arrayContaining(credentialHeaders()));
    }
  }
  expect(wafKeeps(undefined, 'ALLOW')).toBe(true);
});

test('each part carries its tag and the stack’s, for the bill', () => {
  const tags = (id: RegExp, type: string): Record<string, string> => {
    const [found] = resources(production).filter(([name, one]) => id.test(name) && one.Type === type);
    return Object.fromEntries(found?.[1].Properties.Tags.map((tag: Any) => [tag.Key, tag.Value]) ?? []);
  };
  for (const [part, type] of [
    ['Cache', 'AWS::ElastiCache::ReplicationGroup'],
    ['Signaling', 'AWS::ECS::Service'],
    ['Auth', 'AWS::ECS::Service'],
    ['Edge', 'AWS::ElasticLoadBalancingV2::LoadBalancer'],
    ['WebClient', 'AWS::CloudFront::Distribution'],
  ] as const)
    expect(tags(new RegExp(`Topology${part}`), type), part).toMatchObject({ part, stack: 'Tandem' });
  // Egress is on the bill of the instance: the group tags what it launches.
  const group = ofType(production, 'AWS::AutoScaling::AutoScalingGroup')[0];
  expect(group.Tags).toEqual(
    expect.arrayContaining([
      { Key: 'part', PropagateAtLaunch: true, Value: 'Turn' },
      { Key: 'stack', PropagateAtLaunch: true, Value: 'Tandem' },
    ]),
  );
});

test('the budget counts what leaves the instances of this stack, and its topic takes its messages', () => {
  expect(ofType(production, 'AWS::Budgets::Budget')).toEqual([]);
  const [budget] = ofType(full, 'AWS::Budgets::Budget');
  expect(budget.Budget).toMatchObject({
    BudgetLimit: { Amount: 300, Unit: 'USD' },
    CostFilters: {
      UsageTypeGroup: ['EC2: Data Transfer - Internet (Out)'],
      TagKeyValue: ['user:stack$Full'],
    },
  });
  const topic = ofType(full, 'AWS::SNS::TopicPolicy')[0].Topics[0];
  // Cost Management guide, "Creating an Amazon SNS topic for budget notifications": the policy comes before the budget, or it is refused.
  const [policy] = resources(full).find(([, one]) => one.Type === 'AWS::SNS::TopicPolicy') ?? [];
  const [, whole] = resources(full).find(([, one]) => one.Type === 'AWS::Budgets::Budget') ?? [];
  expect(whole.DependsOn).toContain(policy);
  for (const { Subscribers, Notification } of budget.NotificationsWithSubscribers) {
    expect(Subscribers).toEqual([{ SubscriptionType: 'SNS', Address: topic }]);
    expect(['ACTUAL', 'FORECASTED']).toContain(Notification.NotificationType);
  }
});

test('a shell is for those who ask for it: ECS Exec on the services, Session Manager on the instances', () => {
  const services = (template: Any) => ofType(template, 'AWS::ECS::Service').filter((one) => one.NetworkConfiguration);
  for (const one of services(production)) expect(one.EnableExecuteCommand).toBe(false);
  expect(services(full)).toHaveLength(2);
  for (const one of services(full)) expect(one.EnableExecuteCommand).toBe(true);
  const readonly = (template: Any) =>
    ofType(template, 'AWS::ECS::TaskDefinition')
      .flatMap((task) => task.ContainerDefinitions)
      .filter((one: Any) => one.Name === 'app')
      .map((one: Any) => one.ReadonlyRootFilesystem);
  expect(readonly(production)).toEqual([true, true, true, true]);
  // ECS guide, "Considerations for using ECS Exec": the agent writes into the container's file system.
  expect(readonly(full)).toEqual([false, false]);
  const roles = (template: Any) =>
    JSON.stringify(ofType(template, 'AWS::IAM::Role').map((one) => one.ManagedPolicyArns));
  expect(roles(full)).toContain('AmazonSSMManagedInstanceCore');
  expect(roles(production)).not.toContain('AmazonSSMManagedInstanceCore');
  const [role] = resources(full).flatMap(([id, one]) =>
    one.Type === 'AWS::IAM::Role' && /AuthTaskTaskRole/.test(id) ? [id] : [],
  );
  const ask = { principal: role as string, action: 'ssmmessages:OpenDataChannel', resource: '*', context: {} };
  expect(allows(rolePolicies(full, role as string), ask)).toBe(true);
});

test('traces: the service sends to the sidecar, which sends to the OTLP endpoint of the region', () => {
  const tasks = ofType(full, 'AWS::ECS::TaskDefinition').filter((task) =>
    task.ContainerDefinitions.some((one: Any) => one.Name === 'collector'),
  );
  expect(tasks).toHaveLength(2);
  for (const { ContainerDefinitions } of tasks) {
    const [app, collector] = ['app', 'collector'].map((name) =>
      ContainerDefinitions.find((one: Any) => one.Name === name),
    );
    expect(app.Environment).toContainEqual({ Name: 'OTEL_EXPORTER_OTLP_ENDPOINT', Value: 'http://127.0.0.1:4318' });
    const text = collector.Environment.find((one: Any) => one.Name === 'AOT_CONFIG_CONTENT').Value;
    const config = JSON.parse(
      text['Fn::Join'][1].map((part: Any) => (typeof part === 'string' ? part : part.Ref)).join(''),
    );
    expect(config.receivers.otlp.protocols.http.endpoint).toBe('127.0.0.1:4318');
    // Each name in a pipeline and each extension is configured, or the collector does not start.
    const { pipelines, extensions } = config.service;
    expect(pipelines.traces).toEqual({ receivers: ['otlp'], processors: ['batch'], exporters: ['otlphttp'] });
    for (const pipeline of Object.values<Any>(pipelines))
      for (const kind of ['receivers', 'processors', 'exporters'])
        for (const name of pipeline[kind]) expect(Object.keys(config[kind])).toContain(name);
    expect(Object.keys(config.extensions)).toEqual(extensions);
    expect(config.exporters.otlphttp.traces_endpoint).toBe('https://xray.AWS::Region.AWS::URLSuffix/v1/traces');
    expect(extensions).toContain(config.exporters.otlphttp.auth.authenticator);
  }
  expect(JSON.stringify(ofType(full, 'AWS::IAM::Role'))).toContain('AWSXrayWriteOnlyAccess');
  expect(JSON.stringify(production)).not.toContain('otlphttp');
});

test('interface endpoints are there when asked for, in each private subnet', () => {
  const stack = new TopologyStack(new App(), 'Endpoints', { zones: 2 });
  new Network(stack, 'Network', { zones: 2, interfaceEndpoints: true });
  const endpoints = ofType(Template.fromStack(stack).toJSON(), 'AWS::EC2::VPCEndpoint').filter(
    (one) => one.VpcEndpointType === 'Interface',
  );
  const names = endpoints.map((one) => JSON.stringify(one.ServiceName));
  for (const name of ['ecr.api', 'ecr.dkr', 'logs', 'secretsmanager', 'kms'])
    expect(
      names.some((one) => one.includes(`.${name}`)),
      name,
    ).toBe(true);
  for (const one of endpoints) expect([one.SubnetIds.length, one.PrivateDnsEnabled]).toEqual([2, true]);
  expect(ofType(production, 'AWS::EC2::VPCEndpoint')).toHaveLength(1);
});

test('the page has an address for each protocol', () => {
  const records = ofType(production, 'AWS::Route53::RecordSet').filter((one) => one.Name === 'calls.example.com.');
  expect(records.map((one) => one.Type).sort()).toEqual(['A', 'AAAA']);
  expect(ofType(production, 'AWS::CloudFront::Distribution')[0].DistributionConfig.IPV6Enabled).toBe(true);
});

test('the services to which the deployment page bounds the execution role are all that the templates use', () => {
  // CloudFormation's name of a service, where IAM's prefix is another one (Service Authorization Reference).
  const prefixes: Record<string, string> = {
    apigatewayv2: 'apigateway',
    applicationautoscaling: 'application-autoscaling',
    elasticloadbalancingv2: 'elasticloadbalancing',
  };
  const page = readFileSync(join(import.meta.dirname, '../../docs/deployment-and-testing.md'), 'utf8');
  const [, list = ''] = /--cloudformation-execution-policies <policy ARN>` to ([^;]*?)\n\n/s.exec(page) ?? [];
  const named = new Set(list.match(/[a-z0-9-]+/g));
  const used = [development, production, full].flatMap((template) =>
    resources(template).flatMap(([, one]) => /^AWS::(\w+)::/.exec(one.Type)?.[1]?.toLowerCase() ?? []),
  );
  expect(used.length).toBeGreaterThan(100);
  // CDK::Metadata needs no service.
  const missing = [...new Set(used)]
    .map((name) => prefixes[name] ?? name)
    .filter((name) => name !== 'cdk' && !named.has(name));
  expect(missing).toEqual([]);
  // What the first resource of a kind makes in a new account. IAM guide, "AWS services that work with IAM"; of VPC origins:
  // https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCloudFrontVPCOriginServiceRolePolicy.html
  const linked = [
    'ecs',
    'elasticache',
    'autoscaling',
    'elasticloadbalancing',
    'ecs.application-autoscaling',
    'vpcorigin.cloudfront',
    // API Gateway guide, "Using service-linked roles for API Gateway": with the first API or custom domain name.
    'ops.apigateway',
  ];
  for (const service of linked) expect(list).toContain(`\`${service}.amazonaws.com\``);
  // WAF has a role for Firehose alone; for a log group it writes a resource policy, with the rights of who calls:
  // https://docs.aws.amazon.com/goto/WebAPI/wafv2-2019-07-29/PutLoggingConfiguration
  const destinations = ofType(production, 'AWS::WAFv2::LoggingConfiguration').flatMap(
    (one) => one.LogDestinationConfigs,
  );
  expect(destinations.length).toBeGreaterThan(0);
  for (const destination of destinations) expect(JSON.stringify(destination)).toMatch(/:logs:/);
  expect(list).not.toContain('wafv2.amazonaws.com');
});
