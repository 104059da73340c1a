import { createPublicKey, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { covers, wants } from '../endpoints.ts';
import { SecretBox } from '../secret-box.ts';
import { startReceiver } from '../testing.ts';
import { checkEndpointUrl, EndpointUrlError, isPublicAddress, resolveEndpoint } from './address-guard.ts';
import { nextTry, WAITS_MS } from './schedule.ts';
import { send } from './send.ts';
import { newSecret, publicKeyOf, signatureHeaders } from './signature.ts';

test('E-4 signed as Standard Webhooks has it: the example of its specification, and one signature a secret', () => {
  // https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, and the vector of its reference libraries.
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
  const headers = signatureHeaders(
    'msg_p5jXN8AQM9LWM0D4loKWxJek',
    '{"test": 2432232314}',
    [secret, secret],
    1_614_265_330_999,
  );
  const signature = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
  expect(headers).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': `${signature} ${signature}`,
  });
});

test('E-4 v1a: the vector of the specification’s Go library, and keys that Node’s own Ed25519 takes', () => {
  // https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/go/webhook_asymmetric_test.go
  const seed = 'VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=';
  const [id, body, at] = ['msg_p5jXN8AQM9LWM0D4loKWxJek', '{"test": 2432232314}', 1_614_265_330_000];
  expect(signatureHeaders(id, body, [`whsk_${seed}`], at)['webhook-signature']).toBe(
    'v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==',
  );
  const pair = newSecret('v1a');
  const x = Buffer.from(publicKeyOf(pair)?.slice('whpk_'.length) ?? '', 'base64');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: x.toString('base64url') }, format: 'jwk' });
  const [mine = '', shared = ''] = signatureHeaders(id, body, [pair, newSecret()], at)['webhook-signature'].split(' ');
  const signature = Buffer.from(mine.replace(/^v1a,/, ''), 'base64');
  const holds = (text: string) => verify(null, Buffer.from(`${id}.1614265330.${text}`), key, signature);
  expect([holds(body), holds(`${body} `), shared.slice(0, 3)]).toEqual([true, false, 'v1,']);
  expect(publicKeyOf(newSecret())).toBeUndefined();
});

test('E-7 only public addresses, however they are written', () => {
  const refused = [
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '169.254.169.254',
    '169.254.170.2',
    '172.31.255.255',
    '192.168.0.1',
    '192.0.0.170',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:8.8.8.8',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::',
    'fd00:ec2::254',
    'fe80::1',
    'fec0::1',
    'ff02::1',
    'fe80::1%eth0',
    'nothing',
  ];
  expect(refused.filter(isPublicAddress)).toEqual([]);
  expect(
    ['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700::1111', '2a00:1450:4001::'].filter((a) => !isPublicAddress(a)),
  ).toEqual([]);
});

test('E-7 a URL is refused by what it says, with the reason', () => {
  const why = (url: string) => {
    try {
      checkEndpointUrl(url, false);
      return 'accepted';
    } catch (error) {
      return error instanceof EndpointUrlError ? error.message : 'other';
    }
  };
  expect(why('https://hooks.example.org/a?b=c')).toBe('accepted');
  expect(why('http://hooks.example.org/')).toMatch(/https/);
  expect(why('https://hooks.example.org:8443/')).toMatch(/443/);
  expect(why('https://user:word@hooks.example.org/')).toMatch(/password/);
  expect(why('https://hooks.example.org/#x')).toMatch(/fragment/);
  for (const host of [
    '127.0.0.1',
    '0x7f.1',
    '2130706433',
    '017700000001',
    '[::1]',
    '[::ffff:7f00:1]',
    '169.254.169.254',
  ])
    expect(why(`https://${host}/`), host).toMatch(/no public address/);
  expect(why('file:///etc/passwd')).toMatch(/https/);
  expect(why('nonsense')).toMatch(/URL/);
});

test('E-5 tries at once share one lookup of a name, the next makes its own', async () => {
  const resolve = (name: string) => resolveEndpoint(new URL(`http://${name}/`), true);
  const [first, second] = await Promise.all([resolve('localhost'), resolve('LOCALHOST')]);
  expect(second).toBe(first);
  expect(await resolve('localhost')).not.toBe(first);
});

