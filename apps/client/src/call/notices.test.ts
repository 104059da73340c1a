import { expect, test } from 'vitest';
import { addNotice } from './notices.ts';
import type { Notice } from './types.ts';

let ids = 0;
const joined = (name: string): Notice => ({ id: ++ids, key: 'call.joined', values: { name } });

test('ten people who come at once are one line, with the last name and how many more', () => {
  let list: Notice[] = [];
  for (let i = 0; i < 10; i++) list = addNotice(list, joined(`P${i}`));
  expect(list).toEqual([{ id: ids, key: 'call.joinedMany', values: { name: 'P9', count: 9 } }]);
});

test('two people are "one other"; somebody who leaves is a line of its own', () => {
  const two = addNotice(addNotice([], joined('Ada')), joined('Bob'));
  expect(two).toMatchObject([{ key: 'call.joinedMany', values: { name: 'Bob', count: 1 } }]);
  const mixed = addNotice(two, { id: ++ids, key: 'call.left', values: { name: 'Ada' } });
  expect(mixed.map(({ key }) => key)).toEqual(['call.joinedMany', 'call.left']);
});

test('never more than three lines', () => {
  let list: Notice[] = [];
  for (let i = 0; i < 5; i++) list = addNotice(list, { id: ++ids, key: 'media.lost', values: { device: `${i}` } });
  expect(list.map(({ values }) => values?.device)).toEqual(['2', '3', '4']);
});
