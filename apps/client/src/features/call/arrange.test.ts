import { expect, test } from 'vitest';
import { arrange, grid, type Rect, spotlight } from './arrange.ts';

const inside = (r: Rect, w: number, h: number) =>
  r.x >= -0.01 && r.y >= -0.01 && r.x + r.w <= w + 0.01 && r.y + r.h <= h + 0.01;
const overlap = (a: Rect, b: Rect) =>
  a.x < b.x + b.w - 0.01 && b.x < a.x + a.w - 0.01 && a.y < b.y + b.h - 0.01 && b.y < a.y + a.h - 0.01;

const sizes = [
  [390, 700],
  [820, 1000],
  [1280, 640],
  [2560, 900],
  [640, 200],
] as const;

test.each(sizes)('tiles of a grid on %i×%i stay inside, apart and of a sane shape', (w, h) => {
  for (let count = 1; count <= 16; count++) {
    const rects = grid(count, { x: 0, y: 0, w, h }, 8);
    expect(rects).toHaveLength(count);
    rects.forEach((a, i) => {
      expect(inside(a, w, h)).toBe(true);
      expect(a.w / a.h).toBeGreaterThanOrEqual(h > w ? 0.59 : 0.74);
      expect(a.w / a.h).toBeLessThanOrEqual(2.01);
      for (const b of rects.slice(i + 1)) expect(overlap(a, b)).toBe(false);
    });
  }
});

test('a phone held upright stacks two people, a wide screen puts them side by side', () => {
  const [top, bottom] = grid(2, { x: 0, y: 0, w: 390, h: 700 }, 8);
  expect(top?.x).toBe(bottom?.x);
  const [left, right] = grid(2, { x: 0, y: 0, w: 1280, h: 640 }, 8);
  expect(left?.y).toBe(right?.y);
});

test('four people are two by two on a phone too', () => {
  const [first, second, third] = grid(4, { x: 0, y: 0, w: 374, h: 716 }, 8);
  expect(first?.y).toBe(second?.y);
  expect(first?.x).toBe(third?.x);
});

test('four people fill nearly all of a phone, and of a desk', () => {
  for (const [w, h] of [
    [374, 700],
    [1248, 644],
  ] as const) {
    const covered = grid(4, { x: 0, y: 0, w, h }, 8).reduce((sum, rect) => sum + rect.w * rect.h, 0);
    expect(covered / (w * h)).toBeGreaterThan(0.84);
  }
});

test('a screen on a phone takes no more height than it can use; the others get the rest', () => {
  const area = { x: 0, y: 0, w: 374, h: 700 };
  const { main, strip } = spotlight(4, area, 8, true);
  expect(main.w).toBe(374);
  expect(main.h).toBeLessThan(300);
  expect(strip).toHaveLength(4);
  for (const rect of strip) {
    expect(inside(rect, 374, 700)).toBe(true);
    expect(overlap(rect, main)).toBe(false);
    expect(rect.w).toBeGreaterThan(150);
  }
});

test.each(sizes)('a spotlight on %i×%i leaves the strip beside it', (w, h) => {
  const { main, strip } = spotlight(4, { x: 0, y: 0, w, h }, 8);
  expect(strip).toHaveLength(4);
  for (const rect of strip) {
    expect(inside(rect, w, h)).toBe(true);
    expect(overlap(rect, main)).toBe(false);
    expect(rect.w * rect.h).toBeLessThan(main.w * main.h);
  }
});

test('many beside a spotlight stay tiles, not slices', () => {
  const { strip } = spotlight(8, { x: 0, y: 0, w: 1248, h: 644 }, 8);
  for (const { w, h } of strip) expect(Math.min(w, h)).toBeGreaterThan(100);
});

test('who is where', () => {
  const size = { w: 1280, h: 640 };
  expect(arrange([], 'me', undefined, 'auto', size, 8).rects.get('me')).toEqual({ x: 0, y: 0, ...size });
  expect(arrange(['a'], 'me', undefined, 'auto', size, 8).floating).toBe('me');
  expect(arrange(['a'], 'me', undefined, 'auto', size, 8).rects.get('a')).toEqual({ x: 0, y: 0, ...size });
  expect(arrange(['a'], 'me', 'me', 'auto', size, 8).floating).toBe('a');
  expect(arrange(['a'], 'me', undefined, 'grid', size, 8).floating).toBeUndefined();
  expect(arrange(['a', 'b'], 'me', undefined, 'auto', size, 8).main).toBeUndefined();
  expect(arrange(['a', 'b'], 'me', undefined, 'spotlight', size, 8).main).toBe('a');
  expect(arrange(['a:screen', 'a'], 'me', 'a:screen', 'auto', size, 8).main).toBe('a:screen');
  expect(arrange(['a', 'b'], 'me', 'b', 'auto', size, 8).rects.size).toBe(3);
});
