import { expect, test } from 'vitest';
import { SoundGate } from './sound-gate.ts';

const block = (level: number) => new Int16Array(2048).fill(level).buffer;

test('silence is held back but for a tail, and the last of it goes with the next word', () => {
  const gate = new SoundGate();
  const [quiet, loud] = [block(3), block(2000)];
  for (let i = 0; i < 5; i++) expect(gate.pass(quiet)).toEqual([]);
  const first = [block(1), block(2), block(3)];
  for (const one of first) gate.pass(one);
  const sent = gate.pass(loud);
  expect(sent).toHaveLength(4);
  expect(sent.slice(0, 3).every((one, i) => one === first[i])).toBe(true);
  const tail = Array.from({ length: 20 }, () => gate.pass(quiet).length);
  expect(tail.reduce((sum, n) => sum + n, 0)).toBe(16);
  expect(gate.pass(loud)).toHaveLength(4);
});
