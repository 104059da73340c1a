/** A server that answers by script: for what a real deployment does only when it is ill. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as it arrived. */
export interface HeardRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** What is answered: a status with headers and a body, or `cut`: the connection breaks without an answer. */
export type ScriptedAnswer =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: unknown }
  | 'cut'
  | 'silence';

export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  /** All but those for a token. */
  readonly heard: HeardRequest[];
  readonly tokenRequests: HeardRequest[];
}

/** Tokens are `token-1`, `token-2` … unless `answer` says otherwise. */
export async function startScriptedServer(
  answer: (request: HeardRequest, n: number) => ScriptedAnswer | undefined,
): Promise<ScriptedServer> {
  const heard: HeardRequest[] = [];
  const tokenRequests: HeardRequest[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method = '', url = '', headers } = request;
    const one = { method, path: url, headers, body };
    const list = url === '/auth/token' ? tokenRequests : heard;
    list.push(one);
    const token = { access_token: `token-${tokenRequests.length}`, expires_in: 600 };
    reply(response, answer(one, list.length) ?? { status: 200, body: url === '/auth/token' ? token : {} });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    tokenRequests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function reply(response: ServerResponse, answer: ScriptedAnswer): void {
  if (answer === 'silence') return;
  if (answer === 'cut') return void response.destroy();
  const { status, headers = {}, body } = answer;
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, headers).end(status === 204 ? undefined : text);
}
