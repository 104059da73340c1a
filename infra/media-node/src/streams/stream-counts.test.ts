import { expect, test } from 'vitest';
import { StreamCounts } from './stream-counts.ts';

test('a session says its first picture once; what is no number of ms up to a minute is not counted', () => {
  const counts = new StreamCounts();
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
