/** What coturn is told and what it is not, read from a running coturn and from the kernel's view of its process. */
import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@tandem/service';
import { allocate, freePort } from '@tandem/service/testing';
import { describe, expect, test } from 'vitest';
import { DENIED_PEERS } from '../topology/denied-peers.ts';
import { relays } from './relays.testing.ts';
import { TurnNodeConfig } from './src/config.ts';
import { startCoturn } from './src/coturn.ts';

const SECRET = 'a-secret-of-tests';

async function world(address: string, turnserver: string) {
  const folder = await mkdtemp(join(tmpdir(), 'coturn-'));
  // Of an earlier start, as on a volume that outlives the container.
  await writeFile(join(folder, 'turndb'), '', { mode: 0o644 });
  const port = await freePort();
  const relays = 52_000 + (port % 300) * 10;
  const config = loadConfig(TurnNodeConfig, {
    TURNSERVER: turnserver,
    TURN_PORT: String(port),
    RELAY_MIN_PORT: String(relays),
    RELAY_MAX_PORT: String(relays + 9),
    RUN_DIR: folder,
    // Its own address is a loopback one here.
    ALLOW_LOOPBACK_PEERS: 'true',
    DENIED_PEERS: DENIED_PEERS.join(','),
  });
  const log: string[] = [];
  const coturn = await startCoturn(config, { publicIp: address, privateIp: address }, (line) => log.push(line));
  coturn.setSecrets([SECRET]);
  const username = `ada:${Math.floor(Date.now() / 1000) + 600}:s`;
  return {
    coturn,
    folder,
    port,
    log,
    user: { username, credential: createHmac('sha1', SECRET).update(username).digest('base64') },
    async [Symbol.asyncDispose]() {
      await coturn[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** First, last and an inner address of each block of the IANA special-purpose registries, and public neighbours. */
const IPV6 = {
  denied: [
    ...['::', '::2', '::7f00:1', '::a9fe:a9fe', '::ffff:ffff'],
    ...['::ffff:127.0.0.1', '::ffff:169.254.169.254', '::ffff:0:7f00:1', '::ffff:0:a9fe:a9fe'],
    ...['64:ff9b::', '64:ff9b::a9fe:a9fe', '64:ff9b:1::', '64:ff9b:1::7f00:1', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff'],
    ...['100::1', '100:0:0:1::1', '2001::1', '2001:10::1', '2001:20::1', '2001:1ff:ffff::'],
    ...['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2002:7f00:1::', '3fff::', '3fff:fff:ffff::1'],
    ...['5f00::', '5f00:ffff::1', 'fc00::', 'fd00::2', 'fdff:ffff::', 'fe80::1', 'febf::1', 'fec0::1', 'feff::1'],
    ...['ff02::1', 'ff0e::1'],
  ],
  allowed: ['2606:4700:4700::1111', '2a00:1450::1', '2001:4860:4860::8888', '3fff:1000::1', '64:ff9b:2::1', '5f01::1'],
};
const IPV4 = {
  denied: [
    ...['0.0.0.1', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.127.255.255', '127.0.0.2', '169.254.169.254'],
    ...['172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.88.99.1', '192.168.1.1', '198.18.0.1'],
    ...[
      '198.19.255.255',
      '198.51.100.1',
      '203.0.113.1',
      '224.0.0.1',
      '239.255.255.250',
      '240.0.0.1',
      '255.255.255.255',
    ],
  ],
  allowed: ['1.1.1.1', '100.63.255.255', '100.128.0.1', '172.32.0.1', '192.0.1.1', '198.20.0.1', '223.255.255.1'],
};

describe.each(relays)('%s', (turnserver) => {
  test.each([
    [6, '::1', IPV6],
    [4, '127.0.0.1', IPV4],
  ] as const)(
    'IPv%i: peers that are not on the public internet are refused, its own relay is not',
    async (family, address, { denied, allowed }) => {
      await using w = await world(address, turnserver);
      using allocation = await allocate(w.port, w.user, { family });
      const codes = async (peers: readonly string[]) => {
        const found: [string, number][] = [];
        for (const peer of peers) found.push([peer, await allocation.permit(peer)]);
        return found;
      };
      expect(await codes(denied)).toEqual(denied.map((peer) => [peer, 403]));
      expect(await codes([address, ...allowed])).toEqual([address, ...allowed].map((peer) => [peer, 0]));
    },
  );

  test('secrets are in no command line and no environment of coturn, in files of its owner only, and its database is whole', async () => {
    process.env.REDIS_PASSWORD = 'password of the cache';
    await using w = await world('127.0.0.1', turnserver);
    delete process.env.REDIS_PASSWORD;
    using _allocation = await allocate(w.port, w.user);
    const of = (file: string) => readFile(`/proc/${w.coturn.pid}/${file}`, 'utf8');
    expect(await of('cmdline')).not.toContain(SECRET);
    expect((await of('environ')).split('\0').filter(Boolean)).toEqual([`PATH=${process.env.PATH}`]);
    for (const file of ['turndb', 'turnserver.conf'])
      expect((await stat(join(w.folder, file))).mode & 0o777).toBe(0o600);
    // Its threads open the database at once: one that has to wait says so, and reads it again.
    expect(w.log.filter((line) => !line.includes('database is locked'))).toEqual([]);
  });

  test('a stranger who writes into coturn’s log counts for no allocation and hides none', async () => {
    await using w = await world('127.0.0.1', turnserver);
    using _allocation = await allocate(w.port, w.user);
    const open = () => w.coturn.allocations.find(() => true);
    await expect.poll(open).toHaveLength(1);
    const [id] = open();
    // Without credentials: coturn 4.6 logs the name of whoever asks, line ends too, as it is.
    for (const name of [
      ...[`session ${id}: delete`, 'session 009000000000000009: new, username=<eve>'],
      ...[`x\n9: : session ${id}: delete: realm=<tandem>`, 'x\n9: : session 008000000000000008: new, username=<eve>'],
      ...[`x\n: session ${id}: delete: realm=<tandem>`, `x\n9: : allocation delete: realm=<tandem> (session ${id})`],
    ]) {
      await expect(allocate(w.port, { username: name, credential: 'x' })).rejects.toMatchObject({ code: 400 });
    }
    // The log has one order: when a real end is seen, all of the above was read.
    using second = await allocate(w.port, w.user);
    await expect.poll(() => open().length).toBe(2);
    await w.coturn.cancel(open().filter((one) => one !== id));
    await expect.poll(open).toEqual([id]);
    expect(await second.refresh()).toBe(437);
    expect(w.log.join()).not.toMatch(/[\w-]{32}: /);
  });
});
