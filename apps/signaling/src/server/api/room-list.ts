/** Pages of rooms, within the rooms that an API key is for. */
import type { BackendClaims } from '@tandem/protocol';
import { ProblemError } from '@tandem/service';
import type { Backplane } from '../../backplane/types.ts';
import { represent } from './room-document.ts';
import type { Room, RoomQuery } from './schemas.ts';

/** Rooms looked at for one page at most, when a tag leaves most of them out. */
const MAX_LOOKED_AT = 1000;

/** Names that begin so, or one name. */
type Range = { readonly prefix: string } | { readonly name: string };
/** Where a page ended: in which range, behind which room. */
type Cursor = readonly [range: number, after?: string];

export async function listPage(backplane: Backplane, { rooms: patterns }: BackendClaims, query: RoomQuery) {
  const { prefix = '', tag, limit = '100' } = query;
  const wanted = Number(limit);
  const ranges = rangesOf(patterns, prefix);
  const rooms: Room[] = [];
  let [at, after] = readCursor(query.cursor);
  let lookedAt = 0;
  while (at < ranges.length && rooms.length < wanted && lookedAt < MAX_LOOKED_AT) {
    const most = wanted - rooms.length;
    const names = await namesOf(backplane, ranges[at] as Range, { after, limit: most });
    lookedAt += names.length;
    const described = await backplane.describeRooms(names);
    names.forEach((name, i) => {
      const description = described[i];
      // Gone since, or left in the list by nodes that died.
      const room = description && represent(name, description);
      if (room && (tag === undefined || room.tags.includes(tag))) rooms.push(room);
    });
    if (names.length < most) [at, after] = [at + 1, undefined];
    else after = names.at(-1);
  }
  const next: Cursor | undefined = at >= ranges.length ? undefined : after === undefined ? [at] : [at, after];
  return { rooms, ...(next ? { nextCursor: Buffer.from(JSON.stringify(next)).toString('base64url') } : {}) };
}

async function namesOf(
  backplane: Backplane,
  range: Range,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): Promise<readonly string[]> {
  if ('name' in range) return after === undefined ? [range.name] : [];
  return backplane.listRooms({ prefix: range.prefix, limit, ...(after === undefined ? {} : { after }) });
}

/** What of `prefix` the patterns cover, without overlap. */
function rangesOf(patterns: readonly string[], prefix: string): readonly Range[] {
  const prefixes = patterns.flatMap((pattern) => {
    if (!pattern.endsWith('*')) return [];
    const own = pattern.slice(0, -1);
    return own.startsWith(prefix) ? [own] : prefix.startsWith(own) ? [prefix] : [];
  });
  const widest = [...new Set(prefixes)].filter((one) => !prefixes.some((p) => p !== one && one.startsWith(p)));
  const names = new Set(patterns.filter((pattern) => !pattern.endsWith('*') && pattern.startsWith(prefix)));
  const single = [...names].filter((name) => !widest.some((p) => name.startsWith(p)));
  return [...widest.map((one) => ({ prefix: one })), ...single.map((name) => ({ name }))];
}

function readCursor(text: string | undefined): Cursor {
  if (text === undefined) return [0];
  try {
    const read: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (Array.isArray(read) && read.length <= 2) {
      const [at, after] = read;
      if (Number.isSafeInteger(at) && at >= 0 && at < 64 && (after === undefined || typeof after === 'string'))
        return after === undefined ? [at] : [at, after.slice(0, 128)];
    }
  } catch {}
  throw new ProblemError(400, 'invalid_field', 'querystring/cursor is not one that a page gave', { field: '/cursor' });
}
