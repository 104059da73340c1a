/** An edge with services behind it that say who they are. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, loadConfig } from '@tandem/service';
import { onTestFinished } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { EdgeConfig } from './config.ts';
import { startEdge } from './server.ts';

export interface Node {
  url: string;
  name: string;
  seen: http.IncomingMessage[];
  sockets: Set<WebSocket>;
  state: { draining: boolean; refuse: number };
  close(): Promise<void>;
}

/** A service that answers with its name, on HTTP and on sockets. */
export async function startNode(name: string): Promise<Node> {
  const state = { draining: false, refuse: 0 };
  const seen: http.IncomingMessage[] = [];
  const sockets = new Set<WebSocket>();
  const server = http.createServer((request, response) => {
    if (request.url === '/health/ready')
      return response
        .writeHead(state.draining ? 503 : 200)
        .end(JSON.stringify({ status: state.draining ? 'draining' : 'ok' }));
    if (request.url === '/health/live') return response.end('{}');
    seen.push(request);
    const chunks: Buffer[] = [];
    request.on('data', (c) => chunks.push(c));
    request.on('end', () =>
      response.end(JSON.stringify({ name, url: request.url, body: Buffer.concat(chunks).toString() })),
    );
    return undefined;
  });
  const wss = new WebSocketServer({ noServer: true, handleProtocols: (set) => [...set][0] ?? false });
  server.on('upgrade', (request, socket, head) => {
    seen.push(request);
    if (state.refuse)
      return void socket.end(`HTTP/1.1 ${state.refuse} No\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno`);
    wss.handleUpgrade(request, socket, head, (ws) => {
      sockets.add(ws);
      ws.send(name);
      ws.on('message', (data, binary) => ws.send(data, { binary }));
    });
    return undefined;
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const close = async () => {
    for (const ws of sockets) ws.terminate();
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  };
  onTestFinished(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, name, seen, sockets, state, close };
}

export async function start(nodes: { auth?: Node[]; signaling?: Node[] }) {
  const dir = mkdtempSync(join(tmpdir(), 'edge-'));
  mkdirSync(join(dir, '_next/static'), { recursive: true });
  for (const [file, text] of Object.entries({
    'index.html': '<p>home',
    'call.html': '<p>call',
    '404.html': '<p>nothing',
    'sw.js': '//',
    '_next/static/a.js': '//',
    'security-headers.json': JSON.stringify({ 'Content-Security-Policy': "default-src 'self'" }),
  }))
    writeFileSync(join(dir, file), text);
  const lines: string[] = [];
  const edge = await startEdge(
    loadConfig(EdgeConfig, {
      HOST: '127.0.0.1',
      PORT: '0',
      CLIENT_DIR: dir,
      AUTH_TARGETS: (nodes.auth ?? []).map((n) => n.url).join(',') || 'http://127.0.0.1:1',
      SIGNALING_TARGETS: (nodes.signaling ?? []).map((n) => n.url).join(',') || 'http://127.0.0.1:1',
    }),
    createLogger('edge', 'trace', { write: (line) => lines.push(line) }),
  );
  onTestFinished(async () => {
    await edge[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true });
  });
  return { origin: `http://127.0.0.1:${edge.port}`, lines };
}

/** Open a socket and learn which node took it. */
export async function open(origin: string, headers = {}): Promise<{ ws: WebSocket; node: string }> {
  const ws = new WebSocket(`${origin.replace('http', 'ws')}/ws/signal?token=hidden`, ['signal.v1', 'bearer.hidden'], {
    headers,
  });
  onTestFinished(() => ws.terminate());
  const node = await new Promise<string>((resolve, reject) => {
    ws.once('message', (data) => resolve(data.toString()));
    ws.once('error', reject);
  });
  return { ws, node };
}
