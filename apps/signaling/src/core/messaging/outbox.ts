/** Collects the frames for each other node during one turn and publishes them as one batch. */
import type { Backplane } from '../../backplane/types.ts';
import type { Frame } from '../../wire/spliced-frame.ts';
import type { Clock } from '../clock.ts';
import type { Counters } from '../events.ts';
import { type Entry, EntryKind, encodeBatch } from './batch.ts';
import type { NodeControl } from './control-messages.ts';

export interface OutboxOptions {
  readonly node: string;
  readonly clock: Clock;
  readonly backplane: Backplane;
  readonly counters: Counters;
  /** No process listens at `node`, or the publish failed: these were not delivered. */
  undelivered(node: string, entries: readonly Entry[], reason: 'no-listener' | 'unavailable'): void;
}

/** The batches to one node. A number is never given twice in an incarnation: the receiver drops a batch that came before. */
interface Numbering {
  readonly incarnation: number;
  sequence: number;
}

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #pending = new Map<string, Entry[]>();
  readonly #numberings = new Map<string, Numbering>();
  /** Of receivers that are met from now on. */
  #incarnation: number;
  #scheduled = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#incarnation = Math.floor(options.clock.random() * 0xffff_ffff);
  }

  relay(node: string, peerId: string, frame: Frame): void {
    this.#options.counters.relayedRemote++;
    this.#push(node, { kind: EntryKind.relay, target: peerId, frame });
  }

  room(node: string, roomId: string, frame: Frame): void {
    this.#options.counters.relayedRemote++;
    this.#push(node, { kind: EntryKind.room, target: roomId, frame });
  }

  control(node: string, message: NodeControl): void {
    this.#push(node, { kind: EntryKind.control, target: '', frame: JSON.stringify(message) });
  }

  #push(node: string, entry: Entry): void {
    const entries = this.#pending.get(node);
    if (entries) entries.push(entry);
    else this.#pending.set(node, [entry]);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.clock.endOfTurn(() => this.flush());
  }

  flush(): void {
    this.#scheduled = false;
    for (const [node, entries] of this.#pending) {
      this.#pending.delete(node);
      const numbering = this.#numberingOf(node);
      this.#options.counters.batches++;
      const batch = encodeBatch(this.#options.node, numbering.incarnation, ++numbering.sequence, entries);
      this.#options.backplane.send(node, batch).then(
        (heard) => {
          if (!heard) this.#options.undelivered(node, entries, 'no-listener');
        },
        () => this.#options.undelivered(node, entries, 'unavailable'),
      );
    }
  }

  #numberingOf(node: string): Numbering {
    let numbering = this.#numberings.get(node);
    if (!numbering) {
      numbering = { incarnation: this.#incarnation, sequence: 0 };
      this.#numberings.set(node, numbering);
    }
    return numbering;
  }

  /** A node that seems to be gone. If it is not, what it receives next is of a new incarnation. */
  forget(node: string): void {
    if (this.#numberings.delete(node)) this.#incarnation++;
  }
}
