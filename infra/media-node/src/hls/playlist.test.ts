import { expect, test } from 'vitest';
import {
  answerOf,
  hintOf,
  isMediaFile,
  type Made,
  partsOf,
  readMade,
  type Segment,
  segmentsOf,
  viewersPlaylist,
} from './playlist.ts';

/** As ffmpeg 5.1 writes it, from this part on. */
const written = (first: number, count: number, end = '') =>
  `#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:0
#EXT-X-MEDIA-SEQUENCE:${first}
#EXT-X-MAP:URI="init.mp4"
${Array.from({ length: count }, (_, i) => {
  const at = new Date(Date.UTC(2026, 10, 29, 12) + (first + i) * 500).toISOString().replace('Z', '+0000');
  return `#EXTINF:0.500000,\n#EXT-X-PROGRAM-DATE-TIME:${at}\n${first + i}.m4s\n`;
}).join('')}${end}`;

const made = (first: number, count: number, end?: string) => readMade(written(first, count, end)) as Made;
const NAMING = { id: 'ID', base: 100, discontinuity: 100 };

test('W-13 each file of ffmpeg is a part that is named at once, with the next one as a hint; two are a segment', () => {
  const head = `#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:1
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.50000,HOLD-BACK=3.00000
#EXT-X-PART-INF:PART-TARGET=0.50000
#EXT-X-MEDIA-SEQUENCE:100
#EXT-X-DISCONTINUITY-SEQUENCE:100
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="ID/init.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-29T12:00:00.000Z
#EXT-X-PART:DURATION=0.50000,URI="ID/100.0.m4s",INDEPENDENT=YES
`;
  expect(viewersPlaylist(made(0, 1), NAMING)).toBe(`${head}#EXT-X-PRELOAD-HINT:TYPE=PART,URI="ID/100.1.m4s"\n`);
  const whole = `${head}#EXT-X-PART:DURATION=0.50000,URI="ID/100.1.m4s"\n#EXTINF:1.00000,\nID/100.m4s\n`;
  expect(viewersPlaylist(made(0, 2), NAMING)).toBe(`${whole}#EXT-X-PRELOAD-HINT:TYPE=PART,URI="ID/101.0.m4s"\n`);
  // What has ended in the middle of a segment ends with a shorter one.
  expect(viewersPlaylist(made(0, 3, '#EXT-X-ENDLIST\n'), NAMING)).toBe(
    `${whole}#EXT-X-PROGRAM-DATE-TIME:2026-11-29T12:00:01.000Z
#EXT-X-PART:DURATION=0.50000,URI="ID/101.0.m4s",INDEPENDENT=YES
#EXTINF:0.50000,
ID/101.m4s
#EXT-X-ENDLIST
`,
  );
});

