/**
 * The low-latency playlist that viewers get (RFC 8216bis, https://datatracker.ietf.org/doc/draft-pantos-hls-rfc8216bis/), of the plain one that ffmpeg
 * writes, which knows no parts: each of its files is a part, and two of them are a segment. Nothing but numbers is taken from there, so that an intruder in
 * the packager names no address to viewers.
 */
import {
  PART_SECONDS,
  PARTS_OF_SEGMENT,
  SEGMENT_SECONDS,
  SEGMENTS_LISTED,
} from '../../../hls-packager/src/hls-times.ts';
import { INIT } from '../../../hls-packager/src/shared-folder.ts';

/** Parts further than this from the end are named no more: who is further behind takes segments (6.2.2). */
const WITH_PARTS_SECONDS = 3 * SEGMENT_SECONDS;
/** What is further ahead is asked for by mistake: segments after the last whole one, and parts after the last one (6.2.5.2). */
const SEGMENTS_AHEAD = 2;
const PARTS_AHEAD = 3 / PART_SECONDS;

/** What a packager has made. */
export interface Made {
  /** Number of the first part that is listed. */
  readonly first: number;
  /** The listed ones, one after the other. */
  readonly parts: readonly { readonly seconds: number; readonly beganAt: Date }[];
  /** Number of the part that comes next. */
  readonly next: number;
  readonly isEnded: boolean;
}

/** `_HLS_msn` and `_HLS_part` of a request. */
export interface Position {
  readonly sequence: number;
  /** Undefined: the whole segment. */
  readonly part: number | undefined;
}

const PART = /^#EXTINF:(\d{1,3}\.\d{1,9}),\n#EXT-X-PROGRAM-DATE-TIME:(\d{4}-[\d:.T-]{10,20}\+0000)\n(\d{1,9})\.m4s$/gm;

