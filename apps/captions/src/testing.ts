/**
 * The captions service and a recognizer for tests, in this process, on free ports.
 *
 *     await using recognizer = await startRecognizer();
 *     await using captions = await startTestCaptions({ jwksUrl: keys.jwksUrl, recognizers: `en=${recognizer.url}` });
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createLogger, type Logger, loadConfig } from '@tandem/service';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Captions, createCaptions } from './app.ts';
import { CaptionsConfig } from './config.ts';

export interface TestCaptionsOptions {
  readonly jwksUrl: string;
  /** CAPTIONS_RECOGNIZERS. */
  readonly recognizers: string;
  readonly config?: Partial<CaptionsConfig>;
  /** Default: as TEST_LOG says. */
  readonly log?: Logger;
}

export function startTestCaptions({ jwksUrl, recognizers, config = {}, log }: TestCaptionsOptions): Promise<Captions> {
  const settings = {
    HOST: '127.0.0.1',
    PORT: 0,
    LOG_LEVEL: process.env.TEST_LOG ?? 'silent',
    JWKS_URL: jwksUrl,
    TOKEN_ISSUER: 'tandem',
    TOKEN_AUDIENCE: 'tandem',
    CAPTIONS_RECOGNIZERS: recognizers,
    // A machine that is busy with other tests refuses none.
    MAX_EVENT_LOOP_DELAY_MS: 60_000,
    ...config,
  };
  const env = Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, String(value)]));
  const loaded = loadConfig(CaptionsConfig, env);
  return createCaptions(loaded, { log: log ?? createLogger('captions', loaded.LOG_LEVEL) });
}

/** Stands in for vosk-server: answers each frame of sound with what the test says. */
export interface TestRecognizer extends AsyncDisposable {
  /** `ws://127.0.0.1:port` */
  readonly url: string;
  /** Text frames that it got, of all conversations in order. */
  readonly told: string[];
  /** Bytes of sound that it got. */
  readonly heardBytes: number;
  /** Open conversations. */
  readonly sockets: ReadonlySet<WebSocket>;
  /** Answer to a frame of sound from now on; undefined: none. Default: `{"partial" : ""}`. */
  answer: (sound: Buffer) => string | undefined;
}

/** @param port default: a free one */
export async function startRecognizer(port = 0): Promise<TestRecognizer> {
  const server = new WebSocketServer({ host: '127.0.0.1', port });
  await once(server, 'listening');
  const told: string[] = [];
  let heardBytes = 0;
  const recognizer: TestRecognizer = {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    told,
    get heardBytes() {
      return heardBytes;
    },
    sockets: server.clients,
    answer: () => '{"partial" : ""}',
    [Symbol.asyncDispose]: async () => {
      for (const socket of server.clients) socket.terminate();
      await new Promise((done) => server.close(done));
    },
  };
  server.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => {
      if (!isBinary) return void told.push(String(data));
      heardBytes += (data as Buffer).length;
      const answer = recognizer.answer(data as Buffer);
      if (answer !== undefined) socket.send(answer);
    });
  });
  return recognizer;
}
