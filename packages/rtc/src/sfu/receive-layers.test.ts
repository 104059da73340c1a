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
  /** Readings of 2 s, as the call makes them: the loss of each person. */
  const read = (losses: Record<string, number>) => {
    now += 2000;
    for (const [id, loss] of Object.entries(losses))
      layers.read(id, { in: { audio: { bitrate: 0, loss }, video: { bitrate: 0 }, screen: { bitrate: 0 } } });
  };
  const pass = (seconds: number, loss: number) => {
    for (let i = 0; i < seconds; i += 2) read({ bob: loss });
  };
  return { layers, asked, pass, read };
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

/** People whose pictures come over a link of `kbits`, read every 2 s: what does not fit is lost, of all alike. */
function link(people: readonly string[]) {
  const kbits: Readonly<Record<string, number>> = { off: 0, low: 150, mid: 500, high: 1200 };
  const { layers, read } = start();
  for (const id of people) layers.show(id, 700);
  const all = () => people.map((id) => layers.layer(id));
  const seconds = (capacity: number, done: () => boolean) => {
    for (let passed = 0; passed < 120; passed += 2) {
      if (done()) return passed;
      const sent = all().reduce((sum, layer) => sum + (kbits[layer] ?? 0), 0);
      read(Object.fromEntries(people.map((id) => [id, Math.max(0, 1 - capacity / sent)])));
    }
    return undefined;
  };
  return { layers, all, seconds, read };
}

test('500 kbit/s: the smallest pictures, and all as before 18 s after the link recovered; two sizes are back in 15', () => {
  const four = link(['a', 'b', 'c', 'd']);
  expect(four.all()).toEqual(['mid', 'mid', 'mid', 'mid']);
  expect(four.seconds(500, () => four.all().every((layer) => layer === 'low'))).toBeLessThanOrEqual(18);
  expect(four.seconds(5000, () => four.all().every((layer) => layer === 'mid'))).toBeLessThanOrEqual(18);
  const one = link(['a']);
  one.seconds(100, () => one.layers.layer('a') === 'low');
  expect(one.seconds(5000, () => one.layers.layer('a') === 'high')).toBeLessThanOrEqual(15);
});

test('one whose own upload is bad loses its own size only, and the others come up without it', () => {
  const { layers, read, seconds, all } = link(['a', 'b', 'c', 'd']);
  for (let i = 0; i < 30; i++) read({ a: 0.2, b: 0, c: 0, d: 0 });
  expect(all()).toEqual(['low', 'mid', 'mid', 'mid']);
  // Trouble of all takes the others down, and its end brings them back while the one stays as it was.
  seconds(500, () => all().every((layer) => layer === 'low'));
  for (let i = 0; i < 12; i++) read({ a: 0.2, b: 0, c: 0, d: 0 });
  expect(all()).toEqual(['low', 'mid', 'mid', 'mid']);
  // Who left in trouble troubles nobody.
  layers.forget('a');
  for (let i = 0; i < 10; i++) read({ b: 0, c: 0, d: 0 });
  expect(['b', 'c', 'd'].map((id) => layers.layer(id))).toEqual(['high', 'mid', 'mid']);
});
