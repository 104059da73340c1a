/** Rooms whose media no server can read: they are not recorded, and nothing is streamed into them or out of them. */
import type { PeerInfo } from '@tandem/rtc';
import { ProblemError } from '@tandem/service';

/** Somebody's frames are sealed (docs/encryption.md). */
export const isEncrypted = (people: ReadonlyMap<string, PeerInfo>): boolean =>
  [...people.values()].some(({ metadata }) => metadata?.encryption !== undefined);

/** Of those who want to watch one, by WHEP or HLS. */
export const encryptedRoom = () =>
  new ProblemError(403, 'encrypted', 'This room is encrypted from end to end: it cannot be watched from outside.');
