import { expect, test } from 'vitest';
import { PictureWatch, type Watched } from './picture-watch.ts';

const ranges = (...all: [start: number, end: number][]) =>
  ({
    length: all.length,
    start: (i: number) => all[i]?.[0] ?? Number.NaN,
    end: (i: number) => all[i]?.[1] ?? Number.NaN,
  }) as TimeRanges;

/** A picture that plays a second at each look, until it is stopped. @param behind how far the place of who is not late is ahead, s */
function playing(behind: number | null) {
  const watch = new PictureWatch();
  const video = { currentTime: 100, paused: false, played: ranges([100, 101]), buffered: ranges([90, 1000]) };
  const state = { behind, speed: 1 };
  const look = () => {
    video.currentTime += state.speed;
    return watch.look(video as Watched, state.behind === null ? null : video.currentTime + state.behind);
  };
  /** The looks at which it jumps or is stalled. */
  const looks = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ i: i + 1, said: look() })).filter(({ said }) => said !== undefined);
  return { video, state, looks };
}

test('who is late jumps after ten seconds without a stall, then seldom, and at least every two minutes', () => {
  const { looks } = playing(3);
  expect(looks(430)).toEqual([10, 30, 70, 150, 270, 390].map((i) => ({ i, said: 100 + i + 3 })));
});

test('a picture that stood plays for ten seconds before it jumps', () => {
  const { looks, state } = playing(3);
  expect(looks(9)).toEqual([]);
  state.speed = 0;
  expect(looks(1)).toEqual([]);
  state.speed = 1;
  expect(looks(10)).toEqual([{ i: 10, said: 100 + 19 + 3 }]);
});

test.each([
  ['not late', 2.5],
  ['ahead of who is not late', -3],
  ['in a stream that has ended or stands', null],
  ['in a stream of which no time is known', Number.NaN],
])('who is %s does not jump', (_, behind) => {
  expect(playing(behind).looks(100)).toEqual([]);
});

test('nobody jumps into a gap or past what is loaded', () => {
  const { video, looks } = playing(5);
  // The place is at 115 after ten looks, and at 124 after nineteen.
  video.buffered = ranges([90, 114], [124, 124.5]);
  expect(looks(18)).toEqual([]);
  expect(looks(1)).toEqual([{ i: 1, said: 124 }]);
});

test('a picture that stands for fifteen seconds is stalled; one that was paused is not, and one that may not begin is', () => {
  const { video, state, looks } = playing(3);
  state.speed = 0;
  video.currentTime = 0;
  expect(looks(16)).toEqual([{ i: 16, said: 'stalled' }]);
  video.paused = true;
  expect(looks(100)).toEqual([]);
  video.paused = false;
  expect(looks(15)).toEqual([]);
  video.paused = true;
  video.played = ranges();
  expect(looks(1)).toEqual([{ i: 1, said: 'stalled' }]);
});
