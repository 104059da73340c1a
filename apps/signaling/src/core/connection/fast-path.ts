/** The fast path: a directed frame from a client, forwarded as it came, without being parsed. */
import {
  ANSWER,
  type FrameHeader,
  HAS_CANDIDATE,
  HAS_DATA,
  HAS_SDP,
  HAS_TRACEPARENT,
  MESSAGE,
  NO_TYPE,
  OFFER,
  OTHER,
  peerIdOf,
  RECEIPT,
  RELAYED,
} from '../../wire/frame-header.ts';
import { SplicedFrame } from '../../wire/spliced-frame.ts';
import type { RefusalError } from '../errors.ts';
import type { Identity } from '../identity.ts';
import type { Router } from '../messaging/router.ts';
import type { Session } from '../model.ts';
import { isAudience } from '../rooms/member-record.ts';
import { isRestricted } from '../rooms/restriction.ts';
import type { Subject } from './refusal-message.ts';
import { MAX_PEER_ID } from './validate.ts';

/** Payload key that each type must have, by its index. */
const NEEDS = [HAS_SDP, HAS_SDP, HAS_CANDIDATE, 0, HAS_DATA, 0, 0];

/** The connection that a frame came from, as far as the fast path needs it. */
export interface FrameSource {
  readonly identity: Identity;
  readonly session: Session;
  readonly host: { readonly router: Router };
  /** No frame but the welcome has passed. */
  fresh: boolean;
  /** Addressee of the last forwarded frame: as a rule that of the next one as well, so its name need not be made from bytes again. */
  lastPeer: string;
  /** What the server says behind a forwarded frame of that type. */
  suffix(type: number): Buffer;
  refuse(refusal: RefusalError, about: Subject): void;
}

/**
 * Forwards a scanned frame if it is a directed message with nothing to object to.
 * @returns false when there is anything unusual: the frame is then parsed and checked, and the answer says what is wrong
 */
export function forwardFrame(connection: FrameSource, bytes: Buffer, header: FrameHeader): boolean {
  const { type, present } = header;
  if (type === OTHER || type === NO_TYPE) return false;
  const need = NEEDS[type] as number;
  const length = header.peerEnd - header.peerStart;
  const wellFormed =
    header.peerStart >= 0 &&
    length > 0 &&
    length <= MAX_PEER_ID &&
    !header.peerEscaped &&
    header.id >= 0 &&
    header.base >= 0 &&
    (present & need) === need &&
    (present & HAS_TRACEPARENT) === 0 &&
    (type !== RECEIPT || header.id > 0);
  if (!wellFormed) return false;
  const { grants } = connection.identity;
  if ((type === OFFER || type === ANSWER) && isAudience(connection.session)) return false;
  if (type === MESSAGE && (grants.data === false || isRestricted(connection, 'chat'))) return false;
  const member = connection.session.room?.members.get(addressee(connection, bytes, header));
  if (!member) return false;
  connection.fresh = false;
  const { id } = header;
  connection.host.router.toMember(
    member,
    new SplicedFrame(bytes, 0, header.close, connection.suffix(type)),
    (refusal: RefusalError) =>
      connection.refuse(refusal, {
        type: RELAYED[type] as string,
        peerId: member.peerId,
        ...(id > 0 ? { id } : {}),
      }),
  );
  return true;
}

/** `peerId` of a frame that has one, in plain ASCII. */
function addressee(connection: FrameSource, bytes: Buffer, header: FrameHeader): string {
  const { lastPeer } = connection;
  const { peerStart } = header;
  const length = header.peerEnd - peerStart;
  if (lastPeer.length === length) {
    let i = 0;
    while (i < length && lastPeer.charCodeAt(i) === bytes[peerStart + i]) i++;
    if (i === length) return lastPeer;
  }
  connection.lastPeer = peerIdOf(bytes, header) as string;
  return connection.lastPeer;
}