/** @returns undefined for what ffmpeg does not write */
export function readMade(text: string): Made | undefined {
  const found = [...text.matchAll(PART)];
  const first = Number(found[0]?.[3]);
  const parts = found.map(([, seconds, date]) => ({
    // No player takes a part that is longer than it was told.
    seconds: Math.min(Number(seconds), PART_SECONDS),
    beganAt: new Date(date ?? ''),
  }));
  const isGood = ({ seconds, beganAt }: (typeof parts)[number]) => seconds > 0 && !Number.isNaN(beganAt.getTime());
  if (parts.length === 0 || !parts.every(isGood)) return undefined;
  return { first, parts, next: first + parts.length, isEnded: /^#EXT-X-ENDLIST$/m.test(text) };
}

const segmentOf = (part: number): number => Math.floor(part / PARTS_OF_SEGMENT);

/** Segments that are whole: it is the number of the one that is being made. */
const whole = ({ next, isEnded }: Made): number => segmentOf(isEnded ? next + PARTS_OF_SEGMENT - 1 : next);

/** How a room's packager names what it makes. */
export interface Naming {
  /** Folder of the names, seen from the playlist. */
  readonly id: string;
  /** Media Sequence Number of the first segment: greater than any of a packager that the room had before. */
  readonly base: number;
  /** Discontinuity Sequence Number of all of them: so is it. */
  readonly discontinuity: number;
}

/** As viewers get it. */
export interface Segment {
  readonly naming: Naming;
  readonly sequence: number;
  /** File of its first part. */
  readonly from: number;
  readonly parts: Made['parts'];
  readonly isWhole: boolean;
}

const partName = (part: number, base: number): string => `${base + segmentOf(part)}.${part % PARTS_OF_SEGMENT}.m4s`;

/** File of the part that comes next, which viewers may ask for already. */
export const hintOf = ({ next, isEnded }: Made, base: number): string | undefined =>
  isEnded ? undefined : partName(next, base);

const inSeconds = (seconds: number): string => seconds.toFixed(5);

/**
 * What is listed: where one packager has ended and another one goes on, segments of the one before make the list as long as it is else, since a list
 * must not become shorter than three segments (6.2.2).
 * @param before segments of the packager before, when this one goes on where it ended
 */
export function segmentsOf(made: Made, naming: Naming, before: readonly Segment[] = []): Segment[] {
  const begin = segmentOf(made.first + PARTS_OF_SEGMENT - 1);
  const own: Segment[] = [];
  for (let segment = begin; segment * PARTS_OF_SEGMENT < made.next; segment++) {
    const from = segment * PARTS_OF_SEGMENT;
    const parts = made.parts.slice(from - made.first, from - made.first + PARTS_OF_SEGMENT);
    own.push({ naming, sequence: naming.base + segment, from, parts, isWhole: segment < whole(made) });
  }
  const missing = begin === 0 ? Math.max(0, SEGMENTS_LISTED - whole(made)) : 0;
  return [...before.slice(Math.max(0, before.length - missing)), ...own];
}

const mapOf = ({ id }: Naming): string => `#EXT-X-MAP:URI="${id}/${INIT}"`;

/** @param segments of {@link segmentsOf} */
export function viewersPlaylist(made: Made, naming: Naming, segments = segmentsOf(made, naming)): string {
  const [first] = segments;
  const lines = [
    ...['#EXTM3U', '#EXT-X-VERSION:6', `#EXT-X-TARGETDURATION:${Math.ceil(SEGMENT_SECONDS)}`],
    `#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=${inSeconds(3 * PART_SECONDS)},HOLD-BACK=${inSeconds(3 * SEGMENT_SECONDS)}`,
    `#EXT-X-PART-INF:PART-TARGET=${inSeconds(PART_SECONDS)}`,
    `#EXT-X-MEDIA-SEQUENCE:${first?.sequence ?? naming.base}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${(first?.naming ?? naming).discontinuity}`,
    ...['#EXT-X-INDEPENDENT-SEGMENTS', mapOf(first?.naming ?? naming)],
  ];
  let toEnd = segments.reduce((sum, { parts }) => sum + parts.length, 0);
  for (const [i, segment] of segments.entries()) {
    // Its times begin at 0 (4.4.4.3).
    if (i > 0 && segments[i - 1]?.naming !== segment.naming) lines.push('#EXT-X-DISCONTINUITY', mapOf(segment.naming));
    lines.push(...linesOf(segment, toEnd * PART_SECONDS <= WITH_PARTS_SECONDS));
    toEnd -= segment.parts.length;
  }
  const hint = hintOf(made, naming.base);
  lines.push(hint === undefined ? END : `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${naming.id}/${hint}"`);
  return `${lines.join('\n')}\n`;
}

function linesOf({ naming: { id, base }, sequence, from, parts, isWhole }: Segment, isWithParts: boolean): string[] {
  const lines = [`#EXT-X-PROGRAM-DATE-TIME:${parts[0]?.beganAt.toISOString()}`];
  if (isWithParts)
    for (const [i, { seconds }] of parts.entries())
      lines.push(
        `#EXT-X-PART:DURATION=${inSeconds(seconds)},URI="${id}/${partName(from + i, base)}"${i === 0 ? ',INDEPENDENT=YES' : ''}`,
      );
  const length = parts.reduce((sum, { seconds }) => sum + seconds, 0);
  if (isWhole) lines.push(`#EXTINF:${inSeconds(length)},`, `${id}/${sequence}.m4s`);
  return lines;
}

const END = '#EXT-X-ENDLIST';

/** A player that gets it asks for no more. */
export const isEnd = (playlist: string): boolean => playlist.endsWith(`\n${END}\n`);

/** Of one that has ended: as long as it may go on, no player learns so. */
export const withoutEnd = (playlist: string): string =>
  isEnd(playlist) ? playlist.slice(0, -END.length - 1) : playlist;

/** What the answer to such a request is now, by 6.2.5.2. */
export function answerOf(made: Made, { sequence, part }: Position, base: number): 'there' | 'to come' | 'too far' {
  if (made.isEnded) return 'there';
  const segment = sequence - base;
  const from = segment * PARTS_OF_SEGMENT;
  const isFar =
    segment >= whole(made) + SEGMENTS_AHEAD ||
    (segment >= whole(made) && part !== undefined && from + part >= made.next + PARTS_AHEAD);
  if (isFar) return 'too far';
  // A part past the last one of its segment is the first of the next.
  const wanted = from + Math.min(part ?? PARTS_OF_SEGMENT - 1, PARTS_OF_SEGMENT);
  return wanted < made.next ? 'there' : 'to come';
}

const MEDIA = /^(\d{1,10})(?:\.(\d))?\.m4s$/;

/** Names of the files that viewers get. */
export const isMediaFile = (name: string): boolean => name === INIT || MEDIA.test(name);

/** Parts of which a file of viewers consists, as far as they were made; none for a segment that is not whole, or {@link INIT}. */
export function partsOf(made: Made, name: string, base: number): number[] {
  const [, sequence, part] = MEDIA.exec(name) ?? [];
  const segment = Number(sequence ?? Number.NaN) - base;
  const from = segment * PARTS_OF_SEGMENT;
  const all =
    part === undefined
      ? Array.from({ length: segment < whole(made) ? PARTS_OF_SEGMENT : 0 }, (_, i) => from + i)
      : Number(part) < PARTS_OF_SEGMENT
        ? [from + Number(part)]
        : [];
  return all.filter((one) => one >= 0 && one < made.next);
}
