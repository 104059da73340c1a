/** What a list of the server changes in the view of a room. */
import { expect, test } from 'vitest';
import { RoomView } from './room-view.ts';

test('S-124 who may send no more, or again, is a change, though nothing that it says of itself is', () => {
  const view = new RoomView();
  const list = (audience: object) =>
    view
      .list({ type: 'room', peers: [{ peerId: 'zoe', metadata: { name: 'Zoe' }, ...audience }] })
      .map(({ kind, peer }) => [kind, peer.audience]);
  expect(list({})).toEqual([['joined', undefined]]);
  expect(list({})).toEqual([]);
  expect(list({ audience: true })).toEqual([['updated', true]]);
  expect(list({ audience: true })).toEqual([]);
  expect(list({})).toEqual([['updated', undefined]]);
});
