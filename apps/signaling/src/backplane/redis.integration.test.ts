import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { connectRedis, createLogger } from '@tandem/service';
import {
  makeCertificate,
  startCluster,
  startRedis,
  startSentinel,
  type TestRedis,
  type TestRedisGroup,
  type TestRedisSecurity,
} from '@tandem/service/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { SERVICE_ACCESS } from '../../../../infra/src/cache-access.ts';
import { createRedisBackplane } from './redis.ts';
import { RedisKeys } from './redis-keys.ts';
import { backplaneContract } from './testing/contract.ts';
import { OPEN_RULES } from './testing/contract-support.ts';
import { type BackplaneHandlers, FORCED, RECORD_TTL_MS, ROOM_TTL_MS, UnavailableError } from './types.ts';

const quiet: BackplaneHandlers = { onBatch: () => {}, onStale: () => {} };

function spied() {
  const connections: ReturnType<typeof connectRedis>[] = [];
  const connect: typeof connectRedis = (...args) => {
    const connection = connectRedis(...args);
    connections.push(connection);
    return connection;
  };
  return { connections, connect };
}

/** @param settle resolves when the fresh subscription has nothing more to set up */
async function killSubscription(
  url: string,
  servers: readonly TestRedis[],
  settle: (subscriber: ReturnType<typeof connectRedis>) => Promise<unknown>,
): Promise<void> {
  const reasons: string[] = [];
  const heard: string[] = [];
  const { connections, connect } = spied();
  await using a = createRedisBackplane({ url, connect });
  await a.start('a', { onBatch: (b) => heard.push(Buffer.from(b).toString()), onStale: (why) => reasons.push(why) });
  await settle(connections[1] as ReturnType<typeof connectRedis>);
  await a.beat(1000);
  reasons.length = 0;
  for (const server of servers) {
    const admin = new Redis(server.url);
    await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    admin.disconnect();
  }
  await vi.waitFor(
    async () => {
      await a.beat(1000);
      expect(reasons).toEqual(['resubscribed']);
    },
    { timeout: 10_000, interval: 100 },
  );
  expect(await a.send('a', Buffer.from('\u0001x'))).toBe(true);
  await vi.waitFor(() => expect(heard).toContain('\u0001x'), 5000);
}

/**
 * A primary of a cluster of pairs. Waits until each primary has a replica that is in step with it: before, as after another failover,
 * one that dies has no successor, and one that was away may still believe that it is one.
 */
async function primaryOf({ servers, administer }: TestRedisGroup): Promise<TestRedis> {
  return vi.waitFor(
    async () => {
      const roles = await Promise.all(
        servers.map(async (server) => ({ server, said: String(await administer(server, 'INFO', 'replication')) })),
      );
      const primaries = roles.filter(({ said }) => /role:master/.test(said));
      expect(primaries.length).toBe(servers.length / 2);
      for (const { said } of primaries) expect(said).toMatch(/slave0:.*state=online/);
      expect(roles.filter(({ said }) => /master_link_status:up/.test(said))).toHaveLength(servers.length / 2);
      return primaries[0]?.server as TestRedis;
    },
    { timeout: 60_000, interval: 200 },
  );
}

