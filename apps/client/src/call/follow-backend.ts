/** What the deployment's backend decides about me during a call: other grants, or another room (rules S-38 and S-39). */
import { isRoomId } from '@tandem/protocol/names';
import type { Call } from '@tandem/rtc';
import { localMedia } from '../media/local-media.ts';
import { mayShare } from './permitted.ts';
import type { CallState } from './state.ts';

/** Longest access token that is taken, characters; that of signaling is the same. */
const MAX_TOKEN = 8192;

/** The end of the session follows a move at once. An older message is none any more, ms. */
const MOVE_MS = 10_000;

/** Where I was sent. */
export interface Move {
  readonly roomId: string;
  /** To enter with. Undefined: as ever. */
  readonly token: string | undefined;
}

/** @returns undefined for what is no move */
export function readMove(topic: string, data: unknown): Move | undefined {
  if (topic !== 'move' || typeof data !== 'object' || data === null) return undefined;
  const { roomId, token } = data as { roomId?: unknown; token?: unknown };
  if (typeof roomId !== 'string' || !isRoomId(roomId)) return undefined;
  if (token !== undefined && (typeof token !== 'string' || token.length > MAX_TOKEN)) return undefined;
  return { roomId, token };
}

/**
 * A backend may say anything: a move is one whose end of the session says so too, soon after it.
 * @param now ms, of a clock that only goes on
 * @returns asks for it, and what ends it
 */
export function followMove(
  { session }: Pick<Call, 'session'>,
  now = () => performance.now(),
): { move: () => Move | undefined; undo: (() => void)[] } {
  let newest: { readonly move: Move; readonly at: number } | undefined;
  let sent: Move | undefined;
  const undo = [
    session.on('server-message', ({ topic, data }) => {
      const move = readMove(topic, data);
      if (move) newest = { move, at: now() };
    }),
    session.on('kicked', ({ reason }) => {
      const isMoved = reason === 'moved' && newest && now() - newest.at <= MOVE_MS;
      sent = isMoved ? newest?.move : undefined;
    }),
  ];
  return { move: () => sent, undo };
}

/** Camera and microphone of somebody who may not publish: the settings could open them. */
function closeMedia(state: CallState): void {
  const { audio, video, camera } = localMedia.get();
  const isOpen = [audio, video].some((source) => source === 'starting' || source === 'live') || camera !== undefined;
  if (state.get().watching && isOpen) localMedia.stop();
}

/** @returns what ends it */
export function followGrants(
  { session }: Pick<Call, 'session'>,
  state: CallState,
  stopShare: () => void,
): (() => void)[] {
  // Such a call sends nothing, whatever is granted later: to be seen and heard, its person is asked and joins again.
  const isAudience = state.get().watching;
  let mayPublish = !isAudience;
  return [
    session.on('grants', ({ publish, data, kick }) => {
      const { moderator, watching, writing, invited } = state.get();
      const asks = isAudience && publish && (invited || !mayPublish);
      const now = { moderator: kick, moderates: kick, watching: isAudience || !publish, writing: data, invited: asks };
      mayPublish = publish;
      state.set(now.watching ? { ...now, offer: undefined } : now);
      closeMedia(state);
      if (!mayShare(state.get())) stopShare();
      // They come again at each resume and join.
      const isOver = invited && !asks;
      if (isOver || now.moderator !== moderator || now.watching !== watching || now.writing !== writing)
        state.notify('call.grants');
    }),
    localMedia.subscribe(() => closeMedia(state)),
  ];
}
