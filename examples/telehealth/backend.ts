/** The clinic's backend: serves the page, turns a link into a token, ends a visit. It keeps no state: kill it at any moment. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TandemError, TandemServer } from '@tandem/server';
import { build } from 'esbuild';
import { type Link, readLink } from './links.ts';

export interface BackendOptions {
  /** Of the deployment. */
  readonly tandemUrl: string;
  readonly apiKey: string;
  /** Signs the links of visits. */
  readonly linkSecret: string;
  /** Beginning of the room ids, one that the API key may use. */
  readonly roomPrefix: string;
  /** 0: a free one. */
  readonly port: number;
}

export interface Backend extends AsyncDisposable {
  readonly url: string;
}

/** What the page gets for a link. */
export interface VisitSession {
  readonly role: Link['role'];
  readonly roomId: string;
  readonly token: string;
  /** Of signaling. */
  readonly url: string;
  readonly iceServers: unknown;
}

const HTML = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Your visit</title><link rel="icon" href="data:,">
<style>body{font:16px system-ui;margin:2rem}video{width:45%;background:#222;border-radius:8px}</style>
<h1>Your visit</h1><p id="status" role="status">Not connected</p>
<p><button id="join">Join</button> <button id="end" hidden>End the visit</button></p>
<video id="theirs" autoplay playsinline></video> <video id="mine" autoplay playsinline muted></video>
<script type="module" src="/page.js"></script>`;
const MAX_BODY_BYTES = 1000;
const OVER = 'The visit is over.';

/** @throws what `listen` fails with, such as `EADDRINUSE` */
export async function startBackend(options: BackendOptions): Promise<Backend> {
  const tandem = new TandemServer({ url: options.tandemUrl, apiKey: options.apiKey });
  const bundle = await build({
    entryPoints: [new URL('page.ts', import.meta.url).pathname],
    ...{ bundle: true, format: 'esm', target: 'es2022', write: false },
  });
  const script = bundle.outputFiles[0]?.text ?? '';
  const server = createServer(async (request, response) => {
    try {
      if (request.method === 'GET' && request.url === '/') send(response, 200, 'text/html', HTML);
      else if (request.method === 'GET' && request.url === '/page.js') send(response, 200, 'text/javascript', script);
      else if (request.method === 'POST' && request.url === '/api/session')
        sendJson(response, 200, await openSession(tandem, options, await linkOf(request, options)));
      else if (request.method === 'POST' && request.url === '/api/end')
        sendJson(response, 200, await endVisit(tandem, options, await linkOf(request, options)));
      else throw new RefusalError(404, 'There is no such page.');
    } catch (error) {
      if (error instanceof RefusalError) sendJson(response, error.status, { message: error.message });
      else {
        console.error(error);
        sendJson(response, error instanceof TandemError ? 502 : 500, { message: 'Please try again in a moment.' });
      }
    }
  });
  server.listen(options.port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Told to the page. */
class RefusalError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function linkOf(request: IncomingMessage, { linkSecret }: BackendOptions): Promise<Link> {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > MAX_BODY_BYTES) throw new RefusalError(413, 'That is too much.');
  }
  const link = readLink(text, linkSecret);
  if (!link) throw new RefusalError(404, 'That link is not one of ours. Please open it as you got it.');
  if (link.endsAt <= Date.now()) throw new RefusalError(410, OVER);
  return link;
}

async function openSession(tandem: TandemServer, options: BackendOptions, link: Link): Promise<VisitSession> {
  // The same request each time: the first of the two makes the room, also after this process died in the middle of it.
  const room = await tandem.rooms.create(
    {
      roomId: `${options.roomPrefix}${link.visit}`,
      ...{ maxPeers: 2, endAt: new Date(link.endsAt).toISOString(), metadata: { visit: link.visit } },
    },
    { idempotencyKey: `visit-${link.visit}` },
  );
  if (room.endAt !== undefined && Date.parse(room.endAt) <= Date.now()) throw new RefusalError(410, OVER);
  const { roomId } = room;
  const { token } = await tandem.tokens.create({
    ...{ userId: `${link.role}-${link.visit}`, roomId },
    role: link.role === 'doctor' ? 'moderator' : 'member',
  });
  const answer = await fetch(`${options.tandemUrl}/auth/ice-servers`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (!answer.ok) throw new Error(`ice-servers: ${answer.status}`);
  const iceServers = await answer.json();
  return { role: link.role, roomId, token, url: `${options.tandemUrl}/ws/signal`, iceServers };
}

/** Settings outlive the people: an ended visit stays ended, although its links have not run out. */
async function endVisit(tandem: TandemServer, options: BackendOptions, link: Link): Promise<object> {
  if (link.role !== 'doctor') throw new RefusalError(403, 'Only the doctor ends a visit.');
  const roomId = `${options.roomPrefix}${link.visit}`;
  await tandem.rooms.update(roomId, { endAt: new Date().toISOString() });
  // At once, rather than within the 20 s that the end of a room may take. Whom the end of the room took first is unknown.
  for (const { peerId } of await tandem.peers.list(roomId))
    await tandem.peers.remove(roomId, peerId, { reason: OVER }).catch(unlessUnknown);
  return {};
}

function unlessUnknown(error: unknown): void {
  if (!(error instanceof TandemError && error.code === 'peer_unknown')) throw error;
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store' }).end(text);
}
const sendJson = (response: ServerResponse, status: number, value: object) =>
  send(response, status, 'application/json', JSON.stringify(value));
