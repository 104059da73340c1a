/** When a publisher is told that a keyframe is needed, in virtual time. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { KeyframeNeeds } from './keyframe-needs.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }));
afterEach(() => void vi.useRealTimers());

test('who comes alone is left to the engine; who comes just after another is told of, those together once', () => {
  const told: string[] = [];
  const needs = new KeyframeNeeds((publisher) => told.push(publisher));
  needs.came('ada');
  vi.advanceTimersByTime(100);
  expect(told).toEqual([]);
  needs.came('ada');
  needs.came('bob');
  vi.advanceTimersByTime(1);
  expect(told).toEqual(['ada']);
  for (let i = 0; i < 10; i++) needs.came('ada');
  vi.advanceTimersByTime(98);
  expect(told).toEqual(['ada']);
  vi.advanceTimersByTime(2);
  expect(told).toEqual(['ada', 'ada']);
  // The one that the engine held back is over by then.
  vi.advanceTimersByTime(2000);
  needs.came('ada');
  vi.advanceTimersByTime(500);
  expect(told).toEqual(['ada', 'ada']);
});

test('who publishes no more is told nothing, and a new connection of it begins anew', () => {
  const told: string[] = [];
  const needs = new KeyframeNeeds((publisher) => told.push(publisher));
  for (let i = 0; i < 2; i++) needs.came('ada');
  needs.forget('ada');
  needs.came('ada');
  vi.advanceTimersByTime(500);
  expect(told).toEqual([]);
  needs.came('ada');
  needs.close();
  vi.advanceTimersByTime(500);
  expect(told).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test('a receiver that comes and goes without end costs the publisher five keyframes at once, and one more a second', () => {
  let told = 0;
  const needs = new KeyframeNeeds(() => void told++);
  for (let i = 0; i < 600; i++) {
    needs.came('ada');
    vi.advanceTimersByTime(50);
  }
  expect(told).toBeGreaterThanOrEqual(30);
  expect(told).toBeLessThanOrEqual(36);
  needs.close();
});
