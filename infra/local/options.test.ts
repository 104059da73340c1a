import { expect, test } from 'vitest';
import { lastWord } from './children.ts';
import { parseOptions } from './options.ts';

test('options have defaults and limits, and a wrong one is named', () => {
  expect(parseOptions([])).toEqual({ port: 3000, https: false, open: false, media: true, events: false });
  expect(parseOptions(['--port', '3100', '--nodes', '3', '--https', '--open', '--no-media', '--events'])).toEqual({
    port: 3100,
    nodes: 3,
    https: true,
    open: true,
    media: false,
    events: true,
  });
  expect(parseOptions(['--help'])).toBe('help');
  expect(() => parseOptions(['--port', 'x'])).toThrow('--port x: expected a whole number');
  expect(() => parseOptions(['--nodes', '0'])).toThrow('--nodes 0');
  expect(() => parseOptions(['--turbo'])).toThrow('--turbo');
});

test('a failed child is explained by its own words', () => {
  expect(lastWord(['{"level":30,"msg":"up"}', '{"level":60,"msg":"configuration: JWKS_URL"}', 'exit'])).toBe(
    'configuration: JWKS_URL',
  );
  expect(lastWord(['starting', 'bind: Address already in use', 'bye'])).toBe('bind: Address already in use');
  expect(lastWord([])).toBeUndefined();
});
