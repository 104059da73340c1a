import type { PeerView } from '@tandem/react';
import { expect, test } from 'vitest';
import { pipTiles } from './pip-people.ts';

const peer = (id: string, more: Partial<PeerView> = {}) => ({ id, name: id, ...more }) as PeerView;
const track = {} as MediaStreamTrack;

test('the small window shows screens, then who speaks, then the others, four at most', () => {
  const people = ['a', 'b', 'c', 'd', 'e'].map((id) => peer(id));
  const ids = (...args: Parameters<typeof pipTiles>) => pipTiles(...args).map(({ id }) => id);
  expect(ids([], undefined)).toEqual([]);
  expect(ids(people, undefined)).toEqual(['a', 'b', 'c', 'd']);
  expect(ids(people, 'e')).toEqual(['e', 'a', 'b', 'c']);
  expect(ids(people, 'me')).toEqual(['a', 'b', 'c', 'd']);
  const sharing = [peer('a'), peer('b', { screenTrack: track })];
  expect(pipTiles(sharing, 'a')).toMatchObject([
    { id: 'b:screen', kind: 'screen', track },
    { id: 'a', kind: 'peer' },
    { id: 'b', kind: 'peer' },
  ]);
});
