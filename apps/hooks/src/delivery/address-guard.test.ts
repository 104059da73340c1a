/** Names of endpoints, asked of a DNS server of this test. */
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DNS_LIMITS, EndpointUrlError, resolveEndpoint } from './address-guard.ts';
import { send } from './send.ts';

const [A, AAAA] = [1, 28];
/** By name: the addresses of an IPv4 and an IPv6 answer, as bytes. Of a name that is not here nothing is answered. */
const ZONE: Readonly<Record<string, { readonly [A]?: number[][]; readonly [AAAA]?: number[][] }>> = {
  'good.example': { [A]: [[8, 8, 8, 8]] },
  'loop.example': { [A]: [[127, 0, 0, 1]] },
  'mixed.example': {
    [A]: [
      [8, 8, 8, 8],
      [127, 0, 0, 1],
    ],
  },
  'six.example': { [AAAA]: [[0x26, 6, 0x47, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11, 0x11]] },
  'inside.example': { [A]: [[8, 8, 8, 8]], [AAAA]: [[0xfd, ...Array<number>(14).fill(0), 1]] },
  'none.example': {},
};
const asked: string[] = [];
const server = createSocket('udp4');
server.on('message', (query, { port, address }) => {
  let end = 12;
  const labels: string[] = [];
  for (let length = query[end] ?? 0; length > 0; length = query[end] ?? 0) {
    labels.push(query.toString('latin1', end + 1, end + 1 + length));
    end += length + 1;
  }
  const type = query.readUInt16BE(end + 1);
  const name = labels.join('.');
  asked.push(`${name} ${type}`);
  const records = ZONE[name];
  if (!records) return;
  const found = records[type as typeof A] ?? [];
  const head = Buffer.from(query.subarray(0, 12));
  head.writeUInt16BE(0x8180, 2);
  for (const [i, count] of [found.length, 0, 0].entries()) head.writeUInt16BE(count, 6 + 2 * i);
  const answers = found.map((bytes) => Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, bytes.length, ...bytes]));
  server.send(Buffer.concat([head, query.subarray(12, end + 5), ...answers]), port, address);
});

beforeAll(async () => {
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => new Promise<void>((done) => void server.close(() => done())));

/** With the servers of this test instead of those of the machine. */
function resolveHere(url: URL, isPrivateAllowed: boolean) {
  const dns = new Resolver(DNS_LIMITS);
  dns.setServers([`127.0.0.1:${server.address().port}`]);
  return resolveEndpoint(url, isPrivateAllowed, dns);
}

const resolve = (name: string) => resolveHere(new URL(`https://${name}/`), false);

test('E-7 a name with one address that is not public is refused, of whichever kind', async () => {
  expect(await resolve('good.example')).toEqual({ address: '8.8.8.8', family: 4 });
  expect(await resolve('six.example')).toEqual({ address: '2606:4700::1111', family: 6 });
  for (const name of ['loop.example', 'mixed.example', 'inside.example'])
    await expect(resolve(name)).rejects.toThrow(EndpointUrlError);
  const attempt = (name: string) =>
    send({
      url: `https://${name}/`,
      headers: {},
      body: '{}',
      isPrivateAllowed: false,
      timeoutMs: 12_000,
      resolve: resolveHere,
    });
  expect(await attempt('mixed.example')).toEqual({ kind: 'failed', why: 'address_refused' });
  expect(await attempt('none.example')).toEqual({ kind: 'failed', why: 'enodata' });
});

test('E-5 names whose servers are silent hold up no other; each is asked for once at a time', async () => {
  const silent = Array.from({ length: 40 }, (_, i) => `silent-${i}.example`);
  const since = performance.now();
  const failing = silent.flatMap((name) => [resolve(name), resolve(name)]);
  const ends = Promise.allSettled(failing);
  expect(failing[0]).not.toBe(failing[1]);
  expect(await resolve('good.example')).toEqual({ address: '8.8.8.8', family: 4 });
  expect(performance.now() - since).toBeLessThan(1500);
  expect(asked.filter((one) => one === `silent-0.example ${A}`)).toHaveLength(1);
  const reasons = (await ends).map((one) => one.status === 'rejected' && one.reason.code);
  expect(new Set(reasons)).toEqual(new Set(['ETIMEOUT']));
  expect(performance.now() - since).toBeLessThan(12_000);
}, 20_000);
