/** Whether everybody may enter the room: what its people send is then shown to viewers outside of it as well (W-15). */
import type { RoomSession } from './agent-session.ts';

export class RoomEntry {
  /** Until signaling says otherwise; one of an older version says nothing. */
  #isOpen = true;
  #follower: (isOpen: boolean) => void = () => {};

  /** @param session not in its room yet, so that nothing is missed */
  constructor(session: Pick<RoomSession, 'on'>) {
    session.on('entry', ({ entry }) => {
      this.#isOpen = entry === 'open';
      this.#follower(this.#isOpen);
    });
  }

  /** @param follower told of what is true now, and of each change */
  follow(follower: (isOpen: boolean) => void): void {
    this.#follower = follower;
    follower(this.#isOpen);
  }
}
