/**
 * Chat, reactions and app data of a call: over the pair's data channel when it is open, else through signaling.
 * What must arrive (chat, data) is acknowledged, and repeated through signaling when the channel swallowed it; the
 * receiver drops what it has.
 */
import type { Clock } from './clock.ts';
import type { DeliveryResult } from './delivery-types.ts';
import { isPeerMessage, type PeerMessage, readPeerMessage } from './peer-input.ts';

/** Acknowledgements stay here. */
export type ReceivedMessage = Exclude<PeerMessage, { tandem: 'ack' }>;

export interface PeerMessagesHost {
  readonly clock: Clock;
  channel(peerId: string): RTCDataChannel | undefined;
  signal(peerId: string, message: PeerMessage): Promise<DeliveryResult>;
  received(peerId: string, message: ReceivedMessage): void;
}

const ACK_TIMEOUT = 3000;
/** Ids remembered of each peer, to drop what comes twice. */
const REMEMBERED = 512;

export class PeerMessages {
  readonly #host: PeerMessagesHost;
  readonly #waiting = new Map<string, { timer: unknown; done: (result: DeliveryResult) => void }>();
  readonly #seen = new Map<string, Set<string>>();

  constructor(host: PeerMessagesHost) {
    this.#host = host;
  }

  /**
   * To one peer. What is not acknowledged (`reaction`, `quality`, `want`, `ack`) counts as sent when the channel took it.
   * `quality`, `ack` and `file-state` only go over the channel: signaling is not for a stream of figures.
   */
  async send(peerId: string, message: PeerMessage): Promise<DeliveryResult> {
    const channel = this.#host.channel(peerId);
    const figures = message.tandem === 'quality' || message.tandem === 'ack' || message.tandem === 'file-state';
    if (channel?.readyState === 'open') {
      const acknowledged = 'id' in message && !figures ? this.#acknowledgement(peerId, message) : undefined;
      if (trySend(channel, message)) return acknowledged ?? { ok: true, confirmed: false };
      if ('id' in message) this.#acknowledged(peerId, message.id);
    }
    return figures ? { ok: false, reason: 'timeout' } : this.#host.signal(peerId, message);
  }

  /**
   * A message came in over the channel (text) or through signaling (object). False when it is not ours.
   * What is ours and cannot be used is dropped, and not acknowledged.
   */
  receive(peerId: string, raw: unknown): boolean {
    const message = readPeerMessage(raw, Date.now());
    if (!message) return isPeerMessage(raw);
    if (message.tandem === 'ack') {
      this.#acknowledged(peerId, message.id);
      return true;
    }
    // Parts of a file come by the hundred, in order, and share the id of their file.
    if ('id' in message && !message.tandem.startsWith('file')) {
      if (typeof raw === 'string') void this.send(peerId, { tandem: 'ack', id: message.id });
      if (this.#isRepeat(peerId, message.id)) return true;
    }
    this.#host.received(peerId, message);
    return true;
  }

  /** The peer left. */
  forget(peerId: string): void {
    this.#seen.delete(peerId);
  }

  #isRepeat(peerId: string, id: string): boolean {
    const seen = this.#seen.get(peerId) ?? new Set();
    this.#seen.set(peerId, seen);
    if (seen.has(id)) return true;
    seen.add(id);
    for (const old of seen) {
      if (seen.size <= REMEMBERED) break;
      seen.delete(old);
    }
    return false;
  }

  #acknowledgement(peerId: string, message: PeerMessage & { id: string }): Promise<DeliveryResult> {
    return new Promise((done) => {
      const key = `${peerId} ${message.id}`;
      const late = () => {
        this.#waiting.delete(key);
        void this.#host.signal(peerId, message).then(done);
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

function trySend(channel: RTCDataChannel, message: PeerMessage): boolean {
  try {
    channel.send(JSON.stringify(message));
    return true;
  } catch {
    return false;
  }
}
