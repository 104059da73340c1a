/** When Janus is asked again for a size that it has not switched to, in virtual time. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type StreamSettings, SubscribedLayers } from './subscribed-layers.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A camera that is received in the section `0`, in the size that came first. */
function received(now: number, hasLayers = true) {
  const asked: StreamSettings[] = [];
  const layers = new SubscribedLayers(async (streams) => void asked.push(...streams));
  expect(layers.subscribed('0', 'ada#1', hasLayers, 'high')).toBe(true);
  layers.flows('0');
  layers.came('0', now);
  const want = (layer: 'off' | 'low' | 'mid' | 'high') => void layers.set([{ mid: '0', slot: 'video', layer }]);
  return { layers, want, asked, times: () => asked.splice(0).length };
}

test('M-24 a smaller size is asked for until it comes: who stays with the larger one sees nothing once that is encoded no more', () => {
  const { layers, want, asked, times } = received(2);
  want('low');
  expect(asked).toEqual([{ mid: '0', substream: 0 }]);
  vi.advanceTimersByTime(1099);
  expect(times()).toBe(1);
  vi.advanceTimersByTime(1);
  expect(asked).toEqual([{ mid: '0', substream: 0 }]);
  // Then after 2.2 and 4.4 s, and each 8.8 s from there on.
  vi.advanceTimersByTime(60_000);
  expect(times()).toBe(9);
  layers.came('0', 1);
  vi.advanceTimersByTime(1100);
  expect(times()).toBe(1);
  layers.came('0', 0);
  vi.advanceTimersByTime(60_000);
  expect(times()).toBe(0);
});

test('M-24 a larger size is asked for three times more, and again when Janus falls back from it', () => {
  const { layers, want, times } = received(0);
  vi.advanceTimersByTime(60_000);
  expect(times()).toBe(3);
  layers.came('0', 2);
  vi.advanceTimersByTime(60_000);
  expect(times()).toBe(0);
  layers.came('0', 1);
  vi.advanceTimersByTime(60_000);
  expect(times()).toBe(3);
  want('mid');
  vi.advanceTimersByTime(60_000);
  expect(times()).toBe(1);
});

test('what is off, has one size, is subscribed no more, or belongs to a closed leg is not asked for again', () => {
  const off = received(2);
  off.want('low');
  off.want('off');
  vi.advanceTimersByTime(60_000);
  expect(off.asked).toEqual([
    { mid: '0', substream: 0 },
    { mid: '0', send: false },
  ]);
  off.want('high');
  vi.advanceTimersByTime(60_000);
  expect(off.asked.slice(2)).toEqual([{ mid: '0', send: true, substream: 2 }]);

  const single = received(0, false);
  single.want('low');
  vi.advanceTimersByTime(60_000);
  expect(single.times()).toBe(1);

  for (const end of [(layers: SubscribedLayers) => layers.forget('0'), (layers: SubscribedLayers) => layers.close()]) {
    const { layers, want, times } = received(2);
    want('low');
    end(layers);
    layers.came('0', 2);
    expect(times()).toBe(1);
    vi.advanceTimersByTime(60_000);
    expect(times()).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  }
});

test('another feed in the same section begins anew', () => {
  const { layers, want, times } = received(2);
  want('low');
  expect(layers.subscribed('0', 'ada#1', true, 'low')).toBe(false);
  expect(layers.subscribed('0', 'ada#2', true, 'low')).toBe(true);
  expect(times()).toBe(1);
  vi.advanceTimersByTime(60_000);
  expect(times()).toBe(0);
});
