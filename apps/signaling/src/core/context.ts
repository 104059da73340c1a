/** What every part of a node shares: its name, clock, store, settings and counters. Holds no sessions and no rooms. */
import { type Backplane, UnavailableError } from '../backplane/types.ts';
import type { Clock } from './clock.ts';
import { RefusalError } from './errors.ts';
import { type Counters, type NodeEvents, newCounters } from './events.ts';
import type { CoreSettings } from './settings.ts';

export interface ContextOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly backplane: Backplane;
  readonly settings: CoreSettings;
  readonly events: NodeEvents;
}

export class NodeContext {
  readonly name: string;
  readonly clock: Clock;
  readonly backplane: Backplane;
  readonly settings: CoreSettings;
  readonly events: NodeEvents;
  readonly counters: Counters = newCounters();
  /** The backplane answers. Written by the backplane monitor. */
  up = true;
  /** Nodes that reported themselves alive within `nodeTimeout`. Written by the backplane monitor. */
  liveNodes: ReadonlySet<string> = new Set();
  readonly #work = new Set<Promise<unknown>>();

  constructor({ name, clock, backplane, settings, events }: ContextOptions) {
    this.name = name;
    this.clock = clock;
    this.backplane = backplane;
    this.settings = settings;
    this.events = events;
  }

  /** Background work that a drain waits for. Its failure is logged. */
  track(work: Promise<unknown>): void {
    const done = work
      .catch((error: unknown) => this.events.log?.('error', 'work.failed', { err: error }))
      .finally(() => this.#work.delete(done));
    this.#work.add(done);
  }

  /** Resolves when all tracked work has ended. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.allSettled([...this.#work]);
  }

  /** The refusal of a request that needs the backplane while that is away. */
  unavailable(): RefusalError {
    return new RefusalError('unavailable', 'The room store is away; try again.', {
      retryAfter: this.settings.retryAfter,
    });
  }

  /** Runs a change that needs the backplane. @throws RefusalError `unavailable` */
  async carry<T>(work: () => Promise<T>): Promise<T> {
    if (!this.up) throw this.unavailable();
    try {
      return await work();
    } catch (error) {
      throw error instanceof UnavailableError ? this.unavailable() : error;
    }
  }
}
