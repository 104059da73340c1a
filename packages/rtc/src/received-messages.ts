/** The receiving end of the delivery: hands over each peer's messages in order and once, and sends cumulative receipts. */
import type { DeliveryOptions } from './delivery-types.ts';
import type { Frame } from './wire.ts';

/** Out-of-order messages kept per peer; more than the window of a well-behaved sender. */
const MAX_AHEAD = 256;

interface Incoming {
  /** Next id to hand over. */
  expected: number;
  ahead: Map<number, Frame>;
  receiptDue: boolean;
}

export class ReceivedMessages {
  readonly #host: Required<Pick<DeliveryOptions, 'clock' | 'send' | 'deliver' | 'receiptDelay'>>;
  readonly #peers = new Map<string, Incoming>();
  #timer: unknown;

  constructor(host: Required<Pick<DeliveryOptions, 'clock' | 'send' | 'deliver' | 'receiptDelay'>>) {
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
    if (incoming.expected <= 1) return;
    incoming.receiptDue = true;
    this.#timer ??= this.#host.clock.setTimeout(() => this.sendReceipts(), this.#host.receiptDelay);
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
    for (;;) {
      const frame = incoming.ahead.get(incoming.expected);
      if (!frame) return;
      incoming.ahead.delete(incoming.expected);
      incoming.expected++;
      this.#host.deliver(peerId, frame);
    }
  }

  #stopTimer(): void {
    this.#host.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
