import { expect, test } from 'vitest';
import { afterClose, CLOSE_CODES } from './codes.ts';

test('S-8 every close code is its own, and tells what a client does next', () => {
  const codes = Object.values(CLOSE_CODES);
  expect(new Set(codes.map((c) => c.code)).size).toBe(codes.length);
  for (const { code, after } of codes) expect(afterClose(code)).toBe(after);
});

test('S-8 an unknown code counts as network trouble', () => {
  expect(afterClose(4999)).toBe('backoff');
  expect(afterClose(1005)).toBe('backoff');
});
