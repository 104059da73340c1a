/** One simulated person: joins, sends a numbered message a second to all others in the room, counts what arrives. */
import { SignalingError, SignalingSession } from '@tandem/rtc/session';
import { WebSocket } from 'ws';

/** What all peers of a run count into. */
export class LoadCounts {
  readonly setupMs: number[] = [];
  readonly delayMs: number[] = [];
  /** By code of the refusal. */
  readonly refusals = new Map<string, number>();
  sent = 0;
  received = 0;
  undelivered = 0;
  reconnects = 0;
  sessionsLost = 0;

  refused(code: string): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
  }
}

export interface LoadPeerOptions {
  readonly url: string;
  /** For the first connection. */
  readonly token: string;
  /** The next ones: tokens run out during a long test. */
  readonly mint: () => Promise<string>;
  readonly roomId: string;
  /** For the join, ms. */
  readonly timeoutMs: number;
  readonly counts: LoadCounts;
}

export class LoadPeer {
  readonly #options: LoadPeerOptions;
  readonly #session: SignalingSession;
  #wasOpen = false;
  isJoined = false;

  constructor(options: LoadPeerOptions) {
    const { url, token, mint, counts } = options;
    this.#options = options;
    this.#session = new SignalingSession({
      url: `${url.replace(/\/+$/, '')}/ws/signal`,
      getToken: async ({ refresh }) => (refresh ? mint() : token),
      WebSocket: WebSocket as never,
    });
    this.#session.on('state', ({ state }) => {
      if (state === 'reconnecting' && this.#wasOpen) counts.reconnects++;
      if (state === 'open') this.#wasOpen = true;
    });
    this.#session.on('session-lost', () => {
      counts.sessionsLost++;
    });
    this.#session.on('message', ({ data }) => {
      const at = (data as { at?: unknown } | null)?.at;
      if (typeof at !== 'number') return;
      counts.received++;
      counts.delayMs.push(performance.now() - at);
    });
    this.#session.on('undelivered', () => {
      counts.undelivered++;
    });
  }

  /** Never rejects: a refusal is counted. */
  async join(): Promise<void> {
    const { counts, roomId, timeoutMs } = this.#options;
    const since = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), timeoutMs);
    });
    try {
      if ((await Promise.race([this.#session.join(roomId), late])) === 'late') counts.refused('timeout');
      else {
        this.isJoined = true;
        counts.setupMs.push(performance.now() - since);
      }
    } catch (error) {
      counts.refused(error instanceof SignalingError ? error.code : 'failed');
    } finally {
      clearTimeout(timer);
    }
  }

  /** One message to each other person in the room. */
  say(): void {
    if (!this.isJoined) return;
    for (const peerId of this.#session.peers.keys()) {
      this.#options.counts.sent++;
      void this.#session.sendTo(peerId, 'message', { data: { at: performance.now() } });
    }
  }

  close(): void {
    this.#session.close();
  }
}
