/** `Link` of the answer to a client of WHIP or WHEP (RFC 9725 section 4.6), of what auth says. */
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { iceServerLinks } from './ice-servers.ts';

async function linksOf(answer: RequestListener): Promise<string[]> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return await iceServerLinks(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'the-token');
}
const says =
  (iceServers: unknown): RequestListener =>
  (_request, response) =>
    void response.end(JSON.stringify({ iceServers }));

test('a link for each address, with its login as quoted strings; auth is asked with the client’s token', async () => {
  const asked: unknown[] = [];
  const links = await linksOf((request, response) => {
    asked.push([request.url, request.headers.authorization]);
    const turn = {
      urls: ['turn:a.example:3478?transport=udp', 'turns:a.example:443'],
      username: '1:ada',
      credential: 'p"w',
    };
    says([{ urls: ['stun:a.example:3478'] }, turn])(request, response);
  });
  expect(asked).toEqual([['/auth/ice-servers', 'Bearer the-token']]);
  const login = '; username="1:ada"; credential="p\\"w"; credential-type="password"';
  expect(links).toEqual([
    '<stun:a.example:3478>; rel="ice-server"',
    `<turn:a.example:3478?transport=udp>; rel="ice-server"${login}`,
    `<turns:a.example:443>; rel="ice-server"${login}`,
  ]);
});

test('what cannot stand in a header, is no address or no answer gives no link', async () => {
  expect(await linksOf(says([{ urls: ['stun:a.example\r\nx: y'] }]))).toEqual([]);
  expect(await linksOf(says([{ urls: ['turn:a.example'], username: 'a\nb', credential: 'c' }]))).toEqual([]);
  expect(await linksOf(says([{ urls: ['https://a.example'] }]))).toEqual([]);
  expect(await linksOf(says('none'))).toEqual([]);
  expect(await linksOf((_request, response) => void response.writeHead(503).end('{"iceServers":[]}'))).toEqual([]);
});
