import { expect, test } from 'vitest';
import { classifyMediaError } from './problem.ts';

const error = (name: string, message = '') => new DOMException(message, name);

test.each([
  ['browser', error('NotAllowedError', 'Permission denied'), undefined],
  ['browser', error('NotAllowedError', 'Permission denied'), 'denied'],
  ['system', error('NotAllowedError', 'Permission denied by system'), undefined],
  ['system', error('NotAllowedError'), 'granted'],
  ['dismissed', error('NotAllowedError', 'Permission dismissed'), 'prompt'],
  ['none', error('NotFoundError'), undefined],
  ['busy', error('NotReadableError', 'Could not start video source'), undefined],
  ['unknown', new Error('?'), undefined],
] as const)('%s', (expected, given, permission) => {
  expect(classifyMediaError(given, permission)).toBe(expected);
});
