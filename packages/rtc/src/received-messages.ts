/** The receiving end of the delivery: hands over each peer's messages in order and once, when it is in view, and sends cumulative receipts. */
import type { DeliveryOptions } from './delivery-types.ts';
import type { Frame } from './wire.ts';

/** Out-of-order messages kept per peer; more than the window of a well-behaved sender. */
const MAX_AHEAD = 256;
/** UTF-16 units kept of messages of peers that are not in view yet. What is more is repeated by its sender, which has no receipt of it. */
const MAX_EARLY = 512 * 1024;
/** How long they are kept, ms. */
const EARLY_MS = 10_000;

type Host = Required<Pick<DeliveryOptions, 'clock' | 'send' | 'deliver' | 'receiptDelay' | 'peer'>>;

interface Incoming {
  /** Next id to hand over. */
  expected: number;
  ahead: Map<number, Frame>;
  receiptDue: boolean;
}

export class ReceivedMessages {
  readonly #host: Host;
  readonly #peers = new Map<string, Incoming>();
  #timer: unknown;
  /** UTF-16 units that came of peers that are not in view, since they were last dropped. */
  #early = 0;
  #earlyTimer: unknown;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Peers with state. */
  get peers(): number {
    return this.#peers.size;
  }

  /** A message with a number came in. */
  take(peerId: string, id: number, frame: Frame): void {
    const base = typeof frame.base === 'number' ? Math.min(frame.base, id) : 1;
    let incoming = this.#peers.get(peerId);
    if (!incoming) {
      incoming = { expected: base, ahead: new Map(), receiptDue: false };
      this.#peers.set(peerId, incoming);
    }
    if (base > incoming.expected) {
      // The sender gave up on what lies between; it was reported there.
      for (const ahead of incoming.ahead.keys()) if (ahead < base) incoming.ahead.delete(ahead);
      incoming.expected = base;
    }
    if (id >= incoming.expected && incoming.ahead.size < MAX_AHEAD) incoming.ahead.set(id, frame);
    this.#handOver(peerId, incoming);
    if (!incoming.ahead.has(id) || this.#host.peer(peerId)) return;
    this.#early += JSON.stringify(frame).length;
    if (this.#early > MAX_EARLY) incoming.ahead.delete(id);
    this.#earlyTimer ??= this.#host.clock.setTimeout(() => this.#dropEarly(), EARLY_MS);
  }

  /** The peer is in view: what it said before that is handed over. */
  peerJoined(peerId: string): void {
    const incoming = this.#peers.get(peerId);
    if (incoming?.ahead.size) this.#handOver(peerId, incoming);
  }

  /** The peer is gone for good: what waits for earlier messages will not be handed over. */
  peerLeft(peerId: string): void {
    const incoming = this.#peers.get(peerId);
    incoming?.ahead.clear();
    if (incoming) incoming.receiptDue = false;
  }

  /** I left the room: no receipt reaches its sender. */
  leftRoom(): void {
    for (const incoming of this.#peers.values()) incoming.receiptDue = false;
  }

  /** My session is over: every sender begins with id 1 again. */
  reset(): void {
    this.#peers.clear();
    this.#dropEarly();
    this.#stopTimer();
  }

  /** Sends the receipts that are due now instead of in a moment. */
  sendReceipts(): void {
    this.#stopTimer();
    for (const [peerId, incoming] of this.#peers) {
      if (!incoming.receiptDue) continue;
      if (this.#host.send({ type: 'receipt', peerId, id: incoming.expected - 1 })) incoming.receiptDue = false;
    }
  }

  /** Bound what a long-lived session remembers of peers that came and went: this many. */
  forget(bound: number): void {
    for (const [peerId, incoming] of this.#peers) {
      if (this.#peers.size <= bound) break;
      if (!incoming.receiptDue) this.#peers.delete(peerId);
    }
  }

  #handOver(peerId: string, incoming: Incoming): void {
    const { clock, deliver, peer, receiptDelay } = this.#host;
    for (;;) {
      const frame = incoming.ahead.get(incoming.expected);
      // Who it is comes another way, and may come later. Without that the message means nothing, and where it is sealed it is not opened.
      if (!frame || (frame.type === 'message' && !peer(peerId))) break;
      incoming.ahead.delete(incoming.expected);
      incoming.expected++;
      deliver(peerId, frame);
    }
    if (incoming.expected <= 1) return;
    incoming.receiptDue = true;
    this.#timer ??= clock.setTimeout(() => this.sendReceipts(), receiptDelay);
  }

  #dropEarly(): void {
    this.#host.clock.clearTimeout(this.#earlyTimer);
    this.#earlyTimer = undefined;
    this.#early = 0;
    for (const [peerId, { ahead }] of this.#peers) if (!this.#host.peer(peerId)) ahead.clear();
  }

  #stopTimer(): void {
    this.#host.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
