/** The deployment's backend sends me to another room (rule S-38). */
import { isRoomId } from '@tandem/protocol/names';
import type { Call } from '@tandem/rtc';

/** Longest access token that is taken, characters; that of signaling is the same. */
const MAX_TOKEN = 8192;

/** The end of the session follows a move at once. An older message is none any more, ms. */
const MOVE_MS = 10_000;

/** Where the deployment's backend sends me. */
export interface Move {
  readonly roomId: string;
  /** To enter with. Undefined: with one of my own source, as ever. */
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
 * Follows the moves of a call (rule S-38). {@link useCall} does so by itself.
 * A backend may say anything: a move is one whose end of the session says so too, soon after it.
 * @param now ms, of a clock that only goes on
 * @returns asks for it once the call has ended, and what ends the following
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
