import { expect, test } from 'vitest';
import { readCaption, readSpoken, withCaption } from './captions.ts';

test('a caption has a speaker and words; what is none is not shown', () => {
  expect(readCaption('caption', { name: 'Ada\u202e', text: ' hello ' })).toEqual({ name: 'Ada', text: 'hello' });
  expect(readCaption('caption', { text: 'hello' })).toEqual({ name: '', text: 'hello' });
  for (const data of [undefined, null, 'hello', 7, [], {}, { text: 7 }, { text: '  ' }, { name: {}, text: 'hello' }])
    expect(readCaption('caption', data)).toBeUndefined();
  expect(readCaption('note', { text: 'hello' })).toBeUndefined();
  const long = readCaption('caption', { text: `${'a'.repeat(5000)} the end` });
  expect(long?.text).toHaveLength(240);
  expect(long?.text).toMatch(/^…a+ the end$/);
});

test('who speaks of themselves says no name: it is that of the peer', () => {
  expect(readSpoken('Ada', { caption: ' hello ', name: 'Bob' })).toEqual({ name: 'Ada', text: 'hello' });
  for (const data of [undefined, null, 'hello', [], {}, { caption: 7 }, { caption: ' ' }, { text: 'hello' }])
    expect(readSpoken('Ada', data)).toBeUndefined();
});

test('one line a speaker, two speakers at most, the latest last', () => {
  const say = (...said: [string, string][]) =>
    said.reduce(
      (shown, [name, text]) => withCaption(shown, { name, text }),
      [] as readonly { name: string; text: string }[],
    );
  expect(say(['Ada', 'a'], ['Bob', 'b'], ['Ada', 'a c'])).toEqual([
    { name: 'Bob', text: 'b' },
    { name: 'Ada', text: 'a c' },
  ]);
  expect(say(['Ada', 'a'], ['Bob', 'b'], ['Cy', 'c']).map(({ name }) => name)).toEqual(['Bob', 'Cy']);
});
