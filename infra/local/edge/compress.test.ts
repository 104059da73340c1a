import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, loadConfig } from '@tandem/service';
import { expect, onTestFinished, test } from 'vitest';
import { encodingFor } from './compress.ts';
import { EdgeConfig } from './config.ts';
import { startEdge } from './server.ts';

const script = 'const answer = 42;\n'.repeat(500);

/** An edge before pages of one script and one picture, and before a service that answers with a long text. */
async function start(): Promise<string> {
  const service = http.createServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ text: script })),
  );
  await new Promise<void>((done) => service.listen(0, '127.0.0.1', done));
  const target = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  const dir = mkdtempSync(join(tmpdir(), 'edge-'));
  const files = { 'index.html': '<p>home', 'a.js': script, '404.html': `<p>${script}`, 'a.png': randomBytes(2000) };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
  const settings = { HOST: '127.0.0.1', PORT: '0', CLIENT_DIR: dir, AUTH_TARGETS: target, SIGNALING_TARGETS: target };
  const edge = await startEdge(loadConfig(EdgeConfig, settings), createLogger('edge', 'silent'));
  onTestFinished(async () => {
    await edge[Symbol.asyncDispose]();
    service.closeAllConnections();
    service.close();
    rmSync(dir, { recursive: true });
  });
  return `http://127.0.0.1:${edge.port}`;
}

/** `fetch` undoes the encoding, so the bytes are counted here. */
const ask = (url: string, headers: Record<string, string>, method = 'GET') =>
  new Promise<{ status: number; headers: http.IncomingHttpHeaders; bytes: number }>((resolve, reject) => {
    const request = http.request(url, { headers, method }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes }));
    });
    request.on('error', reject).end();
  });

test('texts of the page are compressed as the browser takes them, and whole', async () => {
  const origin = await start();
  for (const [accepted, encoding] of [
    ['gzip, deflate, br', 'br'],
    ['gzip', 'gzip'],
  ] as const) {
    const { headers, bytes } = await ask(`${origin}/a.js`, { 'accept-encoding': accepted });
    expect(headers).toMatchObject({ 'content-encoding': encoding, vary: 'accept-encoding' });
    expect(bytes).toBeLessThan(script.length / 3);
    expect(await (await fetch(`${origin}/a.js`, { headers: { 'accept-encoding': accepted } })).text()).toBe(script);
  }
  const missing = await ask(`${origin}/nowhere`, { 'accept-encoding': 'br' });
  expect(missing).toMatchObject({ status: 404, headers: { 'content-encoding': 'br' } });
});

test('what gains nothing is sent as it is: pictures, small files, parts, and to who takes no encoding', async () => {
  const origin = await start();
  const plain = async (file: string, headers: Record<string, string>, method = 'GET') => {
    const answer = await ask(`${origin}${file}`, headers, method);
    expect(answer.headers['content-encoding']).toBeUndefined();
    return answer;
  };
  expect((await plain('/a.png', { 'accept-encoding': 'br' })).bytes).toBe(2000);
  expect((await plain('/', { 'accept-encoding': 'br' })).bytes).toBe('<p>home'.length);
  expect((await plain('/a.js', {})).headers.vary).toBe('accept-encoding');
  const part = await plain('/a.js', { 'accept-encoding': 'br', range: 'bytes=0-1499' });
  expect(part).toMatchObject({ status: 206, bytes: 1500 });
});

test('a file that the browser has is not sent again', async () => {
  const origin = await start();
  const { headers } = await ask(`${origin}/a.js`, { 'accept-encoding': 'br' });
  const again = await ask(`${origin}/a.js`, { 'accept-encoding': 'br', 'if-none-match': String(headers.etag) });
  expect(again).toMatchObject({ status: 304, bytes: 0 });
  expect(await ask(`${origin}/a.js`, { 'accept-encoding': 'br' }, 'HEAD')).toMatchObject({ status: 200, bytes: 0 });
});

test('answers of services pass as they are: a secret in them could be guessed by their size', async () => {
  const origin = await start();
  const { headers } = await ask(`${origin}/auth/token`, { 'accept-encoding': 'br' });
  expect(headers['content-type']).toBe('application/json');
  expect(headers['content-encoding']).toBeUndefined();
});

test.each([
  ['gzip, deflate, br, zstd', 'br'],
  ['GZIP;q=0.5', 'gzip'],
  ['br;q=0, gzip', 'gzip'],
  ['br;q=0.0,gzip; q=0.000', undefined],
  ['identity', undefined],
  ['', undefined],
  [undefined, undefined],
])('who accepts %j gets %s', (accepted, encoding) => {
  expect(encodingFor(accepted)).toBe(encoding);
});
