/** Grants: what a bearer may do is the narrower of what it asks and what its way in allows. */
import { Grants, isRoomGrant } from '@tandem/protocol';
import { ProblemError } from '@tandem/service';

/** Does the pattern `ceiling` cover everything that `wanted` covers? Both exact, or with a trailing `*`. */
export function covers(ceiling: string, wanted: string): boolean {
  if (ceiling.endsWith('*')) return wanted.replace(/\*$/, '').startsWith(ceiling.slice(0, -1));
  return ceiling === wanted;
}

/** Grants as they were stored or claimed, without those that this version does not know: a retired one takes nothing with it. */
export function withoutUnknownGrants(grants: unknown): unknown {
  if (typeof grants !== 'object' || grants === null || Array.isArray(grants)) return grants;
  return Object.fromEntries(Object.entries(grants).filter(([name]) => Object.hasOwn(Grants.properties, name)));
}

/**
 * @param ceiling the most that may be granted; absent fields have the default of the Grants schema
 * @param wanted asked for by the client; absent fields take the ceiling
 * @param by who asks: a backend may narrow everything, a bearer everything but the size of a room, which others are in as well
 * @throws ProblemError 403 naming the field that asks for more, or 400 naming a grant that is neither a room id nor the beginning of ids and *
 */
export function narrow(
  ceiling: Grants,
  wanted: Grants | undefined,
  { by }: { by: 'backend' | 'bearer' },
): Grants | undefined {
  const result: Record<string, unknown> = { ...ceiling };
  const refuse = (field: string) => {
    throw new ProblemError(403, 'grant_refused', `grants.${field} asks for more than you may grant`, {
      field: `/grants/${field}`,
    });
  };
  if (wanted?.rooms) {
    const most = ceiling.rooms ?? ['*'];
    wanted.rooms.forEach((room, i) => {
      if (!isRoomGrant(room))
        throw new ProblemError(
          400,
          'invalid_field',
          `body/grants/rooms/${i}: expected a room id, or the beginning of ids and *`,
          {
            field: `/grants/rooms/${i}`,
          },
        );
      if (!most.some((m) => covers(m, room))) refuse(`rooms/${i}`);
    });
    result.rooms = wanted.rooms;
  }
  for (const flag of ['publish', 'data'] as const) {
    if (wanted?.[flag] === undefined) continue;
    if (wanted[flag] && ceiling[flag] === false) refuse(flag);
    result[flag] = wanted[flag];
  }
  for (const flag of ['kick', 'invite', 'record', 'media'] as const) {
    if (wanted?.[flag] === undefined) continue;
    if (wanted[flag] && ceiling[flag] !== true) refuse(flag);
    result[flag] = wanted[flag];
  }
  for (const limit of ['maxRoomSize', 'maxFrameBytes'] as const) {
    const value = wanted?.[limit];
    if (value === undefined) continue;
    const most = ceiling[limit];
    if (most !== undefined && value > most) refuse(limit);
    if (limit === 'maxRoomSize' && by === 'bearer' && value !== most) refuse(limit);
    result[limit] = value;
  }
  if (wanted?.duplicate !== undefined) {
    if (ceiling.duplicate !== undefined && ceiling.duplicate !== wanted.duplicate) refuse('duplicate');
    result.duplicate = wanted.duplicate;
  }
  return Object.keys(result).length > 0 ? (result as Grants) : undefined;
}
