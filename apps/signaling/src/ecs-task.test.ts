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

/** ECS with these answers, the last one again and again. */
async function ecs(...answers: Answer[]) {
  const asked: unknown[] = [];
  const server = createServer((request, response) => {
    if (request.url === '/v4/me/task') {
      response.end(JSON.stringify({ Cluster: 'calls', TaskARN: ARN, DesiredStatus: 'RUNNING' }));
      return;
    }
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      const [status, answer] = answers[Math.min(asked.length, answers.length - 1)] as Answer;
      asked.push([request.headers['x-amz-target'], JSON.parse(body)]);
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
  void untilTaskLeaves(log, { metadataUri: `${url}/v4/me`, askMs: 20, signal: stop.signal }).then(() => {
    hasLeft = true;
  });
  return { asked, lines, hasLeft: () => hasLeft };
}

test('a task that is taken off its load balancer is to go, before ECS stops it; no answer is no reason', async () => {
  const { asked, lines, hasLeft } = await ecs(
    task('RUNNING', 'RUNNING'),
    [500, { __type: 'ServerException' }],
    [200, { failures: [{ arn: ARN, reason: 'MISSING' }], tasks: [] }],
    task('RUNNING', 'RUNNING'),
    task('DEACTIVATING', 'STOPPED'),
  );
  await vi.waitFor(() => expect(hasLeft()).toBe(true), { timeout: 20_000 });
  expect(asked).toHaveLength(5);
  expect(asked[0]).toEqual(['AmazonEC2ContainerServiceV20141113.DescribeTasks', { cluster: 'calls', tasks: [ARN] }]);
  expect(lines).toEqual([]);
});

test('where ECS may not be asked the log says so once, and the task goes on', async () => {
  const { asked, lines, hasLeft } = await ecs([400, { __type: 'AccessDeniedException', message: 'not authorized' }]);
  await vi.waitFor(() => expect(lines).toHaveLength(1), { timeout: 20_000 });
  expect(lines[0]).toContain('ecs.unknown');
  await new Promise((done) => setTimeout(done, 200));
  expect([asked.length, lines.length, hasLeft()]).toEqual([1, 1, false]);
});

test('outside of ECS nobody is asked', async () => {
  const told = vi.fn();
  void untilTaskLeaves(createLogger('test', 'debug', { write: told }), { metadataUri: undefined, askMs: 1 }).then(told);
  await new Promise((done) => setTimeout(done, 100));
  expect(told).not.toHaveBeenCalled();
});
