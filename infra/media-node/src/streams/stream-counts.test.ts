import { expect, test } from 'vitest';
import { StreamCounts } from './stream-counts.ts';

test('a session says its first picture once; what is no number of ms up to a minute is not counted', () => {
  const counts = new StreamCounts({ hasHls: false });
  for (const said of [undefined, '', '-1', '1e9', '60001', '100000', 'NaN', ['5'], '0x10'])
    counts.firstPicture({}, said);
  expect(counts.firstPictures).toBe(0);
  const session = {};
  counts.firstPicture(session, '400');
  counts.firstPicture(session, '900');
  counts.firstPicture({}, '0');
  expect(counts.take()).toEqual({ publishFailures: 0, watchFailures: 0, packagerFailures: 0, firstPictureMs: 200 });
  counts.firstPicture(session, '900');
  counts.watchFailures++;
  counts.packagerFailures += 2;
  const later = { publishFailures: 0, watchFailures: 1, packagerFailures: 2, firstPictureMs: undefined };
  expect(counts.take()).toEqual(later);
});

test('a viewer whom HLS takes over is not lost; one who gets neither is counted once', () => {
  const failures = (hasHls: boolean) => {
    const counts = new StreamCounts({ hasHls });
    const of = (asked: 'whip' | 'whep' | 'hls', code: string) => {
      counts.failed(asked, code);
      const { publishFailures, watchFailures } = counts.take();
      return [publishFailures, watchFailures];
    };
    return {
      ...{ full: of('whep', 'busy'), away: of('whep', 'node_away'), encoder: of('whip', 'busy') },
      ...{ playlist: of('hls', 'busy'), broken: of('hls', 'internal'), starting: of('hls', 'starting') },
    };
  };
  const always = { away: [0, 1], encoder: [1, 0], starting: [0, 0] };
  expect(failures(true)).toEqual({ ...always, full: [0, 0], playlist: [0, 1], broken: [0, 1] });
  expect(failures(false)).toEqual({ ...always, full: [0, 1], playlist: [0, 0], broken: [0, 0] });
});
