/**
 * The hooks service and a receiver for tests, in this process, on free ports.
 *
 *     await using hooks = await startTestHooks({ redisUrl: redis.url, jwksUrl: keys.jwksUrl });
 *     await using receiver = await startReceiver();
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLogger, loadConfig } from '@tandem/service';
import { createHooks, type Hooks } from './app.ts';
import { HooksConfig } from './config.ts';

export interface TestHooksOptions {
  readonly redisUrl: string;
  readonly jwksUrl: string;
  readonly config?: Partial<HooksConfig>;
}

/** Settings for a task under test: loopback, a free port, endpoints on loopback. */
export function testHooksEnvironment({ redisUrl, jwksUrl, config = {} }: TestHooksOptions): Record<string, string> {
  const settings = {
    HOST: '127.0.0.1',
    PORT: 0,
    LOG_LEVEL: process.env.TEST_LOG ?? 'silent',
    REDIS_URL: redisUrl,
    JWKS_URL: jwksUrl,
    TOKEN_ISSUER: 'tandem',
    TOKEN_AUDIENCE: 'tandem',
    WEBHOOK_KEY: Buffer.alloc(32, 7).toString('base64url'),
    PRIVATE_ENDPOINTS: true,
    API_REQUESTS_PER_SECOND: 1000,
    ...config,
  };
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value)]));
}

export function startTestHooks(options: TestHooksOptions): Promise<Hooks> {
  const config = loadConfig(HooksConfig, testHooksEnvironment(options));
  return createHooks(config, { log: createLogger('hooks', config.LOG_LEVEL) });
}

/** A webhook as it came in. */
export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  readonly event: any;
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly received: Received[];
  /** Answers from now on. Default: 204. */
  answer: (webhook: Received, response: ServerResponse) => void;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const webhook = { headers: request.headers, body, event: JSON.parse(body) };
      received.push(webhook);
      receiver.answer(webhook, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    answer: (_webhook, response) => void response.writeHead(204).end(),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return receiver;
}
