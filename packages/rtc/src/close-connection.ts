/** When the browser closes a connection. */
import type { Clock } from './clock.ts';

/**
 * A connection that is closed keeps the browser from all others of the page for some 100 ms on a busy machine (`npm run bench -- moves`):
 * that is done once what came in its place flows, and not by all people and for all connections at once, ms.
 */
const UNHURRIED_MS = 1000;

/** @param clock another connection has taken its place: it sends nothing from now on, and is closed in a second or two */
export function closeConnection(pc: RTCPeerConnection, clock?: Clock): void {
  if (clock) {
    for (const sender of pc.getSenders()) sender.replaceTrack(null).catch(() => {});
    clock.setTimeout(() => pc.close(), UNHURRIED_MS * (1 + Math.random()));
  } else pc.close();
}
