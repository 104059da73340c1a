/** The agent's membership in one room. */
import { type SessionEvents, SignalingSession } from '@tandem/rtc';
import { RoomEntry } from './room-entry.ts';
import { TokenEnds } from './token-ends.ts';

export interface RoomSessionOptions {
  /** Of signaling. */
  readonly url: string;
  readonly room: string;
  readonly epoch: number;
  /** The room is recorded since then, ms since the epoch; undefined: it is not. */
  readonly recording?: number | undefined;
  readonly getToken: () => Promise<string>;
}

/** A room that was not entered in this time is given up, ms. */
const JOIN_MS = 8000;

export interface JoinedRoom {
  readonly session: SignalingSession;
  readonly tokenEnds: TokenEnds;
  readonly entry: RoomEntry;
  /** What was said to the node before it listened: clients begin as soon as they see it in the room. It is kept until this is called. */
  takeEarly(): SessionEvents['signal'][];
  /** Its end may have been said before anybody listened. */
  isOver(): boolean;
}

/** @throws SignalingError when the room cannot be entered */
export async function joinRoom({ url, room, epoch, recording, getToken }: RoomSessionOptions): Promise<JoinedRoom> {
  // The agent is behind nothing that hides why a handshake failed.
  const session = new SignalingSession({ url, getToken, probe: false });
  const tokenEnds = new TokenEnds(session);
  const entry = new RoomEntry(session);
  const early: SessionEvents['signal'][] = [];
  const off = session.on('signal', (signal) => early.push(signal));
  let isLost = false;
  session.on('room-lost', () => {
    isLost = true;
  });
  const timeout = setTimeout(() => session.close(), JOIN_MS);
  try {
    await session.join(room, { media: epoch, ...(recording === undefined ? {} : { recording }) });
    return {
      session,
      tokenEnds,
      entry,
      takeEarly: () => {
        off();
        return early;
      },
      isOver: () => isLost || session.state === 'closed',
    };
  } catch (error) {
    session.close();
    throw error;
  } finally {
    clearTimeout(timeout);
  }
}
