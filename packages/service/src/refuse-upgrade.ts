/** Answers to WebSocket handshakes that do not become one. */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** The answer: an HTTP status and a reason of a few words. */
export interface UpgradeRefusal {
  readonly status: number;
  readonly reason: string;
  /** Seconds. */
  readonly retryAfter?: number;
}

/** @param headers more lines, such as `Upgrade: websocket` */
export function refuseUpgrade(
  socket: Duplex,
  { status, reason, retryAfter }: UpgradeRefusal,
  headers: readonly string[] = [],
): void {
  if (socket.destroyed) return;
  const body = JSON.stringify({ error: reason });
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'Connection: close',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...(retryAfter === undefined ? [] : [`Retry-After: ${retryAfter}`]),
      ...(status === 401 ? ['WWW-Authenticate: Bearer'] : []),
      ...headers,
      '',
      body,
    ].join('\r\n'),
  );
  // A client that does not close its side must not keep the descriptor.
  setTimeout(() => socket.destroy(), 2000).unref();
}
