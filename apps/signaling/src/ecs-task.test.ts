/** What ECS says of its own task: against a server that answers as the metadata endpoint and the API of ECS do, through the SDK. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLogger } from '@tandem/service';
import { expect, onTestFinished, test, vi } from 'vitest';
import { untilTaskLeaves } from './ecs-task.ts';

const ARN = 'arn:aws:ecs:eu-west-1:111122223333:task/calls/0123456789abcdef0123456789abcdef';
type Answer = readonly [status: number, body: object];
const task = (lastStatus: string, desiredStatus: string): Answer => [
  200,
  {
    failures: [],
    tasks: [
      { clusterArn: 'arn:aws:ecs:eu-west-1:111122223333:cluster/calls', taskArn: ARN, lastStatus, desiredStatus },
    ],
  },
];

const DENIED: Answer = [400, { __type: 'AccessDeniedException', message: 'not authorized' }];
const OWN = JSON.stringify({ Cluster: 'calls', TaskARN: ARN, DesiredStatus: 'RUNNING' });

/** ECS with these answers (none: it keeps the question), and a task's metadata, the last of each again and again. */
async function ecs(answers: readonly (Answer | undefined)[], metadata: readonly string[] = [OWN]) {
  const asked: unknown[] = [];
  let read = 0;
  const server = createServer((request, response) => {
    if (request.url === '/v4/me/task') {
      response.end(metadata[Math.min(read, metadata.length - 1)]);
      read += 1;
      return;
    }
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      const given = answers[Math.min(asked.length, answers.length - 1)];
      asked.push([request.headers['x-amz-target'], JSON.parse(body)]);
      if (!given) return;
      const [status, answer] = given;
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer));
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise((done) => server.once('listening', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  vi.stubEnv('AWS_ENDPOINT_URL_ECS', url);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
  onTestFinished(() => void vi.unstubAllEnvs());
  const lines: string[] = [];
  const log = createLogger('test', 'debug', { write: (line: string) => void lines.push(line) });
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  let hasLeft = false;
  const options = { metadataUri: `${url}/v4/me`, delaySeconds: 120, askMs: 20, answerMs: 500, signal: stop.signal };
  void untilTaskLeaves(log, options).then(() => {
    hasLeft = true;
  });
  const left = () => vi.waitFor(() => expect(hasLeft).toBe(true), { timeout: 20_000 });
  return { asked, lines, left, hasLeft: () => hasLeft, stop: () => stop.abort() };
}

test('a task that is taken off its load balancer is to go, before ECS stops it', async () => {
  const { asked, lines, left } = await ecs([task('RUNNING', 'RUNNING'), task('DEACTIVATING', 'STOPPED')]);
  await left();
  expect(asked).toHaveLength(2);
  expect(asked[0]).toEqual(['AmazonEC2ContainerServiceV20141113.DescribeTasks', { cluster: 'calls', tasks: [ARN] }]);
  expect(lines).toEqual([]);
});

test('no answer is no reason to go, nor to ask no more; each kind of trouble is logged once', async () => {
  const missing: Answer = [200, { failures: [{ arn: ARN, reason: 'MISSING' }], tasks: [] }];
  const failed: Answer = [500, { __type: 'ServerException' }];
  const { asked, lines, left } = await ecs(
    [DENIED, failed, DENIED, missing, failed, undefined, missing, task('DEACTIVATING', 'STOPPED')],
    ['no JSON', '{}', OWN],
  );
  await left();
  expect(asked).toHaveLength(8);
  const told = lines.map((line) => JSON.parse(line));
  expect(told.map(({ event }) => event)).toEqual(Array(5).fill('ecs.unknown'));
  expect(told.map(({ err }) => err.type)).toEqual([
    'SyntaxError',
    'Error',
    'AccessDeniedException',
    'ServerException',
    expect.any(String),
  ]);
});

test('after the signal nobody is asked', async () => {
  const { asked, lines, stop, hasLeft } = await ecs([DENIED]);
  await vi.waitFor(() => expect(asked.length).toBeGreaterThan(2), { timeout: 20_000 });
  stop();
  await new Promise((done) => setTimeout(done, 100));
  const before = asked.length;
  await new Promise((done) => setTimeout(done, 200));
  expect([asked.length, lines.length, hasLeft()]).toEqual([before, 1, false]);
});

test('outside of ECS nobody is asked', async () => {
  const told = vi.fn();
  void untilTaskLeaves(createLogger('test', 'debug', { write: told }), {
    metadataUri: undefined,
    delaySeconds: 120,
    askMs: 1,
  }).then(told);
  await new Promise((done) => setTimeout(done, 100));
  expect(told).not.toHaveBeenCalled();
});
