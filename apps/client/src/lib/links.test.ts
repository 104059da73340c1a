import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitLinks } from './links.ts';

const links = (text: string) => splitLinks(text).flatMap(({ text: shown, href }) => (href ? [shown] : []));

test('addresses are links, what ends a sentence is not part of them', () => {
  expect(links('See https://example.org/a?b=1#c, and (http://example.net).')).toEqual([
    'https://example.org/a?b=1#c',
    'http://example.net',
  ]);
  expect(links('https://en.wikipedia.org/wiki/Tandem_(bicycle).')).toEqual([
    'https://en.wikipedia.org/wiki/Tandem_(bicycle)',
  ]);
});

test('no other scheme and nothing half is a link', () => {
  for (const text of ['javascript:alert(1)', 'data:text/html,x', 'https://', 'http:// a', 'mailto:a@b.c', 'ftp://x.y'])
    expect(links(text), text).toEqual([]);
});

test('any text: the parts joined are the text, and every link is http or https', () => {
  const word = fc.oneof(fc.string(), fc.constantFrom('https://', 'http://a.b', ' ', ')', '.', '\u202e', 'javascript:'));
  fc.assert(
    fc.property(fc.array(word), (words) => {
      const text = words.join('');
      const parts = splitLinks(text);
      expect(parts.map((part) => part.text).join('')).toBe(text);
      for (const { href } of parts) if (href !== undefined) expect(href).toMatch(/^https?:\/\//);
    }),
  );
});
