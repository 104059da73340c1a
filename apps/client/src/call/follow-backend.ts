/** What the deployment's backend decides about me during a call: other grants, or another room (rules S-38 and S-39). */
import { isRoomId } from '@tandem/protocol/names';
import type { Call } from '@tandem/rtc';
import { localMedia } from '../media/local-media.ts';
import { mayShare } from './permitted.ts';
import type { CallState } from './state.ts';

/** Longest access token that is taken, characters; that of signaling is the same. */
const MAX_TOKEN = 8192;

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

/** A backend may tell anything: a move is one whose end of the session says so too. @returns asks for it, and what ends it */
export function followMove({ session }: Pick<Call, 'session'>): { move: () => Move | undefined; undo: (() => void)[] } {
  let told: Move | undefined;
  let isMoved = false;
  const undo = [
    session.on('server-message', ({ topic, data }) => {
      told = readMove(topic, data) ?? told;
    }),
    session.on('kicked', ({ reason }) => {
      isMoved = reason === 'moved';
    }),
  ];
  return { move: () => (isMoved ? told : undefined), undo };
}

/** @returns what ends it */
export function followGrants({ session }: Pick<Call, 'session'>, state: CallState, closeShare: () => void): () => void {
  return session.on('grants', ({ publish, data, kick }) => {
    state.set({ moderator: kick, watching: !publish, writing: data });
    if (!publish) localMedia.stop();
    if (!mayShare(state.get())) closeShare();
    state.notify('call.grants');
  });
}
