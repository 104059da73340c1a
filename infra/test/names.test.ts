/** Several stacks in one account: no two resources may ask for one physical name, where AWS keeps that name once. */
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { expect, test } from 'vitest';
import { Network, Observability, SessionCache, SignalingService, TopologyStack, WebClient } from '../src/index.ts';
import { NO_PHYSICAL_NAME, PHYSICAL_NAMES, tasksAfterUpdate } from './aws-rules.ts';
import { PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;

interface Deployed {
  readonly region: string;
  readonly template: Any;
}

/** Text of a property as that region's CloudFormation makes it. */
function resolve(value: Any, region: string): string {
  return JSON.stringify(value).replaceAll('{"Ref":"AWS::Region"}', JSON.stringify(region));
}

const at = (properties: Any, path: string): Any => path.split('.').reduce((value, key) => value?.[key], properties);

/** Names that neither list of aws-rules.ts knows: someone must look up how far they are unique. */
function unknownNames({ template }: Deployed): string[] {
  const known = (type: string, key: string) =>
    PHYSICAL_NAMES.some((one) => one.type === type && one.path === key) || `${type} ${key}` in NO_PHYSICAL_NAME;
  return Object.values(template.Resources as Record<string, Any>).flatMap(({ Type, Properties = {} }) =>
    Object.entries(Properties).flatMap(([key, value]) =>
      /^(Name|\w+Name|UserId|UserGroupId)$/.test(key) && typeof value === 'string' && !known(Type, key)
        ? [`${Type} ${key}`]
        : [],
    ),
  );
}

/** Physical names of a template, each with the scope in which it must be unique. */
function physicalNames({ region, template }: Deployed): string[] {
  return Object.values(template.Resources as Record<string, Any>).flatMap(({ Type, Properties = {} }) =>
    PHYSICAL_NAMES.filter(({ type }) => type === Type).flatMap(({ type, path, scope }) => {
      const name = at(Properties, path);
      if (name === undefined) return [];
      // Made from another resource's name, which CloudFormation invents.
      if (/"(Ref|Fn::GetAtt)":(?!"AWS::)/.test(JSON.stringify(name))) return [];
      return [`${scope === 'global' ? 'account' : region} ${type} ${resolve(name, region)}`];
    }),
  );
}

function expectUnique(deployed: readonly Deployed[]): void {
  expect([...new Set(deployed.flatMap(unknownNames))]).toEqual([]);
  const names = deployed.flatMap(physicalNames);
  expect(names.length).toBeGreaterThan(deployed.length);
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
}

const production: Any = synthesize(PRODUCTION, { checks: false }).template;

test('both profiles in one region, and one of them in a second region', () => {
  const development = synthesize({ profile: 'development', stackName: 'TandemDev' }, { checks: false }).template;
  expectUnique([
    { region: 'eu-west-1', template: production },
    { region: 'us-east-1', template: production },
    { region: 'eu-west-1', template: development },
  ]);
});

test('two Observability, caches and pages in one stack', () => {
  const stack = new TopologyStack(new App(), 'Twice');
  const { vpc } = new Network(stack, 'Network');
  for (const id of ['A', 'B']) {
    const cache = new SessionCache(stack, `Cache${id}`, { vpc });
    const signaling = new SignalingService(stack, `Signaling${id}`, {
      vpc,
      cache: cache.addUser('App', { userName: 'app', accessString: 'on ~app:* +@all' }),
      jwksUrl: 'https://auth.example.com/.well-known/jwks.json',
      image: ecs.ContainerImage.fromRegistry('example.com/image:1'),
    });
    new WebClient(stack, `Pages${id}`);
    new Observability(stack, `Observability${id}`, { signaling, cache });
  }
  const template = Template.fromStack(stack).toJSON();
  expectUnique([
    { region: 'eu-west-1', template },
    { region: 'us-east-1', template },
  ]);
});

test('a release at peak leaves a service at the tasks that scaling gave it', () => {
  const services = Object.values(production.Resources as Record<string, Any>).filter(
    (one) => one.Type === 'AWS::ECS::Service',
  );
  // Auth, signaling, events, captions, TURN nodes, media nodes.
  expect(services).toHaveLength(6);
  for (const { Properties } of services) expect(tasksAfterUpdate(19, Properties.DesiredCount)).toBe(19);
});
