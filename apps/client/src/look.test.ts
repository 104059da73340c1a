/** What a deployment writes about the look of its page: what is right is taken, the rest is told with its fix, nothing is ever thrown. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LANGUAGES } from './i18n/index.ts';
import { contrast, FEATURES, inkOn, readLook } from './look.ts';

function read(file: Record<string, unknown>) {
  const told: string[] = [];
  return { look: readLook(file, (line) => told.push(line)), told };
}

test('contrast is that of WCAG', () => {
  // Known pairs of the W3C: black on white, and the greys around 4.5 : 1.
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21);
  expect(contrast('#767676', '#ffffff')).toBeCloseTo(4.54, 2);
  expect(contrast('#ffffff', '#777777')).toBeCloseTo(4.48, 2);
});

test('what is right is taken', () => {
  const file = {
    branding: {
      name: 'Klinik',
      logo: '/brand/logo.svg',
      poster: '/brand/poster.png',
      accent: { light: '#8a1c5b', dark: '#f0a3cf' },
      links: [{ text: 'Imprint', href: 'https://example.org/imprint' }],
    },
    languages: ['de', 'ar'],
    features: { chat: false, reactions: true, screen: false },
  };
  const { look, told } = read(file);
  expect(told).toEqual([]);
  expect(look).toEqual({ ...file.branding, languages: ['de', 'ar'], off: ['chat', 'screen'] });
});

test.each([
  ['branding', { branding: 5 }],
  ['branding.name', { branding: { name: '' } }],
  ['branding.name', { branding: { name: 'x'.repeat(41) } }],
  ['branding.logo', { branding: { logo: 'https://elsewhere.example/logo.png' } }],
  ['branding.logo', { branding: { logo: '//elsewhere.example/logo.png' } }],
  ['branding.logo', { branding: { logo: 'data:text/html,x' } }],
  ['branding.poster', { branding: { poster: '/brand/poster.svg' } }],
  ['branding.poster', { branding: { poster: 'https://elsewhere.example/poster.png' } }],
  ['branding.accent.light', { branding: { accent: '#0b635a' } }],
  ['branding.accent.dark', { branding: { accent: { light: '#0b635a', dark: 'red' } } }],
  ['branding.accent.light', { branding: { accent: { light: '#ffcc00', dark: '#ffcc00' } } }],
  ['branding.accent.dark', { branding: { accent: { light: '#0b635a', dark: '#0b635a' } } }],
  ['branding.links', { branding: { links: [{ text: 'x', href: 'javascript:alert(1)' }] } }],
  ['branding.links', { branding: { links: [{ href: '/x' }] } }],
  ['branding.colour', { branding: { colour: 'red' } }],
  ['languages', { languages: [] }],
  ['languages', { languages: ['de', 'tlh'] }],
  ['features.chat', { features: { chat: 'no' } }],
  ['features.captions', { features: { captions: true } }],
  ['features.features', { features: [] }],
])('%s: %j is left out, and told with the fix', (field, file) => {
  const { look, told } = read(file);
  expect(look).toEqual({});
  expect(told).toHaveLength(1);
  expect(told[0]).toContain(`${field} cannot be used: it has to be`);
});

test('any JSON gives a look whose accents can be read', () => {
  const colour = fc.integer({ min: 0, max: 0xffffff }).map((n) => `#${n.toString(16).padStart(6, '0')}`);
  const accent = fc.record({ light: colour, dark: colour });
  const branding = fc.oneof(fc.jsonValue(), fc.record({ accent, logo: fc.string(), links: fc.jsonValue() }));
  fc.assert(
    fc.property(branding, fc.jsonValue(), fc.jsonValue(), (given, languages, features) => {
      const { look } = read({ branding: given, languages, features });
      for (const [scheme, canvas] of [
        ['light', '#f5f2ec'],
        ['dark', '#0f1514'],
      ] as const) {
        const used = look.accent?.[scheme] ?? (scheme === 'light' ? '#0b635a' : '#6fd6c5');
        expect(contrast(used, canvas)).toBeGreaterThanOrEqual(4.5);
        expect(contrast(used, inkOn(used))).toBeGreaterThanOrEqual(4.5);
      }
    }),
  );
});

test('languages and colours are those of the page', () => {
  expect(read({ languages: Object.keys(LANGUAGES) }).told).toEqual([]);
  const tokens = readFileSync(new URL('styles/tokens.css', import.meta.url), 'utf8');
  expect(tokens).toContain('--canvas: light-dark(#f5f2ec, #0f1514);');
  expect(FEATURES.length).toBeGreaterThan(0);
});
