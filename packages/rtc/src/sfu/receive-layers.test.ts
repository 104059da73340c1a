/** Which size of each camera is asked for, in virtual time. */
import { expect, test } from 'vitest';
import type { Clock } from '../clock.ts';
import { layerOf, ReceiveLayers } from './receive-layers.ts';

function start() {
  let now = 0;
  const asked: Record<string, string>[] = [];
  const layers = new ReceiveLayers({
    clock: { now: () => now } as Clock,
    wish: (wishes) => asked.push(Object.fromEntries(wishes.layers.map((w) => [w.peerId, w.layer]))),
  });
  /** Readings every 2 s, as the call makes them. */
  const pass = (seconds: number, loss: number) => {
    for (let i = 0; i < seconds; i += 2) {
      now += 2000;
      layers.read('bob', { in: { audio: { bitrate: 0, loss }, video: { bitrate: 0 }, screen: { bitrate: 0 } } });
    }
  };
  return { layers, asked, pass };
}

test('the size follows the tile: nothing of one that is not seen, 180, 360, all', async () => {
  expect([0, 1, 180, 181, 360, 361, 1080].map(layerOf)).toEqual(['off', 'low', 'low', 'mid', 'mid', 'high', 'high']);
  const { layers, asked } = start();
  layers.show('bob', 720);
  layers.show('eve', 0);
  await Promise.resolve();
  layers.show('eve', 0);
  await Promise.resolve();
  // One wish for both, none for what is asked for already.
  expect(asked).toEqual([{ bob: 'high', eve: 'off' }]);
  layers.forget('bob');
  await Promise.resolve();
  expect(asked.at(-1)).toEqual({ eve: 'off' });
});

test('trouble of four seconds takes the largest picture beside the focus down, and the focus last', async () => {
  const { layers, asked, pass } = start();
  layers.show('focus', 720);
  layers.show('bob', 360);
  layers.show('eve', 180);
  pass(2, 0.2);
  await Promise.resolve();
  expect(asked.at(-1)).toEqual({ focus: 'high', bob: 'mid', eve: 'low' });
  pass(4, 0.2);
  await Promise.resolve();
  expect(asked.at(-1)).toEqual({ focus: 'high', bob: 'low', eve: 'low' });
  pass(4, 0.2);
  await Promise.resolve();
  expect(asked.at(-1)).toEqual({ focus: 'mid', bob: 'low', eve: 'low' });
  pass(20, 0.2);
  // The smallest size stays: sound and picture are never given up.
  await Promise.resolve();
  expect(asked.at(-1)).toEqual({ focus: 'low', bob: 'low', eve: 'low' });
});

test('ten good seconds bring one size back; after a try that failed it is thirty', async () => {
  const { layers, pass } = start();
  layers.show('bob', 720);
  pass(12, 0.2);
  expect(layers.layer('bob')).toBe('low');
  pass(8, 0);
  expect(layers.layer('bob')).toBe('low');
  pass(4, 0);
  expect(layers.layer('bob')).toBe('mid');
  // The larger size does not fit: down again after four seconds, and the next try is later.
  pass(6, 0.2);
  expect(layers.layer('bob')).toBe('low');
  pass(28, 0);
  expect(layers.layer('bob')).toBe('low');
  pass(4, 0);
  expect(layers.layer('bob')).toBe('mid');
});

test('a page that enlarges a tile while the connection suffers gets what the connection carries', async () => {
  const { layers, pass } = start();
  layers.show('bob', 360);
  pass(6, 0.2);
  expect(layers.layer('bob')).toBe('low');
  layers.show('bob', 720);
  expect(layers.layer('bob')).toBe('mid');
  layers.show('bob', 0);
  expect(layers.layer('bob')).toBe('off');
});

test('a page that never says what it shows gets less all the same when the connection suffers', async () => {
  const { asked, pass } = start();
  pass(6, 0.2);
  await Promise.resolve();
  expect(asked).toEqual([{ bob: 'mid' }]);
});

test('all pictures together have a budget: the tallest first, of equal ones those of who spoke last', async () => {
  const { layers } = start();
  const page = Array.from({ length: 9 }, (_, i) => `p${i}`);
  for (const id of page) layers.show(id, 260);
  for (let i = 9; i < 50; i++) layers.show(`p${i}`, 0);
  const sharp = (layer: string) => page.filter((id) => layers.layer(id) === layer);
  // Nine of 150 kbit/s leave 850 of 2200: two of 500.
  expect(sharp('mid')).toEqual(['p0', 'p1']);
  layers.spoke('p4');
  layers.spoke('p7');
  expect(sharp('mid')).toEqual(['p4', 'p7']);
  expect(sharp('low')).toHaveLength(7);
  expect(layers.layer('p30')).toBe('off');
  // Who speaks beside the page changes nothing on it.
  layers.spoke('p30');
  expect(sharp('mid')).toEqual(['p4', 'p7']);
  layers.show('p2', 700);
  expect(sharp('mid')).toEqual(['p2', 'p7']);
  // Beside five small ones the tallest may be large.
  for (const id of ['p0', 'p1', 'p3']) layers.show(id, 0);
  expect(['p2', 'p4', 'p7'].map((id) => layers.layer(id))).toEqual(['high', 'low', 'low']);
});

test('four equal tiles of a room of five are all of the middle size; of three one may be large', () => {
  const { layers } = start();
  for (const id of ['a', 'b', 'c', 'd']) layers.show(id, 700);
  expect(['a', 'b', 'c', 'd'].map((id) => layers.layer(id))).toEqual(['mid', 'mid', 'mid', 'mid']);
  layers.forget('d');
  layers.spoke('c');
  expect(['a', 'b', 'c'].map((id) => layers.layer(id))).toEqual(['mid', 'mid', 'high']);
});
