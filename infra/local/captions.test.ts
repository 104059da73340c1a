import { expect, test } from 'vitest';
import { findCaptions, pageSettings } from './captions.ts';

const captions = findCaptions('en=ws://127.0.0.1:2700,de=ws://127.0.0.1:2701');

test('the page offers the languages of the recognizers, unless its settings name some', () => {
  expect(findCaptions('')).toBeUndefined();
  expect(captions?.languages).toEqual(['en', 'de']);
  expect(findCaptions('en')?.languages, 'its service says what is wrong').toEqual([]);
  expect(pageSettings(captions, '')).toBe('{"captionLanguages":["en","de"]}');
  expect(pageSettings(captions, '{"captionLanguages":["en"],"name":"Clinic"}')).toBe(
    '{"captionLanguages":["en"],"name":"Clinic"}',
  );
});

test('settings that are none reach the edge, which says so; without captions they are as they were given', () => {
  for (const given of ['{', '[]', 'null']) expect(pageSettings(captions, given)).toBe(given);
  expect(pageSettings(undefined, '{"name":"Clinic"}')).toBe('{"name":"Clinic"}');
  expect(pageSettings(undefined, '')).toBeUndefined();
});
