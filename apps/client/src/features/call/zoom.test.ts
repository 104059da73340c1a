import { expect, test } from 'vitest';
import { moved, pixelTrue, WHOLE, zoomedTo } from './zoom.ts';

const tile = { w: 800, h: 450 };

test('what is under the pointer stays there', () => {
  const at = { x: 600, y: 100 };
  const zoom = zoomedTo(WHOLE, 2, at, tile);
  expect(zoom).toEqual({ scale: 2, x: -600, y: -100 });
  const more = zoomedTo(zoom, 4, at, tile);
  // The point of the picture, before and after.
  expect((at.x - more.x) / more.scale).toBe((at.x - zoom.x) / zoom.scale);
});

test('no edge of the tile is without picture, and the whole one does not move', () => {
  expect(moved({ scale: 2, x: -700, y: -10 }, { x: -500, y: 500 }, tile)).toEqual({ scale: 2, x: -800, y: 0 });
  expect(moved(WHOLE, { x: 50, y: -50 }, tile)).toEqual(WHOLE);
  expect(zoomedTo({ scale: 3, x: -1600, y: 0 }, 0.1, { x: 0, y: 0 }, tile)).toEqual(WHOLE);
  expect(zoomedTo(WHOLE, 1000, { x: 0, y: 0 }, tile).scale).toBe(8);
});

test('pixel-true: one pixel of the picture on one of the display, also where bars are beside it', () => {
  expect(pixelTrue({ w: 1600, h: 900 }, tile, 1)).toBe(2);
  expect(pixelTrue({ w: 1600, h: 900 }, tile, 2)).toBe(1);
  expect(pixelTrue({ w: 900, h: 1800 }, tile, 1)).toBe(4);
  expect(pixelTrue({ w: 640, h: 360 }, tile, 1)).toBe(1);
  expect(pixelTrue({ w: 0, h: 0 }, tile, 1)).toBe(1);
});
