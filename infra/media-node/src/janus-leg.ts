/** What a publishing and a receiving handle have in common: candidates in order, the life of the transport, one end. */
import { type Candidate, EngineError, type LegEvents } from './engine.ts';
import type { HandleEvents, JanusClient, JanusHandle, PluginAnswer } from './janus-client.ts';

type State = 'new' | 'open' | 'closed';

export abstract class JanusLeg {
  readonly #events: LegEvents;
  readonly #ended: () => void;
  readonly #over = Promise.withResolvers<void>();
  #state: State = 'new';
  #handle: JanusHandle | undefined;
  /** The engine's candidates overtake its description: they wait until the client has that. */
  #early: (Candidate | null)[] | undefined = [];

  constructor(events: LegEvents, ended: () => void) {
    this.#events = events;
    this.#ended = ended;
  }

  protected get closed(): boolean {
    return this.#state === 'closed';
  }
  /** @throws EngineError when the leg is closed or was never opened */
  protected get handle(): JanusHandle {
    if (!this.#handle || this.#state !== 'open') throw new EngineError('gone', 'the leg is closed');
    return this.#handle;
  }

  /** Settles when the leg has ended, or after that time. */
  protected async waitForEnd(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([promise, this.#over.promise]);
    clearTimeout(timer);
  }

  protected async attach(client: JanusClient, plugin: string): Promise<void> {
    const events: HandleEvents = {
      onFrame: (frame) => this.#frame(frame),
      onPlugin: (answer) => {
        if (!this.closed) this.plugin(answer);
      },
    };
    const handle = await client.attach(plugin, events);
    // Closed while the answer was on its way.
    if (this.closed) {
      await handle.detach();
      throw new EngineError('gone', 'the leg is closed');
    }
    this.#handle = handle;
    this.#state = 'open';
  }

  /** A description is about to be asked for: hold the candidates that come with it. */
  protected holdCandidates(): void {
    this.#early ??= [];
  }
  /** The client has the description. */
  protected releaseCandidates(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const candidate of early) if (!this.closed) this.#events.onCandidate(candidate);
  }

  candidate(candidate: Candidate | null): void {
    if (this.#state === 'open') this.#handle?.trickle(candidate);
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.#state = 'closed';
    this.#over.resolve();
    this.#ended();
    await this.#handle?.detach();
  }

  /** The engine has given it up. */
  lost(reason: string): void {
    if (this.closed) return;
    void this.close();
    this.#events.onLost(reason);
  }

  protected abstract plugin(answer: PluginAnswer): void;
  /** The transport is up. */
  protected up(): void {}
  /** Packets of pictures that were lost in the last second, on the way to a client that sends none. */
  protected slow(_lost: number): void {}
  /** Packets of a section come, or have not come for some time (`no_media_timer`). */
  protected media(_mid: string, _isReceived: boolean): void {}

  #frame(frame: Parameters<HandleEvents['onFrame']>[0]): void {
    if (this.closed) return;
    switch (frame.janus) {
      case 'trickle': {
        const read = readCandidate(frame.candidate);
        if (read === undefined) return;
        if (this.#early) this.#early.push(read);
        else this.#events.onCandidate(read);
        return;
      }
      case 'webrtcup':
        this.up();
        this.#events.onLive();
        return;
      case 'hangup':
        this.lost(String(frame.reason ?? 'hangup'));
        return;
      case 'detached':
        this.lost('detached');
        return;
      case 'slowlink':
        if (frame.media === 'video') this.slow(Number(frame.lost));
        return;
      case 'media':
        this.media(String(frame.mid), frame.receiving === true);
        return;
      // `timeout` and what later versions add.
      default:
    }
  }
}

function readCandidate(value: unknown): Candidate | null | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { completed, candidate, sdpMid, sdpMLineIndex } = value as Partial<Candidate> & { completed?: boolean };
  if (completed) return null;
  if (typeof candidate !== 'string') return undefined;
  return { candidate, sdpMid: sdpMid ?? null, sdpMLineIndex: sdpMLineIndex ?? null };
}
