import type { Frame } from '../wire/spliced-frame.ts';

/**
 * What a socket speaks: `signal.v1` when its client offered that subprotocol, else `seed`, in which `joined.peers` is a list of ids (S-50).
 */
export type Dialect = 'signal.v1' | 'seed';

/** One client's socket, as the core sees it. The real one is server/socket-transport.ts; the simulation has its own. */
export interface Transport {
  /** Sends one text frame (`String(frame)` is its text). Never throws; after a close it does nothing. */
  send(frame: Frame): void;
  /** Closes with an application code (protocol: CLOSE_CODES). */
  close(code: number, reason: string): void;
  /** Sends a protocol-level ping; the transport calls `connection.onControl()` on the pong. */
  ping(): void;
  /** Cuts it without a goodbye. */
  destroy?(): void;
}
