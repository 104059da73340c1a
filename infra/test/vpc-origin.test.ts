/** CloudFront's way into the VPC, as it is made and deleted: what it needs there, and what it leaves. */
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { Edge, WebClient } from '../src/index.ts';
import { REMOVAL_CODE } from '../src/origin-group-removal.ts';
import { LEFT_IN_VPC } from './aws-rules.ts';
import { ACCOUNT, allows, REGION, rolePolicies } from './policy.ts';
import { resourcesOf, waitsFor } from './resources.ts';
import { PRODUCTION, synthesize } from './synth.ts';

type Any = ReturnType<typeof JSON.parse>;
const production = synthesize(PRODUCTION, { checks: false });
const development = synthesize({ profile: 'development' }, { checks: false, built: false });
const { all, one } = resourcesOf(production);
const both = [
  ['production', production],
  ['development', development],
] as const;

afterEach(() => vi.unstubAllEnvs());

/** Whether CloudFormation deletes the first before the second: in the order of creation, reversed (User Guide, "DependsOn attribute"). */
const goesBefore = (template: Any, first: string, second: string) => waitsFor(template.Resources, first).has(second);

test.each(both)(
  '%s: what CloudFront leaves in the VPC is removed after its origin has gone and before the VPC goes',
  (_, of) => {
    const template = of.template as Any;
    const leaving = Object.keys(LEFT_IN_VPC).flatMap((type) => all(type, of));
    expect(leaving).toHaveLength(1);
    const vpc = one('AWS::EC2::VPC', of);
    const remover = one('Custom::OriginGroupRemoved', of);
    expect(remover.properties.Vpc).toEqual({ Ref: vpc.id });
    for (const { id } of leaving) expect(goesBefore(template, id, remover.id)).toBe(true);
    expect(goesBefore(template, remover.id, vpc.id)).toBe(true);
    // Function, role and rights are there until it has answered.
    const policies = all('AWS::IAM::Policy', of).filter(({ id }) => /OriginGroupRemove/.test(id));
    expect(policies).toHaveLength(1);
    for (const { id } of policies) expect(goesBefore(template, remover.id, id)).toBe(true);
  },
);

test.each(both)('%s: the VPC has its internet gateway before the origin is made, and until it has gone', (_, of) => {
  // CloudFront developer guide, "Restrict access with VPC origins", prerequisites: "Add an internet gateway to your VPC".
  const [origin] = all('AWS::CloudFront::VpcOrigin', of);
  const gateway = one('AWS::EC2::VPCGatewayAttachment', of);
  expect(goesBefore(of.template as Any, origin?.id ?? '', gateway.id)).toBe(true);
});

test('the function may remove groups of this VPC, and of no other', () => {
  const template = production.template as Any;
  const [role] = all('AWS::IAM::Role').filter(({ id }) => /OriginGroupRemove/.test(id));
  const may = (action: string, context: Record<string, string> = {}) =>
    allows(rolePolicies(template, role?.id ?? ''), {
      principal: role?.id ?? '',
      action,
      resource: action.includes('Describe') ? '*' : `arn:aws:ec2:${REGION}:${ACCOUNT}:security-group/sg-1`,
      context,
    });
  const vpc = (id: string) => ({ 'ec2:Vpc': `arn:aws:ec2:${REGION}:${ACCOUNT}:vpc/${id}` });
  expect(may('ec2:DescribeSecurityGroups')).toBe(true);
  expect(may('ec2:DeleteSecurityGroup', vpc(one('AWS::EC2::VPC').id))).toBe(true);
  expect(may('ec2:DeleteSecurityGroup', vpc('vpc-another'))).toBe(false);
  expect(may('ec2:DeleteSecurityGroup')).toBe(false);
});

const ENV = { env: { account: ACCOUNT, region: REGION } };
const GIVEN = {
  vpcId: 'vpc-1',
  availabilityZones: ['a', 'b'],
  publicSubnetIds: ['subnet-1', 'subnet-2'],
  isolatedSubnetIds: ['subnet-3', 'subnet-4'],
};

test.each([
  ['others', (pages: Stack) => ec2.Vpc.fromVpcAttributes(pages, 'Theirs', GIVEN)],
  ['another stack', ({ node }: Stack) => new ec2.Vpc(new Stack(node.root as App, 'Ground', ENV), 'Vpc')],
] as const)('in a VPC of %s nothing is removed: other origins may use the group', (_, vpcFor) => {
  const stack = new Stack(new App(), 'Pages', ENV);
  const vpc = vpcFor(stack);
  new WebClient(stack, 'Client', { edge: new Edge(stack, 'Edge', { vpc }) });
  const template = Template.fromStack(stack);
  template.resourceCountIs('AWS::CloudFront::VpcOrigin', 1);
  template.resourceCountIs('Custom::OriginGroupRemoved', 0);
});

interface Ec2 {
  /** How often EC2 says that an interface still holds the group. */
  held: number;
  /** EC2 lists the group, and it is deleted. */
  deleted?: boolean;
  error?: string;
}

