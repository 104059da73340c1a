/** The canary as people and the scheduled task run it, against real deployments of this machine: one that works, and three that do not. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findProgram } from '../infra/local/programs.ts';
import { type StackOptions, startStack } from '../infra/local/stack.ts';
import { startCoturn } from './support/coturn.ts';

const root = resolve(import.meta.dirname, '..');

/** Exit code and output of `npm run canary -- ARGS`. */
function canary(args: string[], env: Record<string, string> = {}): Promise<{ code: number; output: string }> {
  return new Promise((done) => {
    const program = ['--disable-warning=ExperimentalWarning', join(root, 'infra/canary/main.ts'), ...args];
    execFile(process.execPath, program, { env: { PATH: process.env.PATH, ...env } }, (error, stdout, stderr) =>
      done({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, output: `${stdout}${stderr}` }),
    );
  });
}

/** The topology of this machine with a page of one line, in place of the built client. */
async function deployment(options: StackOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'canary-'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>t</title>');
  // How a node sheds is not the question here: on a machine that does much else it would refuse the canary.
  const env = { ...options.env, signaling: { MAX_EVENT_LOOP_DELAY_MS: '10000', ...options.env?.signaling } };
  const stack = await startStack({ port: 0, nodes: 2, clientDir: folder, dataDir: folder, ...options, env });
  onTestFinished(async () => {
    await stack[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  return { stack, folder };
}

/** State marks by step: `✓`, `✗`, `-`, `·`. */
const marks = (output: string) =>
  Object.fromEntries([...output.matchAll(/^([✓✗·-]) ([a-z-]+)/gm)].map(([, mark, step]) => [step, mark]));

test('a deployment that works: every step passes, and one metric says 1', async () => {
  const { stack } = await deployment();
  const { code, output } = await canary([stack.origin], { METRICS_STACK: 'Tandem' });
  expect(marks(output), output).toEqual({
    page: '✓',
    services: '✓',
    tokens: '✓',
    message: '✓',
    'ice-servers': '✓',
    'relay-udp': '✓',
    'relay-tcp': '✓',
    'relay-tls': '-',
    'relay-data': '✓',
    'alarm-path': '-',
  });
  expect(code).toBe(0);
  // Where nobody gets a token but people who log in: what needs one is no fault.
  const without = await canary([stack.origin, '--without', 'tokens']);
  expect([without.code, marks(without.output)], without.output).toEqual([
    0,
    {
      ...{ page: '✓', services: '✓', tokens: '-', message: '-', 'ice-servers': '-' },
      ...{ 'relay-udp': '-', 'relay-tcp': '-', 'relay-tls': '-', 'relay-data': '-', 'alarm-path': '-' },
    },
  ]);
  expect(output).not.toContain('eyJ');
  expect(JSON.parse(output.trim().split('\n').at(-1) ?? '')).toMatchObject({
    service: 'canary',
    stack: 'Tandem',
    canary_passed: 1,
  });
});

test('turns: works with a certificate that fits, and a certificate that nobody vouches for fails', async () => {
  const secret = 'a-shared-secret-of-this-test';
  await using coturn = await startCoturn(secret);
  const uris = [`turn:127.0.0.1:${coturn.port}?transport=udp`, `turns:127.0.0.1:${coturn.tlsPort}?transport=tcp`];
  const env = { auth: { TURN_DIRECTORY: 'false', TURN_SECRETS: secret, TURN_URIS: uris.join(',') } };
  const { stack } = await deployment({ env });
  const trusted = await canary([stack.origin], { NODE_EXTRA_CA_CERTS: coturn.certificate });
  expect(marks(trusted.output), trusted.output).toMatchObject({ 'relay-tls': '✓', 'relay-data': '✓' });
  expect(trusted.code, trusted.output).toBe(0);
  const stranger = await canary([stack.origin]);
  expect(stranger.output).toMatch(/✗ relay-tls .*turns:127.0.0.1:\d+.*self-signed certificate/);
  expect(stranger.code).toBe(1);
});

test('an https page must hand out turns:, unless that is left out on request', async () => {
  const { stack, folder } = await deployment({ https: true });
  const trust = { NODE_EXTRA_CA_CERTS: join(folder, 'cert.pem') };
  const strict = await canary([stack.origin], trust);
  expect([strict.code, strict.output]).toEqual([1, expect.stringMatching(/✗ relay-tls +auth hands out no turns: URI/)]);
  const lenient = await canary([stack.origin, '--without', 'relay-tls'], trust);
  expect([lenient.code, marks(lenient.output)]).toEqual([0, expect.objectContaining({ message: '✓', page: '✓' })]);
});

test('fault 1: the directory of TURN nodes is empty', async () => {
  const auth = { TURN_DIRECTORY: 'true', TURN_SECRETS: 'a-shared-secret-of-this-test', TURN_URIS: '' };
  // A PATH without coturn: nobody writes itself into the directory.
  const path = mkdtempSync(join(tmpdir(), 'bare-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  symlinkSync(findProgram('redis-server') ?? 'missing: apt-get install redis-server', join(path, 'redis-server'));
  const { stack } = await deployment({ path, env: { auth } });
  const development = await canary([stack.origin]);
  expect([development.code, marks(development.output)]).toEqual([
    1,
    expect.objectContaining({ message: '✓', 'ice-servers': '✗', 'relay-udp': '·', 'relay-data': '·' }),
  ]);
  expect(development.output).toContain('no TURN node is in the directory');
});

test('fault 1 in production, where one turns: name is handed out all the same; fault 5: credentials are refused', async () => {
  const named = { TURN_URIS: 'turns:127.0.0.1:1?transport=tcp', TURN_DIRECTORY: 'false' };
  const { stack } = await deployment({ env: { auth: { ...named, TURN_SECRETS: 'x-another-secret' } } });
  const production = await canary([stack.origin]);
  expect(production.output).toMatch(/✗ relay-udp +auth hands out no turn: URI over UDP/);

  const rotated = await deployment({ env: { auth: { TURN_SECRETS: 'auth-has-the-secret-of-before' } } });
  const refused = await canary([rotated.stack.origin]);
  expect([refused.code, marks(refused.output)]).toEqual([
    1,
    expect.objectContaining({ message: '✓', 'ice-servers': '✓', 'relay-udp': '✗', 'relay-data': '·' }),
  ]);
  expect(refused.output).toMatch(/✗ relay-udp .*401: credentials refused/);
});

test('a page whose services do not answer fails without a token too', async () => {
  const page = createServer((request, response) => {
    const [type, body] = request.url === '/config.json' ? ['application/json', '{}'] : ['text/html', '<!doctype html>'];
    response.writeHead(request.url?.startsWith('/.well-known') ? 502 : 200, { 'content-type': type }).end(body);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void page.close());
  await new Promise((done) => page.once('listening', done));
  const { port } = page.address() as AddressInfo;
  const { code, output } = await canary([`http://127.0.0.1:${port}`, '--without', 'tokens', '--timeout', '2']);
  expect([code, marks(output)]).toEqual([
    1,
    expect.objectContaining({ page: '✓', services: '✗', tokens: '-', message: '·' }),
  ]);
  expect(output).toMatch(/✗ services +\/.well-known\/jwks.json answers 502/);
});

test('fault 4: the topic of the alarms lets CloudWatch publish nothing, as SNS itself would tell', async () => {
  const arn = 'arn:aws:sns:eu-west-1:111122223333:Alarms';
  const policy = JSON.stringify({
    Statement: [
      {
        Effect: 'Deny',
        Principal: '*',
        Action: 'sns:Publish',
        Resource: arn,
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      },
    ],
  });
  const entries = Object.entries({ TopicArn: arn, Policy: policy, SubscriptionsConfirmed: '1' });
  // Recorded shape of a GetTopicAttributes answer (SNS API reference); the SDK parses it.
  const xml = `<GetTopicAttributesResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><GetTopicAttributesResult><Attributes>${entries
    .map(([key, value]) => `<entry><key>${key}</key><value>${value.replaceAll('"', '&quot;')}</value></entry>`)
    .join('')}</Attributes></GetTopicAttributesResult></GetTopicAttributesResponse>`;
  const asked: string[] = [];
  const sns = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      asked.push(new URLSearchParams(body).get('Action') ?? '');
      response.writeHead(200, { 'content-type': 'text/xml' }).end(xml);
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void sns.close());
  await new Promise((done) => sns.once('listening', done));
  const { code, output } = await canary(['http://127.0.0.1:1', '--timeout', '1', '--alarm-topic', arn], {
    AWS_ENDPOINT_URL_SNS: `http://127.0.0.1:${(sns.address() as AddressInfo).port}`,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
  });
  expect(asked).toEqual(['GetTopicAttributes']);
  expect(output).toMatch(/✗ alarm-path .*CloudWatch is not allowed to publish, so no alarm reaches anybody/);
  expect(code).toBe(1);
});

test('wrong use is exit code 2 and one line', async () => {
  for (const [args, line] of [
    [['calls.example.com'], 'the address must begin with https://'],
    [['https://calls.example.com', '--without', 'everything'], 'expected comma-separated steps of: page, '],
    [['--colour'], 'Known: npm run canary -- --help'],
    [[], 'CANARY_ORIGIN'],
  ] as const) {
    const { code, output } = await canary([...args]);
    expect([code, output.trim().split('\n')], output).toEqual([2, [expect.stringContaining(line)]]);
  }
  expect((await canary(['--help'])).output).toContain('--alarm-topic');
});
