/** Redis as ElastiCache offers it, out of real processes: Sentinel (primary, replica, three sentinels) and Cluster. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster, Redis } from 'ioredis';
import { freePort, startRedis, type TestRedis } from './redis-server.ts';

export interface TestRedisGroup extends AsyncDisposable {
  /** For connectRedis: `redis+sentinel://…` or `redis+cluster://…`. */
  readonly url: string;
  /** The data servers; the first ones are primaries. */
  readonly servers: readonly TestRedis[];
}

async function until(what: string, check: () => Promise<boolean>, limitMs = 30_000): Promise<void> {
  const end = performance.now() + limitMs;
  for (;;) {
    if (await check().catch(() => false)) return;
    if (performance.now() > end) throw new Error(`${what}: not within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function ask<T>(port: number, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis({ host: '127.0.0.1', port, lazyConnect: true, retryStrategy: null });
  redis.on('error', () => {});
  try {
    await redis.connect();
    return await question(redis);
  } finally {
    redis.disconnect();
  }
}

/** Primary, replica and three sentinels that fail over within about two seconds. */
export async function startSentinel(): Promise<TestRedisGroup> {
  const dir = mkdtempSync(join(tmpdir(), 'tandem-sentinel-'));
  const primary = await startRedis();
  const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(primary.port)] });
  const sentinels: TestRedis[] = [];
  for (let i = 0; i < 3; i++) {
    const port = await freePort();
    const configFile = join(dir, `${i}.conf`);
    writeFileSync(
      configFile,
      [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${dir}`,
        `sentinel monitor mymaster 127.0.0.1 ${primary.port} 2`,
        'sentinel down-after-milliseconds mymaster 1000',
        'sentinel failover-timeout mymaster 5000',
        'sentinel parallel-syncs mymaster 1',
      ].join('\n'),
    );
    sentinels.push(await startRedis({ port, configFile }));
  }
  await until('sentinels see each other and the replica', async () => {
    for (const { port } of sentinels) {
      const info = await ask(port, (r) => r.info('sentinel'));
      if (!/slaves=1,sentinels=3/.test(info)) return false;
    }
    return /master_link_status:up/.test(await ask(replica.port, (r) => r.info('replication')));
  });
  return {
    url: `redis+sentinel://${sentinels.map((s) => `127.0.0.1:${s.port}`).join(',')}/mymaster`,
    servers: [primary, replica],
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...sentinels, primary, replica].map((s) => s[Symbol.asyncDispose]()));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Three primaries and, if asked, a replica for each. */
export async function startCluster(options: { replicas?: boolean } = {}): Promise<TestRedisGroup> {
  const count = options.replicas ? 6 : 3;
  const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000', '--cluster-config-file', 'nodes.conf'];
  const servers = await Promise.all(Array.from({ length: count }, () => startRedis({ args })));
  const primaries = servers.slice(0, 3);
  const slots = [0, 5461, 10_923, 16_384];
  for (const [i, { port }] of primaries.entries())
    await ask(port, (r) => r.call('CLUSTER', 'ADDSLOTSRANGE', slots[i] as number, (slots[i + 1] as number) - 1));
  const [first] = servers;
  for (const { port } of servers.slice(1))
    await ask(port, (r) => r.call('CLUSTER', 'MEET', '127.0.0.1', (first as TestRedis).port));
  const ready = (port: number, n: number) => async () => {
    const info = String(await ask(port, (r) => r.call('CLUSTER', 'INFO')));
    return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${n}`);
  };
  for (const { port } of servers) await until(`cluster node ${port} knows all`, ready(port, count));
  for (const [i, { port }] of servers.slice(3).entries()) {
    const id = await ask((primaries[i] as TestRedis).port, (r) => r.call('CLUSTER', 'MYID'));
    await ask(port, (r) => r.call('CLUSTER', 'REPLICATE', String(id)));
    await until('replica in sync', async () =>
      /master_link_status:up/.test(await ask(port, (r) => r.info('replication'))),
    );
  }
  const cluster = new Cluster(servers.map(({ port }) => ({ host: '127.0.0.1', port })));
  cluster.on('error', () => {});
  await until('cluster serves', async () => (await cluster.set('{ready}', '1')) === 'OK');
  cluster.disconnect();
  return {
    url: `redis+cluster://${servers.map((s) => `127.0.0.1:${s.port}`).join(',')}`,
    servers,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(servers.map((s) => s[Symbol.asyncDispose]()));
    },
  };
}
