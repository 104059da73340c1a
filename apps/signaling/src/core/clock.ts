/** Time and chance, injected: the simulation runs the same core over virtual ones. */
import { randomBytes } from 'node:crypto';

export interface Clock {
  /** Milliseconds. Only differences mean something. */
  now(): number;
  /** Milliseconds since the epoch, as people and the server API name a time. It may jump. */
  date(): number;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
  /** Runs once the present event-loop turn has handled its input: batches are flushed there. */
  endOfTurn(run: () => void): void;
  /** 0 ≤ x < 1. */
  random(): number;
  /** Unguessable name of `bytes` random bytes, base64url. */
  randomId(bytes: number): string;
}

/** Random bytes in stock: asking the system for a few at a time costs more than all else about a new session. */
let stock = Buffer.alloc(0);
let used = 0;

function randomId(bytes: number): string {
  if (used + bytes > stock.length) {
    stock = randomBytes(Math.max(bytes, 4096));
    used = 0;
  }
  used += bytes;
  return stock.toString('base64url', used - bytes, used);
}

export const systemClock: Clock = {
  // performance.now() never jumps when somebody sets the machine's clock.
  now: () => performance.now(),
  date: Date.now,
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
  endOfTurn: (run) => void setImmediate(run),
  random: Math.random,
  randomId,
};
