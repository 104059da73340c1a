/** The nodes behind one route: who lives, who drains, how many requests each has open. */
import { setTimeout } from 'node:timers/promises';
import type { DependencyHealth } from '@tandem/service';

export interface Target {
  readonly url: URL;
  live: boolean;
  /** Readiness says so: keeps what it has, gets nothing new. */
  draining: boolean;
  ready: boolean;
  /** Requests and sockets that go through it now. */
  open: number;
  misses: number;
  /** What its readiness said of each thing it needs. */
  dependencies: Readonly<Record<string, DependencySummary>>;
}

/** Without `detail`: the edge tells it to everybody. */
export type DependencySummary = Omit<DependencyHealth, 'detail'>;

export interface TargetPoolOptions {
  readonly livePath: string;
  readonly readyPath: string;
  /** Between two checks, ms. Default 1000. */
  readonly intervalMs?: number;
  /** A check without an answer after this time is a miss, ms. Default 2000. Two misses in a row mean dead. */
  readonly timeoutMs?: number;
}

/** Least-outstanding choice among targets that are checked on liveness; readiness only keeps new work off a drain. */
export class TargetPool implements AsyncDisposable {
  readonly targets: readonly Target[];
  readonly #options: TargetPoolOptions;
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;

  /** @throws TypeError when an address is no URL */
  constructor(urls: readonly string[], options: TargetPoolOptions) {
    this.#options = options;
    this.targets = urls.map((url) => ({
      url: new URL(url),
      live: false,
      draining: false,
      ready: false,
      open: 0,
      misses: 0,
      dependencies: {},
    }));
    this.#loop = this.#run();
  }

  /** All targets, the best first. The tail (draining, then dead) is there because trying beats refusing. */
  candidates(): Target[] {
    const rank = (t: Target) => (!t.live ? 3 : t.draining ? 2 : t.ready ? 0 : 1);
    return [...this.targets].sort((a, b) => rank(a) - rank(b) || a.open - b.open);
  }

  /** One round of checks. */
  async check(): Promise<void> {
    await Promise.all(this.targets.map((t) => this.#checkOne(t)));
  }

  async #checkOne(target: Target): Promise<void> {
    const get = (path: string) =>
      fetch(new URL(path, target.url), {
        signal: AbortSignal.any([AbortSignal.timeout(this.#options.timeoutMs ?? 2000), this.#stop.signal]),
      });
    try {
      const live = await get(this.#options.livePath);
      await live.body?.cancel();
      if (!live.ok) throw new Error(`liveness ${live.status}`);
      const ready = await get(this.#options.readyPath);
      const body = (await ready.json().catch(() => ({}))) as {
        status?: string;
        dependencies?: Record<string, DependencyHealth>;
      };
      const dependencies = Object.fromEntries(
        Object.entries(body.dependencies ?? {}).map(([name, { detail: _, ...told }]) => [name, told]),
      );
      const draining = body.status === 'draining';
      Object.assign(target, { live: true, misses: 0, ready: ready.ok, draining, dependencies });
    } catch {
      target.misses += 1;
      if (target.misses >= 2) Object.assign(target, { live: false, ready: false, draining: false, dependencies: {} });
    }
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.check();
      await setTimeout(this.#options.intervalMs ?? 1000, undefined, { signal: this.#stop.signal }).catch(
        () => undefined,
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }
}
