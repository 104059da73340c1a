import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { contrast } from '../look.ts';

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

test('the mark of who speaks has 3 : 1 whatever the picture is: its line against the one inside it (WCAG 1.4.11)', () => {
  const colour = (name: string) => new RegExp(`--${name}: (#[0-9a-f]{6});`).exec(css('tokens.css'))?.[1] ?? '';
  expect(css('stage.css')).toMatch(
    /\.tile\.speaking::after \{\s+border-color: var\(--tile-mark\);\s+box-shadow: inset 0 0 0 2px var\(--tile\);/,
  );
  expect(contrast(colour('tile-mark'), colour('tile'))).toBeGreaterThanOrEqual(3);
});