describe('one server', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());
  backplaneContract(() => createRedisBackplane({ url: redis.url }));

  test('B-22 a frozen Redis is UnavailableError within its time, and works again by itself', async () => {
    await using own = await startRedis();
    await using backplane = createRedisBackplane({ url: own.url });
    await backplane.start('a', quiet);
    await backplane.beat(1000);
    expect(backplane.health().state).toBe('up');
    own.kill('SIGSTOP');
    await expect(backplane.beat(1000)).rejects.toThrow(UnavailableError);
    expect(backplane.health()).toMatchObject({ state: 'down' });
    own.kill('SIGCONT');
    await vi.waitFor(() => backplane.beat(1000), 15_000);
    expect(backplane.health().state).toBe('up');
  });

  test('B-22 a Redis that takes no writes (its disk is full) is UnavailableError, until it takes them again', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'tandem-full-'));
    await using own = await startRedis({ args: ['--dir', dir, '--save', '3600 100000'] });
    const admin = new Redis(own.url);
    await using backplane = createRedisBackplane({ url: own.url });
    await backplane.start('a', quiet);
    await backplane.beat(1000);
    rmSync(dir, { recursive: true });
    await admin.bgsave();
    await vi.waitFor(async () => {
      await expect(backplane.beat(1000)).rejects.toThrow(/MISCONF/);
    }, 10_000);
    await expect(backplane.beat(1000)).rejects.toThrow(UnavailableError);
    expect(backplane.health()).toMatchObject({ state: 'down', detail: expect.stringContaining('MISCONF') });
    await admin.config('SET', 'stop-writes-on-bgsave-error', 'no');
    await backplane.beat(1000);
    expect(backplane.health().state).toBe('up');
    admin.disconnect();
  });

  test('B-22 a command that Redis finds faulty is unavailable, told as an error without what was in it, and no outage', async () => {
    const faults: Error[] = [];
    await using backplane = createRedisBackplane({ url: redis.url, onFault: (error) => faults.push(error) });
    await backplane.start('a', quiet);
    const admin = new Redis(redis.url);
    const [key] = new RedisKeys('tandem').room('odd');
    await admin.set(key, 'no hash');
    const info = '{"metadata":{"name":"private"}}';
    const member = { peerId: 'p', node: 'a', epoch: 1, order: 1, awayFor: 0, info };
    const error = await backplane.joinRoom('odd', member, { limit: 0, loginSession: 'l' }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UnavailableError);
    expect(backplane.health().state).toBe('up');
    expect(faults).toHaveLength(1);
    let line = '';
    const log = createLogger('signaling', 'info', { write: (text) => (line += text) });
    for (const err of [error, ...faults]) log.error({ err }, 'x');
    expect(line.match(/WRONGTYPE/g)?.length).toBeGreaterThanOrEqual(2);
    expect(line).not.toContain('private');
    await admin.del(key);
    admin.disconnect();
  });

  test('B-23 a killed subscription comes back by itself and is a doubt', async () => {
    await using own = await startRedis();
    await killSubscription(own.url, [own], async () => {});
  });

  test('B-24 a deaf subscription is found by probing and replaced', async () => {
    const reasons: string[] = [];
    const heard: string[] = [];
    await using own = await startRedis();
    const { connections, connect } = spied();
    await using a = createRedisBackplane({ url: own.url, probeTimeout: 200, connect });
    await a.start('a', {
      onBatch: (b) => heard.push(Buffer.from(b).toString()),
      onStale: (why) => reasons.push(why),
    });
    // Connected, healthy, and subscribed to nothing any more: what a failover can leave behind.
    await connections.at(-1)?.unsubscribe();
    await vi.waitFor(async () => {
      await a.beat(1000);
      expect(reasons).toContain('the inbox was deaf');
    }, 10_000);
    expect(a.resubscriptions).toBe(1);
    await vi.waitFor(async () => expect(await a.send('a', Buffer.from('\u0001x'))).toBe(true), 10_000);
    await vi.waitFor(() => expect(heard).toContain('\u0001x'), 5000);
  });

  test('B-28 every key ends by itself: rooms that no node reads any more within ten minutes, the rest within a day', async () => {
    await using own = await startRedis();
    await using a = createRedisBackplane({ url: own.url });
    await a.start('a', quiet);
    await a.beat(1000);
    const session = {
      node: 'a',
      epoch: 1,
      order: 1,
      secretHash: 'h',
      userId: 'u',
      loginSession: 'l',
      room: 'r',
      info: '{}',
    };
    for (const peerId of ['attached', 'detached', 'resumed', 'ended', 'banned']) {
      await a.joinRoom(
        'r',
        { peerId, node: 'a', epoch: 1, order: 1, awayFor: 0, info: '{}' },
        { limit: 0, loginSession: 'l' },
      );
      await a.openSession({ ...session, peerId }, { userId: 'u', loginSession: peerId }, { limit: 5 });
      if (peerId !== 'attached') await a.detachSession(peerId, { epoch: 1, order: 1 }, 'a', 60_000);
      await a.park(peerId, ['x'], 'a');
    }
    await a.resumeSession('resumed', 'h', 'u');
    await a.syncSession({ ...session, peerId: 'detached' }, false, 60_000);
    await a.endSession('ended');
    await a.dropMember('r', 'banned', FORCED, { ban: { loginSession: 'l', ms: 60_000 } });
    await a.markAway('r', 'detached', 'a', 60_000);
    await a.writeSettings('s', { rules: OPEN_RULES, doc: '{}' }, 'new');
    await a.writeSettings('r', { rules: OPEN_RULES, doc: '{}' }, 'new');
    const redis = new Redis(own.url);
    const keys = await redis.keys('*');
    expect(keys.length).toBeGreaterThan(10);
    for (const key of keys) {
      const left = await redis.pttl(key);
      expect(left, key).toBeGreaterThan(0);
      expect(left, key).toBeLessThanOrEqual(key.includes(':r:') ? ROOM_TTL_MS : RECORD_TTL_MS);
    }
    redis.disconnect();
  });

  test('B-25 an ACL user with a password works, a wrong one is UnavailableError', async () => {
    const args = '--user tandem on >p4ss ~tandem:* &tandem:* +@all --user default off'.split(' ');
    await using own = await startRedis({ args });
    const url = own.url;
    await using good = createRedisBackplane({ url, auth: { username: 'tandem', password: 'p4ss' } });
    await good.start('a', quiet);
    expect(await good.beat(1000)).toEqual(['a']);
    await using bad = createRedisBackplane({ url, auth: { username: 'tandem', password: 'wrong' } });
    await expect(bad.start('b', quiet)).rejects.toThrow(UnavailableError);
  });
});

