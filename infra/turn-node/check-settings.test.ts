/** Settings with which coturn starts and relays nothing, or everything. What is tested is what coturn does with them otherwise: turn-node.test.ts has the rest. */
import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectRedis, loadConfig, readTurnNodes } from '@tandem/service';
import { allocate, freePort, startRedis } from '@tandem/service/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { relay } from './relays.testing.ts';
import { TurnNodeConfig } from './src/config.ts';
import { startTurnNode } from './src/node.ts';

const SECRET = 'a-secret-of-tests';

function user() {
  const username = `uada:${Math.floor(Date.now() / 1000) + 600}:us`;
  return { username, credential: createHmac('sha1', SECRET).update(username).digest('base64') };
}

async function start(more: Record<string, string>, port?: number) {
  const folder = await mkdtemp(join(tmpdir(), 'turn-settings-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const TURN_PORT = String(port ?? (await freePort()));
  const own = { TURNSERVER: relay, PUBLIC_IP: '127.0.0.1', RUN_DIR: folder, TURN_SECRETS: SECRET, TURN_PORT };
  return startTurnNode(loadConfig(TurnNodeConfig, { ...own, ALLOW_LOOPBACK_PEERS: 'true', ...more }), {
    tickMs: 200,
    say: () => {},
  });
}

test.each([
  [{ RELAY_MIN_PORT: '51000', RELAY_MAX_PORT: '50000' }, /RELAY_MAX_PORT: 50000 is below RELAY_MIN_PORT, 51000. Fix: /],
  [{ PUBLIC_IP: 'calls.example.com' }, /PUBLIC_IP: expected an IP address/],
  [{ PRIVATE_IP: 'eth0' }, /PRIVATE_IP: expected an IP address/],
  [{ PUBLIC_IP: '2001:db8::1', PRIVATE_IP: '127.0.0.1' }, /PRIVATE_IP: 127.0.0.1 is not of the family/],
  // Behind a NAT.
  [{ PUBLIC_IP: '203.0.113.7' }, /PRIVATE_IP: 203.0.113.7 is no address of this host. Fix: /],
  [{ DENIED_PEERS: '192.0.2.255-192.0.2.0' }, /DENIED_PEERS: expected .* the lower one first/],
  [{ DENIED_PEERS: '::-::ffff' }, /DENIED_PEERS: expected .* the lower one first/],
  [{ TURN_REALM: 'my realm' }, /TURN_REALM: expected letters/],
  [{ RUN_DIR: '/no/such/folder' }, /RUN_DIR: \/no\/such\/folder cannot be written \(ENOENT\). Fix: /],
  [{ TURN_SECRETS: ' , ' }, /TURN_SECRETS: neither it nor TURN_SECRET_ID is set. Fix: /],
])('%o is refused, by the name of the setting', async (more, problem) => {
  await expect(start(more)).rejects.toThrow(problem);
});

test('a port that another program has is refused: a coturn there would answer STUN in our place', async () => {
  const port = await freePort();
  const tcp = createServer().listen(port, '127.0.0.1');
  await once(tcp, 'listening');
  await expect(start({}, port)).rejects.toThrow(`TURN_PORT: ${port} of 127.0.0.1 is taken. Fix: `);
  await new Promise((resolve) => tcp.close(resolve));
  const udp = createSocket({ type: 'udp4', reuseAddr: true }).bind(port);
  await once(udp, 'listening');
  await expect(start({}, port)).rejects.toThrow(`TURN_PORT: ${port} of 127.0.0.1 is taken. Fix: `);
  await new Promise<void>((resolve) => udp.close(resolve));
  await (await start({}, port))[Symbol.asyncDispose]();
});

test('each of several secrets is taken, with spaces between them as without', async () => {
  const port = await freePort();
  await using _node = await start({ TURN_SECRETS: `another-secret-of-tests, ${SECRET}` }, port);
  using allocation = await allocate(port, user());
  expect(allocation.relayPort).toBeGreaterThan(0);
});

test('a node whose relay ports are all in use says that it is full', async () => {
  await using redis = await startRedis();
  const client = connectRedis(redis.url);
  const [port, first] = [await freePort(), 51_000 + Math.floor(Math.random() * 900)];
  const range = { RELAY_MIN_PORT: String(first), RELAY_MAX_PORT: String(first + 1) };
  await using _node = await start({ ...range, REDIS_URL: redis.url }, port);
  using _one = await allocate(port, user());
  using _two = await allocate(port, user());
  await expect(allocate(port, user())).rejects.toMatchObject({ code: 508 });
  await vi.waitFor(async () => expect((await readTurnNodes(client))[0]?.load).toBe(1), 20_000);
  client.disconnect();
});
