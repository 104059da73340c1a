/**
 * Chat, reactions and app data of a call: over the pair's data channel when it is open, else through signaling, and to many by one message
 * to the whole room. What must arrive (chat, data) is acknowledged, and repeated through signaling to whom it did not reach; the
 * receiver drops what it has.
 */
import { type Clock, coalesced } from './clock.ts';
import type { DeliveryResult } from './delivery-types.ts';
import { isPeerMessage, isToRoom, MAX_ACKS, type PeerMessage, readPeerMessage } from './peer-input.ts';

/** Acknowledgements stay here. */
export type ReceivedMessage = Exclude<PeerMessage, { tandem: 'ack' | 'acks' }>;

export interface PeerMessagesHost {
  readonly clock: Clock;
  /** Who is in the call, by peer id. */
  readonly members: ReadonlyMap<string, unknown>;
  channel(peerId: string): RTCDataChannel | undefined;
  signal(peerId: string, message: PeerMessage): Promise<DeliveryResult>;
  /** One frame to a peer, or to everybody in the room; neither acknowledged nor repeated. False: not sent, or not possible in this call. */
  once(message: object, peerId?: string): boolean;
  received(peerId: string, message: ReceivedMessage): void;
}

const ACK_TIMEOUT = 3000;
/** Ids remembered of each peer, to drop what comes twice. */
const REMEMBERED = 512;
/** With this number of people without an open channel, as in the room of a media node, one message to the room takes the place of one to each. */
const MANY = 3;
/** Acknowledgements to one peer wait for more, ms: who sends without end gets few frames of mine. */
const ACKS_MS = 100;

export class PeerMessages {
  readonly #host: PeerMessagesHost;
  readonly #waiting = new Map<string, { timer: unknown; done: (result: DeliveryResult) => void }>();
  readonly #seen = new Map<string, Set<string>>();
  /** To acknowledge, by who sent it to the room. */
  readonly #unacknowledged = new Map<string, string[]>();
  readonly #acknowledgeSoon: () => void;

  constructor(host: PeerMessagesHost) {
    this.#host = host;
    this.#acknowledgeSoon = coalesced(host.clock, ACKS_MS, () => {
      for (const [peerId, ids] of this.#unacknowledged) host.once({ tandem: 'acks', ids }, peerId);
      this.#unacknowledged.clear();
    });
  }

  /** To all of them, who are everybody in the call. */
  async sendToAll(peerIds: readonly string[], message: PeerMessage): Promise<ReadonlyMap<string, DeliveryResult>> {
    const apart = peerIds.filter((id) => this.#host.channel(id)?.readyState !== 'open');
    const told = apart.length >= MANY && this.#host.once({ ...message, room: true });
    const result = (id: string): DeliveryResult | Promise<DeliveryResult> => {
      if (!told) return this.send(id, message);
      return 'id' in message ? this.#acknowledgement(id, message) : { ok: true, confirmed: false };
    };
    return new Map(await Promise.all(peerIds.map(async (id) => [id, await result(id)] as const)));
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
    // Who it is may come later than what goes to the whole room: not acknowledged, it comes again.
    if (!message || !this.#host.members.has(peerId)) return isPeerMessage(raw);
    if (message.tandem === 'ack' || message.tandem === 'acks') {
      for (const id of message.tandem === 'ack' ? [message.id] : message.ids) this.#acknowledged(peerId, id);
      return true;
    }
    // Parts of a file come by the hundred, in order, and share the id of their file.
    if ('id' in message && !message.tandem.startsWith('file')) {
      if (typeof raw === 'string') void this.send(peerId, { tandem: 'ack', id: message.id });
      else if (isToRoom(raw)) this.#acknowledge(peerId, message.id);
      if (this.#isRepeat(peerId, message.id)) return true;
    }
    this.#host.received(peerId, message);
    return true;
  }

  /** The peer left. */
  forget(peerId: string): void {
    this.#seen.delete(peerId);
    this.#unacknowledged.delete(peerId);
  }

  #acknowledge(peerId: string, id: string): void {
    const ids = this.#unacknowledged.get(peerId) ?? [];
    this.#unacknowledged.set(peerId, ids);
    // What is not acknowledged comes again, to me alone.
    if (ids.length < MAX_ACKS) ids.push(id);
    this.#acknowledgeSoon();
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
    this.#unacknowledged.clear();
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
