/** Redis as ElastiCache offers it, out of real processes: Sentinel (primary, replica, three sentinels) and Cluster. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { freePort } from '../ports.ts';
import { startRedis, type TestCertificate, type TestRedis } from './redis-server.ts';

export interface TestRedisGroup extends AsyncDisposable {
  /** For connectRedis: `redis+sentinel://…` or `redis+cluster://…`. */
  readonly url: string;
  /** The data servers; the first ones are primaries. */
  readonly servers: readonly TestRedis[];
  /** Send one command to one data server, as a user that may do anything. */
  administer(server: TestRedis, command: string, ...args: string[]): Promise<unknown>;
}

async function until(what: string, check: () => Promise<boolean>, limitMs = 30_000): Promise<void> {
  const end = performance.now() + limitMs;
  for (;;) {
    if (await check().catch(() => false)) return;
    if (performance.now() > end) throw new Error(`${what}: not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

type Access = Pick<RedisOptions, 'username' | 'password' | 'tls'>;

async function ask<T>(
  port: number,
  question: (redis: Redis) => Promise<T>,
  host = '127.0.0.1',
  options: Access = {},
): Promise<T> {
  const redis = new Redis({ ...options, host, port, lazyConnect: true, retryStrategy: null });
  redis.on('error', () => {});
  try {
    await redis.connect();
    return await question(redis);
  } finally {
    redis.disconnect();
  }
}

/** An ACL user; without one nobody gets in. */
export interface TestRedisUser {
  readonly username: string;
  readonly password: string;
  /** ACL rules, e.g. `on ~app:* +@all`. */
  readonly access: string;
}

/** TLS only, and these users only, as ElastiCache has it. */
export interface TestRedisSecurity {
  readonly certificate: TestCertificate;
  readonly user: TestRedisUser;
  /** More users. Default: none. */
  readonly otherUsers?: readonly TestRedisUser[];
}

/** The clients' user may not administer; this one sets the servers up. */
const ADMIN = { username: 'admin', password: 'admin', access: 'on ~* &* +@all' };

/** Arguments of a data server, and how its administrator connects. */
function guarded(secure: TestRedisSecurity | undefined): { host: string; args: string[]; access: Access } {
  if (!secure) return { host: '127.0.0.1', args: [], access: {} };
  const { username, password } = ADMIN;
  const users = [secure.user, ...(secure.otherUsers ?? []), ADMIN].flatMap((u) => [
    '--user',
    u.username,
    `>${u.password}`,
    ...u.access.split(' '),
  ]);
  return {
    host: 'localhost',
    args: [...users, '--user', 'default', 'off', '--masteruser', username, '--masterauth', password],
    access: { username, password, tls: { ca: secure.certificate.ca } },
  };
}

/** Primary, replica and three sentinels that fail over within about two seconds. */
export async function startSentinel(secure?: TestRedisSecurity): Promise<TestRedisGroup> {
  const dir = mkdtempSync(join(tmpdir(), 'tandem-sentinel-'));
  const { host, args, access } = guarded(secure);
  const tls = secure ? { tls: secure.certificate } : {};
  const primary = await startRedis({ args, ...tls });
  const replicaOf = ['--replicaof', host, String(primary.port), '--replica-announce-ip', host];
  const replica = await startRedis({ args: [...args, ...replicaOf], ...tls });
  const sentinels: TestRedis[] = [];
  for (let i = 0; i < 3; i++) {
    const port = await freePort();
    const configFile = join(dir, `${i}.conf`);
    writeFileSync(
      configFile,
      [
        ...(secure
          ? [
              `port 0\ntls-port ${port}\ntls-auth-clients no\ntls-replication yes`,
              `tls-cert-file ${secure.certificate.certFile}\ntls-key-file ${secure.certificate.keyFile}`,
              `tls-ca-cert-file ${secure.certificate.certFile}`,
            ]
          : [`port ${port}`]),
        'bind 127.0.0.1',
        `dir ${dir}`,
        'sentinel resolve-hostnames yes',
        'sentinel announce-hostnames yes',
        `sentinel monitor mymaster ${host} ${primary.port} 2`,
        ...(secure
          ? [`sentinel auth-user mymaster ${ADMIN.username}`, `sentinel auth-pass mymaster ${ADMIN.password}`]
          : []),
        'sentinel down-after-milliseconds mymaster 1000',
        'sentinel failover-timeout mymaster 5000',
        'sentinel parallel-syncs mymaster 1',
      ].join('\n'),
    );
    sentinels.push(await startRedis({ port, configFile }));
  }
  await until('sentinels see each other and the replica', async () => {
    for (const { port } of sentinels) {
      const info = await ask(port, (r) => r.info('sentinel'), host, access.tls ? { tls: access.tls } : {});
      if (!/slaves=1,sentinels=3/.test(info)) return false;
    }
    return /master_link_status:up/.test(await ask(replica.port, (r) => r.info('replication'), host, access));
  });
  return {
    url: `redis${secure ? 's' : ''}+sentinel://${sentinels.map((s) => `${host}:${s.port}`).join(',')}/mymaster`,
    servers: [primary, replica],
    administer: ({ port }, command, ...args) => ask(port, (r) => r.call(command, ...args), host, access),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...sentinels, primary, replica].map((s) => s[Symbol.asyncDispose]()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** What stands in front of a server: others are told its port instead of the server's. */
export interface TestRedisFront {
  readonly port: number;
  target: number | undefined;
}

export interface TestClusterOptions {
  readonly replicas?: boolean;
  readonly secure?: TestRedisSecurity;
  /** Makes one front for each server, so that every link to it can fail: those of clients and of its replica. */
  readonly front?: () => Promise<TestRedisFront>;
}

/** Three primaries and, if asked, a replica for each. */
export async function startCluster({ replicas, secure, front }: TestClusterOptions = {}): Promise<TestRedisGroup> {
  const count = replicas ? 6 : 3;
  const { host, args: access, access: options } = guarded(secure);
  const cluster = '--cluster-enabled yes --cluster-node-timeout 1000 --cluster-config-file nodes.conf'.split(' ');
  const named = '--tls-cluster yes --cluster-announce-hostname localhost --cluster-preferred-endpoint-type hostname';
  const nodes = await Promise.all(
    Array.from({ length: count }, async () => {
      // By default the bus is 10,000 above the port, which a free port may not leave room for.
      const bus = await freePort();
      const before = await front?.();
      const announced = before
        ? ['--cluster-announce-ip', '127.0.0.1', '--cluster-announce-port', String(before.port)]
        : [];
      const withNames = secure ? named.split(' ') : [];
      const args = [...cluster, '--cluster-port', String(bus), ...announced, ...access, ...withNames];
      const server = await startRedis({ args, ...(secure ? { tls: secure.certificate } : {}) });
      if (before) before.target = server.port;
      return {
        server,
        port: before?.port ?? server.port,
        bus,
        ask: <T>(question: (redis: Redis) => Promise<T>) => ask(server.port, question, host, options),
      };
    }),
  );
  const primaries = nodes.slice(0, 3);
  const slots = [0, 5461, 10_923, 16_384];
  for (const [i, node] of primaries.entries())
    await node.ask((r) => r.call('CLUSTER', 'ADDSLOTSRANGE', slots[i] as number, (slots[i + 1] as number) - 1));
  const [first] = nodes;
  if (!first) throw new Error('no nodes');
  for (const node of nodes.slice(1))
    await node.ask((r) => r.call('CLUSTER', 'MEET', '127.0.0.1', first.server.port, first.bus));
  for (const node of nodes)
    await until('a cluster node knows all', async () => {
      const info = String(await node.ask((r) => r.call('CLUSTER', 'INFO')));
      return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${count}`);
    });
  for (const [i, node] of nodes.slice(3).entries()) {
    const id = await primaries[i]?.ask((r) => r.call('CLUSTER', 'MYID'));
    await node.ask((r) => r.call('CLUSTER', 'REPLICATE', String(id)));
    await until('replica in sync', async () =>
      /master_link_status:up/.test(await node.ask((r) => r.info('replication'))),
    );
  }
  const addresses = nodes.map(({ port }) => ({ host, port }));
  const client = new Cluster(addresses, { dnsLookup: (name, done) => done(null, name), redisOptions: options });
  client.on('error', () => {});
  await until('cluster serves', async () => (await client.set('{ready}', '1')) === 'OK');
  await client.del('{ready}');
  client.disconnect();
  return {
    url: `redis${secure ? 's' : ''}+cluster://${addresses.map((a) => `${a.host}:${a.port}`).join(',')}`,
    servers: nodes.map(({ server }) => server),
    administer: ({ port }, command, ...args) => ask(port, (r) => r.call(command, ...args), host, options),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(nodes.map(({ server }) => server[Symbol.asyncDispose]()));
    },
  };
}
