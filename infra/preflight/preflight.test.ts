/** The preflight through the AWS SDK, against answers in the shape of the services' own (their API references), kept in recorded/. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { App, CfnResource, Stack } from 'aws-cdk-lib';
import { expect, onTestFinished, test, vi } from 'vitest';
import { accountOf } from './src/account.ts';
import { BOOTSTRAP_VERSION, preflight as checkAccount, covers, preflightText } from './src/checks.ts';
import { type NeededDomain, type Needs, needsOf } from './src/needs.ts';
import { type Answer, account, given } from './testing/account.ts';
import { wrongAnswers } from './testing/answers.ts';

function preflight(url: string, args: readonly string[]): Promise<{ code: number; output: string }> {
  const env = {
    PATH: process.env.PATH,
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_MAX_ATTEMPTS: '1',
  };
  const program = ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'main.ts'), ...args];
  return new Promise((done) =>
    execFile(process.execPath, program, { env }, (error, stdout, stderr) =>
      done({ code: error ? Number(error.code) : 0, output: `${stdout}${stderr}` }),
    ),
  );
}

const DOMAIN = {
  name: 'calls.example.com',
  certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/11111111-2222-3333-4444-555555555555',
  regionalCertificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/11111111-2222-3333-4444-666666666666',
  hostedZoneId: 'Z0123456789ABCDEFGHIJ',
};
const PRODUCTION = [
  ...['--profile', 'production', '--region', 'eu-west-1', '--domain', DOMAIN.name],
  ...['--certificate-arn', DOMAIN.certificateArn, '--regional-certificate-arn', DOMAIN.regionalCertificateArn],
  ...['--hosted-zone-id', DOMAIN.hostedZoneId],
];

/** As the program, without a process of its own. */
async function asked(url: string, needs: Needs): Promise<string> {
  vi.stubEnv('AWS_ENDPOINT_URL', url);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
  onTestFinished(() => void vi.unstubAllEnvs());
  return preflightText(await checkAccount(accountOf(needs.region), needs));
}

test('a new account: everything that would stop the deployment half way is named, with its fix', async () => {
  const { url, unknown } = await account('new-account.json');
  const { code, output } = await preflight(url, PRODUCTION);
  expect(unknown).toEqual([]);
  for (const line of [
    /✓ account 111122223333/,
    /✗ eu-west-1 was never bootstrapped\n {4}Fix: npx cdk bootstrap aws:\/\/111122223333\/eu-west-1/,
    /✗ ECS has no role in this account yet .*\n {4}Fix: aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com/,
    /✓ eu-west-1 has 3 zones, 3 needed/,
    /✗ c7gn.medium is not offered in eu-west-1c/,
    // The highest of the last hour counts.
    /✗ Fargate On-Demand vCPU resource count: 12.25 needed, 4 in use, 6 allowed\n {4}Fix: aws service-quotas .* --quota-code L-3032A538 --desired-value 17/,
    // A series without a value: nothing is used.
    /✗ Running On-Demand Standard instances \(vCPUs\): 6 needed, 0 in use, 5 allowed/,
    /✓ Application Load Balancers per Region: 1 needed, use not known, 50 allowed/,
    /✗ cache.m7g.large is not offered in eu-west-1/,
    /✓ no stack is named Tandem/,
    /✗ calls.example.com has A already\n {4}Fix: delete what leads elsewhere/,
    /✓ turn.calls.example.com has no record yet/,
    /✗ EC2-VPC Elastic IPs: 3 needed, 3 in use, 5 allowed/,
    /✓ VPCs per Region: 1 needed, 1 in use, 5 allowed/,
    /✗ the certificate for calls.example.com is PENDING_VALIDATION/,
    /✗ the certificate in eu-west-1 does not hold for turn.calls.example.com/,
    /✗ the zone example.org does not hold calls.example.com/,
  ])
    expect(output).toMatch(line);
  expect(code).toBe(1);
});

test('an account that is ready, and one that may not be read', async () => {
  const ready = await account('ready-account.json');
  const good = await preflight(ready.url, PRODUCTION);
  expect([good.code, good.output.trim().split('\n').at(-1)], good.output).toEqual([0, '21 met, 0 lacking, 0 unknown']);
  const denied = { status: 400, type: 'application/x-amz-json-1.1', body: '{"__type":"AccessDeniedException"}' };
  const closed = await account('ready-account.json', { 'GetServiceQuota L-3032A538': denied });
  const partly = await preflight(closed.url, PRODUCTION);
  expect(partly.output).toMatch(/\? Fargate On-Demand vCPU resource count: AccessDeniedException/);
  expect([partly.code, partly.output.trim().split('\n').at(-1)]).toEqual([1, '20 met, 0 lacking, 1 unknown']);
});

