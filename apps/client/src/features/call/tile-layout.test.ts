import { expect, test } from 'vitest';
import { CORNERS, grid, type LayoutWish, layTiles, pageCapacity, type Rect, spotlight } from './tile-layout.ts';

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
      expect(a.w / a.h).toBeGreaterThanOrEqual(h > w ? 0.59 : 1.19);
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

test('three people on a desk: no camera of 16 : 9 loses a third of its picture', () => {
  for (const [w, h] of [
    [1248, 644],
    [880, 644],
    [1888, 920],
  ] as const)
    for (const tile of grid(3, { x: 0, y: 0, w, h }, 12)) expect(tile.w / tile.h / (16 / 9)).toBeGreaterThan(2 / 3);
});

test.each(sizes)('a spotlight on %i×%i leaves the strip beside it, in tiles that show a face', (w, h) => {
  for (const others of [1, 4, 30, 200]) {
    const { main, strip } = spotlight(others, { x: 0, y: 0, w, h }, 8);
    expect(strip.length).toBeLessThanOrEqual(others);
    expect(strip.length).toBeGreaterThanOrEqual(1);
    for (const rect of strip) {
      expect(inside(rect, w, h)).toBe(true);
      expect(overlap(rect, main)).toBe(false);
      expect(rect.w * rect.h).toBeLessThan(main.w * main.h);
      expect(Math.min(rect.w, rect.h)).toBeGreaterThanOrEqual(71);
    }
  }
});

const ids = (count: number) => Array.from({ length: count }, (_, i) => `p${i}`);
const floating = { at: 'bottom-end', size: 'full' } as const;
const lay = (wish: Partial<LayoutWish>) =>
  layTiles({
    others: [],
    me: 'me',
    main: undefined,
    layout: 'auto',
    size: { w: 1280, h: 640 },
    gap: 8,
    floating,
    ...wish,
  });

test.each(sizes)(
  'more people than a page of %i×%i takes: pages, each tile large enough, everybody on one of them',
  (w, h) => {
    const size = { w, h };
    const people = ids(60);
    const seen = new Set<string>();
    const { pages } = lay({ others: people, size });
    expect(pages).toBeGreaterThan(1);
    for (let page = 0; page < pages; page++) {
      const { rects } = lay({ others: people, size, page });
      expect(rects.has('me'), 'I am on every page').toBe(true);
      expect(rects.size).toBeLessThanOrEqual(pageCapacity(size, 8));
      const list = [...rects];
      list.forEach(([id, a], index) => {
        seen.add(id);
        expect(inside(a, w, h)).toBe(true);
        expect(a.w).toBeGreaterThanOrEqual(w < 640 || h < 400 ? 149 : 239);
        for (const [, b] of list.slice(index + 1)) expect(overlap(a, b)).toBe(false);
      });
    }
    expect(seen.size).toBe(61);
  },
);

test('a page that is not there any more is the last one; a phone has pages of six', () => {
  const many = lay({ others: ids(30), page: 99 });
  expect(many.page).toBe(many.pages - 1);
  expect(pageCapacity({ w: 374, h: 700 }, 8)).toBe(6);
  expect(pageCapacity({ w: 1248, h: 644 }, 12)).toBe(16);
  expect(lay({ others: ids(8) }).pages).toBe(1);
});

test('beside a spotlight the last tile says how many are not shown; I am never one of them', () => {
  const { rects, more } = lay({ others: ids(40), main: 'p3', size: { w: 374, h: 700 } });
  expect(rects.has('p3') && rects.has('me')).toBe(true);
  expect(more?.count).toBe(41 - rects.size);
  expect(lay({ others: ids(3), main: 'p0' }).more).toBeUndefined();
});

test('a stage that has no size yet shows nobody, and says of nobody that there is no place', () => {
  const { rects, more } = lay({ others: ids(49), main: 'p3', size: { w: 0, h: 0 } });
  expect(more).toBeUndefined();
  expect(rects.size).toBe(1);
});

test('who is where', () => {
  const size = { w: 1280, h: 640 };
  expect(lay({}).rects.get('me')).toEqual({ x: 0, y: 0, ...size });
  expect(lay({ others: ['a'] }).floating).toBe('me');
  expect(lay({ others: ['a'] }).rects.get('a')).toEqual({ x: 0, y: 0, ...size });
  expect(lay({ others: ['a'], main: 'me' }).floating).toBe('a');
  expect(lay({ others: ['a'], layout: 'grid' }).floating).toBeUndefined();
  expect(lay({ others: ['a', 'b'] }).main).toBeUndefined();
  expect(lay({ others: ['a', 'b'], layout: 'spotlight' }).main).toBe('a');
  expect(lay({ others: ['a:screen', 'a'], main: 'a:screen' }).main).toBe('a:screen');
  expect(lay({ others: ['a', 'b'], main: 'b' }).rects.size).toBe(3);
  expect([...lay({ others: ['a'], me: undefined }).rects.keys()], 'my own picture is hidden').toEqual(['a']);
});

test.each(sizes)(
  'my own picture floats in any corner of %i×%i, small over any layout, and takes no place then',
  (w, h) => {
    const size = { w, h };
    const seen = new Set<string>();
    for (const at of CORNERS) {
      const one = lay({ others: ['a'], size, floating: { at, size: 'full' } }).rects.get('me') as Rect;
      expect(inside(one, w, h)).toBe(true);
      seen.add(`${one.x} ${one.y}`);
      for (const layout of ['auto', 'grid', 'spotlight'] as const) {
        const { rects, floating: floats } = lay({ others: ids(5), layout, size, floating: { at, size: 'small' } });
        const mine = rects.get('me') as Rect;
        expect(floats).toBe('me');
        expect(inside(mine, w, h)).toBe(true);
        expect(mine.w).toBeLessThan(one.w);
        const without = lay({ others: ids(5), layout, size, me: undefined }).rects;
        for (const [id, rect] of without) expect(rects.get(id)).toEqual(rect);
      }
    }
    expect(seen.size).toBe(4);
    expect(lay({ size, floating: { at: 'top-end', size: 'small' } }).rects.get('me'), 'alone').toEqual({
      x: 0,
      y: 0,
      ...size,
    });
  },
);
