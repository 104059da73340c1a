/** A TURN node: coturn, and the agent that configures it, writes it into the directory, and drains it before it goes. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectRedis, type RedisClient, removeTurnNode, TURN_NODE_STALE_MS, writeTurnNode } from '@tandem/service';
import { drainOnce } from '../../node-kit/drain.ts';
import { findHost, type Host } from '../../node-kit/host.ts';
import { type MetricsLog, metricsLog, SentRate } from '../../node-kit/metrics.ts';
import { type Attempt, attempts, repeat, type Say } from '../../node-kit/retry.ts';
import { FollowedCertificate } from './certificate.ts';
import { capacityOf, checkSettings } from './check-settings.ts';
import type { TurnNodeConfig } from './config.ts';
import { type Coturn, startCoturn } from './coturn.ts';
import { StunWatch } from './health.ts';
import { ReadyPort } from './ready-port.ts';
import { cutRevokedRelays, type RelayCutter } from './revoked-relays.ts';
import { type SecretSource, secretSource } from './secrets.ts';
import { turnMetrics } from './turn-metrics.ts';

/** How often the directory is written and the host asked, ms. Entries are stale after 20 s. */
const TICK_MS = 5000;
/** How often secrets and certificate are read, ms. */
const SECRETS_MS = 60_000;

export interface TurnNodeOptions {
  readonly host?: Host;
  readonly secrets?: SecretSource;
  readonly say?: Say;
  /** How often the directory is written and the host asked, ms. Default 5000 (entries are stale after 20 s). */
  readonly tickMs?: number;
  /** How often secrets and certificate are read, ms. Default 60,000. */
  readonly secretsMs?: number;
  /** Bytes sent by this host until now; default: /proc/net/dev. */
  readonly bytesSent?: () => Promise<number>;
  /** How often metrics are written when METRICS_STACK is set, ms. Default 60,000. */
  readonly metricsMs?: number;
  /** Takes each line of metrics. Default: standard output. */
  readonly writeMetrics?: (line: string) => void;
}

interface TurnNodeParts {
  readonly config: TurnNodeConfig;
  readonly options: TurnNodeOptions;
  readonly host: Host;
  readonly coturn: Coturn;
  readonly certificate: FollowedCertificate | undefined;
  readonly readSecrets: SecretSource;
  /** coturn was started with a certificate. */
  readonly hasTls: boolean;
  readonly say: Say;
}

/** @throws Error when coturn does not start or no secret can be read: nothing is left running then */
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
  await checkSettings(config, host, tls !== undefined);
  const coturn = await startCoturn(config, host, (line) => say('coturn.error', { line }), tls);
  const node = new TurnNode({ config, options, host, coturn, certificate, readSecrets, hasTls: !!tls, say });
  await node.start();
  return node;
}

export class TurnNode implements AsyncDisposable {
  readonly coturn: Coturn;
  readonly #parts: TurnNodeParts;
  readonly #attempt: Attempt;
  readonly #stun: StunWatch;
  readonly #ready: ReadyPort;
  readonly #metrics: MetricsLog | undefined;
  readonly #beginDrain: (seconds: number) => Promise<void>;
  readonly #stop = new AbortController();
  readonly #ended = Promise.withResolvers<'drained' | 'died'>();
  /** Settles when the node has ended, by a drain or because coturn died. */
  readonly ended: Promise<'drained' | 'died'> = this.#ended.promise;
  #redis: RedisClient | undefined;
  #cutter: RelayCutter | undefined;
  #state: 'serving' | 'draining' | 'ended' = 'serving';
  /** The auto scaling group wants the instance gone. */
  #leaves = false;
  #load = 0;
  /** What coturn has. */
  #secrets = '';
  /** Readers leave out an entry that was not renewed for TURN_NODE_STALE_MS: from then on no call is sent to this node. */
  #listedUntil: number;
  /** The log says that the node serves. */
  #saidServing = false;
  #loops: readonly Promise<void>[] = [];

