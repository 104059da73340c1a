/** Two starts beside each other, and what an earlier one left behind. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { allocate, freePort, startRedis } from '@tandem/service/testing';
import { expect, onTestFinished, test } from 'vitest';
import { selfSigned } from './certificate.ts';
import { choosePorts } from './ports.ts';
import { type Stack, startStack } from './stack.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'a start '));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** What the auth of `stack` gives a person for the relay. */
async function relayOf({ authUrl }: Stack): Promise<{ urls: string[]; username: string; credential: string }> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ userId: 'ada' });
  const login = await fetch(`${authUrl}/auth/token`, { method: 'POST', headers, body });
  const { token } = (await login.json()) as { token: string };
  const answer = await fetch(`${authUrl}/auth/ice-servers`, { headers: { authorization: `Bearer ${token}` } });
  const { iceServers } = (await answer.json()) as { iceServers: { credential?: string }[] };
  return iceServers.find(({ credential }) => credential) as Awaited<ReturnType<typeof relayOf>>;
}

test('two starts share a Redis and a folder: each has its relay, its names of nodes and its logs', async () => {
  await using redis = await startRedis();
  const [clientDir, dataDir] = [folder(), folder()];
  writeFileSync(join(clientDir, 'index.html'), '');
  const options = { clientDir, dataDir, redisUrl: redis.url, port: 0, nodes: 1, media: false };
  await using one = await startStack(options);
  const before = readFileSync(join(one.logDir, 'signaling-1.log'), 'utf8');
  await using two = await startStack(options);
  for (const stack of [one, two]) {
    const { urls, ...user } = await relayOf(stack);
    expect(urls).toEqual(stack.turnUris);
    using allocation = await allocate(Number(/:(\d+)\?/.exec(urls[0] ?? '')?.[1]), user);
    expect(allocation.relayPort).toBeGreaterThan(0);
  }
  const logs = [one, two].map(({ logDir }) => readFileSync(join(logDir, 'signaling-1.log'), 'utf8'));
  expect(logs[0]?.startsWith(before)).toBe(true);
  const names = logs.map((text) => /"node":"([^"]+)"/.exec(text)?.[1]);
  expect(new Set(names).size).toBe(2);
}, 240_000);

test('a port that another program has at ::1 alone is in use: browsers ask there first', async () => {
  const port = await freePort();
  const other = createServer().listen(port, '::1');
  onTestFinished(() => void other.close());
  await new Promise((resolve) => other.once('listening', resolve));
  const wanted = { edge: port, nodes: 1, media: false, hooks: false, captions: false };
  for (const edgeHost of ['localhost', '0.0.0.0'])
    await expect(choosePorts({ ...wanted, edgeHost })).rejects.toThrow(`port ${port} (page) is in use`);
});

test('a certificate whose note was cut short is made anew', async () => {
  const dir = folder();
  const first = await selfSigned(dir, ['127.0.0.1']);
  const before = readFileSync(first.cert, 'utf8');
  expect(readFileSync((await selfSigned(dir, ['127.0.0.1'])).cert, 'utf8')).toBe(before);
  writeFileSync(join(dir, 'certificate.json'), '');
  const again = await selfSigned(dir, ['127.0.0.1']);
  expect(readFileSync(again.cert, 'utf8')).not.toBe(before);
  createSecureContext({ cert: readFileSync(again.cert), key: readFileSync(again.key) });
});
