/**
 * One conversation with a recognizer that speaks the WebSocket protocol of vosk-server (github.com/alphacep/vosk-server,
 * websocket/asr_server.py): a configuration, frames of PCM, each of which is answered with `{"partial":…}` or `{"text":…}`, and an end.
 */
import { CAPTIONS_RATE, CAPTIONS_TEXT_LENGTH, type Heard } from '@tandem/protocol/captions';
import Type from 'typebox';
import { Check } from 'typebox/value';
import { WebSocket } from 'ws';

/** Time for a connection, ms. */
const CONNECT_MS = 5000;
/** A recognizer that leaves sound without an answer for this long is given up, ms. It answers each frame, be it with nothing. */
const SILENT_MS = 20_000;
/** Most bytes of sound that wait for a recognizer, while it connects or is slow: two seconds. What is over it is dropped. */
export const MAX_WAITING_BYTES = 2 * 2 * CAPTIONS_RATE;
/** Most frames that it may still answer: it does once each, and what it says beyond that is no answer. */
const MOST_UNANSWERED = 16;
/** Most bytes of an answer. With each word's time and confidence (Vosk's `result`) a sentence of a minute has some 20 KB. */
const MAX_ANSWER_BYTES = 128 * 1024;

/** Everything else in an answer is passed over. */
const Answer = Type.Object({ partial: Type.Optional(Type.String()), text: Type.Optional(Type.String()) });

/** @returns what of a foreign answer is words; undefined for an answer of silence, and for what is no answer */
export function readAnswer(data: string): Heard | undefined {
  let answer: unknown;
  try {
    answer = JSON.parse(data);
  } catch {
    return undefined;
  }
  if (!Check(Answer, answer)) return undefined;
  const said = (answer.text ?? answer.partial ?? '').trim().slice(-CAPTIONS_TEXT_LENGTH);
  if (said === '') return undefined;
  return answer.text === undefined ? { partial: said } : { text: said };
}

export interface RecognizerEvents {
  /** It takes sound from now on. */
  onOpen(): void;
  onHeard(heard: Heard): void;
  /** It is away, went away or is silent. Called once, and not after {@link Recognizer.end}. */
  onAway(): void;
}

export class Recognizer {
  readonly #socket: WebSocket;
  readonly #events: RecognizerEvents;
  readonly #now: () => number;
  readonly #silentMs: number;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** When it got the first sound after its last answer; undefined: none, the speaker pauses. */
  #unansweredSince: number | undefined;
  #unanswered = 0;
  #over = false;

  constructor(address: string, events: RecognizerEvents, { now = Date.now, silentMs = SILENT_MS } = {}) {
    this.#events = events;
    this.#now = now;
    this.#silentMs = silentMs;
    this.#socket = new WebSocket(address, {
      handshakeTimeout: CONNECT_MS,
      perMessageDeflate: false,
      maxPayload: MAX_ANSWER_BYTES,
      followRedirects: false,
      autoPong: false,
    });
    // vosk-server asks each 20 s whether this side is there. Pongs that it does not read would be kept without bound.
    this.#socket.on('ping', (data) => {
      if (!this.#over && this.#socket.bufferedAmount <= MAX_WAITING_BYTES) this.#socket.pong(data);
    });
    this.#socket.on('open', () => this.#opened());
    this.#socket.on('message', (data, isBinary) => this.#answered(String(data), isBinary));
    // `close` follows every error.
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => this.#away());
  }

  /** @returns false when it was dropped: the recognizer is slow */
  hear(sound: Buffer): boolean {
    if (this.#over) return false;
    if (this.#socket.readyState === WebSocket.CONNECTING) return this.#keep(sound);
    if (this.#now() - (this.#unansweredSince ?? this.#now()) > this.#silentMs) {
      this.#away();
      return false;
    }
    if (this.#socket.bufferedAmount > MAX_WAITING_BYTES) return false;
    this.#send(sound);
    return true;
  }

  /** The speaker has gone: no more words. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#waiting = [];
    // Written as vosk-server compares it. Nothing is read after it.
    if (this.#socket.readyState === WebSocket.OPEN) {
      this.#socket.send('{"eof" : 1}');
      this.#socket.close(1000);
    } else this.#socket.terminate();
  }

  #keep(sound: Buffer): boolean {
    if (this.#waitingBytes + sound.length > MAX_WAITING_BYTES) return false;
    this.#waiting.push(sound);
    this.#waitingBytes += sound.length;
    return true;
  }

  #send(sound: Buffer): void {
    this.#unansweredSince ??= this.#now();
    this.#unanswered = Math.min(this.#unanswered + 1, MOST_UNANSWERED);
    this.#socket.send(sound);
  }

  #opened(): void {
    this.#socket.send(JSON.stringify({ config: { sample_rate: CAPTIONS_RATE } }));
    for (const sound of this.#waiting) this.#send(sound);
    this.#waiting = [];
    if (!this.#over) this.#events.onOpen();
  }

  #answered(data: string, isBinary: boolean): void {
    if (this.#over || isBinary || this.#unanswered === 0) return;
    this.#unanswered -= 1;
    this.#unansweredSince = undefined;
    const heard = readAnswer(data);
    if (heard) this.#events.onHeard(heard);
  }

  #away(): void {
    if (this.#over) return;
    this.#over = true;
    this.#waiting = [];
    this.#socket.terminate();
    this.#events.onAway();
  }
}
