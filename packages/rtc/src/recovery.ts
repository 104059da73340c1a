/** The ladder of recovery of one leg: wait a little, ICE restart, new connection. */
import type { Clock } from './clock.ts';
import { isSearching } from './ice-restart.ts';
import type { Pace } from './pace.ts';
import type { PairTimes } from './pair-types.ts';

/** What recovery needs of its pair. */
export interface RecoveryHost {
  readonly clock: Clock;
  readonly times: PairTimes;
  readonly polite: boolean;
  /** Of all pairs of the call. */
  readonly pace: Pace;
  connection(): RTCPeerConnection;
  /** May signaling reach the peer now? Recovery waits for it. */
  reachable(): boolean;
  restart(): void;
  rebuild(): void;
}

/** How often the wait before a rebuild doubles: 8, 16, 32 s. */
const MAX_REBUILD_DOUBLINGS = 2;
/** How long the polite peer leaves a failed path to the other one, ms. */
const YIELD_MS = 400;

export class Recovery {
  readonly #host: RecoveryHost;
  #watchTimer: unknown;
  #rebuildTimer: unknown;
  #searchTimer: unknown;
  /** Rebuilds without a connection since. */
  #rebuilds = 0;
  /** When the step that is waited for began, of a new connection and while signaling reached the peer. */
  #since: number | undefined;
  #bytes = -1;
  /** The present connection refused a description. */
  #refused = false;
  #closed = false;

  constructor(host: RecoveryHost) {
    this.#host = host;
  }

  close(): void {
    this.#closed = true;
    this.#host.clock.clearTimeout(this.#watchTimer);
    this.#host.clock.clearTimeout(this.#rebuildTimer);
    this.#host.clock.clearTimeout(this.#searchTimer);
  }

  connected(): void {
    this.#step();
    this.#host.clock.clearTimeout(this.#watchTimer);
    this.#watchTimer = undefined;
    this.#rebuilds = 0;
    if (this.#whole()) this.#stopRebuild();
  }

  /** There is a new connection. */
  replaced(): void {
    this.#refused = false;
  }

  rebuilding(): void {
    this.#rebuilds++;
    this.#stopRebuild();
  }

  /** The impolite peer restarts at once; the polite one gives it a moment, so that they seldom collide. */
  failed(): void {
    if (!this.#host.reachable()) return;
    if (!this.#host.polite) {
      this.#host.restart();
      return;
    }
    const pc = this.#host.connection();
    const before = pc.remoteDescription?.sdp;
    this.#host.clock.setTimeout(() => {
      if (this.#gone(pc) || pc.connectionState === 'connected') return;
      if (pc.remoteDescription?.sdp === before) this.#host.restart();
    }, YIELD_MS);
  }

  /** `disconnected` often heals by itself: restart only when nothing came in for a while either. */
  disconnected(): void {
    if (this.#watchTimer !== undefined) return;
    const pc = this.#host.connection();
    void received(pc).then((bytes) => {
      this.#bytes = bytes;
    });
    const over = () => this.#gone(pc) || pc.iceConnectionState !== 'disconnected';
    this.#watchTimer = this.#host.clock.setTimeout(() => {
      this.#watchTimer = undefined;
      if (over()) return;
      void received(pc).then((bytes) => {
        if (over()) return;
        if (bytes > this.#bytes) this.disconnected();
        else this.failed();
      });
    }, this.#host.times.disconnected);
  }

  /** Rebuild the pair when it is not whole in time. While signaling is away there is nothing to be done but wait. */
  expectRecovery(): void {
    if (this.#closed || this.#rebuildTimer !== undefined) return;
    const { clock, times, polite, pace } = this.#host;
    // A path that is lost for a while says nothing about how fast connections come up.
    const begins = ['new', 'connecting'].includes(this.#host.connection().connectionState);
    if (begins) this.#since ??= clock.now();
    // On a device or network that is only slow, rebuilding at a fixed pace would throw away each attempt's progress for ever.
    // The polite peer waits longer, so that both seldom rebuild at once; an answer is awaited by one side only.
    const patience = polite && this.#host.connection().signalingState === 'stable' ? 1.5 : 1;
    const wait = pace.patience(times.rebuild) * patience * 2 ** Math.min(this.#rebuilds, MAX_REBUILD_DOUBLINGS);
    this.#rebuildTimer = clock.setTimeout(() => {
      this.#rebuildTimer = undefined;
      if (this.#closed || this.#whole()) return;
      if (this.#host.reachable()) {
        this.#host.rebuild();
        return;
      }
      this.expectRecovery();
      this.#since = undefined;
    }, wait);
  }

  /** A description was applied, or ICE moved on: what that begins gets its full time. */
  progress(): void {
    if (this.#rebuildTimer === undefined) return;
    this.#step();
    this.#stopRebuild();
    if (!this.#whole()) this.expectRecovery();
  }

  /** A connection that stands looks for a new path. While it does the browser may show the old one, over which nothing comes any more. */
  searching(): void {
    const { clock, times } = this.#host;
    const pc = this.#host.connection();
    clock.clearTimeout(this.#searchTimer);
    // What does not stand is rebuilt by `expectRecovery`, ever more slowly.
    if (pc.connectionState !== 'connected') return;
    this.#searchTimer = clock.setTimeout(() => {
      void isSearching(pc).then((still) => {
        if (!still || this.#gone(pc)) return;
        if (this.#host.reachable()) this.#host.rebuild();
        else this.searching();
      });
    }, times.rebuild);
  }

  /** A description was refused: only a new connection on both sides clears that up. At once, but not again and again. */
  refused(): void {
    if (this.#closed) return;
    this.#refused = true;
    if (this.#rebuilds === 0 && this.#host.reachable()) this.#host.rebuild();
    else this.expectRecovery();
  }

  /** Nothing is to be done: media can flow, no offer waits for its answer, no description was refused. */
  #whole(): boolean {
    const { connectionState, signalingState } = this.#host.connection();
    return connectionState === 'connected' && signalingState === 'stable' && !this.#refused;
  }

  #step(): void {
    if (this.#since !== undefined) this.#host.pace.step(this.#host.clock.now() - this.#since);
    this.#since = undefined;
  }

  #stopRebuild(): void {
    this.#since = undefined;
    this.#host.clock.clearTimeout(this.#rebuildTimer);
    this.#rebuildTimer = undefined;
  }

  #gone(pc: RTCPeerConnection): boolean {
    return this.#closed || pc !== this.#host.connection();
  }
}

async function received(pc: RTCPeerConnection): Promise<number> {
  let bytes = 0;
  const report = await pc.getStats().catch(() => undefined);
  report?.forEach((s: { type: string; bytesReceived?: number }) => {
    if (s.type === 'transport') bytes += s.bytesReceived ?? 0;
  });
  return bytes;
}
