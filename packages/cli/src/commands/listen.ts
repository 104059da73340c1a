/** A webhook endpoint on this machine, added for as long as it runs. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { verifyWebhook, type WebhookEndpoints, WebhookError } from '@tandem/server';
import type { Output } from '../output.ts';
import { showEvent } from './events.ts';

/** Of a request's body, bytes; an event is far smaller. */
const MAX_BYTES = 1_048_576;
/** The service waits 15 s for an answer; who it goes on to has less, ms. */
const FORWARD_MS = 12_000;

export interface ListenOptions {
  readonly endpoints: WebhookEndpoints;
  readonly wanted: {
    readonly url: string | undefined;
    readonly rooms: readonly string[] | undefined;
    readonly types: readonly string[] | undefined;
  };
  readonly port: number;
  readonly forward: string | undefined;
  /** Ends after that number of webhooks. */
  readonly limit: number;
  readonly out: Output;
  readonly signal: AbortSignal;
}

/** @returns the exit code */
export async function listen(options: ListenOptions): Promise<number> {
  const { endpoints, wanted, port, signal, out } = options;
  const { promise: secret, resolve: setSecret, reject: lackSecret } = Promise.withResolvers<string>();
  secret.catch(() => {});
  const done = new AbortController();
  let count = 0;
  const server = createServer((request, response) => {
    receive(request, { ...options, secret }).then(
      (status) => {
        response.writeHead(status, { connection: 'close' }).end();
        if (status < 300 && ++count >= options.limit) response.once('close', () => done.abort());
      },
      () => response.destroy(),
    );
  });
  await opened(server, port);
  try {
    const url = wanted.url ?? `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    // Not with the signal: what was added meanwhile would stay, with an id that was not heard.
    const made = await endpoints.create({ ...wanted, url, description: 'tandem webhooks listen' });
    try {
      setSecret(made.secret);
      // Of this endpoint alone, which is gone with this command.
      const secret = options.forward === undefined ? undefined : made.secret;
      say(out, { listening: made.endpoint.id, url, secret }, [
        `listening: ${made.endpoint.id} sends to ${url}`,
        ...(secret === undefined ? [] : [`your backend verifies with ${secret}`]),
      ]);
      await ended(AbortSignal.any([signal, done.signal]));
    } finally {
      // Nor this.
      await endpoints.remove(made.endpoint.id);
    }
  } finally {
    lackSecret(new Error('over'));
    server.closeAllConnections();
    server.close();
  }
  return 0;
}

/** What is no event: for programs a line of JSON without `type`. */
function say(out: Output, value: object, lines: readonly string[]): void {
  for (const line of out.isJson ? [JSON.stringify(value)] : lines) out.line(line);
}

async function opened(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}

async function ended(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

/** @returns the status to answer with */
async function receive(
  request: IncomingMessage,
  { out, forward, secret }: Pick<ListenOptions, 'out' | 'forward'> & { readonly secret: Promise<string> },
): Promise<number> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) return 413;
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  try {
    showEvent(out, verifyWebhook(body, request.headers, await secret));
  } catch (error) {
    if (!(error instanceof WebhookError)) throw error;
    say(out, { refused: error.message }, [`refused: ${error.message}`]);
    return 400;
  }
  return forward === undefined ? 204 : passOn(forward, request, body, out);
}

/** With the same bytes and headers, so that the receiver verifies it as it came. */
async function passOn(forward: string, { headers }: IncomingMessage, body: Buffer, out: Output): Promise<number> {
  const kept = Object.entries(headers).filter(([name]) => /^(webhook-|content-type$)/.test(name));
  try {
    const { status } = await fetch(forward, {
      method: 'POST',
      headers: Object.fromEntries(kept) as Record<string, string>,
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(FORWARD_MS),
    });
    if (status < 200 || status > 299) say(out, { forward, status }, [`${forward}: ${status}`]);
    return status;
  } catch (error) {
    const { message } = error as Error;
    say(out, { forward, failed: message }, [`${forward}: ${message}`]);
    return 502;
  }
}
