/** A page that wants captions, for tests: a socket as a browser opens it, and what became of it. */
import { once } from 'node:events';
import type { AccessClaims, Grants } from '@tandem/protocol';
import { CAPTIONS_PROTOCOL } from '@tandem/protocol/captions';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { TestKeys } from '../../signaling/src/testing.ts';
import type { Captions } from './app.ts';
import { startRecognizer, startTestCaptions, type TestCaptionsOptions, type TestRecognizer } from './testing.ts';

export const BLOCK = Buffer.alloc(4096, 1);

export interface World {
  readonly keys: TestKeys;
  readonly recognizer: TestRecognizer;
  readonly captions: Captions;
}

/** A service with a recognizer of its own, until the test ends. */
export async function startWorld(keys: TestKeys, options: Partial<TestCaptionsOptions> = {}): Promise<World> {
  const recognizer = await startRecognizer();
  onTestFinished(() => recognizer[Symbol.asyncDispose]());
  const captions = await startTestCaptions({
    ...{ jwksUrl: keys.jwksUrl, recognizers: `en=${recognizer.url}` },
    ...options,
  });
  onTestFinished(() => captions[Symbol.asyncDispose]());
  return { keys, recognizer, captions };
}

export interface Caller {
  readonly lang?: string;
  readonly grants?: Grants;
  readonly claims?: Partial<AccessClaims>;
  readonly token?: string;
  readonly path?: string;
  readonly origin?: string;
  /** Of the protocol. Default 13. */
  readonly version?: number;
}

export interface Page {
  readonly socket: WebSocket;
  readonly heard: unknown[];
  /** Code of the close, or the status of a refused handshake as a negative number. */
  readonly ended: Promise<number>;
  readonly retryAfter: () => string | undefined;
}

/** Comes with a token, and may be refused. */
export async function call({ captions, keys }: World, caller: Caller = {}): Promise<Page> {
  const token = caller.token ?? (await keys.token('ada', caller.grants, caller.claims));
  const { path = `/captions?lang=${caller.lang ?? 'en'}`, origin, version = 13 } = caller;
  const socket = new WebSocket(`ws://127.0.0.1:${captions.port}${path}`, [CAPTIONS_PROTOCOL, `bearer.${token}`], {
    protocolVersion: version,
    ...(origin ? { origin } : {}),
  });
  onTestFinished(() => socket.terminate());
  const heard: unknown[] = [];
  let retryAfter: string | undefined;
  socket.on('message', (data) => heard.push(JSON.parse(String(data))));
  const ended = new Promise<number>((done) => {
    socket.on('error', () => {});
    socket.on('unexpected-response', (_request, response) => {
      retryAfter = response.headers['retry-after'];
      done(-(response.statusCode ?? 0));
    });
    socket.on('close', done);
  });
  return { socket, heard, ended, retryAfter: () => retryAfter };
}

export async function open(where: World, caller: Caller = {}): Promise<Page> {
  const page = await call(where, caller);
  await once(page.socket, 'open');
  return page;
}

export const metric = async ({ captions }: World, name: string) => {
  const text = await (await fetch(`${captions.url}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
};
