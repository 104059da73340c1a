/** Time and chance, injected: the simulation runs the same core over virtual ones. */
import { randomBytes } from 'node:crypto';

export interface Clock {
  /** Milliseconds. Only differences mean something. */
  now(): number;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
  /** Runs once the present event-loop turn has handled its input: batches are flushed there. */
  endOfTurn(run: () => void): void;
  /** 0 ≤ x < 1. */
  random(): number;
  /** Unguessable name of `bytes` random bytes, base64url. */
  randomId(bytes: number): string;
}

export const systemClock: Clock = {
  // performance.now() never jumps when somebody sets the machine's clock.
  now: () => performance.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
  endOfTurn: (run) => void setImmediate(run),
  random: Math.random,
  randomId: (bytes) => randomBytes(bytes).toString('base64url'),
};