test('E-6 receivers that misbehave: each is a failed try of a word, in bounded time and space', async () => {
  await using receiver = await startReceiver();
  const attempt = (url = receiver.url, timeoutMs = 10_000) =>
    send({ url, headers: { 'webhook-id': 'evt_1' }, body: '{}', isPrivateAllowed: true, timeoutMs });
  receiver.answer = (_webhook, response) => void response.writeHead(200).end('x'.repeat(1_000_000));
  expect(await attempt()).toEqual({ kind: 'accepted', status: 200 });
  receiver.answer = (_webhook, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
  expect(await attempt()).toEqual({ kind: 'failed', why: 'status_302' });
  receiver.answer = (_webhook, response) => void response.writeHead(429, { 'retry-after': '120' }).end();
  expect(await attempt()).toEqual({ kind: 'failed', why: 'status_429', retryAfterMs: 120_000 });
  receiver.answer = (_webhook, response) => void response.writeHead(503, { 'retry-after': '99999999' }).end();
  expect(await attempt()).toEqual({ kind: 'failed', why: 'status_503', retryAfterMs: 86_400_000 });
  receiver.answer = (_webhook, response) => void response.writeHead(410).end();
  expect(await attempt()).toEqual({ kind: 'gone' });
  receiver.answer = (_webhook, response) => void response.destroy();
  expect(await attempt()).toEqual({ kind: 'failed', why: 'econnreset' });
  receiver.answer = (_webhook, response) => void response.writeHead(200, { 'x-long': 'x'.repeat(40_000) }).end();
  expect(await attempt()).toMatchObject({ kind: 'failed', why: 'hpe_header_overflow' });
  // It takes the request and says nothing, or a little for ever.
  receiver.answer = () => {};
  expect(await attempt(receiver.url, 200)).toEqual({ kind: 'failed', why: 'timeout' });
  receiver.answer = (_webhook, response) => void response.writeHead(200).write('.');
  expect(await attempt(receiver.url, 200)).toEqual({ kind: 'failed', why: 'timeout' });
  const noHttp = createTcpServer((socket) => void socket.resume().end('nonsense\r\n\r\n')).listen(0, '127.0.0.1');
  await once(noHttp, 'listening');
  const { port } = noHttp.address() as AddressInfo;
  expect(await attempt(`http://127.0.0.1:${port}/`)).toMatchObject({ kind: 'failed' });
  noHttp.close();
  await once(noHttp, 'close');
  expect(await attempt(`http://127.0.0.1:${port}/`)).toEqual({ kind: 'failed', why: 'econnrefused' });
});

test('E-6 an answer of 101 is a failed try that ends; what comes before an answer is none', async () => {
  let answer = '';
  const server = createTcpServer(
    (socket) => void socket.on('error', () => {}).once('data', () => socket.write(answer)),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const attempt = (...heads: string[]) => {
    answer = heads.map((head) => `HTTP/1.1 ${head}\r\n\r\n`).join('');
    return send({ url: `http://127.0.0.1:${port}/`, headers: {}, body: '{}', isPrivateAllowed: true });
  };
  const ok = '200 OK\r\nConnection: close\r\nContent-Length: 0';
  const upgraded = await attempt('101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket');
  expect(upgraded).toEqual({ kind: 'failed', why: 'status_101' });
  for (const before of ['100 Continue', '102 Processing', '103 Early Hints\r\nLink: </a>; rel=preload'])
    expect(await attempt(before, ok)).toEqual({ kind: 'accepted', status: 200 });
  expect(await attempt(`${ok}\r\nConnection: Upgrade\r\nUpgrade: h2c`)).toEqual({ kind: 'accepted', status: 200 });
  server.prependListener('connection', (socket) => void socket.once('data', () => setImmediate(() => socket.end())));
  expect(await attempt('200 OK\r\nContent-Length: 9')).toEqual({ kind: 'failed', why: 'econnreset' });
  expect(await attempt('200 OK')).toEqual({ kind: 'accepted', status: 200 });
});

/** A receiver on an address of loopback that counts its connections. */
async function startCounting(host: string, port = 0) {
  const seen = { connections: 0, hosts: [] as string[] };
  const server = createServer((request, response) => {
    seen.hosts.push(request.headers.host ?? '');
    request.resume().on('end', () => response.writeHead(204).end());
  }).on('connection', () => seen.connections++);
  server.listen(port, host);
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise<void>((done) => void server.close(() => done()));
  });
  return { seen, port: (server.address() as AddressInfo).port, server };
}

