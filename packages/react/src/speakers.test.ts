import { expect, test } from 'vitest';
import { Speakers } from './speakers.ts';

const levels = (a: number, b: number) =>
  new Map([
    ['a', a],
    ['b', b],
  ]);

test('who speaks lights up at once and fades a little later', () => {
  const speakers = new Speakers();
  expect([...speakers.push(levels(0.2, 0), 0).speaking]).toEqual(['a']);
  expect([...speakers.push(levels(0, 0), 500).speaking]).toEqual(['a']);
  expect([...speakers.push(levels(0, 0), 1000).speaking]).toEqual([]);
});

test('a cough does not take the stage, a sentence does', () => {
  const speakers = new Speakers();
  speakers.push(levels(0.2, 0), 0);
  expect(speakers.push(levels(0, 0.3), 500).speaker).toBe('a');
  expect(speakers.push(levels(0.2, 0), 1000).speaker).toBe('a');
  expect(speakers.push(levels(0.1, 0.3), 2000).speaker).toBe('a');
  expect(speakers.push(levels(0.1, 0.3), 3600).speaker).toBe('b');
});

test('who is gone speaks no more', () => {
  const speakers = new Speakers();
  speakers.push(levels(0.2, 0), 0);
  const after = speakers.push(new Map([['b', 0]]), 100);
  expect(after.speaker).toBeUndefined();
  expect(after.speaking.size).toBe(0);
});
