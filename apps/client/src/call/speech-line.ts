/** The page's line to the captions service: opens when there is sound, comes back after a while when it broke. */
import { CAPTIONS_CLOSE, CAPTIONS_PROTOCOL, CAPTIONS_TEXT_LENGTH } from '@tandem/protocol/captions';

/** Sound that waits while the line opens, in blocks of 128 ms: two seconds; the oldest is dropped. */
const WAITING_BLOCKS = 16;
/** Sound in the socket, bytes: two seconds. A slower line loses what is over it. */
const MOST_BUFFERED = 64_000;
/** A service that is away or full is asked again after this time, and after twice as long each time, ms. */
const AGAIN_MS = 15_000;
const LONGEST_MS = 300_000;
/** A token that ran out, a task that goes away: the line comes back after this time, ms. */
const SOON_MS = 1500;
/** A line that held for this long was a good one, ms. */
const GOOD_MS = 30_000;
/** Nothing will change these. */
const FINAL: readonly number[] = [CAPTIONS_CLOSE.tokenRefused, CAPTIONS_CLOSE.language, CAPTIONS_CLOSE.abuse];
const SOON: readonly number[] = [CAPTIONS_CLOSE.tokenExpired, CAPTIONS_CLOSE.goingAway];
/** A line that ended without a word: a load balancer breaks those of a task that is to go, before the task itself hears of it. */
const BROKEN = 1006;

export interface SpeechLineOptions {
  readonly url: string;
  /** A token that is good now. */
  getToken(): Promise<string>;
  heard(text: string, isFinal: boolean): void;
  /** Nothing is recognized at the moment. May be called again. */
  away(): void;
}

/** @returns what is being said, or undefined for a message that is none */
function readHeard(data: unknown): { readonly text: string; readonly isFinal: boolean } | undefined {
  if (typeof data !== 'string' || data.length > 8 * CAPTIONS_TEXT_LENGTH) return undefined;
  try {
    const { partial, text } = (JSON.parse(data) ?? {}) as { partial?: unknown; text?: unknown };
    if (typeof text === 'string') return { text, isFinal: true };
    return typeof partial === 'string' ? { text: partial, isFinal: false } : undefined;
  } catch {
    return undefined;
  }
}

export class SpeechLine {
  readonly #options: SpeechLineOptions;
  #socket: WebSocket | undefined;
  #waiting: ArrayBuffer[] = [];
  /** `rests`: opens with the next sound. `pauses`: after a failure, until a timer. */
  #state: 'rests' | 'opens' | 'open' | 'pauses' | 'over' = 'rests';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #openedAt = 0;

  constructor(options: SpeechLineOptions) {
    this.#options = options;
  }

  send(block: ArrayBuffer): void {
    if (this.#state === 'open') {
      if (this.#socket && this.#socket.bufferedAmount < MOST_BUFFERED) this.#socket.send(block);
      return;
    }
    if (this.#state !== 'rests' && this.#state !== 'opens') return;
    this.#waiting = [...this.#waiting, block].slice(-WAITING_BLOCKS);
    if (this.#state === 'rests') void this.#open();
  }

  /** For good. */
  close(): void {
    this.#state = 'over';
    clearTimeout(this.#timer);
    this.#waiting = [];
    this.#socket?.close(1000);
  }

  async #open(): Promise<void> {
    this.#state = 'opens';
    let token: string;
    try {
      token = await this.#options.getToken();
    } catch {
      if (this.#isOpening()) this.#pause();
      return;
    }
    // Switched off, or muted, while the token came.
    if (!this.#isOpening()) return;
    const socket = new WebSocket(this.#options.url, [CAPTIONS_PROTOCOL, `bearer.${token}`]);
    this.#socket = socket;
    socket.onopen = () => {
      if (this.#state === 'over') return socket.close(1000);
      this.#state = 'open';
      this.#openedAt = performance.now();
      for (const block of this.#waiting.splice(0)) socket.send(block);
    };
    socket.onmessage = ({ data }) => {
      const heard = readHeard(data);
      if (heard && this.#state === 'open') this.#options.heard(heard.text, heard.isFinal);
    };
    socket.onclose = ({ code }) => this.#closed(code);
  }

  /** A method, as the compiler takes a state that was set before an `await` for the one after it. */
  #isOpening(): boolean {
    return this.#state === 'opens';
  }

  #closed(code: number): void {
    if (this.#state === 'over') return;
    const wasGood = this.#state === 'open' && performance.now() - this.#openedAt > GOOD_MS;
    if (wasGood) this.#failures = 0;
    this.#socket = undefined;
    this.#waiting = [];
    if (FINAL.includes(code)) {
      this.close();
      this.#options.away();
    } else if (code === CAPTIONS_CLOSE.idle) this.#state = 'rests';
    // The token of a new line is fresh: one that runs out at once again is not.
    else if (SOON.includes(code) && (wasGood || this.#failures === 0)) {
      this.#failures += 1;
      this.#rest(SOON_MS * (0.5 + Math.random()));
    } else if (code === BROKEN && wasGood) this.#rest(SOON_MS * (0.5 + Math.random()));
    else this.#pause();
  }

  #pause(): void {
    const wait = Math.min(LONGEST_MS, AGAIN_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#waiting = [];
    this.#rest(wait * (0.75 + Math.random() / 2));
    this.#options.away();
  }

  #rest(wait: number): void {
    this.#state = 'pauses';
    this.#timer = setTimeout(() => {
      this.#state = 'rests';
    }, wait);
  }
}
