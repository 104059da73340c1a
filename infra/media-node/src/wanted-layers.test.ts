/** Who is told to send which sizes, and that one of many receivers decides for the union. */
import { expect, test, vi } from 'vitest';
import { Loudest, MAX_AUDIBLE } from './loudest.ts';
import { WantedLayers } from './wanted-layers.ts';

function start() {
  vi.useFakeTimers();
  const told: string[] = [];
  const layers = new WantedLayers({
    tell: (peerId, send, keyFrame) => told.push(`${peerId}: ${send.join()}${keyFrame ? ', now' : ''}`),
  });
  return { layers, told };
}

test('what nobody receives is switched off after two seconds, what somebody wants is on at once', () => {
  try {
    const { layers, told } = start();
    layers.update('ada', ['low', 'mid']);
    vi.advanceTimersByTime(1900);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(200);
    expect(told).toEqual(['ada: mid,low']);
    layers.update('ada', ['low', 'high']);
    expect(told.at(-1)).toBe('ada: high,low');
    // A tile that is large for a moment costs no second message.
    layers.update('ada', ['low']);
    vi.advanceTimersByTime(1000);
    layers.update('ada', ['high']);
    vi.advanceTimersByTime(5000);
    expect(told).toHaveLength(2);
    layers.close();
  } finally {
    vi.useRealTimers();
  }
});

test('a camera that nobody sees is not sent at all, and the smallest size whenever it is', () => {
  try {
    const { layers, told } = start();
    layers.update('ada', ['off', 'off']);
    vi.advanceTimersByTime(3000);
    expect(told).toEqual(['ada: ']);
    layers.update('ada', ['off', 'high']);
    expect(told.at(-1)).toBe('ada: high,low');
    layers.update('ada', []);
    layers.forget('ada');
    vi.advanceTimersByTime(5000);
    expect(told).toHaveLength(2);
    layers.close();
  } finally {
    vi.useRealTimers();
  }
});

test('of more people than can be heard, those who spoke last are', () => {
  const loudest = new Loudest();
  const people = Array.from({ length: MAX_AUDIBLE + 5 }, (_, i) => `p${i}`);
  for (const peerId of people) loudest.arrive(peerId);
  const audible = () => people.filter((peerId) => loudest.isAudible(peerId));
  expect(audible()).toEqual(people.slice(0, MAX_AUDIBLE));
  expect(loudest.spoke('p3')).toBe(false);
  expect(loudest.spoke('p28')).toBe(true);
  expect(audible()).toHaveLength(MAX_AUDIBLE);
  expect(loudest.isAudible('p28')).toBe(true);
  // The one that never spoke and came last of the audible ones.
  expect(loudest.isAudible(`p${MAX_AUDIBLE - 1}`)).toBe(false);
  loudest.depart('p28');
  expect(audible()).toHaveLength(MAX_AUDIBLE);
  expect(loudest.spoke('nobody')).toBe(false);
});

test('who is to make a keyframe hears the sizes that it was told last, or all', () => {
  const { layers, told } = start();
  layers.needKeyframe('bob');
  layers.update('ada', ['low', 'mid']);
  vi.advanceTimersByTime(2100);
  layers.needKeyframe('ada');
  expect(told).toEqual(['bob: high,mid,low, now', 'ada: mid,low', 'ada: mid,low, now']);
  layers.close();
  vi.useRealTimers();
});
