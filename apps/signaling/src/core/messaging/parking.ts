/** Writes frames for detached sessions into their mailboxes, in order. */
import { type ParkResult, UnavailableError } from '../../backplane/types.ts';
import type { NodeContext } from '../context.ts';
import { RefusalError } from '../errors.ts';
import type { SessionRegistry } from '../sessions/session-registry.ts';
import type { Outbox } from './outbox.ts';

/** Called, at once or later, when a frame could be neither delivered nor parked. */
export type OnRefused = (refusal: RefusalError) => void;

/** Frames that may wait behind a park of one session that is under way. */
const MAX_QUEUED = 1024;

interface ParkOptions {
  /** Park also when the session seems attached there: that node is dead or receives nothing, or is this one, and the socket is gone. */
  readonly deadNode?: string | undefined;
  readonly onRefused?: OnRefused | undefined;
}

interface ParkQueue {
  deadNode: string | undefined;
  frames: string[];
  refused: (OnRefused | undefined)[];
}

export interface ParkingParts {
  readonly context: NodeContext;
  readonly registry: SessionRegistry;
  readonly outbox: Outbox;
}

export class Parking {
  readonly #context: NodeContext;
  readonly #registry: SessionRegistry;
  readonly #outbox: Outbox;
  /** Frames behind a park that is under way, per addressee: order is kept. */
  readonly #queues = new Map<string, ParkQueue>();
  constructor({ context, registry, outbox }: ParkingParts) {
    this.#context = context;
    this.#registry = registry;
    this.#outbox = outbox;
  }

  /** Frames for that session are on their way to its mailbox. */
  isParking(peerId: string): boolean {
    return this.#queues.has(peerId);
  }

  park(peerId: string, text: string, { deadNode, onRefused }: ParkOptions = {}): void {
    const queue = this.#queues.get(peerId);
    if (!queue) {
      this.#queues.set(peerId, { deadNode, frames: [text], refused: [onRefused] });
      void this.#flush(peerId);
      return;
    }
    // The store said last where it seems attached: with an earlier node these would come back here without end.
    queue.deadNode = deadNode ?? queue.deadNode;
    if (queue.frames.length >= MAX_QUEUED) {
      this.#context.counters.dropped++;
      onRefused?.(mailboxFull());
      return;
    }
    queue.frames.push(text);
    queue.refused.push(onRefused);
  }

  async #flush(peerId: string): Promise<void> {
    const session = this.#registry.get(peerId);
    if (session) session.parking = true;
    const queue = this.#queues.get(peerId) as ParkQueue;
    let step = Infinity;
    while (queue.frames.length > 0) {
      const taken = { frames: queue.frames.splice(0, step), refused: queue.refused.splice(0, step) };
      try {
        const result = await this.#context.backplane.park(peerId, taken.frames, queue.deadNode);
        if (result.kind === 'full' && taken.frames.length > 1) {
          // It takes all of a step or none: halves find what still fits.
          queue.frames.unshift(...taken.frames);
          queue.refused.unshift(...taken.refused);
          step = taken.frames.length >> 1;
        } else this.#onResult(peerId, result, taken, queue);
      } catch (error) {
        if (!(error instanceof UnavailableError)) throw error;
        this.#refuse(taken, this.#context.unavailable());
      }
    }
    this.#queues.delete(peerId);
    const now = this.#registry.get(peerId);
    if (now) now.parking = false;
  }

  #onResult(peerId: string, result: ParkResult, taken: Omit<ParkQueue, 'deadNode'>, queue: ParkQueue): void {
    switch (result.kind) {
      case 'parked':
        this.#context.counters.parked += taken.frames.length;
        return;
      case 'full':
        // Nothing may slip in behind what was refused.
        taken.frames.push(...queue.frames.splice(0));
        taken.refused.push(...queue.refused.splice(0));
        this.#refuse(taken, mailboxFull());
        return;
      case 'gone':
        this.#refuse(taken, new RefusalError('unknown_peer', 'The peer is gone.'));
        return;
      case 'attached':
        this.#deliverTo(result.node, peerId, taken.frames);
        return;
      default:
        result satisfies never;
    }
  }

  #refuse({ frames, refused }: Omit<ParkQueue, 'deadNode'>, refusal: RefusalError): void {
    this.#context.counters.dropped += frames.length;
    for (const onRefused of refused) onRefused?.(refusal);
  }

  /** The session turned out to be attached. */
  #deliverTo(node: string, peerId: string, frames: readonly string[]): void {
    if (node !== this.#context.name) {
      for (const text of frames) this.#outbox.relay(node, peerId, text);
      return;
    }
    const session = this.#registry.get(peerId);
    if (session?.state.kind === 'attached') for (const text of frames) session.state.connection.send(text);
    // The store does not know yet that its socket is gone.
    else if (session) for (const text of frames) this.park(peerId, text, { deadNode: node });
    else this.#context.counters.dropped += frames.length;
  }
}

function mailboxFull(): RefusalError {
  return new RefusalError('mailbox_full', 'The peer is away and its mailbox is full.');
}
