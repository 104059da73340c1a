/** A TURN node: coturn, and the agent that configures it, writes it into the directory, and drains it before it goes. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectRedis, type RedisClient, removeTurnNode, TURN_NODE_STALE_MS, writeTurnNode } from '@tandem/service';
import { FollowedCertificate } from './certificate.ts';
import type { TurnNodeConfig } from './config.ts';
import { type Coturn, startCoturn } from './coturn.ts';
import { findHost, type Host } from './host.ts';
import { cutRevokedRelays, type RelayCutter } from './revoked-relays.ts';
import { type SecretSource, secretSource } from './secrets.ts';

/** One structured line to the log. */
export type Say = (event: string, more?: Record<string, unknown>) => void;

export interface TurnNodeOptions {
  readonly host?: Host;
  readonly secrets?: SecretSource;
  readonly say?: Say;
  /** How often the directory is written and the host asked, ms. Default 5000 (entries are stale after 20 s). */
  readonly tickMs?: number;
  /** How often secrets are read, ms. Default 60,000. */
  readonly secretsMs?: number;
  /** Bytes sent by this host until now; default: /proc/net/dev. */
  readonly bytesSent?: () => Promise<number>;
  /** How often metrics are written when METRICS_STACK is set, ms. Default 60,000. */
  readonly metricsMs?: number;
  /** Takes each line of metrics. Default: standard output. */
  readonly writeMetrics?: (line: string) => void;
}

export interface TurnNode extends AsyncDisposable {
  readonly coturn: Coturn;
  readonly state: 'serving' | 'draining' | 'ended';
  /** Whether readers of the directory find this node; without a directory, whether it is not draining. */
  readonly serving: boolean;
  /**
   * Leave the directory, refuse new allocations, wait for the open ones, end.
   * @param seconds longest wait; default DRAIN_SECONDS. A second call shortens the wait of the first, and never lengthens it
   */
  drain(seconds?: number): Promise<void>;
  /** Settles when the node has ended, by a drain or because coturn died. */
  readonly ended: Promise<'drained' | 'died'>;
}

