/** When the browser closes a connection. */
import type { Clock } from './clock.ts';

/**
 * To close a connection holds up the page's other ones, for 50 to 300 ms on a busy machine: so it waits until what came in its place flows,
 * and each waits for another time, ms. What it costs otherwise: `npm run bench -- moves --only drain`.
 */
const UNHURRIED_MS = 1000;

/** @param clock another connection has taken its place: it sends nothing from now on, and is closed in a second or two */
export function closeConnection(pc: RTCPeerConnection, clock?: Clock): void {
  if (clock) {
    for (const sender of pc.getSenders()) sender.replaceTrack(null).catch(() => {});
    clock.setTimeout(() => pc.close(), UNHURRIED_MS * (1 + Math.random()));
  } else pc.close();
}
