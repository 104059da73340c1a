/**
 * Changes that become no events because they were taken back within moments: a join that was refused after it was written (the quota of a
 * user), and a connection that was away for less than HOLD_MS. And of several updates of a peer within one half second
 * of the clock the last alone becomes an event, so that a client that never stops makes two a second. The half seconds begin by the clock and not
 * with an update: what was folded before is not read again.
 */
import type { OutboxEntry, RoomChange } from '@tandem/service/room-events';

/** How long a change is held before it becomes an event, and the length of those half seconds, ms. */
export const HOLD_MS = 500;

export interface ReadEntry {
  /** Id in the stream. */
  readonly id: string;
  /** When it was written, ms since the epoch. */
  readonly at: number;
  readonly entry: OutboxEntry;
}

/** @param read entries in their order, up to HOLD_MS behind the last one that becomes events */
export function briefChanges(read: readonly ReadEntry[]): ReadonlySet<RoomChange> {
  const brief = new Set<RoomChange>();
  /** The last change of a peer that may be taken back. */
  const open = new Map<string, { readonly at: number; readonly change: RoomChange }>();
  /** The last update of a peer in a half second. */
  const updates = new Map<string, RoomChange>();
  for (const { at, entry } of read)
    for (const change of entry.changes) {
      const peer = `${entry.room} ${entry.firstVersion} ${change.peerId}`;
      if (change.kind === 'updated') {
        const half = `${peer} ${Math.floor(at / HOLD_MS)}`;
        const last = updates.get(half);
        if (last) brief.add(last);
        updates.set(half, change);
        continue;
      }
      const before = open.get(peer);
      open.set(peer, { at, change });
      if (!before || at - before.at > HOLD_MS) continue;
      const isTakenBack =
        (before.change.kind === 'joined' && change.kind === 'left' && change.reason === 'refused') ||
        (before.change.kind === 'away' && change.kind === 'back');
      if (!isTakenBack) continue;
      brief.add(before.change).add(change);
      open.delete(peer);
    }
  return brief;
}