/** EC2 as its query API answers, and CloudFormation, which takes one answer. */
async function runRemoval(
  event: { RequestType: string; PhysicalResourceId?: string },
  state: Ec2,
  remainingMs = 600_000,
) {
  const groups = new Set(state.deleted ? [] : ['sg-1']);
  let listed = new Set(['sg-1']);
  const asked: string[] = [];
  let answered: Any;
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += part;
    if (request.method === 'PUT') {
      answered = { type: request.headers['content-type'], ...JSON.parse(body) };
      return void response.end();
    }
    const query = new URLSearchParams(body);
    const action = query.get('Action') ?? '';
    asked.push(
      action === 'DeleteSecurityGroup'
        ? `${action} ${query.get('GroupId')}`
        : `${action} ${query.get('Filter.1.Value.1')} ${query.get('Filter.2.Value.1')}`,
    );
    const fail = (code: string) => {
      response.statusCode = 400;
      response.end(
        `<Response><Errors><Error><Code>${code}</Code><Message>${code}</Message></Error></Errors><RequestID>1</RequestID></Response>`,
      );
    };
    if (action === 'DescribeSecurityGroups') {
      // Eventually consistent: after a deletion it lists the group once more.
      const items = [...listed].map((id) => `<item><groupId>${id}</groupId></item>`).join('');
      listed = new Set(groups);
      return void response.end(
        `<DescribeSecurityGroupsResponse><securityGroupInfo>${items}</securityGroupInfo></DescribeSecurityGroupsResponse>`,
      );
    }
    if (state.error) return fail(state.error);
    if (state.held-- > 0) return fail('DependencyViolation');
    if (!groups.delete(query.get('GroupId') ?? '')) return fail('InvalidGroup.NotFound');
    response.end('<DeleteSecurityGroupResponse><return>true</return></DeleteSecurityGroupResponse>');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  vi.stubEnv('AWS_ENDPOINT_URL', url);
  vi.stubEnv('AWS_REGION', REGION);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
  // As Lambda loads it, with the SDK of AWS.
  const exported: Any = {};
  new Function('require', 'exports', REMOVAL_CODE)(createRequire(import.meta.url), exported);
  exported.pauseMs = 1;
  await exported.handler(
    {
      StackId: 'stack',
      RequestId: 'request',
      LogicalResourceId: 'Removed',
      ResponseURL: `${url}/answer`,
      ResourceProperties: { Vpc: 'vpc-1' },
      ...(event.RequestType === 'Create' ? {} : { PhysicalResourceId: 'vpc-1' }),
      ...event,
    },
    { getRemainingTimeInMillis: () => remainingMs },
  );
  return { answered, asked, left: [...groups] };
}

const FIND = 'DescribeSecurityGroups vpc-1 CloudFront-VPCOrigins-Service-SG';

test('the function waits until no interface holds the group, removes it, and says so to CloudFormation', async () => {
  const state = { held: 2 };
  expect(await runRemoval({ RequestType: 'Delete' }, state)).toEqual({
    answered: {
      type: undefined,
      Status: 'SUCCESS',
      PhysicalResourceId: 'vpc-1',
      StackId: 'stack',
      RequestId: 'request',
      LogicalResourceId: 'Removed',
    },
    asked: [FIND, 'DeleteSecurityGroup sg-1', FIND, 'DeleteSecurityGroup sg-1', FIND, 'DeleteSecurityGroup sg-1'],
    left: [],
  });
});

test('the function removes nothing when it is made or updated, and answers in time when it cannot remove', async () => {
  for (const RequestType of ['Create', 'Update'])
    expect(await runRemoval({ RequestType }, { held: 0 })).toMatchObject({
      answered: { Status: 'SUCCESS' },
      asked: [],
      left: ['sg-1'],
    });
  const refused = await runRemoval({ RequestType: 'Delete' }, { held: 0, error: 'UnauthorizedOperation' });
  expect(refused.answered).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('vpc-1') });
});

test('a group that EC2 lists once more after it is gone is gone', async () => {
  const { answered, asked } = await runRemoval({ RequestType: 'Delete' }, { held: 0, deleted: true });
  expect(asked).toEqual([FIND, 'DeleteSecurityGroup sg-1']);
  expect(answered).toMatchObject({ Status: 'SUCCESS' });
});

test('a group that another origin of the VPC holds is left to it, in time, and the log says so', async () => {
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  onTestFinished(() => warned.mockRestore());
  const { answered, left } = await runRemoval({ RequestType: 'Delete' }, { held: 9 }, 59_000);
  expect([answered.Status, left]).toEqual(['SUCCESS', ['sg-1']]);
  expect(warned.mock.calls).toEqual([[expect.stringContaining('DependencyViolation')]]);
});

test('another VPC is another resource, so CloudFormation has that of the old one deleted', async () => {
  // User Guide, "Custom resource response objects", PhysicalResourceId: an update that answers another one is a replacement, whose old resource gets a Delete.
  const update = { RequestType: 'Update', PhysicalResourceId: 'vpc-0' };
  expect((await runRemoval(update, { held: 0 })).answered).toMatchObject({ PhysicalResourceId: 'vpc-1' });
  // It must keep its id: another one would say that the deleted is not the one that was meant.
  const gone = { RequestType: 'Delete', PhysicalResourceId: 'an id of CloudFormation, where Create never answered' };
  expect((await runRemoval(gone, { held: 0 })).answered).toMatchObject({ PhysicalResourceId: gone.PhysicalResourceId });
});
