/** The agent's membership in one room. */
import { SignalingSession } from '@tandem/rtc';

export interface RoomSessionOptions {
  /** Of signaling. */
  readonly url: string;
  readonly room: string;
  readonly epoch: number;
  readonly getToken: () => Promise<string>;
}

/** A room that was not entered in this time is given up, ms. */
const JOIN_MS = 8000;

/** @throws SignalingError when the room cannot be entered */
export async function joinRoom({ url, room, epoch, getToken }: RoomSessionOptions): Promise<SignalingSession> {
  // The agent is behind nothing that hides why a handshake failed.
  const session = new SignalingSession({ url, getToken, probe: false });
  const timeout = setTimeout(() => session.close(), JOIN_MS);
  try {
    await session.join(room, { media: epoch });
    return session;
  } catch (error) {
    session.close();
    throw error;
  } finally {
    clearTimeout(timeout);
  }
}
