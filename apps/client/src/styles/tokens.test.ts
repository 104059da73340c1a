import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.css') && file !== 'tokens.css');
const css = (file: string) => readFileSync(`${import.meta.dirname}/${file}`, 'utf8');
const names = (text: string, pattern: RegExp) => new Set(Array.from(text.matchAll(pattern), ([, name]) => name));

test.each(files)('%s takes its colours from tokens.css', (file) => {
  expect(css(file).match(/#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|oklch)\(/gi) ?? []).toEqual([]);
});

test('every token is used, and every one used exists', () => {
  const all = files.map(css).join('\n');
  const defined = names(`${css('tokens.css')}\n${all}`, /^\s*--([\w-]+):/gm);
  const used = names(`${css('tokens.css')}\n${all}`, /var\(--([\w-]+)/g);
  expect([...used].filter((name) => !defined.has(name))).toEqual([]);
  expect([...defined].filter((name) => !used.has(name))).toEqual([]);
});
