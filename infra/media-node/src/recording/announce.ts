/** Everybody in the room sees that it is recorded, before anything is. */
import type { RoomSession } from '../agent-session.ts';

/** How long signaling may take to say so, ms. */
const ANNOUNCE_MS = 8000;

/**
 * @param since ms since the epoch; undefined: it is recorded no more
 * @throws Error when signaling has not told the room in time
 */
export async function announceRecording(session: RoomSession, epoch: number, since: number | undefined): Promise<void> {
  const isTold = () => session.media?.epoch === epoch && session.media.recording === since;
  if (isTold()) return;
  const told = Promise.withResolvers<void>();
  const off = session.on('media', () => {
    if (isTold()) told.resolve();
  });
  const timer = setTimeout(() => told.reject(new Error('the room was not told that it is recorded')), ANNOUNCE_MS);
  session.update({ media: epoch, ...(since === undefined ? {} : { recording: since }) });
  try {
    await told.promise;
  } finally {
    clearTimeout(timer);
    off();
  }
}
