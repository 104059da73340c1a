import { expect, test } from 'vitest';
import { wantedLines } from './use-picture-sizes.ts';

test('a person of another page whom the small window shows sends a picture; whom nothing shows sends none', () => {
  const rects = new Map([['ada', { x: 0, y: 0, w: 1280, h: 720 }]]);
  const wanted = (id: string) => wantedLines(id, rects, ['bob'], 1);
  expect([wanted('ada'), wanted('bob'), wanted('cy')]).toEqual([undefined, 180, 0]);
});