  /** Use {@link startTurnNode}. */
  constructor(parts: TurnNodeParts) {
    const { config, options, host, coturn, say } = parts;
    this.#parts = parts;
    this.coturn = coturn;
    this.#attempt = attempts((more) => say('turn.retry', more));
    this.#stun = new StunWatch(host.privateIp, config.TURN_PORT);
    this.#ready = new ReadyPort(host.privateIp, config.READY_PORT);
    this.#listedUntil = config.REDIS_URL ? 0 : Number.POSITIVE_INFINITY;
    this.#metrics = metricsLog('turn', config, options);
    this.#beginDrain = drainOnce({
      host,
      attempt: this.#attempt,
      begin: () => this.#leave(),
      // A coturn that does not answer relays nothing that is worth the wait.
      isDone: () => coturn.allocations.size === 0 || this.#stun.isSilent,
      end: async (isDone) => {
        if (!isDone) say('turn.drain-deadline', { allocations: coturn.allocations.size });
        await this.#finish('drained');
      },
      signal: this.#stop.signal,
      pollMs: Math.min(options.tickMs ?? TICK_MS, 1000),
    });
  }

  get state(): 'serving' | 'draining' | 'ended' {
    return this.#state;
  }

  /** Whether coturn answers and readers of the directory find this node; without a directory, whether it is not draining. */
  get serving(): boolean {
    return this.#state === 'serving' && !this.#stun.isSilent && Date.now() <= this.#listedUntil;
  }

  /** @throws Error when no secret can be read or a port is taken: coturn is stopped then */
  async start(): Promise<void> {
    const { config, options, host } = this.#parts;
    try {
      await this.#applySecrets();
      await writeFile(join(config.RUN_DIR, 'address'), `${host.privateIp} ${config.TURN_PORT}`);
      if (config.REDIS_URL) this.#openDirectory(config.REDIS_URL);
      // ECS starts a daemon's task again on an instance whose drain is over and that is about to go.
      this.#leaves = await host.leaving().catch(() => false);
      if (this.#leaves) this.#state = 'draining';
      else await this.#attempt('directory', () => this.#register());
      await this.#ready.follow(this.#state === 'serving');
    } catch (error) {
      this.#redis?.disconnect();
      await this.#cutter?.[Symbol.asyncDispose]();
      await this.coturn[Symbol.asyncDispose]();
      throw error;
    }
    this.#sayServing();
    // A coturn that drains (4.6.3 and later) ends by itself after its last allocation; and one that dies then has nothing left to wait for.
    const coturnEnded = () => this.#finish(this.#state === 'draining' ? 'drained' : 'died');
    this.coturn.ended.then(coturnEnded, coturnEnded);
    if (this.#state === 'draining') void this.drain();
    const sent = await SentRate.start(options.bytesSent);
    const tick = () => this.#attempt('tick', () => this.#tick(sent));
    // Apart: the directory must be written and a drain noticed while Secrets Manager does not answer.
    const follow = async () => {
      await this.#attempt('secrets', () => this.#applySecrets());
      await this.#attempt('certificate', () => this.#followCertificate());
    };
    this.#loops = [
      repeat(options.tickMs ?? TICK_MS, this.#stop.signal, tick),
      repeat(options.secretsMs ?? SECRETS_MS, this.#stop.signal, follow),
    ];
  }

  /**
   * Leave the directory, refuse new allocations, wait for the open ones, end.
   * @param seconds longest wait; default DRAIN_SECONDS. A second call shortens the wait of the first, and never lengthens it
   */
  async drain(seconds: number = this.#parts.config.DRAIN_SECONDS): Promise<void> {
    if (this.#state !== 'ended') await this.#beginDrain(seconds);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#finish('drained');
    await Promise.all(this.#loops);
  }

  #openDirectory(url: string): void {
    const { config, say } = this.#parts;
    this.#redis = connectRedis(url, { username: config.REDIS_USERNAME, password: config.REDIS_PASSWORD });
    this.#redis.on('error', () => {});
    this.#cutter = cutRevokedRelays(this.coturn, this.#redis, say, this.#attempt);
  }

  async #register(): Promise<void> {
    // The entry of a coturn that does not answer grows stale: no call is sent there.
    if (!this.#redis || this.#state === 'ended' || this.#stun.isSilent) return;
    const { config, host, certificate, hasTls } = this.#parts;
    await writeTurnNode(this.#redis, host.id, {
      publicIp: host.publicIp,
      zone: host.zone,
      load: this.#load,
      state: this.#state,
      port: config.TURN_PORT,
      ...(config.TURN_HOST && (hasTls || !certificate)
        ? { host: config.TURN_HOST, tlsPort: config.TURN_TLS_PORT }
        : {}),
    });
    this.#listedUntil = Date.now() + TURN_NODE_STALE_MS;
  }

  #sayServing(): void {
    const { host, say } = this.#parts;
    if (this.serving === this.#saidServing) return;
    this.#saidServing = this.serving;
    if (this.#saidServing) say('turn.serving', { id: host.id, zone: host.zone, publicIp: host.publicIp });
    else if (this.#state === 'serving')
      say('turn.not-listed', {
        id: host.id,
        why: this.#stun.isSilent ? 'coturn does not answer' : 'the directory was not written',
      });
  }

  async #applySecrets(): Promise<void> {
    const { readSecrets, say } = this.#parts;
    const secrets = await readSecrets(this.#stop.signal);
    if (secrets.join() === this.#secrets || this.#state === 'ended') return;
    this.coturn.setSecrets(secrets);
    this.#secrets = secrets.join();
    say('turn.secrets', { count: secrets.length });
  }

  async #followCertificate(): Promise<void> {
    const { config, certificate, hasTls, say } = this.#parts;
    if (!certificate || !(await certificate.refresh())) return;
    say('turn.certificate', { name: config.TURN_HOST, first: !hasTls });
    if (hasTls) this.coturn.reloadCertificate();
    // coturn opens its TLS port at its start only: end when the calls have ended, and be started again.
    else void this.drain();
  }

  async #tick(sent: SentRate): Promise<void> {
    const { config, host } = this.#parts;
    const { allocations } = this.coturn;
    await this.#stun.ask();
    await this.#attempt('ready port', () => this.#ready.follow(this.#state === 'serving' && !this.#stun.isSilent));
    const mbps = await sent.mbps();
    this.#load = Number(Math.max(mbps / config.NODE_MBPS, allocations.size / capacityOf(config)).toFixed(3));
    await this.#attempt('directory', () => this.#register());
    this.#sayServing();
    if (this.#cutter) await this.#attempt('revocation', this.#cutter.cut);
    this.#metrics?.tick(() =>
      turnMetrics({
        allocations: allocations.size,
        // Of nodes that serve: the average of these scales the fleet, and one that drains takes no new call.
        load: this.serving ? this.#load : undefined,
        mbps,
        serving: Number(this.serving),
        draining: Number(this.#state === 'draining' && !this.#leaves),
      }),
    );
    if (this.#leaves || this.#state === 'ended') return;
    // Also while it drains for an update: its instance may be taken meanwhile.
    await this.#attempt('metadata', async () => {
      this.#leaves = await host.leaving();
      if (this.#leaves) void this.drain();
    });
  }

  async #leave(): Promise<void> {
    const { say } = this.#parts;
    this.#state = 'draining';
    this.#ready.close();
    say('turn.draining', { allocations: this.coturn.allocations.size });
    await this.#attempt('directory', () => this.#register());
    if (!this.coturn.refuseNew()) say('turn.drain-by-directory', { why: 'this coturn cannot refuse new allocations' });
  }

  async #finish(how: 'drained' | 'died'): Promise<void> {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    const { host, say } = this.#parts;
    this.#stop.abort();
    this.#ready.close();
    const directory = this.#redis;
    if (directory) await this.#attempt('directory', () => removeTurnNode(directory, host.id));
    await this.coturn[Symbol.asyncDispose]();
    await this.#attempt('lifecycle', () => (how === 'drained' ? host.lifecycle('done') : Promise.resolve()));
    directory?.disconnect();
    await this.#cutter?.[Symbol.asyncDispose]();
    say('turn.ended', { how });
    this.#ended.resolve(how);
  }
}
