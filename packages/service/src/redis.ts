/** One way to a Redis: single server, Sentinel or Cluster, with TLS and an ACL user, all from one URL. */
import { Cluster, type Command, Redis } from 'ioredis';

export type RedisClient = Redis | Cluster;

/** Credentials that must not stand in a URL (they come from a secret store). */
export interface RedisAuth {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** A command must fail fast when Redis is away: calls go on without it, and the caller says `unavailable`. */
const COMMAND_TIMEOUT_MS = 3000;

/** ioredis bounds what waits for an answer, but not what waits in a Cluster client for its first connection. */
class BoundedCluster extends Cluster {
  override sendCommand(...args: Parameters<Cluster['sendCommand']>): unknown {
    (args[0] as Command).setTimeout(COMMAND_TIMEOUT_MS);
    return super.sendCommand(...args);
  }
}

/**
 * Connect. Schemes: `redis://host:port/db`, `rediss://` (TLS); `redis+sentinel://h1:p,h2:p/master`, `rediss+sentinel://`;
 * `redis+cluster://h1:p,h2:p`, `rediss+cluster://`.
 * @param options.sharded of a Cluster: may SSUBSCRIBE. Default false, as ioredis then compares the map of all slots, as JSON, at each
 * refresh, which is every second.
 * @throws Error naming REDIS_URL when the scheme or a host is wrong
 */
export function connectRedis(url: string, auth: RedisAuth = {}, { sharded = false } = {}): RedisClient {
  const match = /^(redis|rediss)(\+sentinel|\+cluster)?:\/\/(?:([^@/]*)@)?([^/]+)(?:\/(.*))?$/.exec(url);
  if (!match)
    throw new Error('REDIS_URL: expected redis[s][+sentinel|+cluster]://host:port[,host:port…][/db or master name]');
  const [, scheme, mode, userinfo, hosts = '', path = ''] = match;
  const [urlUser, urlPassword] = (userinfo ?? '').split(':').map(decodeURIComponent);
  const nodes = hosts.split(',').map((h) => {
    const at = h.lastIndexOf(':');
    const port = at < 0 ? (mode === '+sentinel' ? 26379 : 6379) : Number(h.slice(at + 1));
    if (!Number.isInteger(port) || port < 1 || port > 65535)
      throw new Error('REDIS_URL: a port is not a number from 1 to 65535');
    return { host: at < 0 ? h : h.slice(0, at), port };
  });
  const username = auth.username || urlUser || undefined;
  const password = auth.password || urlPassword || undefined;
  const common = {
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
    ...(scheme === 'rediss' ? { tls: {} } : {}),
    connectTimeout: 3000,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: true,
    commandTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times, 6), 2000) * (0.5 + Math.random() / 2),
  };
  if (mode === '+cluster') {
    return new BoundedCluster(nodes, {
      shardedSubscribers: sharded,
      // Without it a frozen primary is not left for over 20 s.
      slotsRefreshInterval: 1000,
      slotsRefreshTimeout: 2000,
      enableOfflineQueue: true,
      clusterRetryStrategy: (times) => Math.min(50 * times, 2000),
      // ElastiCache certificates name the endpoint, so the name must reach TLS unresolved.
      ...(scheme === 'rediss'
        ? { dnsLookup: (address: string, callback: (err: null, address: string) => void) => callback(null, address) }
        : {}),
      redisOptions: common,
    });
  }
  if (mode === '+sentinel')
    return new Redis({
      ...common,
      sentinels: nodes,
      name: path || 'mymaster',
      ...(scheme === 'rediss' ? { sentinelTLS: {}, enableTLSForSentinelMode: true } : {}),
    });
  const [node] = nodes;
  if (!node) throw new Error('REDIS_URL: no host');
  return new Redis({ ...common, ...node, db: path ? Number(path) : 0 });
}

/** One more connection to the same Redis. */
export function connectAgain(redis: RedisClient): RedisClient {
  return redis instanceof Cluster ? redis.duplicate() : redis.duplicate();
}
