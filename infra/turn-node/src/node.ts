/** A TURN node: coturn, and the agent that configures it, writes it into the directory, and drains it before it goes. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectRedis, type RedisClient, removeTurnNode, TURN_NODE_STALE_MS, writeTurnNode } from '@tandem/service';
import { drainOnce } from '../../node-kit/drain.ts';
import { findHost, type Host } from '../../node-kit/host.ts';
import { MetricsLog, SentRate } from '../../node-kit/metrics.ts';
import { attempts, type Say } from '../../node-kit/retry.ts';
import { FollowedCertificate } from './certificate.ts';
import type { TurnNodeConfig } from './config.ts';
import { type Coturn, startCoturn } from './coturn.ts';
import { StunWatch } from './health.ts';
import { openReadyPort, type ReadyPort } from './ready-port.ts';
import { cutRevokedRelays, type RelayCutter } from './revoked-relays.ts';
import { type SecretSource, secretSource } from './secrets.ts';

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
  /** Whether coturn answers and readers of the directory find this node; without a directory, whether it is not draining. */
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
  let ready: ReadyPort | undefined;
  let state: TurnNode['state'] = 'serving';
  let load = 0;
  let mbps = 0;
  const ended = Promise.withResolvers<'drained' | 'died'>();
  const stop = new AbortController();
  let known = '';
  // Readers leave out an entry that was not renewed for TURN_NODE_STALE_MS: from then on no call is sent to this node.
  let listedUntil = config.REDIS_URL ? 0 : Number.POSITIVE_INFINITY;
  const stun = new StunWatch(host.privateIp, config.TURN_PORT);
  const serving = () => state === 'serving' && !stun.isSilent && Date.now() <= listedUntil;
  let said = false;
  const sayServing = () => {
    if (serving() === said) return;
    said = serving();
    if (said) say('turn.serving', { id: host.id, zone: host.zone, publicIp: host.publicIp });
    else if (state === 'serving')
      say('turn.not-listed', {
        id: host.id,
        why: stun.isSilent ? 'coturn does not answer' : 'the directory was not written',
      });
  };
  const applySecrets = async () => {
    const secrets = await readSecrets();
    if (secrets.join() === known) return;
    coturn.setSecrets(secrets);
    known = secrets.join();
    say('turn.secrets', { count: secrets.length });
  };
  const register = async () => {
    // The entry of a coturn that does not answer grows stale: no call is sent there.
    if (!redis || state === 'ended' || stun.isSilent) return;
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
  const attempt = attempts((more) => say('turn.retry', more));
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
    if (config.READY_PORT && state === 'serving') ready = await openReadyPort(host.privateIp, config.READY_PORT);
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
    ready?.close();
    const directory = redis;
    if (directory) await attempt('directory', () => removeTurnNode(directory, host.id));
    await coturn[Symbol.asyncDispose]();
    await attempt('lifecycle', () => (how === 'drained' ? host.lifecycle('done') : Promise.resolve()));
    redis?.disconnect();
    await cutter?.[Symbol.asyncDispose]();
    say('turn.ended', { how });
    ended.resolve(how);
  };
  const beginDrain = drainOnce({
    host,
    attempt,
    begin: async () => {
      state = 'draining';
      ready?.close();
      say('turn.draining', { allocations: coturn.allocations.size });
      await attempt('directory', register);
      if (!coturn.refuseNew()) say('turn.drain-by-directory', { why: 'this coturn cannot refuse new allocations' });
    },
    // A coturn that does not answer relays nothing that is worth the wait.
    isDone: () => coturn.allocations.size === 0 || stun.isSilent,
    end: async (isDone) => {
      if (!isDone) say('turn.drain-deadline', { allocations: coturn.allocations.size });
      await finish('drained');
    },
    signal: stop.signal,
    pollMs: Math.min(options.tickMs ?? 5000, 1000),
  });
  const drain = async (seconds = config.DRAIN_SECONDS) => {
    if (state !== 'ended') await beginDrain(seconds);
  };
  const followCertificate = async () => {
    if (!certificate || !(await certificate.refresh())) return;
    say('turn.certificate', { name: config.TURN_HOST, first: !tls });
    if (tls) coturn.reloadCertificate();
    // coturn opens its TLS port at its start only: end when the calls have ended, and be started again.
    else void drain();
  };
  // A coturn that drains (4.6.3 and later) ends by itself after its last allocation; and one that dies then has nothing left to wait for.
  const coturnEnded = () => finish(state === 'draining' ? 'drained' : 'died');
  coturn.ended.then(coturnEnded, coturnEnded);
  if (state === 'draining') void drain();
  const sent = await SentRate.start(options.bytesSent);
  let nextSecrets = Date.now() + (options.secretsMs ?? 60_000);
  const metrics = config.METRICS_STACK
    ? new MetricsLog({
        identity: { service: 'turn', stack: config.METRICS_STACK, part: config.METRICS_PART },
        everyMs: options.metricsMs,
        write: options.writeMetrics,
      })
    : undefined;
  const tick = async () => {
    await stun.ask();
    mbps = await sent.mbps();
    load = Number(Math.max(mbps / config.NODE_MBPS, coturn.allocations.size / config.TOTAL_QUOTA).toFixed(3));
    await attempt('directory', register);
    sayServing();
    if (cutter) await attempt('revocation', cutter.cut);
    if (Date.now() >= nextSecrets) {
      nextSecrets = Date.now() + (options.secretsMs ?? 60_000);
      await attempt('secrets', applySecrets);
      await attempt('certificate', followCertificate);
    }
    metrics?.tick(() =>
      turnMetrics({
        allocations: coturn.allocations.size,
        // Of nodes that serve: the average of these scales the fleet, and one that drains takes no new call.
        load: serving() ? load : undefined,
        mbps,
        serving: Number(serving()),
      }),
    );
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

/** Names of what the node measures. */
export function turnMetrics(values: {
  allocations: number;
  load: number | undefined;
  mbps: number;
  serving: number;
}): Record<string, number | undefined> {
  return {
    turn_allocations: values.allocations,
    turn_load: values.load,
    turn_mbps: values.mbps,
    turn_serving: values.serving,
  };
}
