/** The ladder of recovery of one leg: wait a little, ICE restart, new connection. */
import type { Clock } from './clock.ts';
import type { PairTimes } from './pair-types.ts';

/** What recovery needs of its pair. */
export interface RecoveryHost {
  readonly clock: Clock;
  readonly times: PairTimes;
  readonly polite: boolean;
  connection(): RTCPeerConnection;
  /** May signaling reach the peer now? Recovery waits for it. */
  reachable(): boolean;
  restart(): void;
  rebuild(): void;
}

/** The wait before a rebuild doubles so often: 8, 16, 32 s. */
const MAX_REBUILD_DOUBLINGS = 2;
/** The polite peer leaves a failed path to the other one for so many ms. */
const YIELD_MS = 400;

export class Recovery {
  readonly #host: RecoveryHost;
  #watchTimer: unknown;
  #rebuildTimer: unknown;
  /** Rebuilds without a connection since. */
  #rebuilds = 0;
  #bytes = -1;
  #closed = false;

  constructor(host: RecoveryHost) {
    this.#host = host;
  }

  close(): void {
    this.#closed = true;
    this.#host.clock.clearTimeout(this.#watchTimer);
    this.#host.clock.clearTimeout(this.#rebuildTimer);
  }

  connected(): void {
    this.#host.clock.clearTimeout(this.#watchTimer);
    this.#host.clock.clearTimeout(this.#rebuildTimer);
    this.#watchTimer = undefined;
    this.#rebuildTimer = undefined;
    this.#rebuilds = 0;
  }

  rebuilding(): void {
    this.#rebuilds++;
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

  /** Rebuild the pair when it is not connected in time. While signaling is away there is nothing to be done but wait. */
  expectRecovery(): void {
    if (this.#closed || this.#rebuildTimer !== undefined) return;
    const { clock, times, polite } = this.#host;
    // On a device or network that is only slow, rebuilding at a fixed pace would throw away each attempt's progress for ever.
    const wait = times.rebuild * (polite ? 1.5 : 1) * 2 ** Math.min(this.#rebuilds, MAX_REBUILD_DOUBLINGS);
    this.#rebuildTimer = clock.setTimeout(() => {
      this.#rebuildTimer = undefined;
      if (this.#closed || this.#host.connection().connectionState === 'connected') return;
      if (this.#host.reachable()) this.#host.rebuild();
      else this.expectRecovery();
    }, wait);
  }

  /** A description arrived: what it begins gets its full time. */
  progress(): void {
    if (this.#rebuildTimer === undefined) return;
    this.#host.clock.clearTimeout(this.#rebuildTimer);
    this.#rebuildTimer = undefined;
    this.expectRecovery();
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
