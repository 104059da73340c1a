import type { PairQuality } from '@tandem/rtc';
import { expect, test } from 'vitest';
import { QualityHistory, summarize } from './history.ts';

const reading = (at: number, loss: number, mos?: number): PairQuality => ({
  at,
  ...(mos === undefined ? {} : { mos }),
  grade: 'good',
  rtt: 20,
  in: { audio: { bitrate: 32_000, loss }, video: { bitrate: 500_000, loss: 0 }, screen: { bitrate: 0 } },
  out: { audio: { bitrate: 30_000 }, video: { bitrate: 400_000 }, screen: { bitrate: 0 } },
  trouble: [],
});

test('keeps a minute for the plots and sums up the whole call', () => {
  const history = new QualityHistory();
  for (let i = 0; i < 100; i++) history.push('a', reading(i * 2000, i < 50 ? 0.1 : 0, i === 0 ? 1 : 4));
  expect(history.recent('a')).toHaveLength(31);
  expect(history.recent('a')[0]).toMatchObject({ in: 532, out: 430, rtt: 20 });
  const summary = summarize(history.all('a'));
  expect(summary).toMatchObject({ durationMs: 198_000, mos: 4, rtt: 20 });
  expect(summary.lossPercent).toBeCloseTo(5);
  expect(summarize(history.all('nobody'))).toEqual({});
});
