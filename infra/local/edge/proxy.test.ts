import http, { type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { forwardRequest } from './proxy.ts';
import { TargetPool } from './targets.ts';

test('a node has some time for its answer; once it has begun, a stream of events may be silent for as long as it likes', async () => {
  const streams: ServerResponse[] = [];
  const node = http.createServer((request, response) => {
    if (request.url?.startsWith('/health')) return void response.end('{}');
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': first\n\n');
    streams.push(response);
  });
  await new Promise<void>((done) => node.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(node.address() as AddressInfo).port}`;
  const pool = new TargetPool([url], { livePath: '/health/live', readyPath: '/health/ready' });
  onTestFinished(async () => {
    await pool[Symbol.asyncDispose]();
    node.closeAllConnections();
    await new Promise((done) => node.close(done));
  });
  const request = { url: '/v1/events', method: 'GET', headers: {}, socket: {} } as http.IncomingMessage;
  const answer = await forwardRequest(pool, new http.Agent(), request, undefined, false);
  answer.on('error', () => {});
  // 0: Node ends no connection for its silence.
  expect(answer.socket.timeout).toBe(0);
  answer.destroy();
});
