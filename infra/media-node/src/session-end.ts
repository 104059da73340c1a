/** How an agent's membership in its room ends, other than by itself. */
import type { RoomSession } from './agent-session.ts';

/** The room was ended for everybody: no next node goes on with it, and who meets there later is not recorded by what was begun before. */
export const ROOM_CLOSED = 'room closed';

/** @param ended is called with the reason, perhaps more than once @returns what ends the listening */
export function followEnd(session: RoomSession, ended: (why: string) => void): (() => void)[] {
  return [
    session.on('state', ({ state, reason }) => {
      if (state === 'closed') ended(reason === 'roomClosed' ? ROOM_CLOSED : 'session closed');
    }),
    session.on('room-lost', ({ code }) => ended(code === 'room_over' ? ROOM_CLOSED : 'room lost')),
    // The people seem to leave, one by one, and are there: the room is not empty.
    session.on('session-lost', () => ended('session lost')),
  ];
}