describe('Sentinel', () => {
  let group: TestRedisGroup;
  beforeAll(async () => {
    group = await startSentinel();
  }, 60_000);
  afterAll(() => group[Symbol.asyncDispose]());
  backplaneContract(() => createRedisBackplane({ url: group.url }));

  test('B-26 when the primary dies, the replica serves and the inbox hears', async () => {
    const heard: string[] = [];
    await using a = createRedisBackplane({ url: group.url, probeTimeout: 500 });
    await a.start('f', { onBatch: (b) => heard.push(Buffer.from(b).toString()), onStale: () => {} });
    await a.joinRoom(
      'failover',
      { peerId: 'p', node: 'f', epoch: 1, order: 1, awayFor: 0, info: '{}' },
      { limit: 0, loginSession: 'l' },
    );
    group.servers[0]?.kill('SIGKILL');
    await vi.waitFor(
      async () => {
        await a.beat(60_000);
        await a.send('f', Buffer.from('\u0001after'));
        expect(heard).toContain('\u0001after');
      },
      { timeout: 40_000, interval: 200 },
    );
  }, 60_000);
});

describe('Cluster', () => {
  let group: TestRedisGroup;
  beforeAll(async () => {
    group = await startCluster({ replicas: true });
  }, 60_000);
  afterAll(() => group[Symbol.asyncDispose]());
  backplaneContract(() => createRedisBackplane({ url: group.url }));

  test('B-23 a killed subscription of a shard comes back by itself and is a doubt', () =>
    killSubscription(group.url, group.servers, async (subscriber) => {
      // The second reading of the slots adds the nodes under the names that they give themselves.
      for (let i = 0; i < 2; i++) await once(subscriber, 'refresh');
    }));

  test('B-27 a planned failover: inboxes move with their slots, and a send says again that it was heard', async () => {
    const heard: string[] = [];
    const names = ['f1', 'f2', 'f3', 'f4'];
    const inboxes = names.map(() => createRedisBackplane({ url: group.url, probeTimeout: 500 }));
    for (const [i, inbox] of inboxes.entries())
      await inbox.start(names[i] as string, {
        onBatch: (b) => heard.push(`${names[i]} ${Buffer.from(b).toString('utf8', 1)}`),
        onStale: () => {},
      });
    for (const replica of group.servers.slice(4)) {
      const admin = new Redis(replica.url);
      await admin.call('CLUSTER', 'FAILOVER');
      await vi.waitFor(async () => expect(await admin.info('replication')).toContain('role:master'), 10_000);
      admin.disconnect();
    }
    for (const [i, inbox] of inboxes.entries())
      await vi.waitFor(
        async () => {
          await inbox.beat(60_000);
          expect(await inboxes[0]?.send(names[i] as string, Buffer.from('\u0001after'))).toBe(true);
          expect(heard).toContain(`${names[i]} after`);
        },
        { timeout: 20_000, interval: 100 },
      );
    for (const inbox of inboxes) await inbox[Symbol.asyncDispose]();
  }, 60_000);

  test.each([
    ['is frozen', 'SIGSTOP'],
    ['dies', 'SIGKILL'],
  ] as const)(
    'B-27 when a primary %s, its replica serves and the inbox hears',
    async (_how, signal) => {
      await using after = new AsyncDisposableStack();
      const heard: string[] = [];
      await using a = createRedisBackplane({ url: group.url, probeTimeout: 500 });
      await a.start('f', { onBatch: (b) => heard.push(Buffer.from(b).toString()), onStale: () => {} });
      const primary = await primaryOf(group);
      after.defer(async () => primary.kill('SIGCONT'));
      primary.kill(signal);
      // Rooms of every shard, also of the one whose primary does not answer, and never will.
      await vi.waitFor(
        async () => {
          await a.beat(60_000);
          for (let i = 0; i < 20; i++)
            await a.joinRoom(
              `f${i}`,
              { peerId: 'p', node: 'f', epoch: 1, order: 1, awayFor: 0, info: '{}' },
              { limit: 0, loginSession: 'l' },
            );
          await a.send('f', Buffer.from('\u0001after'));
          expect(heard).toContain('\u0001after');
        },
        { timeout: 40_000, interval: 200 },
      );
    },
    120_000,
  );
});

