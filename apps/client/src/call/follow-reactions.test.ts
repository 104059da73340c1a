import type { Call } from '@tandem/rtc';
import { expect, onTestFinished, test, vi } from 'vitest';
import { followReactions } from './follow-reactions.ts';
import { CallState } from './state.ts';

test('a flood of reactions of one person is cut, and takes nothing from another; unknown ones are none', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let react = (_said: { peerId: string; emoji: string }) => {};
  const on = (_name: string, handler: typeof react) => {
    react = handler;
    return () => {};
  };
  const peers = [{ peerId: 'eve', name: 'Eve' }];
  const state = new CallState();
  const float = vi.spyOn(state, 'float');
  followReactions({ on, peers } as unknown as Call, state);
  for (let i = 0; i < 1000; i++) react({ peerId: 'eve', emoji: 'like' });
  expect(float.mock.calls.length).toBeGreaterThanOrEqual(20);
  expect(float.mock.calls.length).toBeLessThan(50);
  react({ peerId: 'ada', emoji: 'rocket' });
  react({ peerId: 'ada', emoji: 'heart' });
  expect(float).toHaveBeenLastCalledWith('heart', '');
});
