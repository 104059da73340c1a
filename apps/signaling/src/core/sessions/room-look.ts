/** Who is in a room, for somebody who may enter it and has not yet (S-37). */

import { displayName } from '@tandem/protocol/names';
import { grantedIn } from '../../backplane/room-grants.ts';
import type { RoomLook } from '../../backplane/room-look.ts';
import type { JoinRefusal } from '../../backplane/types.ts';
import type { NodeContext } from '../context.ts';
import type { MemberInfo, Session } from '../model.ts';
import { entrantOf } from '../rooms/member-record.ts';
import { refused } from './join.ts';

/** Most names in an answer. */
const MAX_NAMES = 12;

export interface Inside {
  /** Number of people. */
  readonly count: number;
  /** Absent: the room keeps them to its moderators, or has more people than are read. */
  readonly names?: readonly string[];
}

/**
 * Tells what a join would show, without a word to those inside.
 * @throws RefusalError as a join, but for `room_full`; UnavailableError
 */
export async function lookInto(context: NodeContext, session: Session, roomId: string): Promise<Inside> {
  const { loginSession } = session.identity;
  const { userId } = entrantOf(session);
  const asker = { loginSession, ...(userId === undefined ? {} : { userId }) };
  const look = await context.backplane.lookIntoRoom(roomId, asker);
  const moderates = grantedIn(session.tokenGrants, look.granted).kick === true;
  const refusal = refusalOf(context, look, moderates);
  if (refusal) throw refused(roomId, refusal, context.settings.askAgain);
  const { count, infos, rules } = look;
  const tells = infos.length === count && (moderates || rules?.restricted?.includes('look') !== true);
  return { count, ...(tells ? { names: namesOf(infos) } : {}) };
}

function refusalOf(context: NodeContext, look: RoomLook, moderates: boolean): JoinRefusal | undefined {
  const { isBanned, rules } = look;
  if (isBanned) return 'banned';
  if (!rules) return context.settings.createdRoomsOnly ? 'unknown' : undefined;
  if (rules.closesAt > 0 && rules.closesAt <= context.clock.date()) return 'over';
  if (moderates || rules.entry === 'open') return undefined;
  return rules.entry === 'ask' ? 'waiting' : 'locked';
}

function namesOf(infos: readonly string[]): string[] {
  const names = infos.map((info) => displayName(String((JSON.parse(info) as MemberInfo).metadata?.name ?? '')));
  return names.filter((name) => name !== '').slice(0, MAX_NAMES);
}
