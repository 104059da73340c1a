/**
 * End-to-end delivery between two sessions: ordered, exactly once, over a relay that may lose, repeat and reorder.
 *
 * Per addressee the sender counts `id` up from 1 for as long as its own session lives, and repeats what was not
 * acknowledged: when its socket resumes, when the peer comes back, and by a timer that backs off. The receiver hands over
 * in order, drops what it has seen, and answers with cumulative receipts. `base` on each message is the lowest id that the
 * sender may still deliver: whatever lies below was acknowledged or was reported failed, so a receiver never waits for it.
 * Every message ends in exactly one result: confirmed by the peer, or failed with a reason. Pure: no socket, no globals.
 */
import type { DeliveryFailure, DeliveryOptions, DeliveryResult } from './delivery-types.ts';
import { ReceivedMessages } from './received-messages.ts';
import type { DirectedType, Frame } from './wire.ts';

interface Entry {
  readonly id: number;
  readonly frame: Frame & { type: DirectedType };
  readonly since: number;
  sent: boolean;
  readonly done: (result: DeliveryResult) => void;
}

interface Outgoing {
  next: number;
  pending: Entry[];
  tries: number;
  timer: unknown;
  away: boolean;
}

/** Peers that left are forgotten beyond this many. */
const MAX_REMEMBERED = 1024;
const AWAY_RESEND = 15_000;
const OURS = { metadata: { delivery: 1 } };

export class Delivery {
  readonly #o: Required<Omit<DeliveryOptions, 'failed'>> & DeliveryOptions;
  readonly #out = new Map<string, Outgoing>();
  readonly #received: ReceivedMessages;
  #connected = false;
  /** Ids of peers forgotten stay below this, so that a peer remembered by the other side is never confused. */
  #floor = 1;

