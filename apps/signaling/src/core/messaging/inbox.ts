/** Batches from other nodes: hands on their entries, and notices when one was lost. */
import { type Frame, textOf } from '../../wire/spliced-frame.ts';
import type { NodeContext } from '../context.ts';
import { type Batch, decodeBatch, type Entry, EntryKind } from './batch.ts';
import type { NodeControl } from './control-messages.ts';

export interface InboxHandlers {
  /** A frame for one session of this node. */
  relay(peerId: string, frame: Frame): void;
  /** A frame for every session of this node in that room. */
  room(roomId: string, frame: Frame): void;
  control(message: NodeControl): void;
  /** Batches of that node did not arrive. */
  missed(node: string): void;
}

export class Inbox {
  readonly #context: NodeContext;
  readonly #handlers: InboxHandlers;
  /** Last batch of each node. */
  readonly #last = new Map<string, { incarnation: number; sequence: number }>();
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
    const last = this.#last.get(batch.from);
    this.#last.set(batch.from, { incarnation: batch.incarnation, sequence: batch.sequence });
    for (const entry of batch.entries)
      try {
        this.#onEntry(entry);
      } catch (error) {
        // One entry that this version cannot handle must not take the others with it.
        events.log?.('error', 'batch.entry', { err: error });
      }
    // Of a node that was never heard the first one is missed as well; one that began anew may have lost anything.
    const next = last === undefined ? 1 : last.incarnation === batch.incarnation ? last.sequence + 1 : 0;
    if (batch.sequence !== next) this.#handlers.missed(batch.from);
  }

  #onEntry({ kind, target, frame }: Entry): void {
    if (kind === EntryKind.relay) this.#handlers.relay(target, frame);
    else if (kind === EntryKind.room) this.#handlers.room(target, frame);
    else if (kind === EntryKind.control) this.#handlers.control(JSON.parse(textOf(frame)) as NodeControl);
  }

  /** Drops what is known of nodes that are not in `live`. @returns those nodes */
  forgetDead(live: ReadonlySet<string>): string[] {
    const gone = [...this.#last.keys()].filter((node) => !live.has(node));
    for (const node of gone) this.#last.delete(node);
    return gone;
  }
}