test('W-13 a list that begins in the middle of a segment is listed from the next one on', () => {
  const text = viewersPlaylist(made(7, 14), NAMING);
  expect(text).toContain('#EXT-X-MEDIA-SEQUENCE:104\n');
  expect(text.match(/^ID\/\d+\.m4s$/gm)).toEqual(['104', '105', '106', '107', '108', '109'].map((n) => `ID/${n}.m4s`));
  expect(text.match(/URI="ID\/\d+\.\d/g)?.at(0)).toBe('URI="ID/108.0');
});

test('W-13 a packager that somebody broke into names no address to viewers, and nothing that it writes harms them', () => {
  const far = 'https://elsewhere.example/7.m4s';
  const one = written(7, 1);
  const odd = [
    '',
    'no playlist',
    '#EXTM3U\n#EXT-X-ENDLIST\n',
    one.replace('7.m4s', far),
    one.replace('7.m4s', '../7.m4s'),
    one.replace('7.m4s', '-7.m4s'),
    one.replace('7.m4s', '7777777777.m4s'),
    one.replace('0.500000', '0.000000'),
    one.replace('0.500000', '-0.500000'),
    one.replace('2026-11-29T', '2026-99-99T'),
    one.replace(/#EXT-X-PROGRAM.*/, `#EXT-X-KEY:METHOD=AES-128,URI="${far}"`),
  ];
  for (const text of odd) expect(readMade(text), text).toBeUndefined();
  const more = written(7, 3, `#EXT-X-KEY:METHOD=AES-128,URI="${far}"\n${far}\n`).replace('0.5', '900.5');
  const text = viewersPlaylist(readMade(more) as Made, NAMING);
  expect(text).not.toContain('elsewhere');
  expect(text).not.toContain('900');
  // A number that it skips is a file that is not there, not another one.
  expect(partsOf(readMade(written(7, 2).replace('8.m4s', '88.m4s')) as Made, '144.m4s', 100)).toEqual([]);
});

test('W-13 a file of viewers is two of the packager, one, or none', () => {
  const now = made(4, 5);
  expect(hintOf(now, 100)).toBe('104.1.m4s');
  const files = {
    '103.m4s': [6, 7],
    '103.0.m4s': [6],
    '103.1.m4s': [7],
    '104.0.m4s': [8],
    // They have left the list, and are kept for a while.
    '100.m4s': [0, 1],
    // Not whole yet, not there yet, never there.
    ...{ '104.m4s': [], '104.1.m4s': [], '105.m4s': [], '103.2.m4s': [], '99.m4s': [], '0.1.m4s': [] },
    ...{ 'init.mp4': [], '9999999999.m4s': [], '9999999999.9.m4s': [] },
  };
  for (const [name, parts] of Object.entries(files)) expect(partsOf(now, name, 100), name).toEqual(parts);
  const ended = made(4, 5, '#EXT-X-ENDLIST\n');
  expect([partsOf(ended, '104.m4s', 100), partsOf(ended, '105.m4s', 100), hintOf(ended, 100)]).toEqual([
    [8],
    [],
    undefined,
  ]);
});

test('W-13 no other file has a name that is asked of the folder', () => {
  const good = ['init.mp4', '7.m4s', '7.0.m4s'];
  const odd = ['7.0.1.m4s', '7..m4s', '.0.m4s', '7.00.m4s', '77777777777.m4s', '7.m4s\n', '-7.m4s', '../7.m4s', ''];
  const others = ['in.sdp', 'ended', 'live.m3u8', '7.m4s.tmp', 'init.mp4.tmp', '..', '.'];
  expect([...good, ...odd, ...others].filter(isMediaFile)).toEqual(good);
});

test('W-13 what is asked for is there, comes, or is too far (RFC 8216bis, 6.2.5.2)', () => {
  // Segment 103 is whole, and one part of 104 is there.
  const now = made(4, 5);
  const cases: [sequence: number, part: number | undefined, answer: string][] = [
    ...([0, 99, 103].map((sequence) => [sequence, undefined, 'there']) as [number, undefined, string][]),
    [103, 1, 'there'],
    [104, 0, 'there'],
    [104, 1, 'to come'],
    [104, undefined, 'to come'],
    // Past the last part of its segment: the first of the next one.
    [102, 2, 'there'],
    [103, 9, 'there'],
    [104, 2, 'to come'],
    [105, 0, 'to come'],
    [105, undefined, 'to come'],
    // The last whole segment plus two is not past it; three are.
    [106, undefined, 'too far'],
    [106, 0, 'too far'],
    [9_999_999_999, 0, 'too far'],
    // Six parts after the last one: 3 divided by 0.5.
    [104, 6, 'to come'],
    [104, 7, 'too far'],
    [105, 4, 'to come'],
    [105, 5, 'too far'],
  ];
  for (const [sequence, part, answer] of cases)
    expect(answerOf(now, { sequence, part }, 100), `${sequence} ${part}`).toBe(answer);
  // Between two segments nothing of the next one is there.
  expect(answerOf(made(4, 4), { sequence: 103, part: 2 }, 100)).toBe('to come');
  expect(answerOf(made(4, 5, '#EXT-X-ENDLIST\n'), { sequence: 999, part: 9 }, 100)).toBe('there');
});

/**
 * The rules for servers of draft-pantos-hls-rfc8216bis that a live playlist with parts can break, by the sections of revision 22. Each version is held to
 * those of its own, and to those of how it may follow from the one before.
 */
test('W-13 the playlist keeps the rules of RFC 8216bis as it grows, from its first part to its end', () => {
  const number = (text: string, form: RegExp) => Number(form.exec(text)?.[1]);
  let before: ReturnType<typeof look> | undefined;
  const look = (text: string) => {
    const lines = text.trimEnd().split('\n');
    const media = lines.flatMap((line) => {
      const [, sequence, part] = /^ID\/(\d+)\.m4s$|URI="ID\/(\d+\.\d)\.m4s"/.exec(line) ?? [];
      return sequence || part ? [{ sequence: Number(sequence), part, line }] : [];
    });
    const segments = media.filter(({ part }) => part === undefined).map(({ sequence }) => sequence);
    const parts = media.flatMap(({ part, line }) =>
      part && line.startsWith('#EXT-X-PART:') ? [{ name: part, seconds: number(line, /DURATION=([\d.]+)/), line }] : [],
    );
    const lengths = [...text.matchAll(/#EXTINF:([\d.]+),/g)].map(([, seconds]) => Number(seconds));
    return { text, lines, segments, parts, lengths };
  };
  for (let count = 1; count <= 60; count++) {
    const first = Math.max(0, count - 15);
    const text = viewersPlaylist(made(first, count - first, count === 60 ? '#EXT-X-ENDLIST\n' : ''), NAMING);
    const now = look(text);
    const target = number(text, /TARGETDURATION:(\d+)/);
    const partTarget = number(text, /PART-TARGET=([\d.]+)/);
    // 4.4.1.2, 6.2.1: no higher than what is needed, which is EXT-X-MAP (8).
    expect(number(text, /VERSION:(\d+)/)).toBe(6);
    // 4.4.3.1: no segment is longer, rounded. 6.2.1: it does not change.
    expect(target).toBe(1);
    for (const seconds of now.lengths) expect(Math.round(seconds)).toBeLessThanOrEqual(target);
    // 4.4.3.7, 4.4.4.9: no part is longer than the target; a part that is not the last of its segment has 85 % of it.
    for (const { seconds } of now.parts) {
      expect(seconds).toBeLessThanOrEqual(partTarget);
      expect(seconds).toBeGreaterThanOrEqual(0.85 * partTarget);
    }
    // 4.4.3.8: at least three times the target; parts MUST be held back twice and SHOULD three times theirs.
    expect(number(text, /[:,]HOLD-BACK=([\d.]+)/)).toBeGreaterThanOrEqual(3 * target);
    expect(number(text, /PART-HOLD-BACK=([\d.]+)/)).toBeGreaterThanOrEqual(3 * partTarget);
    expect(text).toContain('CAN-BLOCK-RELOAD=YES');
    // 4.4.4.9: INDEPENDENT=YES where a part has a keyframe, and 4.4.2.1 says that each segment begins with one.
    for (const { name, line } of now.parts) expect(line.endsWith('INDEPENDENT=YES')).toBe(name.endsWith('.0'));
    // 4.4.4.9: parts come before their segment, which they are; appendix B.1: with the date.
    expect(text).toContain('#EXT-X-PROGRAM-DATE-TIME:');
    expect(now.segments).toEqual(now.segments.map((_, i) => number(text, /MEDIA-SEQUENCE:(\d+)/) + i));
    // 4.4.5.3, 6.2.6: one hint, of the part that comes next; none when nothing comes.
    expect(now.lines.filter((line) => line.startsWith('#EXT-X-PRELOAD-HINT:'))).toHaveLength(count === 60 ? 0 : 1);
    expect(now.lines.at(-1)).toMatch(
      count === 60 ? /^#EXT-X-ENDLIST$/ : /^#EXT-X-PRELOAD-HINT:TYPE=PART,URI="ID\/.*"$/,
    );
    // 6.2.2: parts are named up to three target durations from the end, and leave in their order.
    expect(now.parts.reduce((sum, { seconds }) => sum + seconds, 0)).toBeLessThanOrEqual(3 * target);
    if (before) {
      // 6.2.1: each version has one part more, which the one before had as its hint.
      expect(before.lines.at(-1)).toContain(`URI="ID/${now.parts.at(-1)?.name}.m4s"`);
      // 6.2.2: the number grows by what was removed, and what is left has three target durations when something was.
      const removed = before.segments.filter((one) => !now.segments.includes(one));
      expect(number(text, /MEDIA-SEQUENCE:(\d+)/) - number(before.text, /MEDIA-SEQUENCE:(\d+)/)).toBe(removed.length);
      expect(removed).toEqual(before.segments.slice(0, removed.length));
      if (removed.length > 0) expect(now.lengths.reduce((sum, one) => sum + one, 0)).toBeGreaterThanOrEqual(3 * target);
      // 6.2.1: nothing that stays is changed.
      const kept = before.lines.filter((line) => line.startsWith('#EXT-X-PART:') && now.text.includes(line));
      expect(kept).toEqual(now.parts.slice(0, -1).map(({ line }) => line));
    }
    before = now;
  }
});

test('W-13 where a packager goes on after another one the same playlist grows, with a discontinuity (RFC 8216bis, 4.4.4.3, 6.2.1, 6.2.2)', () => {
  // It was killed in the middle of a segment.
  const before = segmentsOf({ ...made(20, 15), isEnded: true }, NAMING);
  expect(before.map(({ sequence }) => sequence)).toEqual([110, 111, 112, 113, 114, 115, 116, 117]);
  const naming = { id: 'NEXT', base: 118, discontinuity: 101 };
  const number = (text: string, form: RegExp) => Number(form.exec(text)?.[1]);
  /** Of each segment that is whole: its number, its discontinuity's, what initializes it, and its lines. */
  const look = (text: string) => {
    let [at, sequence] = [number(text, /DISCONTINUITY-SEQUENCE:(\d+)/), number(text, /MEDIA-SEQUENCE:(\d+)/)];
    let [map, lines]: [string | undefined, string[]] = [undefined, []];
    const found: { sequence: number; of: string; lines: string }[] = [];
    for (const line of text.split('\n')) {
      if (line === '#EXT-X-DISCONTINUITY') at++;
      map = /^#EXT-X-MAP:URI="(.*)\/init\.mp4"/.exec(line)?.[1] ?? map;
      if (/^#EXT(INF|-X-PROGRAM|-X-PART:)|^\w/.test(line)) lines.push(line);
      if (!/^\w/.test(line)) continue;
      found.push({ sequence: sequence++, of: `${at} ${map}`, lines: lines.filter((one) => !/PART:/.test(one)).join() });
      expect(line).toBe(`${map}/${sequence - 1}.m4s`);
      lines = [];
    }
    return found;
  };
  const all = new Map(
    look(viewersPlaylist(made(20, 15, '#EXT-X-ENDLIST\n'), NAMING)).map((one) => [one.sequence, one]),
  );
  let last: ReturnType<typeof look> = [...all.values()];
  for (let count = 1; count <= 40; count++) {
    const first = Math.max(0, count - 15);
    const now = made(first, count - first);
    const text = viewersPlaylist(now, naming, segmentsOf(now, naming, before));
    const seen = look(text);
    for (const one of seen) {
      // Nothing that stays is changed, and each segment keeps its discontinuity.
      expect(all.get(one.sequence) ?? one).toEqual(one);
      all.set(one.sequence, one);
      expect(one.of).toBe(one.sequence < naming.base ? '100 ID' : '101 NEXT');
    }
    // What leaves is the oldest, and a player that was there has where to go on.
    expect(seen[0]?.sequence).toBeGreaterThanOrEqual(last[0]?.sequence ?? 0);
    expect(seen.at(-1)?.sequence).toBeGreaterThanOrEqual(last.at(-1)?.sequence ?? 0);
    expect(seen[0]?.sequence).toBeLessThanOrEqual((last.at(-1)?.sequence ?? 0) + 1);
    expect(seen.length).toBeGreaterThanOrEqual(7);
    // 4.4.4.9: parts are named up to three target durations from the end.
    expect(text.match(/^#EXT-X-PART:/gm)?.length).toBeLessThanOrEqual(6);
    expect(text.match(/^#EXT-X-PART:/gm)?.length).toBeGreaterThanOrEqual(Math.min(5, count));
    last = seen;
  }
  expect(last.every(({ of }) => of === '101 NEXT')).toBe(true);
  // One that ends as soon leaves what both have made.
  const soon: Segment[] = segmentsOf({ ...made(0, 3), isEnded: true }, naming, before);
  expect(soon.map(({ sequence }) => sequence)).toEqual([113, 114, 115, 116, 117, 118, 119]);
});