  constructor(options: DeliveryOptions) {
    this.#o = {
      resendAfter: 1000,
      maxResend: 8000,
      timeout: 90_000,
      window: 32,
      maxPending: 512,
      receiptDelay: 20,
      resend: true,
      peer: () => OURS,
      ...options,
    };
    this.#received = new ReceivedMessages(this.#o);
  }

  /** Messages not yet confirmed or failed, for diagnostics. */
  get pending(): number {
    let n = 0;
    for (const out of this.#out.values()) n += out.pending.length;
    return n;
  }

  /** Peers with state, for leak checks. */
  get remembered(): number {
    return Math.max(this.#out.size, this.#received.peers);
  }

  /** Send to one peer. The promise always resolves. */
  send(peerId: string, type: DirectedType, body: object): Promise<DeliveryResult> {
    return new Promise((done) => {
      // One that is not in view yet is taken for one of ours: its metadata has not arrived.
      if ((this.#o.peer(peerId) ?? OURS).metadata?.delivery !== 1) {
        const ok = this.#o.send({ type, peerId, ...body });
        done(ok ? { ok, confirmed: false } : this.#fail(peerId, type, 'timeout'));
        return;
      }
      const out = this.#outgoing(peerId);
      if (out.pending.length >= this.#o.maxPending) {
        done(this.#fail(peerId, type, 'overflow'));
        return;
      }
      const id = out.next++;
      out.pending.push({ id, frame: { type, peerId, id, ...body }, since: this.#o.clock.now(), sent: false, done });
      this.#pump(peerId, out);
    });
  }

  /** A relayed frame came in. Frames without a usable `id` are handed over as they are. */
  receive(frame: Frame): void {
    const peerId = frame.peerId;
    if (typeof peerId !== 'string') return;
    const id = frame.id;
    const numbered = typeof id === 'number' && Number.isSafeInteger(id) && id >= 1;
    if (frame.type === 'receipt') {
      if (numbered) this.#acknowledged(peerId, id);
      return;
    }
    if (!numbered) {
      this.#o.deliver(peerId, frame);
      return;
    }
    this.#received.take(peerId, id, frame);
  }

  /** The socket stands (again), or is gone. Standing means: repeat everything that was not acknowledged. */
  setConnected(connected: boolean): void {
    this.#connected = connected;
    for (const [peerId, out] of this.#out) {
      this.#stopTimer(out);
      if (connected) this.#repeat(peerId, out);
    }
    if (connected) this.#received.sendReceipts();
  }

  /** The peer lost its socket: its mailbox gets each message once, repeats wait for its return. */
  peerAway(peerId: string): void {
    const out = this.#out.get(peerId);
    if (!out) return;
    out.away = true;
    this.#arm(peerId, out);
  }

  /** The peer resumed: repeat to it what it did not acknowledge. */
  peerBack(peerId: string): void {
    const out = this.#out.get(peerId);
    if (!out) return;
    out.away = false;
    this.#repeat(peerId, out);
  }

  /** The peer is in view: what it said before that is handed over. */
  peerJoined(peerId: string): void {
    this.#received.peerJoined(peerId);
  }

  /** The peer is gone for good: what is pending to it has failed. */
  peerLeft(peerId: string): void {
    const out = this.#out.get(peerId);
    if (out) this.#failAll(peerId, out, 'peer-left');
    this.#received.peerLeft(peerId);
    this.#forget();
  }

  /** The server refused one message for good (forbidden, too large). Later ones go on. */
  refused(peerId: string, id: number): void {
    const out = this.#out.get(peerId);
    const at = out?.pending.findIndex((e) => e.id === id) ?? -1;
    const entry = out?.pending[at];
    if (!out || !entry) return;
    out.pending.splice(at, 1);
    entry.done(this.#fail(peerId, entry.frame.type, 'refused'));
    // The receiver waits for that id: the next transmission carries the `base` that tells it not to.
    this.#repeat(peerId, out);
  }

  /** I left the room: nothing that is pending can arrive any more. */
  leftRoom(): void {
    for (const [peerId, out] of this.#out) this.#failAll(peerId, out, 'left-room');
    this.#received.leftRoom();
    this.#forget();
  }

  /** Sends the receipts that are due now instead of in a moment. */
  sendReceipts(): void {
    this.#received.sendReceipts();
  }

  /** My session is over: the next one is somebody else, with ids from 1. */
  reset(reason: DeliveryFailure): void {
    for (const [peerId, out] of this.#out) this.#failAll(peerId, out, reason);
    this.#out.clear();
    this.#received.reset();
    this.#floor = 1;
    this.#connected = false;
  }

  #outgoing(peerId: string): Outgoing {
    let out = this.#out.get(peerId);
    if (!out) {
      out = { next: this.#floor, pending: [], tries: 0, timer: undefined, away: false };
      this.#out.set(peerId, out);
    }
    return out;
  }

  #transmit(entry: Entry, out: Outgoing): boolean {
    const base = out.pending[0]?.id ?? entry.id;
    entry.sent = this.#o.send(base > 1 ? { ...entry.frame, base } : entry.frame) || entry.sent;
    return entry.sent;
  }

  /** Put what fits into the window on the wire for the first time. */
  #pump(peerId: string, out: Outgoing): void {
    if (!this.#connected) return;
    for (const entry of out.pending.slice(0, this.#o.window)) if (!entry.sent) this.#transmit(entry, out);
    if (out.timer === undefined) this.#arm(peerId, out);
  }

  #repeat(peerId: string, out: Outgoing): void {
    out.tries = 0;
    if (!this.#connected) return;
    for (const entry of out.pending.slice(0, this.#o.window))
      if (this.#o.resend || !entry.sent) this.#transmit(entry, out);
    this.#arm(peerId, out);
  }

  #arm(peerId: string, out: Outgoing): void {
    this.#stopTimer(out);
    const [first] = out.pending;
    if (!first) return;
    const { clock, random, resendAfter, maxResend, timeout, window, resend } = this.#o;
    const wait = out.away ? AWAY_RESEND : Math.min(maxResend, resendAfter * 2 ** out.tries) * (0.75 + random() / 2);
    const left = Math.max(0, first.since + timeout - clock.now());
    out.timer = clock.setTimeout(
      () => {
        out.timer = undefined;
        if (clock.now() - first.since >= timeout && out.pending[0] === first) {
          this.#failAll(peerId, out, 'timeout');
          return;
        }
        if (this.#connected && !out.away) {
          out.tries++;
          for (const entry of out.pending.slice(0, window)) if (resend || !entry.sent) this.#transmit(entry, out);
        } else if (this.#connected && resend) {
          // A lost `peer_back` must not hold the pair for ever: one probe, not the whole window.
          this.#transmit(first, out);
        }
        this.#arm(peerId, out);
      },
      Math.min(wait, left),
    );
  }

  #stopTimer(out: Outgoing): void {
    this.#o.clock.clearTimeout(out.timer);
    out.timer = undefined;
  }

  #acknowledged(peerId: string, id: number): void {
    const out = this.#out.get(peerId);
    if (!out || id >= out.next) return;
    let progress = false;
    while (out.pending[0] && out.pending[0].id <= id) {
      out.pending.shift()?.done({ ok: true, confirmed: true });
      progress = true;
    }
    if (!progress) return;
    out.tries = 0;
    out.away = false;
    this.#stopTimer(out);
    this.#pump(peerId, out);
  }

  #fail(peerId: string, type: DirectedType, reason: DeliveryFailure): DeliveryResult {
    this.#o.failed?.(peerId, type, reason);
    return { ok: false, reason };
  }

  #failAll(peerId: string, out: Outgoing, reason: DeliveryFailure): void {
    this.#stopTimer(out);
    out.tries = 0;
    out.away = false;
    for (const entry of out.pending.splice(0)) entry.done(this.#fail(peerId, entry.frame.type, reason));
  }

  /** Bound what a long-lived session remembers of peers that came and went. */
  #forget(): void {
    for (const [peerId, out] of this.#out) {
      if (this.#out.size <= MAX_REMEMBERED) break;
      if (out.pending.length) continue;
      this.#floor = Math.max(this.#floor, out.next);
      this.#out.delete(peerId);
    }
    this.#received.forget(MAX_REMEMBERED);
  }
}