test('E-7 a connection is kept for the address that was checked, and never used when the name has another', async () => {
  const first = await startCounting('127.0.0.1');
  const second = await startCounting('127.0.0.2', first.port);
  const host = `hooks.example:${first.port}`;
  let address = '127.0.0.1';
  const attempt = () =>
    send({
      ...{ url: `http://${host}/a?b=c`, headers: {}, body: '{}', isPrivateAllowed: true },
      resolve: async () => ({ address, family: 4 }),
    });
  for (let i = 0; i < 3; i++) expect(await attempt()).toEqual({ kind: 'accepted', status: 204 });
  expect(first.seen).toEqual({ connections: 1, hosts: [host, host, host] });
  address = '127.0.0.2';
  expect(await attempt()).toEqual({ kind: 'accepted', status: 204 });
  expect(first.seen.hosts).toHaveLength(3);
  expect(second.seen).toEqual({ connections: 1, hosts: [host] });
});

test('a receiver that ends a kept connection just then gets the event on another, as the same try', async () => {
  const { seen, port, server } = await startCounting('127.0.0.1');
  const attempt = () => send({ url: `http://127.0.0.1:${port}/`, headers: {}, body: '{}', isPrivateAllowed: true });
  expect(await attempt()).toEqual({ kind: 'accepted', status: 204 });
  server.prependOnceListener('request', (request) => request.socket.destroy());
  expect(await attempt()).toEqual({ kind: 'accepted', status: 204 });
  expect(seen.connections).toBe(2);
  // On a connection of its own it is a failed try.
  server.closeAllConnections();
  await expect.poll(() => new Promise((done) => server.getConnections((_, count) => done(count)))).toBe(0);
  server.removeAllListeners('request').on('request', (request) => request.socket.destroy());
  expect(await attempt()).toEqual({ kind: 'failed', why: 'econnreset' });
});

test('ten tries over 75 h, spread, never before the receiver wants it', () => {
  const hours = WAITS_MS.reduce((sum, wait) => sum + wait, 0) / 3_600_000;
  expect(hours).toBeGreaterThan(75);
  expect(hours).toBeLessThan(76);
  expect(nextTry(1, 0, () => 0)).toBe(2500);
  expect(nextTry(1, 0, () => 0.999)).toBeLessThan(7500);
  expect(nextTry(1, 60_000, () => 0)).toBe(60_000);
  expect(nextTry(9, 0, () => 0.5)).toBe(24 * 3_600_000);
  expect(nextTry(10)).toBeUndefined();
});

test('an endpoint wants types and rooms, and may not go beyond the rooms of its key', () => {
  const of = (types: readonly 'peer.left'[], ...rooms: string[]) => ({ types, rooms });
  expect(wants(of([], 'a.*'), { type: 'peer.left', room: 'a.1' })).toBe(true);
  expect(wants(of([], 'a.*'), { type: 'peer.left', room: 'b.1' })).toBe(false);
  expect(wants(of(['peer.left'], '*'), { type: 'peer.joined', room: 'a' })).toBe(false);
  expect(wants(of(['peer.left'], 'x'), { type: 'events.dropped', room: '' })).toBe(true);
  expect(covers(['a.*'], ['a.1', 'a.b*'])).toBe(true);
  expect(covers(['a.*'], ['a*'])).toBe(false);
  expect(covers(['a'], ['a*'])).toBe(false);
  expect(covers(['*'], ['*'])).toBe(true);
});

test('a secret opens with its key and for its endpoint only', () => {
  const box = new SecretBox(Buffer.alloc(32, 1).toString('base64url'));
  const closed = box.close('whsec_ü', 'ep_1');
  expect(closed).not.toContain('whsec');
  expect(box.open(closed, 'ep_1')).toBe('whsec_ü');
  expect(() => box.open(closed, 'ep_2')).toThrow();
  expect(() => new SecretBox(Buffer.alloc(32, 2).toString('base64url')).open(closed, 'ep_1')).toThrow();
});
