import { CLOSE_CODES } from '@tandem/protocol/codes';
import { expect, test } from 'vitest';
import { endKind } from './end-kind.ts';

test('every close code that gives up has words of its own', () => {
  for (const [name, { after }] of Object.entries(CLOSE_CODES))
    if (after === 'give-up' && name !== 'abuse') expect(endKind(name), name).not.toBe('failed');
});

test('codes of a refused join', () => {
  expect(endKind('forbidden')).toBe('refused');
  expect(endKind('token_refused')).toBe('refused');
  for (const kind of ['locked', 'over', 'unknown']) expect(endKind(`room_${kind}`)).toBe(kind);
  // In other calls, perhaps not in this one.
  expect(endKind('too_many_sessions')).toBe('crowded');
  expect(endKind('unavailable')).toBe('unreachable');
  expect(endKind('something new')).toBe('failed');
});
