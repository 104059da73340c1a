/** Batches from other nodes: hands on their entries, drops a batch that came before, and notices when one was lost. */
import { type Frame, textOf } from '../../wire/spliced-frame.ts';
import type { NodeContext } from '../context.ts';
import { type Batch, decodeBatch, type Entry, EntryKind } from './batch.ts';
import type { NodeControl } from './control-messages.ts';

/** Numbers of batches of one node that are remembered as missing: what comes in later than that is taken for a repetition. */
const MAX_MISSING = 64;

export interface InboxHandlers {
  /** A frame for one session of this node. */
  relay(peerId: string, frame: Frame): void;
  /** A frame for every session of this node in that room. */
  room(roomId: string, frame: Frame): void;
  control(message: NodeControl): void;
  /** Batches of that node did not arrive. */
  missed(node: string): void;
}

/** One incarnation of another node, see batch.ts. */
interface Sender {
  readonly incarnation: number;
  /** Highest number that came in. */
  last: number;
  /** Numbers below it that did not. */
  readonly missing: Set<number>;
}

export class Inbox {
  readonly #context: NodeContext;
  readonly #handlers: InboxHandlers;
  readonly #senders = new Map<string, Sender>();
  constructor(context: NodeContext, handlers: InboxHandlers) {
    this.#context = context;
    this.#handlers = handlers;
  }

  onBatch(bytes: Uint8Array): void {
    const { events } = this.#context;
    let batch: Batch;
    try {
      batch = decodeBatch(bytes);
    } catch (error) {
      events.log?.('error', 'batch.unreadable', { err: error });
      return;
    }
    const arrival = this.#note(batch);
    // A publish whose answer was lost with its connection is sent again by the Redis client.
    if (arrival === 'repeated') return;
    for (const entry of batch.entries)
      try {
        this.#onEntry(entry);
      } catch (error) {
        // One entry that this version cannot handle must not take the others with it.
        events.log?.('error', 'batch.entry', { err: error });
      }
    if (arrival === 'behind a gap') this.#handlers.missed(batch.from);
  }

  #note({ from, incarnation, sequence }: Batch): 'next' | 'late' | 'repeated' | 'behind a gap' {
    const sender = this.#senders.get(from);
    if (sender?.incarnation !== incarnation) {
      this.#senders.set(from, { incarnation, last: sequence, missing: new Set() });
      // Of a node that was never heard the first one is missed as well; one that began anew may have lost anything.
      return sender === undefined && sequence === 1 ? 'next' : 'behind a gap';
    }
    const { last, missing } = sender;
    if (sequence <= last) return missing.delete(sequence) ? 'late' : 'repeated';
    sender.last = sequence;
    if (sequence === last + 1) return 'next';
    for (let lost = Math.max(last + 1, sequence - MAX_MISSING); lost < sequence; lost++) missing.add(lost);
    for (const oldest of missing) {
      if (missing.size <= MAX_MISSING) break;
      missing.delete(oldest);
    }
    return 'behind a gap';
  }

  #onEntry({ kind, target, frame }: Entry): void {
    switch (kind) {
      case EntryKind.relay:
        this.#handlers.relay(target, frame);
        return;
      case EntryKind.room:
        this.#handlers.room(target, frame);
        return;
      case EntryKind.control:
        this.#handlers.control(JSON.parse(textOf(frame)) as NodeControl);
        return;
      default:
        // A kind of a newer version of this program.
        kind satisfies never;
    }
  }

  /** Drops what is known of nodes that are not in `live`. @returns those nodes */
  forgetDead(live: ReadonlySet<string>): string[] {
    const gone = [...this.#senders.keys()].filter((node) => !live.has(node));
    for (const node of gone) this.#senders.delete(node);
    return gone;
  }
}