describe.each([
  ['Cluster', (secure: TestRedisSecurity) => startCluster({ secure })],
  ['Sentinel', (secure: TestRedisSecurity) => startSentinel(secure)],
])('%s over TLS with an ACL user, as we deploy it', (_name, start) => {
  const certificate = makeCertificate();
  const user = { username: 'tandem', password: 'p4ss', access: SERVICE_ACCESS };
  const trusted = getCACertificates('default');
  let group: TestRedisGroup;
  const connect = (auth = user) => createRedisBackplane({ url: group.url, auth });
  beforeAll(async () => {
    // What NODE_EXTRA_CA_CERTS does for a process.
    setDefaultCACertificates([...trusted, certificate.ca]);
    group = await start({ certificate, user });
  }, 60_000);
  afterAll(async () => {
    setDefaultCACertificates(trusted);
    await group[Symbol.asyncDispose]();
    certificate[Symbol.dispose]();
  });
  backplaneContract(() => connect());

  test('B-25 a wrong password is UnavailableError, and so is a server whose certificate nobody trusts', async () => {
    await using wrong = connect({ ...user, password: 'wrong' });
    await expect(wrong.start('a', quiet)).rejects.toThrow(UnavailableError);
    setDefaultCACertificates(trusted);
    await using stranger = connect();
    await expect(stranger.start('a', quiet)).rejects.toThrow(UnavailableError);
    setDefaultCACertificates([...trusted, certificate.ca]);
  });
});
