/**
 * Chat, reactions and app data of a call: over the pair's data channel when it is open, else through signaling.
 * What must arrive (chat, data) is acknowledged, and repeated through signaling when the channel swallowed it; the
 * receiver drops what it has.
 */
import type { Clock } from './clock.ts';
import type { DeliveryResult } from './delivery.ts';

/** On the data channel and inside app messages alike. */
export type Talk =
  | { tandem: 'chat'; id: string; text: string; at: number }
  | { tandem: 'reaction'; emoji: string }
  | { tandem: 'data'; id: string; data: unknown }
  | { tandem: 'quality'; view: unknown }
  | { tandem: 'ack'; id: string };

export interface TalkHost {
  readonly clock: Clock;
  channel(peerId: string): RTCDataChannel | undefined;
  signal(peerId: string, talk: Talk): Promise<DeliveryResult>;
  received(peerId: string, talk: Talk): void;
}

const ACK_TIMEOUT = 3000;
const REMEMBERED = 512;

export class TalkLine {
  readonly #host: TalkHost;
  readonly #waiting = new Map<string, { timer: unknown; done: (result: DeliveryResult) => void }>();
  readonly #seen = new Set<string>();

  constructor(host: TalkHost) {
    this.#host = host;
  }

  /**
   * To one peer. What is not acknowledged (`reaction`, `quality`, `ack`) counts as sent when the channel took it.
   * `quality` and `ack` only go over the channel: signaling is not for a stream of figures.
   */
  async send(peerId: string, talk: Talk): Promise<DeliveryResult> {
    const channel = this.#host.channel(peerId);
    const figures = talk.tandem === 'quality' || talk.tandem === 'ack';
    if (channel?.readyState === 'open') {
      const acknowledged = 'id' in talk && !figures ? this.#acknowledgement(peerId, talk) : undefined;
      if (trySend(channel, talk)) return acknowledged ?? { ok: true, confirmed: false };
      if ('id' in talk) this.#acknowledged(peerId, talk.id);
    }
    return figures ? { ok: false, reason: 'timeout' } : this.#host.signal(peerId, talk);
  }

  /** A message came in over the channel (text) or through signaling (object). False when it is not ours. */
  receive(peerId: string, message: unknown): boolean {
    const talk = parse(message);
    if (!talk) return false;
    if (talk.tandem === 'ack') {
      this.#acknowledged(peerId, talk.id);
      return true;
    }
    if ('id' in talk) {
      if (typeof message === 'string') void this.send(peerId, { tandem: 'ack', id: talk.id });
      const key = `${peerId} ${talk.id}`;
      if (this.#seen.has(key)) return true;
      this.#seen.add(key);
      for (const old of this.#seen) {
        if (this.#seen.size <= REMEMBERED) break;
        this.#seen.delete(old);
      }
    }
    this.#host.received(peerId, talk);
    return true;
  }

  #acknowledgement(peerId: string, talk: Talk & { id: string }): Promise<DeliveryResult> {
    return new Promise((done) => {
      const key = `${peerId} ${talk.id}`;
      const late = () => {
        this.#waiting.delete(key);
        void this.#host.signal(peerId, talk).then(done);
      };
      this.#waiting.set(key, { timer: this.#host.clock.setTimeout(late, ACK_TIMEOUT), done });
    });
  }

  #acknowledged(peerId: string, id: string): void {
    const key = `${peerId} ${id}`;
    const waiting = this.#waiting.get(key);
    if (!waiting) return;
    this.#host.clock.clearTimeout(waiting.timer);
    this.#waiting.delete(key);
    waiting.done({ ok: true, confirmed: true });
  }

  close(): void {
    for (const { timer, done } of this.#waiting.values()) {
      this.#host.clock.clearTimeout(timer);
      done({ ok: false, reason: 'closed' });
    }
    this.#waiting.clear();
  }
}

function trySend(channel: RTCDataChannel, talk: Talk): boolean {
  try {
    channel.send(JSON.stringify(talk));
    return true;
  } catch {
    return false;
  }
}

function parse(message: unknown): Talk | undefined {
  try {
    const talk = (typeof message === 'string' ? JSON.parse(message) : message) as Talk | null;
    if (typeof talk !== 'object' || talk === null || typeof talk.tandem !== 'string') return undefined;
    return talk;
  } catch {
    return undefined;
  }
}
