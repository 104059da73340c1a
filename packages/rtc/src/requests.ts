/** Requests that the server answers: each has a number, and ends in exactly one result. */
import type { Clock } from './clock.ts';
import type { ServerFrame } from './server-frame.ts';
import { SignalingError } from './session-types.ts';
import type { Frame } from './wire.ts';

/** A server older than `done` never answers, ms. */
const PATIENCE = 10_000;

interface Waiting {
  readonly resolve: (answer: ServerFrame) => void;
  readonly reject: (error: SignalingError) => void;
  readonly timer: unknown;
}

export class Requests {
  readonly #clock: Clock;
  readonly #send: (frame: Frame) => boolean;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;

  constructor(clock: Clock, send: (frame: Frame) => boolean) {
    this.#clock = clock;
    this.#send = send;
  }

  /** @returns the server's `done`. @throws SignalingError with the server's code, or `timeout`, `disconnected`, `closed` */
  send<Answer = void>(frame: Frame): Promise<Answer> {
    const answered = new Promise<unknown>((resolve, reject) => {
      const ref = this.#next++;
      if (!this.#send({ ...frame, ref })) {
        reject(new SignalingError('disconnected', 'The connection ended.'));
        return;
      }
      const late = () => this.refused(ref, new SignalingError('timeout', 'The server did not answer.'));
      this.#waiting.set(ref, { resolve, reject, timer: this.#clock.setTimeout(late, PATIENCE) });
    });
    // An app that does not wait hears of refusals by the session's `error`; it must not end by an unhandled rejection.
    answered.catch(() => {});
    return answered as Promise<Answer>;
  }

  done(answer: ServerFrame): void {
    this.#take(answer.ref)?.resolve(answer);
  }

  refused(ref: unknown, error: SignalingError): void {
    this.#take(ref)?.reject(error);
  }

  /** No answer can come any more. */
  end(code: 'disconnected' | 'closed'): void {
    for (const ref of [...this.#waiting.keys()]) this.refused(ref, new SignalingError(code, 'The connection ended.'));
  }

  #take(ref: unknown): Waiting | undefined {
    const waiting = typeof ref === 'number' ? this.#waiting.get(ref) : undefined;
    if (!waiting) return undefined;
    this.#waiting.delete(ref as number);
    this.#clock.clearTimeout(waiting.timer);
    return waiting;
  }
}
