/**
 * What was said before somebody came. Each client keeps the last lines that went to everybody; one that joins asks those who were here before it,
 * one after another, also where a media node serves the room: neither it nor signaling keeps what people say. What they answer is their word, not
 * the server's: the app shows it as such.
 */
import type { Clock } from './clock.ts';
import { type HistoryLine, MAX_HISTORY_LINES, type PeerMessage } from './peer-input.ts';
import { randomHex } from './random-id.ts';

export interface ChatHistoryHost {
  readonly clock: Clock;
  send(peerId: string, message: PeerMessage): void;
  /** Is its word taken? */
  isTrusted(peerId: string): boolean;
  /** Lines that I did not have, oldest first. */
  learned(peerId: string, lines: readonly HistoryLine[]): void;
}

/** Bytes of UTF-8 that are kept, for one answer: sealed (a third more) it fits into one frame of the server (64 KiB) with a margin. */
const MAX_ANSWER_BYTES = 40 * 1024;
/** What a line counts at least: with it, `MAX_HISTORY_LINES` are kept. */
const MIN_LINE_BYTES = Math.floor(MAX_ANSWER_BYTES / MAX_HISTORY_LINES);
/** From one answer to the next, ms: 160 KiB a second of the 256 that the server takes from one connection. */
const ANSWER_EVERY_MS = 250;
/** Asked for when the pictures are there, not between an offer and its answer, ms. */
const ASK_AFTER_MS = 1000;
/** The next peer is asked after this time without an answer, ms. */
const PATIENCE_MS = 4000;
/** Peers that are asked, at most: some came just before, and know nothing yet. */
const MOST_ASKED = 8;

interface Kept {
  readonly line: HistoryLine;
  readonly by: string;
  readonly bytes: number;
}

export class ChatHistory {
  readonly #host: ChatHistoryHost;
  #lines: Kept[] = [];
  /** Whom I asked, and have not heard. */
  #asked: { readonly peerId: string; readonly id: string } | undefined;
  #candidates: string[] = [];
  #left = MOST_ASKED;
  #timer: unknown;
  /** When the next answer may be sent. */
  #free = 0;
  #over = false;
  /** Each peer gets one answer: a small question must not be made to cost many large ones. */
  readonly #answered = new Set<string>();

  constructor(host: ChatHistoryHost) {
    this.#host = host;
  }

  /** A line that everybody got. @param by who said it: each has a share of what is kept: to write much does not wipe what others said */
  add(line: HistoryLine, by: string): void {
    this.#lines.push(kept(line, by));
    this.#fit();
  }

  /** Forgets the oldest line of who has most, until what is left fits. */
  #fit(): void {
    for (;;) {
      const shares = new Map<string, number>();
      let bytes = 0;
      for (const one of this.#lines) {
        bytes += one.bytes;
        shares.set(one.by, (shares.get(one.by) ?? 0) + one.bytes);
      }
      if (bytes <= MAX_ANSWER_BYTES) return;
      const most = Math.max(...shares.values());
      this.#lines.splice(
        this.#lines.findIndex(({ by }) => shares.get(by) === most),
        1,
      );
    }
  }

  /** This peer was here before me. A few of those are asked, one after another: any of them, so that a crowd does not ask one. */
  metEarlier(peerId: string): void {
    if (this.#over) return;
    this.#candidates.push(peerId);
    this.#timer ??= this.#host.clock.setTimeout(() => this.#askNext(), ASK_AFTER_MS);
  }

  #askNext(): void {
    const able = this.#candidates.filter((peerId) => this.#host.isTrusted(peerId));
    const peerId = able[Math.floor(Math.random() * able.length)];
    // Those whom I meet from now on, after a session that was lost, are asked as well.
    this.#asked = this.#timer = undefined;
    if (peerId === undefined || this.#left === 0) return;
    this.#left--;
    this.#candidates = able.filter((one) => one !== peerId);
    const id = randomHex(9);
    this.#asked = { peerId, id };
    this.#host.send(peerId, { tandem: 'history-ask', id });
    this.#timer = this.#host.clock.setTimeout(() => this.#askNext(), PATIENCE_MS);
  }

  /** A peer asks what was said. One that would get it about when its patience ends gets nothing from me: it asks another one. */
  answer(peerId: string, id: string): void {
    const { clock } = this.#host;
    const now = clock.now();
    const at = Math.max(now, this.#free);
    if (this.#answered.has(peerId) || at - now > PATIENCE_MS / 2) return;
    this.#answered.add(peerId);
    this.#free = at + ANSWER_EVERY_MS;
    if (at === now) this.#tell(peerId, id);
    else clock.setTimeout(() => this.#tell(peerId, id), at - now);
  }

  #tell(peerId: string, id: string): void {
    if (!this.#answered.has(peerId)) return;
    this.#host.send(peerId, { tandem: 'history', id, lines: this.#lines.map(({ line }) => line) });
  }

  /** A peer says what was said. Taken from the one that was asked, once. */
  take(peerId: string, id: string, lines: readonly HistoryLine[]): void {
    if (this.#over || this.#asked?.peerId !== peerId || this.#asked.id !== id) return;
    this.#host.clock.clearTimeout(this.#timer);
    // It may have come just before me, and be asking itself.
    if (lines.length === 0) {
      this.#askNext();
      return;
    }
    this.close();
    const known = new Set(this.#lines.map(({ line }) => line.id));
    const fresh = lines.filter((line) => !known.has(line.id) && known.add(line.id));
    // All of them have one share: whose they are is the teller's word.
    this.#lines.unshift(...fresh.map((line) => kept(line, '')));
    this.#fit();
    if (fresh.length > 0) this.#host.learned(peerId, fresh);
  }

  forget(peerId: string): void {
    this.#answered.delete(peerId);
    this.#candidates = this.#candidates.filter((one) => one !== peerId);
  }

  close(): void {
    this.#over = true;
    this.#host.clock.clearTimeout(this.#timer);
  }
}

function kept(line: HistoryLine, by: string): Kept {
  const bytes = new TextEncoder().encode(JSON.stringify(line)).length + 1;
  return { line, by, bytes: Math.max(bytes, MIN_LINE_BYTES) };
}