export async function startTurnNode(config: TurnNodeConfig, options: TurnNodeOptions = {}): Promise<TurnNode> {
  const say: Say = options.say ?? ((event, more) => console.log(JSON.stringify({ event, ...more })));
  const host = options.host ?? (await findHost(config));
  const readSecrets = options.secrets ?? secretSource(config);
  const bytesSent = options.bytesSent ?? sentBytes;
  const certificate =
    config.TLS_FOLDER && config.TURN_HOST
      ? new FollowedCertificate(config.TLS_FOLDER, config.TURN_HOST, config.RUN_DIR)
      : undefined;
  // Without it the relay serves all the same, over UDP and TCP.
  await certificate?.refresh().catch((error) => say('turn.retry', { what: 'certificate', error: String(error) }));
  const tls = certificate?.files;
  const coturn = await startCoturn(config, host, (line) => say('coturn.error', { line }), tls);
  let redis: RedisClient | undefined;
  let cutter: RelayCutter | undefined;
  let state: TurnNode['state'] = 'serving';
  let load = 0;
  let mbps = 0;
  const ended = Promise.withResolvers<'drained' | 'died'>();
  const stop = new AbortController();
  let known = '';
  // Readers leave out an entry that was not renewed for TURN_NODE_STALE_MS: from then on nobody is sent to this node.
  let listedUntil = config.REDIS_URL ? 0 : Number.POSITIVE_INFINITY;
  const serving = () => state === 'serving' && Date.now() <= listedUntil;
  let said = false;
  const sayServing = () => {
    if (serving() === said) return;
    said = serving();
    if (said) say('turn.serving', { id: host.id, zone: host.zone, publicIp: host.publicIp });
    else if (state === 'serving') say('turn.not-listed', { id: host.id, why: 'the directory was not written' });
  };
  const applySecrets = async () => {
    const secrets = await readSecrets();
    if (secrets.join() === known) return;
    coturn.setSecrets(secrets);
    known = secrets.join();
    say('turn.secrets', { count: secrets.length });
  };
  const register = async () => {
    if (!redis || state === 'ended') return;
    await writeTurnNode(redis, host.id, {
      publicIp: host.publicIp,
      zone: host.zone,
      load,
      state,
      port: config.TURN_PORT,
      ...(config.TURN_HOST && (tls || !certificate) ? { host: config.TURN_HOST, tlsPort: config.TURN_TLS_PORT } : {}),
    });
    listedUntil = Date.now() + TURN_NODE_STALE_MS;
  };
  const attempt = async (what: string, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      // The relay goes on without its directory or its secret store: what it knows stays true for a while.
      say('turn.retry', { what, error: error instanceof Error ? error.message : String(error) });
    }
  };
  try {
    await applySecrets();
    await writeFile(join(config.RUN_DIR, 'address'), `${host.privateIp} ${config.TURN_PORT}`);
    if (config.REDIS_URL) {
      redis = connectRedis(config.REDIS_URL, { username: config.REDIS_USERNAME, password: config.REDIS_PASSWORD });
      redis.on('error', () => {});
      cutter = cutRevokedRelays(coturn, redis, say, attempt);
    }
    // ECS starts a daemon's task again on an instance whose drain is over and that is about to go.
    if (await host.leaving().catch(() => false)) state = 'draining';
    else await attempt('directory', register);
  } catch (error) {
    redis?.disconnect();
    await cutter?.[Symbol.asyncDispose]();
    await coturn[Symbol.asyncDispose]();
    throw error;
  }
  sayServing();

  const finish = async (how: 'drained' | 'died') => {
    if (state === 'ended') return;
    state = 'ended';
    stop.abort();
    const directory = redis;
    if (directory) await attempt('directory', () => removeTurnNode(directory, host.id));
    await coturn[Symbol.asyncDispose]();
    await attempt('lifecycle', () => (how === 'drained' ? host.lifecycle('done') : Promise.resolve()));
    redis?.disconnect();
    await cutter?.[Symbol.asyncDispose]();
    say('turn.ended', { how });
    ended.resolve(how);
  };
  let draining: Promise<void> | undefined;
  let deadline = Number.POSITIVE_INFINITY;
  const drain = (seconds = config.DRAIN_SECONDS) => {
    deadline = Math.min(deadline, Date.now() + seconds * 1000);
    draining ??= (async () => {
      if (state === 'ended') return;
      state = 'draining';
      say('turn.draining', { allocations: coturn.allocations.size });
      await attempt('directory', register);
      const refused = coturn.refuseNew();
      if (!refused) say('turn.drain-by-directory', { why: 'this coturn cannot refuse new allocations' });
      let beat = 0;
      while (coturn.allocations.size > 0 && Date.now() < deadline && state === 'draining') {
        if (Date.now() >= beat) {
          await attempt('lifecycle', () => host.lifecycle('wait'));
          beat = Date.now() + 60_000;
        }
        await sleep(Math.min(options.tickMs ?? 5000, 1000), undefined, { signal: stop.signal }).catch(() => {});
      }
      if (coturn.allocations.size > 0) say('turn.drain-deadline', { allocations: coturn.allocations.size });
      await finish('drained');
    })();
    return draining;
  };
  const followCertificate = async () => {
    if (!certificate || !(await certificate.refresh())) return;
    say('turn.certificate', { name: config.TURN_HOST, first: !tls });
    if (tls) coturn.reloadCertificate();
    // coturn opens its TLS port at its start only: end when the calls have ended, and be started again.
    else void drain();
  };
  coturn.ended.then(
    () => finish('died'),
    () => finish('died'),
  );
  if (state === 'draining') void drain();
  let sentBefore = await bytesSent();
  let sentAt = Date.now();
  let nextSecrets = Date.now() + (options.secretsMs ?? 60_000);
  const metricsMs = options.metricsMs ?? 60_000;
  const writeMetrics = options.writeMetrics ?? ((line: string) => console.log(line));
  let nextMetrics = Date.now() + metricsMs;
  const tick = async () => {
    const sent = await bytesSent();
    const seconds = Math.max(0.001, (Date.now() - sentAt) / 1000);
    mbps = Math.max(0, ((sent - sentBefore) * 8) / 1e6 / seconds);
    sentBefore = sent;
    sentAt = Date.now();
    load = Number(Math.max(mbps / config.NODE_MBPS, coturn.allocations.size / config.TOTAL_QUOTA).toFixed(3));
    await attempt('directory', register);
    sayServing();
    if (cutter) await attempt('revocation', cutter.cut);
    if (Date.now() >= nextSecrets) {
      nextSecrets = Date.now() + (options.secretsMs ?? 60_000);
      await attempt('secrets', applySecrets);
      await attempt('certificate', followCertificate);
    }
    if (config.METRICS_STACK && Date.now() >= nextMetrics) {
      // Of the clock, not of the last tick: else a minute without a value comes up again and again.
      nextMetrics += metricsMs;
      writeMetrics(
        embeddedMetrics(
          { stack: config.METRICS_STACK, part: config.METRICS_PART },
          {
            allocations: coturn.allocations.size,
            // Of nodes that serve: the average of these scales the fleet, and one that drains takes no new call.
            load: serving() ? load : undefined,
            mbps,
            serving: Number(serving()),
          },
        ),
      );
    }
    if (state === 'serving') await attempt('metadata', async () => void ((await host.leaving()) && void drain()));
  };
  const loop = (async () => {
    while (!stop.signal.aborted) {
      await sleep(options.tickMs ?? 5000, undefined, { signal: stop.signal }).catch(() => {});
      if (!stop.signal.aborted) await attempt('tick', tick);
    }
  })();
  return {
    coturn,
    get state() {
      return state;
    },
    get serving() {
      return serving();
    },
    drain,
    ended: ended.promise,
    async [Symbol.asyncDispose]() {
      await finish('drained');
      await loop;
    },
  };
}

/** A line that CloudWatch Logs turns into metrics (embedded metric format). */
export function embeddedMetrics(
  identity: { readonly stack: string; readonly part: string },
  values: { allocations: number; load: number | undefined; mbps: number; serving: number },
): string {
  const metrics = {
    turn_allocations: values.allocations,
    ...(values.load === undefined ? {} : { turn_load: values.load }),
    turn_mbps: values.mbps,
    turn_serving: values.serving,
  };
  return JSON.stringify({
    _aws: {
      Timestamp: Date.now(),
      CloudWatchMetrics: [
        {
          Namespace: 'Tandem',
          Dimensions: [['service', 'stack', 'part']],
          Metrics: Object.keys(metrics).map((Name) => ({ Name })),
        },
      ],
    },
    service: 'turn',
    ...identity,
    ...metrics,
  });
}

/** Bytes that all interfaces but loopback have sent. */
async function sentBytes(): Promise<number> {
  const text = await readFile('/proc/net/dev', 'utf8').catch(() => '');
  let total = 0;
  for (const line of text.split('\n')) {
    const [name, numbers] = line.split(':');
    if (!numbers || name?.trim() === 'lo') continue;
    total += Number(numbers.trim().split(/\s+/)[8] ?? 0);
  }
  return total;
}
