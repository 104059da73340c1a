/** A room as somebody sees it who is not in it: a few reads, of which none changes anything and none grows with a large room. */

import type { RedisClient } from '@tandem/service';
import type { RedisKeys } from './redis-keys.ts';
import { readMember, word } from './redis-records.ts';
import { LOOK_LIMIT, type RoomLook } from './room-look.ts';
import { readRestricted, readRules } from './room-settings.ts';
import { isMediaPeer, type JoinRule } from './types.ts';

interface Look extends Pick<JoinRule, 'loginSession' | 'userId'> {
  readonly room: string;
}

export async function lookIntoRoom(client: RedisClient, keys: RedisKeys, look: Look): Promise<RoomLook> {
  const { room: name, loginSession, userId } = look;
  const [room, bans, , settings] = keys.room(name);
  const [size, ofLogin, ofUser, [rules, ask, restricted, grants]] = await Promise.all([
    client.hlen(room),
    client.zscore(bans, loginSession),
    userId === undefined ? null : client.zscore(bans, `!user ${userId}`),
    client.hmget(settings, 'rules', 'ask', 'restricted', `g ${word(loginSession)}`),
  ]);
  const now = Date.now();
  // One field is the version.
  const isAll = size <= LOOK_LIMIT + 1;
  const infos = isAll ? await readInfos(client, room, now) : [];
  return {
    count: isAll ? infos.length : size - 1,
    infos,
    isBanned: Math.max(Number(ofLogin ?? 0), Number(ofUser ?? 0)) > now,
    granted: Number(grants?.split(' ')[0] ?? 0) > now ? (grants?.split(' ')[1] ?? '') : '',
    ...(rules ? { rules: { ...readRules(rules, ask === '1'), ...readRestricted(restricted) } } : {}),
  };
}

/** Of people; who was away too long is out, though still stored. */
async function readInfos(client: RedisClient, room: string, now: number): Promise<string[]> {
  const fields = Object.entries(await client.hgetall(room)).filter(([id]) => id !== '#' && !isMediaPeer(id));
  return fields
    .filter(([, value]) => {
      const [, awayUntil] = value.split(' ', 2).map(Number);
      return awayUntil === 0 || Number(awayUntil) > now;
    })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, value]) => readMember(id, value, now).info);
}