const stackAnswer = (status: string, description = 'Tandem: WebRTC calls, production profile'): Answer => ({
  type: 'text/xml',
  body: `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member><StackName>Tandem</StackName><StackStatus>${status}</StackStatus><Description>${description}</Description><CreationTime>2026-11-01T10:00:00Z</CreationTime></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
});

test('a stack that is deployed already is in the use of the account, and its records are its own', async () => {
  const recorded = {
    'DescribeStacks Tandem': stackAnswer('UPDATE_COMPLETE'),
    // Its three NAT gateways have the three addresses, and of the 8 vCPUs 6.25 are its own; five are allowed, as in a new account.
    'GetServiceQuota L-0263D0A3': {
      type: 'application/x-amz-json-1.1',
      body: '{"Quota": {"QuotaCode": "L-0263D0A3", "Value": 5.0}}',
    },
  };
  const { url, unknown } = await account('ready-account.json', recorded);
  const { code, output } = await preflight(url, PRODUCTION);
  expect(unknown).toEqual([]);
  for (const line of [
    /✓ a stack Tandem is there \(UPDATE_COMPLETE\): cdk deploy updates it/,
    /✓ EC2-VPC Elastic IPs: 3 needed, 0 in use by others, 5 allowed/,
    /✓ Fargate On-Demand vCPU resource count: 12.25 needed, 1.75 in use by others, 4000 allowed/,
  ])
    expect(output).toMatch(line);
  expect(output).not.toMatch(/has no record yet|has A already/);
  expect(code, output).toBe(0);
});

test.each([
  ['UPDATE_IN_PROGRESS', undefined, /✗ a stack Tandem is there \(UPDATE_IN_PROGRESS\)\n {4}Fix: wait/],
  ['ROLLBACK_COMPLETE', undefined, /✗ .*\n {4}Fix: aws cloudformation delete-stack --stack-name Tandem/],
  ['UPDATE_ROLLBACK_FAILED', undefined, /✗ .*\n {4}Fix: .*continue-update-rollback/],
  ['UPDATE_ROLLBACK_COMPLETE', undefined, /✓ a stack Tandem is there/],
  ['REVIEW_IN_PROGRESS', undefined, /✓ a stack Tandem is there/],
  ['CREATE_COMPLETE', 'Somebody’s website', /✗ .* and it is not one of ours\n {4}Fix: another name: -c stackName/],
  ['CREATE_COMPLETE', 'Tandem: WebRTC calls, development profile', /✗ .* and not of the production profile/],
] as const)('a stack of that name, %s %s', async (status, description, line) => {
  const { url } = await account('ready-account.json', { 'DescribeStacks Tandem': stackAnswer(status, description) });
  expect(await asked(url, needsOf('production', 'eu-west-1', {}, DOMAIN))).toMatch(line);
});

test('a name that regions share: in the certificate and the zone, and beside no record that leads to one place', async () => {
  const records = (sets: string): Answer => ({
    type: 'text/xml',
    body: `<ListResourceRecordSetsResponse xmlns="https://route53.amazonaws.com/doc/2013-04-01/"><ResourceRecordSets>${sets}</ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>100</MaxItems></ListResourceRecordSetsResponse>`,
  });
  const other =
    '<ResourceRecordSet><Name>any.example.com.</Name><Type>A</Type><SetIdentifier>us-east-1</SetIdentifier><Region>us-east-1</Region></ResourceRecordSet>';
  const alone =
    '<ResourceRecordSet><Name>any.example.com.</Name><Type>A</Type><TTL>300</TTL><ResourceRecords><ResourceRecord><Value>192.0.2.7</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>';
  const shared = (domain: NeededDomain) =>
    needsOf('production', 'eu-west-1', {}, { ...domain, sharedName: 'any.example.com' });
  const beside = await account('ready-account.json', { 'ListResourceRecordSets any.example.com': records(other) });
  const { output } = await preflight(beside.url, [...PRODUCTION, '--shared-domain', 'any.example.com']);
  expect(output).toMatch(/✓ any.example.com may lead to several regions/);
  expect(output).toMatch(/✓ the zone example.com holds calls.example.com, any.example.com/);
  expect(output).toMatch(/✗ the certificate in eu-west-1 does not hold for any.example.com/);
  const taken = await account('ready-account.json', { 'ListResourceRecordSets any.example.com': records(alone) });
  expect(await asked(taken.url, shared(DOMAIN))).toMatch(/✗ any.example.com leads to one place \(A\)/);
  const sixth = await account('ready-account.json', {
    'ListResourceRecordSets any.example.com': records(
      alone.replace('<Type>A<', '<Type>AAAA<').replace('192.0.2.7', '2001:db8::7'),
    ),
  });
  expect(await asked(sixth.url, shared(DOMAIN))).toMatch(/✗ any.example.com leads to one place \(AAAA\)/);
  const { hostedZoneId, ...elsewhere } = DOMAIN;
  expect(await asked(beside.url, shared(elsewhere))).toMatch(
    /✗ any.example.com has no zone\n {4}Fix: a shared name needs --hosted-zone-id/,
  );
});

test('without credentials that hold, one line says so: nothing else could be read', async () => {
  const expired = {
    status: 403,
    type: 'text/xml',
    body: '<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message></Error></ErrorResponse>',
  };
  const { url } = await account('ready-account.json', { GetCallerIdentity: expired });
  const { code, output } = await preflight(url, PRODUCTION);
  expect(output.trim().split('\n')).toEqual([
    expect.stringMatching(
      /^\? credentials: \w*ExpiredToken\w*: The security token included in the request is expired$/,
    ),
    expect.stringMatching(/^ {4}Fix: aws configure, aws sso login or AWS_PROFILE/),
    '0 met, 0 lacking, 1 unknown',
  ]);
  expect(code).toBe(1);
});

test('wrong use is one line and exit code 2; a certificate elsewhere is refused without asking', async () => {
  const { url } = await account('ready-account.json');
  for (const [args, line] of [
    [['--profile', 'staging'], '--profile staging: expected development or production'],
    [['--region', 'eu-west-1', '--zones', 'many'], '--zones many: expected a whole number from 1 to 9999'],
    [['--region', 'eu-west-1', '--domain', 'calls.example.com'], '--certificate-arn: a domain needs'],
    [[], '--region: name the region of the stack'],
  ] as const) {
    const { code, output } = await preflight(url, args);
    expect([code, output.trim().split('\n')], output).toEqual([2, [expect.stringContaining(line)]]);
  }
  const swapped = PRODUCTION.map((one) => one.replace('acm:us-east-1', 'acm:eu-central-1'));
  expect((await preflight(url, swapped)).output).toMatch(
    /✗ the certificate arn:.* is in eu-central-1\n {4}Fix: .*us-east-1/,
  );
});

test('a zone in which CloudFront makes no VPC origin is named by its id, which is the same in every account', async () => {
  const zones = ['a use1-az4', 'b use1-az3', 'c use1-az1'].map((one) => one.split(' '));
  const items = zones.map(
    ([letter, id]) =>
      `<item><zoneName>us-east-1${letter}</zoneName><zoneId>${id}</zoneId><zoneState>available</zoneState></item>`,
  );
  const body = `<DescribeAvailabilityZonesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><availabilityZoneInfo>${items.join('')}</availabilityZoneInfo></DescribeAvailabilityZonesResponse>`;
  const { url } = await account('ready-account.json', { DescribeAvailabilityZones: { type: 'text/xml', body } });
  const { output } = await preflight(url, ['--profile', 'development', '--region', 'us-east-1']);
  expect(output).toMatch(/✗ CloudFront makes no VPC origin in us-east-1b \(use1-az3\)\n {4}Fix: another region/);
});

test('the bootstrap version is the one that our templates ask for', () => {
  const app = new App();
  new CfnResource(new Stack(app, 'Any'), 'Topic', { type: 'AWS::SNS::Topic' });
  const asked = app.synth().getStackByName('Any').requiresBootstrapStackVersion;
  expect(asked).toBe(BOOTSTRAP_VERSION);
});

test('names of certificates: a wildcard stands for one label', () => {
  expect([
    covers('*.example.com', 'calls.example.com'),
    covers('*.example.com', 'turn.calls.example.com'),
    covers('*.example.com', 'example.com'),
    covers('calls.example.com', 'calls.example.com'),
  ]).toEqual([true, false, false, true]);
});

test('every answer above is one that AWS could give: the SDK reads all of it, and its types take what it read', async () => {
  expect(given.length).toBeGreaterThan(20);
  expect(await wrongAnswers(given)).toEqual([]);
});
