/** Who may come in. Titles name the rules of docs/service-contracts.md. */
import { connect, type Socket } from 'node:net';
import { clientAddress, createTokenVerifier } from '@tandem/service';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { SignalingService } from '../app.ts';
import type { SignalingConfig } from '../config.ts';
import { connectClient, startTestKeys, startTestNode, TestClient, type TestKeys } from '../testing.ts';

let keys: TestKeys;
beforeAll(async () => {
  keys = await startTestKeys();
});
afterAll(() => keys[Symbol.asyncDispose]());
const start = (config: Partial<SignalingConfig>) => startTestNode({ keys, config });
async function refusal(url: string, token: string, headers: Record<string, string> = {}) {
  using c = new TestClient(`${url}?token=${token}`, [], { headers });
  return await c.until('refusal', () => c.refused);
}

/** An upgrade by hand, and a client that never closes its side of a refused one. */
function upgrade(node: SignalingService, token: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; retryAfter: number; body?: unknown }>((resolve, reject) => {
    const socket = connect({ port: node.port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(socket);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(
      `GET /ws/signal?token=${token} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${lines.join('')}` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    let text = '';
    socket.on('data', (data) => {
      text += data.toString('latin1');
      const [head = '', body] = text.split('\r\n\r\n');
      const status = Number(head.slice(9, 12));
      if (status === 101) resolve({ status, retryAfter: 0 });
      else if (body?.endsWith('}'))
        resolve({ status, retryAfter: Number(/retry-after: (\d+)/i.exec(head)?.[1]), body: JSON.parse(body) });
    });
    socket.on('error', reject);
  });
}
const openSockets = (node: SignalingService) =>
  new Promise<number>((resolve) => node.app.server.getConnections((_error, count) => resolve(count)));
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

test('S-110 a node that is full answers 503 with Retry-After before the upgrade, and takes again when there is room', async () => {
  await using node = await start({ MAX_CONNECTIONS: 2 });
  const token = await keys.token('ada');
  const a = await connectClient(node, token);
  using b = await connectClient(node, token);
  const refused = await refusal(node.wsUrl, token);
  expect(refused.status).toBe(503);
  expect(Number(refused.retryAfter)).toBeGreaterThan(0);
  a.ws.close(1000);
  await a.whenClosed();
  await vi.waitFor(() => expect(node.node.connections.size).toBe(1));
  using c = await connectClient(node, token);
  await c.settle();
  await b.settle();
});

/** Tokens are checked as soon as the keys are there, and they come when told to. */
function lateKeys() {
  const { promise: told, resolve: arrive } = Promise.withResolvers<void>();
  const verifier = createTokenVerifier({
    jwksUrl: keys.jwksUrl,
    issuer: 'tandem',
    audience: 'tandem',
    timeoutMs: 60_000,
    fetchKeys: async (url) => {
      await told;
      return (await (await fetch(url)).json()) as { keys: [] };
    },
  });
  return { verifier, arrive };
}

test.each([
  ['connections', { MAX_CONNECTIONS: 10 }],
  ['handshakes', { MAX_HANDSHAKES: 10 }],
] as const)(
  'S-110 the limit of %s holds when all come at once: each gets an answer, none keeps a socket that was refused',
  async (error, config) => {
    const { verifier, arrive } = lateKeys();
    await using node = await startTestNode({ keys, config, parts: { verifier } });
    const token = await keys.token('ada');
    const refused: Awaited<ReturnType<typeof upgrade>>[] = [];
    const answers = Array.from({ length: 50 }, async () => {
      const answer = await upgrade(node, token);
      if (answer.status !== 101) refused.push(answer);
      return answer.status;
    });
    await vi.waitFor(() => expect(refused).toHaveLength(40), 20_000);
    for (const answer of refused) {
      expect(answer).toMatchObject({ status: 503, body: { error } });
      expect(answer.retryAfter).toBeGreaterThan(0);
    }
    arrive();
    expect((await Promise.all(answers)).filter((status) => status === 101)).toHaveLength(10);
    // The refused ones never close their side; the server does.
    await vi.waitFor(async () => expect(await openSockets(node)).toBe(10), 20_000);
    expect((await upgrade(node, token)).status).toBe(error === 'handshakes' ? 101 : 503);
  },
);

test('S-110 a node whose event loop is late lets few in and serves those it has; on time again, it takes all', async () => {
  await using node = await start({ MAX_EVENT_LOOP_DELAY_MS: 20 });
  const token = await keys.token('ada');
  using inside = await connectClient(node, token);
  await inside.join('r');
  const busy = setInterval(() => {
    for (const end = performance.now() + 100; performance.now() < end; );
  }, 0);
  try {
    await vi.waitFor(
      async () => {
        const answer = await upgrade(node, token);
        expect(answer).toMatchObject({ status: 503, body: { error: 'event-loop' } });
        expect(answer.retryAfter).toBeGreaterThan(0);
      },
      { timeout: 20_000, interval: 50 },
    );
    await inside.settle();
  } finally {
    clearInterval(busy);
  }
  await vi.waitFor(async () => expect((await upgrade(node, token)).status).toBe(101), {
    timeout: 20_000,
    interval: 50,
  });
});

test('S-110 a node over its memory lets nobody in and serves those it has', async () => {
  await using node = await start({ MAX_MEMORY_BYTES: process.memoryUsage.rss() + 100_000_000 });
  const token = await keys.token('ada');
  using inside = await connectClient(node, token);
  await inside.join('r');
  const hoard = Buffer.alloc(300_000_000, 1);
  await vi.waitFor(
    async () => expect(await upgrade(node, token)).toMatchObject({ status: 503, body: { error: 'memory' } }),
    { timeout: 20_000, interval: 50 },
  );
  await inside.settle();
  expect(hoard.length).toBeGreaterThan(0);
});

test('S-111 sockets of one user and of one address are bounded: 429 with Retry-After', async () => {
  await using node = await start({ SESSIONS_PER_USER: 1, CONNECTIONS_PER_IP: 2, TRUSTED_PROXIES: 0 });
  using a = await connectClient(node, await keys.token('ada'));
  expect(await refusal(node.wsUrl, await keys.token('ada'))).toMatchObject({ status: 429, retryAfter: '5' });
  using b = await connectClient(node, await keys.token('bob'));
  expect(await refusal(node.wsUrl, await keys.token('eve'))).toMatchObject({ status: 429, retryAfter: '5' });
  await a.settle();
  a.ws.close(1000);
  await a.whenClosed();
  await vi.waitFor(() => expect(node.node.connections.size).toBe(1));
  using c = await connectClient(node, await keys.token('ada'));
  await c.settle();
  await b.settle();
});

test('S-111 S-116 a guest’s limits are those of its login: nobody uses them up by taking its id', async () => {
  await using node = await start({ SESSIONS_PER_USER: 1, TRUSTED_PROXIES: 0 });
  const guest = (session_id: string) => keys.token('ada', {}, { session_id, guest: true });
  using eve = await connectClient(node, await guest('eve'));
  await eve.join('elsewhere');
  expect(await refusal(node.wsUrl, await guest('eve'))).toMatchObject({ status: 429 });
  using ada = await connectClient(node, await guest('ada'));
  await ada.join('room');
});

test('S-112 new connections of one address are limited in rate; others are not touched', async () => {
  await using node = await start({ CONNECTIONS_PER_IP_PER_SECOND: 1, TRUSTED_PROXIES: 1 });
  const token = await keys.token('ada');
  const statuses: number[] = [];
  for (let i = 0; i < 5; i++) {
    using c = new TestClient(`${node.wsUrl}?token=bad`, [], { headers: { 'x-forwarded-for': '203.0.113.7' } });
    statuses.push((await c.until('refusal', () => c.refused)).status);
  }
  expect(statuses.slice(0, 3)).toEqual([401, 401, 401]);
  expect(statuses).toContain(429);
  expect((await refusal(node.wsUrl, 'bad', { 'x-forwarded-for': '203.0.113.8' })).status).toBe(401);
  using c = new TestClient(`${node.wsUrl}?token=${token}`, [], { headers: { 'x-forwarded-for': '203.0.113.9' } });
  await c.next('welcome');
});

test('S-112 new connections of one user are limited in rate as well', async () => {
  await using node = await start({ CONNECTIONS_PER_USER_PER_SECOND: 1 });
  const token = await keys.token('ada');
  const statuses: number[] = [];
  for (let i = 0; i < 20 && !statuses.includes(429); i++) {
    using c = new TestClient(`${node.wsUrl}?token=${token}`);
    statuses.push(await c.until('answer', () => c.refused?.status ?? (c.heard.length > 0 ? 101 : undefined)));
  }
  expect(statuses.slice(0, 3)).toEqual([101, 101, 101]);
  expect(statuses).toContain(429);
  using other = await connectClient(node, await keys.token('bob'));
  await other.settle();
});

test('S-16 a silent client is pinged, and closed with 4008 when it does not answer', async () => {
  await using node = await start({ HEARTBEAT_MS: 1000 });
  const token = await keys.token('ada');
  using mute = new TestClient(`${node.wsUrl}?token=${token}`, [], { autoPong: false });
  using alive = new TestClient(`${node.wsUrl}?token=${token}`);
  let pings = 0;
  alive.ws.on('ping', () => pings++);
  expect(await mute.whenClosed()).toBe(4008);
  expect(pings).toBeGreaterThan(0);
  expect(alive.closed).toBeUndefined();
});

test('S-113 a slow reader is closed with 4007, and nobody else waits for it', async () => {
  await using node = await start({
    MAX_BUFFERED_BYTES: 200_000,
    MESSAGES_PER_SECOND: 100_000,
    USER_MESSAGES_PER_SECOND: 100_000,
    BYTES_PER_SECOND: 1_000_000_000,
    USER_FAN_OUT_BYTES_PER_SECOND: 1_000_000_000,
  });
  using a = await connectClient(node, await keys.token('ada'));
  await a.join('r');
  using slow = await connectClient(node, await keys.token('slow'));
  await slow.join('r');
  using c = await connectClient(node, await keys.token('eve'));
  await c.join('r');
  // It stops reading; the kernel's buffers and then the server's fill up.
  slow.ws.pause();
  const data = 'x'.repeat(50_000);
  let sent = 0;
  await vi.waitFor(
    async () => {
      for (let i = 0; i < 20; i++) a.send({ type: 'message', data, n: ++sent });
      await a.settle();
      expect(a.heard.some((m) => m.type === 'peer_away' && m.peerId === slow.welcome.peerId)).toBe(true);
    },
    { timeout: 25_000, interval: 20 },
  );
  await c.next('message', (m) => m.n === sent);
  expect(c.heard.filter((m) => m.type === 'message').map((m) => m.n)).toEqual(
    Array.from({ length: sent }, (_, i) => i + 1),
  );
  expect(node.node.connections.size).toBe(2);
});

test('S-114 IPv6 limits count a /64, IPv4 an address', async () => {
  await using node = await start({ CONNECTIONS_PER_IP: 1, TRUSTED_PROXIES: 1 });
  const token = await keys.token('ada');
  const from = (address: string) => upgrade(node, token, { 'x-forwarded-for': address });
  const taken = [await from('2001:db8:1:2::1'), await from('192.0.2.1'), await from('2001:db8:1:3::1')];
  expect(taken.map((t) => t.status)).toEqual([101, 101, 101]);
  expect((await from('2001:db8:1:2:ffff::9')).status).toBe(429);
  expect((await from('::ffff:192.0.2.1')).status).toBe(429);
  expect((await from('192.0.2.2')).status).toBe(101);
});

test('S-115 only the entries that trusted proxies appended count as the address', () => {
  const request = (header: string | undefined) =>
    ({ headers: { 'x-forwarded-for': header }, socket: { remoteAddress: '10.0.0.1' } }) as never;
  expect(clientAddress(request('6.6.6.6, 203.0.113.7'), 1)).toBe('203.0.113.7');
  expect(clientAddress(request('6.6.6.6, 203.0.113.7, 10.1.1.1'), 2)).toBe('203.0.113.7');
  expect(clientAddress(request('6.6.6.6'), 0)).toBe('10.0.0.1');
  expect(clientAddress(request(undefined), 1)).toBe('10.0.0.1');
});
