/** One microphone: its page's socket on one side, a recognizer on the other. Nothing of it is kept or logged. */
import { CAPTIONS_CLOSE, CAPTIONS_RATE, type Heard } from '@tandem/protocol/captions';
import type { WebSocket } from 'ws';
import { Recognizer } from './recognizer.ts';

/** What a microphone gives, bytes a second. */
const SOUND_BYTES = 2 * CAPTIONS_RATE;
/** A page whose line stood still sends what it had kept at once: this much, bytes. */
const BURST_BYTES = 4 * SOUND_BYTES;
/** What a frame counts as at least, bytes: 20 ms. A recognizer answers each, however short. */
const LEAST_FRAME_BYTES = SOUND_BYTES / 50;
/** Bytes over that rate which end it: no line makes a microphone of it. */
const MAX_EXCESS_BYTES = 30 * SOUND_BYTES;
/** Without sound for this long it ends, ms. A page that has switched off says so by closing. */
export const IDLE_MS = 30_000;
/** Words that wait for a page which does not read them, bytes: no more are sent. */
const MAX_UNREAD_BYTES = 65_536;
/** Longest delay of a timer of Node, ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface SpeakerCounters {
  soundBytes: number;
  droppedBytes: number;
  texts: number;
}

export interface SpeakerOptions {
  /** Address of the recognizer. */
  readonly recognizer: string;
  /** When the token ends, ms since the epoch. */
  readonly expiresAt: number;
  readonly counters: SpeakerCounters;
  readonly idleMs?: number;
  /** The recognizer answers, or does not. */
  onRecognizer(answers: boolean): void;
  /** The socket is closed. Called once. */
  onGone(): void;
}

export class Speaker {
  readonly #page: WebSocket;
  readonly #options: SpeakerOptions;
  readonly #recognizer: Recognizer;
  readonly #expiry: NodeJS.Timeout;
  readonly #idle: NodeJS.Timeout;
  #allowance = BURST_BYTES;
  #allowedAt = Date.now();
  #excess = 0;
  /** The partial result that was last passed on: recognizers repeat themselves with each frame. */
  #last = '';

  constructor(page: WebSocket, options: SpeakerOptions) {
    this.#page = page;
    this.#options = options;
    this.#recognizer = new Recognizer(options.recognizer, {
      onOpen: () => options.onRecognizer(true),
      onHeard: (heard) => this.#pass(heard),
      onAway: () => {
        options.onRecognizer(false);
        this.close(CAPTIONS_CLOSE.recognizer);
      },
    });
    const left = Math.min(Math.max(options.expiresAt - Date.now(), 0), MAX_TIMER_MS);
    this.#expiry = setTimeout(() => this.close(CAPTIONS_CLOSE.tokenExpired), left);
    this.#idle = setTimeout(() => this.close(CAPTIONS_CLOSE.idle), options.idleMs ?? IDLE_MS);
    page.on('message', (data, isBinary) => this.#take(data as Buffer, isBinary));
    // Browsers send none of these from a page; what does pays for them as for sound.
    page.on('ping', (data) => this.#takeControl() && page.pong(data));
    page.on('pong', () => this.#takeControl());
    // `ws` closes with the code of a violation by itself, and `close` follows.
    page.on('error', () => {});
    page.on('close', () => this.#gone());
  }

  /** Ends it. The recognizer hears no more from now on, also where the page does not finish the closing handshake. */
  close(code: number): void {
    this.#recognizer.end();
    this.#page.close(code);
  }

  #take(sound: Buffer, isBinary: boolean): void {
    const { counters } = this.#options;
    // Late frames of a socket that is closing.
    if (this.#page.readyState !== this.#page.OPEN) return;
    if (!isBinary || sound.length === 0 || sound.length % 2 !== 0) {
      this.close(CAPTIONS_CLOSE.abuse);
      return;
    }
    this.#idle.refresh();
    counters.soundBytes += sound.length;
    const isPassed = this.#pay(Math.max(sound.length, LEAST_FRAME_BYTES)) && this.#recognizer.hear(sound);
    if (!isPassed) counters.droppedBytes += sound.length;
  }

  /** @returns whether a ping is answered: not for a page that reads nothing */
  #takeControl(): boolean {
    if (this.#page.readyState !== this.#page.OPEN) return false;
    return this.#pay(LEAST_FRAME_BYTES) && this.#page.bufferedAmount <= MAX_UNREAD_BYTES;
  }

  /** Ends a page that sends far more than a microphone gives. @returns whether this is within it */
  #pay(bytes: number): boolean {
    if (this.#isAllowed(bytes)) return true;
    this.#excess += bytes;
    if (this.#excess > MAX_EXCESS_BYTES) this.close(CAPTIONS_CLOSE.abuse);
    return false;
  }

  #isAllowed(bytes: number): boolean {
    const now = Date.now();
    // A tenth more than a microphone gives: clocks differ.
    const gained = ((now - this.#allowedAt) / 1000) * SOUND_BYTES * 1.1;
    this.#allowance = Math.min(BURST_BYTES, this.#allowance + Math.max(0, gained));
    this.#allowedAt = now;
    if (this.#allowance < bytes) return false;
    this.#allowance -= bytes;
    return true;
  }

  #pass(heard: Heard): void {
    const text = JSON.stringify(heard);
    if (text === this.#last || this.#page.bufferedAmount > MAX_UNREAD_BYTES) return;
    // What was said is said once, and may be said again.
    this.#last = 'text' in heard ? '' : text;
    this.#options.counters.texts += 1;
    this.#page.send(text);
  }

  #gone(): void {
    clearTimeout(this.#expiry);
    clearTimeout(this.#idle);
    this.#recognizer.end();
    this.#options.onGone();
  }
}
