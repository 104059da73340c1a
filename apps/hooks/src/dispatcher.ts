/** Shares the partitions out among the tasks that live, holds the leases of its own, and lets their workers work. */
import { randomUUID } from 'node:crypto';
import { HealthRecord, type Logger, type RedisClient } from '@tandem/service';
import { PARTITIONS } from '@tandem/service/room-events';
import type { Outcome } from './delivery/send.ts';
import type { Endpoint, Endpoints } from './endpoints.ts';
import type { RoomEvent } from './events/room-fold.ts';
import { keys } from './keys.ts';
import type { Counters } from './observe.ts';
import { PartitionWorker } from './partition-worker.ts';
import { runScript } from './scripts.ts';

/** A dispatcher that was silent for longer is dead, and others take its partitions, ms. */
const LEASE_MS = 15_000;
/** How often leases are renewed, ms. */
const RENEW_MS = 3000;
/** How often outboxes are read, ms. */
const ROUND_MS = 200;
/** How often told rooms are compared with the store, ms. */
const COMPARE_MS = 15_000;
/** Tries of one endpoint at once, in this task. */
const TRIES_AT_ONCE = 32;

export interface DispatcherParts {
  readonly redis: RedisClient;
  readonly endpoints: Endpoints;
  readonly counters: Counters;
  readonly log: Logger;
  readonly deliver: (endpoint: Endpoint, event: Pick<RoomEvent, 'id' | 'body'>) => Promise<Outcome>;
}

export class Dispatcher implements AsyncDisposable {
  readonly health = new HealthRecord('down', 'not reached yet');
  readonly #name = `d-${randomUUID()}`;
  readonly #parts: DispatcherParts;
  readonly #workers = new Map<number, PartitionWorker>();
  readonly #tries = new Map<string, number>();
  #renewedAt = -Infinity;
  #comparedAt = 0;
  #ending: Promise<void> | undefined;
  #wake: () => void = () => {};
  readonly #running: Promise<void>;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
    this.#running = this.#run();
  }

  /** Partitions that this task works on. */
  get partitions(): number {
    return this.#workers.size;
  }

  async #run(): Promise<void> {
    while (!this.#ending) {
      try {
        await this.#round();
        if (this.health.state !== 'up') this.#parts.log.info({ event: 'hooks.back' }, 'Redis answers');
        this.health.become('up');
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (this.health.state === 'up') this.#parts.log.warn({ event: 'hooks.away', reason: message }, 'Redis is away');
        this.health.become('down', message);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ROUND_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async #round(): Promise<void> {
    const [seconds, micros] = await this.#parts.redis.time();
    const now = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
    if (performance.now() - this.#renewedAt >= RENEW_MS) await this.#renew(now);
    const isCompared = now - this.#comparedAt >= COMPARE_MS;
    if (isCompared) this.#comparedAt = now;
    await Promise.all([...this.#workers.values()].map((worker) => this.#work(worker, now, isCompared)));
  }

  async #work(worker: PartitionWorker, now: number, isCompared: boolean): Promise<void> {
    if (worker.isOver) return;
    while (await worker.fold(now));
    if (isCompared) await worker.findLost(now);
    await worker.deliver(now);
  }

  /** Says that this task lives, takes what falls to it, keeps what it has, gives back what falls to another. */
  async #renew(now: number): Promise<void> {
    const { redis } = this.#parts;
    await redis.zadd(keys.dispatchers, now, this.#name);
    await redis.zremrangebyscore(keys.dispatchers, '-inf', now - LEASE_MS);
    const live = (await redis.zrange(keys.dispatchers, '0', '-1')).sort();
    const mine = live.indexOf(this.#name);
    const falls = (partition: number) => partition % live.length === mine;
    await Promise.all(Array.from({ length: PARTITIONS }, (_, p) => (falls(p) ? this.#take(p) : this.#give(p))));
    this.#renewedAt = performance.now();
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
    if (fence !== 0) this.#workers.set(partition, new PartitionWorker(partition, lease, this.#workerParts()));
  }

  async #give(partition: number): Promise<void> {
    const worker = this.#workers.get(partition);
    if (!worker) return;
    this.#workers.delete(partition);
    await worker.end();
    await runScript(this.#parts.redis, 'release', [keys.lease(partition)], [worker.lease]);
  }

  #workerParts() {
    const of = (id: string) => this.#tries.get(id) ?? 0;
    return {
      ...this.#parts,
      admit: (id: string) => {
        if (of(id) >= TRIES_AT_ONCE) return false;
        this.#tries.set(id, of(id) + 1);
        return true;
      },
      done: (id: string) => void this.#tries.set(id, of(id) - 1),
    };
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
    const { redis } = this.#parts;
    await Promise.all([...this.#workers.keys()].map((partition) => this.#give(partition))).catch(() => {});
    await redis.zrem(keys.dispatchers, this.#name).catch(() => {});
  }
}
