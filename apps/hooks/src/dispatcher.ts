/** Shares the partitions out among the tasks that live, holds the leases of its own, and lets their workers work. */
import { randomUUID } from 'node:crypto';
import { HealthRecord, type Logger, type RedisClient } from '@tandem/service';
import { PARTITIONS } from '@tandem/service/room-events';
import { TRIES_AT_ONCE, type WorkerParts } from './deliveries.ts';
import type { Outcome } from './delivery/send.ts';
import { TrySlots } from './delivery/try-slots.ts';
import type { Endpoint, Endpoints } from './endpoints.ts';
import type { RoomEvent } from './events/room-fold.ts';
import { keys } from './keys.ts';
import { NodeWatch } from './node-watch.ts';
import type { Counters } from './observe.ts';
import { PartitionWorker } from './partition-worker.ts';
import { runScript } from './scripts.ts';

/** A dispatcher that was silent for longer is dead, and others take its partitions, ms. */
const LEASE_MS = 15_000;
/** How often leases are renewed, ms. */
const RENEW_MS = 3000;
/** How often outboxes are read, ms. */
const ROUND_MS = 200;
/** Without a failure for this time all of Redis answers, ms: above what a command may take. */
const WELL_AFTER_MS = 5000;

export interface DispatcherParts {
  readonly redis: RedisClient;
  readonly endpoints: Endpoints;
  readonly counters: Counters;
  readonly log: Logger;
  readonly deliver: (endpoint: Endpoint, event: Pick<RoomEvent, 'id' | 'room' | 'body'>) => Promise<Outcome>;
}

export class Dispatcher implements AsyncDisposable {
  readonly health = new HealthRecord('down', 'not reached yet');
  readonly #name = `d-${randomUUID()}`;
  readonly #parts: DispatcherParts;
  readonly #workers = new Map<number, PartitionWorker>();
  readonly #workerParts: WorkerParts;
  readonly #nodes: NodeWatch;
  /** Time of Redis less ours (performance.now), ms. */
  #clock = Date.now() - performance.now();
  /** Names of the dispatchers that live, as they were read last. */
  #live: readonly string[] = [];
  #renewedAt = -Infinity;
  #renewing: Promise<void> | undefined;
  /** What is being given back. */
  readonly #giving = new Set<Promise<unknown>>();
  #failedAt = -Infinity;
  #ending: Promise<void> | undefined;
  #wake: () => void = () => {};
  readonly #running: Promise<void>;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
    const slots = new TrySlots(TRIES_AT_ONCE);
    this.#nodes = new NodeWatch(parts.redis);
    this.#workerParts = { ...parts, slots, nodes: this.#nodes, now: () => Math.floor(this.#clock + performance.now()) };
    this.#running = this.#run();
  }

  /** Partitions that this task works on. */
  get partitions(): number {
    return this.#workers.size;
  }

  /** Age of the oldest change that is no event yet, of those partitions, ms. Half a second when nothing waits: see HOLD_MS. */
  get unreadMs(): number {
    const now = this.#workerParts.now();
    return Math.max(0, ...[...this.#workers.values()].map((worker) => worker.unreadMs(now)));
  }

  /** For how long the try of a webhook that waits most is due and not over, ms. */
  get overdueMs(): number {
    const now = this.#workerParts.now();
    return Math.max(0, ...[...this.#workers.values()].map((worker) => worker.overdueMs(now)));
  }

  async #run(): Promise<void> {
    while (!this.#ending) {
      this.#round();
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ROUND_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Begins what is due. It waits for nothing: the server that a partition lies on may be away. */
  #round(): void {
    const now = performance.now();
    if (!this.#renewing && now - this.#renewedAt >= RENEW_MS) {
      this.#renewedAt = now;
      this.#renewing = this.#renew().finally(() => {
        this.#renewing = undefined;
      });
    }
    for (const worker of this.#workers.values())
      worker.work(this.#workerParts.now()).catch((error) => this.#fail(error, 'degraded'));
  }

  #fail(error: unknown, state: 'down' | 'degraded'): void {
    this.#failedAt = performance.now();
    this.#become(state, error instanceof Error ? error.message : String(error));
  }

  #become(state: 'up' | 'down' | 'degraded', reason = ''): void {
    const { log } = this.#parts;
    const before = this.health.state;
    if (state === 'up' && before !== 'up') log.info({ event: 'hooks.back' }, 'Redis answers');
    if (state !== 'up' && before === 'up') log.warn({ event: 'hooks.away', reason }, 'Redis is away, or a part of it');
    this.health.become(state, reason);
  }

  /** Says that this task lives, takes what falls to it, keeps what it has, gives back what falls to another. */
  async #renew(): Promise<void> {
    // Not waited for: leases are on other servers of a Cluster.
    this.#nodes.read().catch((error) => this.#fail(error, 'degraded'));
    const [time, live] = await Promise.allSettled([this.#readTime(), this.#readLive()]);
    const failed = [time, live].filter((one) => one.status === 'rejected');
    // Without it, who has what stays: others cannot read it either.
    if (failed[0]) this.#fail(failed[0].reason, failed.length === 2 ? 'down' : 'degraded');
    const mine = this.#live.indexOf(this.#name);
    if (mine < 0) return;
    const falls = (partition: number) => partition % this.#live.length === mine;
    const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    const fail = (error: unknown) => this.#fail(error, 'degraded');
    // Leases do not wait for a slow receiver of what is given back.
    for (const partition of all) if (!falls(partition)) this.#give(partition).catch(fail);
    await Promise.all(all.filter(falls).map((partition) => this.#take(partition).catch(fail)));
    if (performance.now() - this.#failedAt > WELL_AFTER_MS) this.#become('up');
  }

  async #readTime(): Promise<void> {
    const [seconds, micros] = await this.#parts.redis.time();
    this.#clock = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000) - performance.now();
  }

  async #readLive(): Promise<void> {
    const { redis } = this.#parts;
    this.#live = (await runScript(redis, 'live', [keys.dispatchers], [this.#name, LEASE_MS])) as string[];
  }

  async #take(partition: number): Promise<void> {
    const { redis } = this.#parts;
    const named = [keys.lease(partition), keys.fence(partition)];
    const fence = await runScript(redis, 'lease', named, [this.#name, LEASE_MS]);
    const lease = `${this.#name} ${fence}`;
    const worker = this.#workers.get(partition);
    if (worker && !worker.isOver && worker.lease === lease) return;
    if (worker) {
      this.#workers.delete(partition);
      void worker.end();
    }
    if (fence !== 0 && !this.#ending)
      this.#workers.set(partition, new PartitionWorker(partition, lease, this.#workerParts));
  }

  async #give(partition: number): Promise<void> {
    const worker = this.#workers.get(partition);
    if (!worker) return;
    this.#workers.delete(partition);
    const given = worker
      .end()
      .then(() => runScript(this.#parts.redis, 'release', [keys.lease(partition)], [worker.lease]));
    const settled = given.catch(() => {}).finally(() => this.#giving.delete(settled));
    this.#giving.add(settled);
    await given;
  }

  /** Ends what is under way and gives the partitions back, so that others need not wait for its leases to end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending ??= this.#end();
    await this.#ending;
  }

  async #end(): Promise<void> {
    this.#wake();
    await Promise.resolve();
    await this.#running;
    await this.#renewing;
    const { redis } = this.#parts;
    for (const partition of this.#workers.keys()) this.#give(partition).catch(() => {});
    await Promise.all(this.#giving);
    await redis.zrem(keys.dispatchers, this.#name).catch(() => {});
  }
}
