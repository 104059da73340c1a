/** A viewer of a room that this node serves, as an HTTP session has it. */
import { ProblemError } from '@tandem/service';
import { type Candidate, EngineError } from '../engine.ts';
import type { RoomViewers } from '../room-viewers.ts';
import { type Offer, withCandidates } from './sdp.ts';
import type { StreamConnection } from './stream-sessions.ts';

/** Candidates of the engine come with its answer; without an end of them the answer goes out after this time, ms. */
const CANDIDATES_MS = 500;
/** A client that has not connected in this time is gone, ms. */
const CONNECT_MS = 30_000;
/** When somebody who found nothing may ask again, s. */
const RETRY_SECONDS = 5;

/** @param ended called once, when the connection has ended by itself @throws ProblemError */
export async function openViewer(
  viewers: RoomViewers,
  offer: Offer,
  ended: (why: string) => void,
): Promise<{ connection: StreamConnection; answer: string }> {
  const candidates: Candidate[] = [];
  const hasAll = Promise.withResolvers<void>();
  let connectTimer: NodeJS.Timeout | undefined;
  let isOver = false;
  const over = (why: string) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(connectTimer);
    hasAll.resolve();
    ended(why);
  };
  try {
    const leg = await viewers.watch(offer.sdp, {
      onCandidate: (candidate) => {
        if (candidate) candidates.push(candidate);
        else hasAll.resolve();
      },
      onLive: () => clearTimeout(connectTimer),
      onLost: over,
    });
    if (!isTaken(leg.answer)) {
      await leg.close();
      throw new EngineError('refused', 'every section of the answer has port 0');
    }
    const end = (why: string) => {
      void leg.close();
      over(why);
    };
    connectTimer = setTimeout(() => end('not connected'), CONNECT_MS);
    const late = setTimeout(hasAll.resolve, CANDIDATES_MS);
    await hasAll.promise;
    clearTimeout(late);
    const connection: StreamConnection = {
      credentials: offer.credentials,
      candidate: (candidate) => leg.candidate(candidate),
      // No restart: the engine answers an offer of a viewer once.
      end,
    };
    return { connection, answer: withCandidates(leg.answer, candidates) };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    if (error.code === 'refused')
      throw new ProblemError(406, 'no_media', 'Nothing of the offer is taken: offer Opus, and VP8 or H.264.');
    throw notLive();
  }
}

/** A section that is refused has port 0, but for one of a bundle (RFC 3264 section 6, RFC 9143 section 7.2.1). */
const isTaken = (answer: string) =>
  answer
    .split(/^(?=m=)/m)
    .slice(1)
    .some(
      (section) =>
        /^a=sendonly\s*$/m.test(section) && (!/^m=\S+ 0 /.test(section) || /^a=bundle-only\s*$/m.test(section)),
    );

/** As draft-ietf-wish-whep-03 has it (section 4.2). */
export const notLive = () =>
  new ProblemError(409, 'not_live', 'There is no stream in this room now; ask again later.', {
    retryAfter: RETRY_SECONDS,
  });
