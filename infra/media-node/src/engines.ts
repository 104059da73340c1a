/** The engines of one node: a dead one is started again, and its rooms go to one that lives. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Say } from '../../node-kit/retry.ts';
import type { Engine } from './engine.ts';

export interface EnginesOptions {
  /** Starts the engine of that index. @throws when it does not come up */
  readonly start: (index: number) => Promise<Engine>;
  readonly count: number;
  readonly say: Say;
  /** An engine has died. */
  readonly onLost: (engine: Engine) => void;
  /** An engine has started in place of a dead one. */
  readonly onReady: () => void;
  /** Pause before an engine that does not start is tried again, ms. Default 2000. */
  readonly retryMs?: number;
  /** Pause before the next one is started while another lives, ms. Default 2000. */
  readonly pauseMs?: number;
}

const RETRY_MS = 2000;
/** The people of a dead engine connect again within this time, and need the processor more than its successor does. */
const PAUSE_MS = 2000;

export class Engines implements AsyncDisposable {
  readonly #options: EnginesOptions;
  readonly #living = new Map<number, Engine>();
  readonly #stop = new AbortController();
  /** Ends a pause: the last engine is gone. */
  #hurry = new AbortController();
  /** Engines that died since the node began. */
  lost = 0;

  private constructor(options: EnginesOptions) {
    this.#options = options;
  }

  /** @throws when one of them does not come up */
  static async start(options: EnginesOptions): Promise<Engines> {
    const engines = new Engines(options);
    try {
      for (let index = 0; index < options.count; index++) await engines.#launch(index);
    } catch (error) {
      await engines[Symbol.asyncDispose]();
      throw error;
    }
    return engines;
  }

  get living(): readonly Engine[] {
    return [...this.#living.values()];
  }
  /** Legs open now. */
  get legs(): number {
    return this.living.reduce((sum, engine) => sum + engine.legs, 0);
  }
  /** @returns undefined while none lives */
  leastLoaded(): Engine | undefined {
    const [first, ...rest] = this.living;
    return rest.reduce((best, one) => (best && one.legs >= best.legs ? best : one), first);
  }

  async #launch(index: number): Promise<void> {
    const engine = await this.#options.start(index);
    if (this.#stop.signal.aborted) {
      await engine[Symbol.asyncDispose]();
      return;
    }
    this.#living.set(index, engine);
    void engine.ended.then(() => this.#died(index, engine));
  }

  async #died(index: number, engine: Engine): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#living.delete(index);
    this.lost++;
    this.#options.say('media.engine-died', { index });
    this.#options.onLost(engine);
    await this.#pause();
    while (!this.#stop.signal.aborted)
      try {
        await this.#launch(index);
        this.#options.onReady();
        return;
      } catch (error) {
        this.#options.say('media.retry', { what: 'engine', error: String(error) });
        await sleep(this.#options.retryMs ?? RETRY_MS, undefined, { signal: this.#stop.signal }).catch(() => {});
      }
  }

  async #pause(): Promise<void> {
    if (this.#living.size === 0) {
      this.#hurry.abort();
      this.#hurry = new AbortController();
      return;
    }
    const signal = AbortSignal.any([this.#hurry.signal, this.#stop.signal]);
    await sleep(this.#options.pauseMs ?? PAUSE_MS, undefined, { signal }).catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.living.map((engine) => engine[Symbol.asyncDispose]()));
    this.#living.clear();
  }
}
