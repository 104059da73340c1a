import { expect, test } from 'vitest';
import { TileOrder } from './tile-order.ts';

const peers = (...ids: string[]) => ids.map((id) => ({ id, video: true }));
const base = { pinned: undefined, speaker: undefined, first: 3, held: false, now: 0 };

test('in the order of arrival; who leaves closes the gap, newcomers are last', () => {
  const order = new TileOrder();
  expect(order.update({ ...base, peers: peers('a', 'b', 'c') })).toEqual(['a', 'b', 'c']);
  expect(order.update({ ...base, peers: peers('a', 'c', 'd') })).toEqual(['a', 'c', 'd']);
});

test('a speaker of another page swaps with the one who has been silent for longest, and stays 10 s', () => {
  const order = new TileOrder();
  const all = peers('a', 'b', 'c', 'd', 'e', 'f');
  const at = (now: number, speaker?: string) => order.update({ ...base, peers: all, speaker, now });
  at(0, 'a');
  expect(at(20_000, 'e')).toEqual(['a', 'b', 'e', 'd', 'c', 'f']);
  expect(at(21_000, 'f'), 'somebody else moves, not the newcomer').toEqual(['a', 'f', 'e', 'd', 'c', 'b']);
  expect(at(22_000, 'd')).toEqual(['d', 'f', 'e', 'a', 'c', 'b']);
  expect(at(23_000, 'c'), 'all three came a moment ago').toEqual(['d', 'f', 'e', 'a', 'c', 'b']);
  expect(at(32_500, 'c').slice(0, 3)).toContain('c');
});

test('nobody moves while the pointer is over a tile; a speaker on the first page never moves', () => {
  const order = new TileOrder();
  const all = peers('a', 'b', 'c', 'd');
  order.update({ ...base, peers: all });
  expect(order.update({ ...base, peers: all, speaker: 'd', held: true, now: 60_000 })).toEqual(['a', 'b', 'c', 'd']);
  expect(order.update({ ...base, peers: all, speaker: 'b', now: 60_000 })).toEqual(['a', 'b', 'c', 'd']);
});

test('a camera comes before an idle tile without a picture; the pinned one is first', () => {
  const order = new TileOrder();
  const all = [...peers('a', 'b'), { id: 'c', video: false }, ...peers('d')];
  expect(order.update({ ...base, peers: all })).toEqual(['a', 'b', 'd', 'c']);
  expect(order.update({ ...base, peers: all, pinned: 'c' })).toEqual(['c', 'a', 'b', 'd']);
});
