/** Whether the backplane answers, which nodes live, and what is done when it comes back. */
import { UnavailableError } from '../backplane/types.ts';
import type { NodeContext } from './context.ts';

export interface MonitorHandlers {
  /** A batch arrived in this node's inbox. */
  onBatch(batch: Uint8Array): void;
  /** Writes what could not be written meanwhile, and compares every session with its record. @throws UnavailableError */
  recover(): Promise<void>;
  /** Every room may be stale. */
  onStale(): void;
  /** After each beat, once dead nodes can be told from a backplane that was away. */
  onLiveNodes(live: ReadonlySet<string>): Promise<void>;
}

export class BackplaneMonitor {
  readonly #context: NodeContext;
  readonly #handlers: MonitorHandlers;
  /** Since when `up`, without a break. */
  #upSince = 0;
  /** When the last beat that was answered was sent. */
  #beatAt = Infinity;
  #retired = false;
  #recovery: 'idle' | 'running' | 'again' = 'idle';
  constructor(context: NodeContext, handlers: MonitorHandlers) {
    this.#context = context;
    this.#handlers = handlers;
  }

  /** Opens the inbox and beats once. With an absent backplane it starts all the same and recovers by itself. */
  async start(): Promise<void> {
    const { clock, backplane, name } = this.#context;
    this.#upSince = clock.now();
    try {
      await backplane.start(name, {
        onBatch: (batch) => this.#handlers.onBatch(batch),
        onStale: (why) => this.#onStale(why),
      });
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      this.#context.up = false;
    }
    await this.beat();
  }

  /** Reports this node alive, and learns which others are. */
  async beat(): Promise<void> {
    if (this.#retired) return;
    const { clock, settings, events } = this.#context;
    const now = clock.now();
    const live = await this.#askLive();
    if (!live) return;
    this.#context.liveNodes = live;
    if (!this.#context.up) {
      this.#context.up = true;
      this.#upSince = now;
      events.log?.('info', 'backplane.back', {});
      // Not waited for: thousands of sessions to compare must not keep this node from reporting itself alive.
      this.#context.track(this.#recover());
    } else if (clock.now() - this.#beatAt > settings.nodeTimeout) {
      // The store was slow, and others took this node for dead: they have detached its sessions.
      this.#onStale('this node was silent');
    }
    this.#beatAt = now;
    if (this.mayJudge()) await this.#handlers.onLiveNodes(live);
  }

  async #askLive(): Promise<Set<string> | undefined> {
    const { backplane, settings, name, events } = this.#context;
    try {
      return new Set(await backplane.beat(settings.nodeTimeout)).add(name);
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      if (this.#context.up) events.log?.('warn', 'backplane.away', { reason: error.message });
      this.#context.up = false;
      return undefined;
    }
  }

  /** Others stop waiting for this node, which writes no more. */
  async retire(): Promise<void> {
    this.#retired = true;
    await this.#context.backplane.retire().catch(() => {});
  }

  /** After an outage all nodes look dead for a moment: judge only after a full timeout of own good health. */
  mayJudge(): boolean {
    const { up, clock, settings } = this.#context;
    return up && clock.now() - this.#upSince >= settings.nodeTimeout;
  }

  /** Is that node alive? Also when this one cannot judge. @throws UnavailableError */
  async isLive(node: string): Promise<boolean> {
    const { name, backplane, settings } = this.#context;
    return node === name || !this.mayJudge() || (await backplane.beat(settings.nodeTimeout)).includes(node);
  }

  /** Is that another node, which is alive? @throws UnavailableError */
  async isElsewhere(node: string): Promise<boolean> {
    return node !== this.#context.name && (await this.isLive(node));
  }

  #onStale(why: string): void {
    this.#context.events.log?.('warn', 'backplane.doubt', { why });
    this.#context.track(this.#recover());
  }

  async #recover(): Promise<void> {
    if (this.#recovery !== 'idle') {
      this.#recovery = 'again';
      return;
    }
    try {
      do {
        this.#recovery = 'running';
        await this.#handlers.recover();
      } while ((this.#recovery as string) === 'again');
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
    } finally {
      this.#recovery = 'idle';
    }
    this.#handlers.onStale();
  }
}
