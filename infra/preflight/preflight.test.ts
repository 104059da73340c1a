/** The preflight through the AWS SDK, against answers in the shape of the services' own (their API references), kept in recorded/. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { App, CfnResource, Stack } from 'aws-cdk-lib';
import { expect, onTestFinished, test } from 'vitest';
import { resourcesOf } from '../test/resources.ts';
import { PRODUCTION as PRODUCTION_CONTEXT, synthesize } from '../test/synth.ts';
import { BOOTSTRAP_VERSION, covers } from './src/checks.ts';
import { needsOf } from './src/needs.ts';

type Any = ReturnType<typeof JSON.parse>;

interface Answer {
  readonly status?: number;
  readonly type: string;
  readonly body: string;
}

/** Name of the operation, and what tells two calls of it apart. */
function keyOf(request: IncomingMessage, body: string): string {
  const target = String(request.headers['x-amz-target'] ?? '').split('.')[1];
  const zone = /\/hostedzone\/(\w+)/.exec(request.url ?? '')?.[1];
  if (zone) return `GetHostedZone ${zone}`;
  if (target) {
    const { QuotaCode, CertificateArn } = JSON.parse(body);
    return [target, QuotaCode ?? CertificateArn].filter(Boolean).join(' ');
  }
  const form = new URLSearchParams(body);
  const action = form.get('Action') ?? '';
  return action === 'DescribeInstanceTypeOfferings' ? `${action} ${form.get('Filter.1.Value.1')}` : action;
}

async function account(file: string, changed: Record<string, Answer> = {}) {
  const recorded: Record<string, Answer> = {
    ...JSON.parse(readFileSync(join(import.meta.dirname, 'recorded', file), 'utf8')),
    ...changed,
  };
  const unknown: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      const key = keyOf(request, body);
      const answer = recorded[key];
      if (!answer) unknown.push(key);
      response.writeHead(answer?.status ?? (answer ? 200 : 500), { 'content-type': answer?.type ?? 'text/plain' });
      response.end(answer?.body ?? '');
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((done) => server.once('listening', done));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, unknown };
}

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

const PRODUCTION = [
  ...['--profile', 'production', '--region', 'eu-west-1', '--domain', 'calls.example.com'],
  ...['--certificate-arn', 'arn:aws:acm:us-east-1:111122223333:certificate/11111111-2222-3333-4444-555555555555'],
  ...[
    '--regional-certificate-arn',
    'arn:aws:acm:eu-west-1:111122223333:certificate/11111111-2222-3333-4444-666666666666',
  ],
  ...['--hosted-zone-id', 'Z0123456789ABCDEFGHIJ'],
];

test('a new account: everything that would stop the deployment half way is named, with its fix', async () => {
  const { url, unknown } = await account('new-account.json');
  const { code, output } = await preflight(url, PRODUCTION);
  expect(unknown).toEqual([]);
  for (const line of [
    /✓ account 111122223333/,
    /✗ eu-west-1 was never bootstrapped\n {4}Fix: npx cdk bootstrap aws:\/\/111122223333\/eu-west-1/,
    /✓ eu-west-1 has 3 zones, 3 needed/,
    /✗ c7gn.medium is not offered in eu-west-1c/,
    /✗ Fargate On-Demand vCPU resource count: 12.25 needed, 6 allowed\n {4}Fix: aws service-quotas .* --quota-code L-3032A538 --desired-value 13/,
    /✗ Running On-Demand Standard instances \(vCPUs\): 6 needed, 5 allowed/,
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
  expect([good.code, good.output.trim().split('\n').at(-1)], good.output).toEqual([0, '16 met, 0 lacking, 0 unknown']);
  const denied = { status: 400, type: 'application/x-amz-json-1.1', body: '{"__type":"AccessDeniedException"}' };
  const closed = await account('ready-account.json', { 'GetServiceQuota L-3032A538': denied });
  const partly = await preflight(closed.url, PRODUCTION);
  expect(partly.output).toMatch(/\? Fargate On-Demand vCPU resource count: AccessDeniedException/);
  expect([partly.code, partly.output.trim().split('\n').at(-1)]).toEqual([1, '15 met, 0 lacking, 1 unknown']);
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

test.each([
  ['production', { ...PRODUCTION_CONTEXT, events: 'true' }, { mediaNodes: 2, events: true }],
  ['development', { profile: 'development' }, {}],
] as const)('the vCPUs of Fargate in %s are those of the template', (profile, context, sizes) => {
  const { all } = resourcesOf(synthesize(context, { checks: false }));
  const vcpus = (task: Any) =>
    Number(all('AWS::ECS::TaskDefinition').find(({ id }) => id === task.Ref)?.properties.Cpu) / 1024;
  const tasks = (service: string) =>
    all('AWS::ApplicationAutoScaling::ScalableTarget').find((target) =>
      JSON.stringify(target.properties.ResourceId).includes(service),
    )?.properties.MinCapacity as number;
  const services = all('AWS::ECS::Service').filter(
    ({ properties }) => properties.LaunchType !== 'EC2' && properties.SchedulingStrategy !== 'DAEMON',
  );
  const running = services.map(({ id, properties }) => tasks(`${id}`) * vcpus(properties.TaskDefinition));
  const canary = all('AWS::Events::Rule').flatMap(({ id, properties }) =>
    properties.Targets.filter((one: Any) => one.EcsParameters && /Canary/.test(id)),
  );
  const once = canary.map((one: Any) => vcpus(one.EcsParameters.TaskDefinitionArn));
  const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
  expect(services.length).toBeGreaterThan(1);
  // A rollout runs twice the tasks of each service.
  expect(needsOf(profile, 'eu-west-1', sizes).fargateVcpus).toBe(2 * sum(running) + 0.25);
  // The canary, whoever may have a token.
  expect(sum(once)).toBe(0.25);
});

test('a bigger profile never needs less', () => {
  const small = needsOf('development', 'eu-west-1');
  const large = needsOf('production', 'eu-west-1', { signalingTasks: 20, turnNodes: 9, mediaNodes: 4, cacheShards: 4 });
  for (const key of ['zones', 'fargateVcpus', 'instanceVcpus', 'elasticIps', 'cacheNodes'] as const)
    expect(large[key]).toBeGreaterThan(small[key]);
  const without = needsOf('production', 'eu-west-1', { turnNodes: 9 });
  const withMedia = needsOf('production', 'eu-west-1', { turnNodes: 9, mediaNodes: 4 });
  // Four of two vCPUs each, twice while they are replaced.
  expect(withMedia.instanceVcpus - without.instanceVcpus).toBe(16);
  expect(withMedia.instanceTypes).toEqual([...without.instanceTypes, 'c7gn.large']);
});
