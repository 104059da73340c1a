/** Everybody in the room sees that it is recorded, before anything is. */
import type { RoomSession } from '../agent-session.ts';

/** How long signaling may take to say so, ms. */
const ANNOUNCE_MS = 8000;

export interface Announcement {
  /** Of the node in the room. */
  readonly epoch: number;
  /** ms since the epoch; undefined: it is recorded no more. */
  readonly since: number | undefined;
  /** Aborts when the session is in the room no more. */
  readonly signal: AbortSignal;
}

/** @throws Error when signaling has not told the room in time, the signal's reason when it cannot any more */
export async function announceRecording(session: RoomSession, what: Announcement): Promise<void> {
  const { epoch, since, signal } = what;
  const isTold = () => session.media?.epoch === epoch && session.media.recording === since;
  if (isTold()) return;
  signal.throwIfAborted();
  const told = Promise.withResolvers<void>();
  const off = session.on('media', () => {
    if (isTold()) told.resolve();
  });
  const cut = () => told.reject(signal.reason as Error);
  signal.addEventListener('abort', cut);
  const timer = setTimeout(() => told.reject(new Error('the room was not told that it is recorded')), ANNOUNCE_MS);
  session.update({ media: epoch, ...(since === undefined ? {} : { recording: since }) });
  try {
    await told.promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', cut);
    off();
  }
}
