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

const FORM = 'redis[s][+sentinel|+cluster]://[user:password@]host:port[,host:port…][/db or master name]';

/** An IPv6 address stands in brackets. @throws Error naming REDIS_URL */
function readHost(text: string, defaultPort: number): { host: string; port: number } {
  const [, name, port = defaultPort] = /^(\[[\da-f:.]+\]|[^:[\]]+)(?::(.*))?$/i.exec(text) ?? [];
  if (name === undefined) throw new Error(`REDIS_URL: a host is missing or unreadable: expected ${FORM}`);
  if (!/^\d{1,5}$/.test(`${port}`) || Number(port) < 1 || Number(port) > 65535)
    throw new Error('REDIS_URL: a port is not a number from 1 to 65535');
  return { host: name.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** What stands before the `@`. A password may hold colons. @throws Error naming REDIS_URL, without the password */
function readUser(userinfo = ''): { user: string; password: string } {
  const [, user = '', password = ''] = /^([^:]*):?(.*)$/.exec(userinfo) ?? [];
  try {
    return { user: decodeURIComponent(user), password: decodeURIComponent(password) };
  } catch {
    throw new Error('REDIS_URL: user and password are percent-encoded: write % as %25, @ as %40, / as %2F');
  }
}

/**
 * Connect. Schemes: `redis://host:port/db`, `rediss://` (TLS); `redis+sentinel://h1:p,h2:p/master`, `rediss+sentinel://`;
 * `redis+cluster://h1:p,h2:p`, `rediss+cluster://`.
 * @param options.sharded of a Cluster: may SSUBSCRIBE. Default false, as ioredis then compares the map of all slots, as JSON, at each
 * refresh, which is every second.
 * @throws Error naming REDIS_URL when a part of it is wrong
 */
export function connectRedis(url: string, auth: RedisAuth = {}, { sharded = false } = {}): RedisClient {
  const match = /^(redis|rediss)(\+sentinel|\+cluster)?:\/\/(?:([^@/]*)@)?([^/]+)(?:\/(.*))?$/.exec(url);
  if (!match) throw new Error(`REDIS_URL: expected ${FORM}`);
  const [, scheme, mode, userinfo, hosts = '', path = ''] = match;
  const inUrl = readUser(userinfo);
  const nodes = hosts.split(',').map((host) => readHost(host, mode === '+sentinel' ? 26379 : 6379));
  // ioredis would select NaN, and nothing would hear of the refusal.
  if (mode !== '+sentinel' && !(mode ? /^0?$/ : /^\d{0,4}$/).test(path))
    throw new Error(
      `REDIS_URL: what follows the / is not a database: expected ${mode ? 'nothing' : 'a number, such as 0'}`,
    );
  const username = auth.username || inUrl.user || undefined;
  const password = auth.password || inUrl.password || undefined;
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
