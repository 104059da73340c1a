import { expect, test } from 'vitest';
import { wishOf } from './room-wish.ts';

const sealed = 'https://calls.example/?room=quiet-bay#k=a_b-c';

test('the address says which room, and with which key', () => {
  expect(wishOf(sealed)).toEqual({ from: 'link', name: 'quiet-bay', secret: 'a_b-c' });
  expect(wishOf('https://calls.example/?room=Team%20sync!')).toEqual({ from: 'typed', name: 'Team sync!' });
  expect(wishOf('https://calls.example/')).toEqual({ from: 'new', name: expect.stringMatching(/^\w+-\w+-\w+$/) });
});

test('a fragment that is no key takes no key away; another key and another room are taken', () => {
  const link = wishOf(sealed);
  for (const address of ['https://calls.example/?room=quiet-bay#main', 'https://calls.example/?room=Quiet-bay'])
    expect(wishOf(address, link)).toEqual(link);
  expect(wishOf('https://calls.example/?room=quiet-bay#k=new', link)).toEqual({ ...link, secret: 'new' });
  expect(wishOf('https://calls.example/?room=other#main', link)).toEqual({ from: 'link', name: 'other' });
  const mine = { from: 'new', name: 'calm-bay-234567', secret: 'a_b-c' } as const;
  expect(wishOf('https://calls.example/#main', mine), 'a new call keeps its name and its switch').toEqual(mine);
});
