/**
 * What was said before somebody came. Each client keeps the last lines that went to everybody; one that joins asks those who were here before it,
 * one after another. What they answer is their word, not the server's: the app shows it as such.
 */
import type { Clock } from './clock.ts';
import { type HistoryLine, MAX_HISTORY_LINES, type PeerMessage } from './peer-input.ts';
import { randomHex } from './random-id.ts';

export interface ChatHistoryHost {
  readonly clock: Clock;
  send(peerId: string, message: PeerMessage): void;
  /** Lines that I did not have, oldest first. */
  learned(peerId: string, lines: readonly HistoryLine[]): void;
}

/** Bytes of UTF-8 that one answer has at most: it fits into one frame of the server (64 KiB) with a margin. */
const MAX_ANSWER_BYTES = 48 * 1024;
/** The next peer is asked after this time without an answer, ms. */
const PATIENCE_MS = 4000;
/** Peers that are asked, at most. */
const MOST_ASKED = 3;

export class ChatHistory {
  readonly #host: ChatHistoryHost;
  #lines: HistoryLine[] = [];
  /** Whom I asked, and have not heard. */
  #asked: { readonly peerId: string; readonly id: string } | undefined;
  #candidates: string[] = [];
  #met = 0;
  #timer: unknown;
  #over = false;
  /** Each peer gets one answer: a small question must not be made to cost many large ones. */
  readonly #answered = new Set<string>();

  constructor(host: ChatHistoryHost) {
    this.#host = host;
  }

  /** A line that everybody got. */
  add(line: HistoryLine): void {
    this.#lines = [...this.#lines.slice(1 - MAX_HISTORY_LINES), line];
  }

  /** This peer was here before me. The first few of those are asked, one after another. */
  metEarlier(peerId: string): void {
    if (this.#over || this.#met >= MOST_ASKED) return;
    this.#met++;
    this.#candidates.push(peerId);
    if (!this.#asked) this.#askNext();
  }

  #askNext(): void {
    const peerId = this.#candidates.shift();
    this.#asked = undefined;
    if (peerId === undefined) return;
    const id = randomHex(9);
    this.#asked = { peerId, id };
    this.#host.send(peerId, { tandem: 'history-ask', id });
    this.#timer = this.#host.clock.setTimeout(() => this.#askNext(), PATIENCE_MS);
  }

  /** A peer asks what was said. */
  answer(peerId: string, id: string): void {
    if (this.#answered.has(peerId)) return;
    this.#answered.add(peerId);
    const lines: HistoryLine[] = [];
    let bytes = 0;
    const encoder = new TextEncoder();
    for (const line of this.#lines.toReversed()) {
      bytes += encoder.encode(JSON.stringify(line)).length + 1;
      if (bytes > MAX_ANSWER_BYTES) break;
      lines.unshift(line);
    }
    this.#host.send(peerId, { tandem: 'history', id, lines });
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
    const known = new Set(this.#lines.map((line) => line.id));
    const fresh = lines.filter((line) => !known.has(line.id) && known.add(line.id));
    this.#lines = [...fresh, ...this.#lines].slice(-MAX_HISTORY_LINES);
    if (fresh.length > 0) this.#host.learned(peerId, fresh);
  }

  forget(peerId: string): void {
    this.#answered.delete(peerId);
  }

  close(): void {
    this.#over = true;
    this.#host.clock.clearTimeout(this.#timer);
  }
}
