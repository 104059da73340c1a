/** When a drain ends. */
import { expect, test } from 'vitest';
import { drainOnce } from './drain.ts';
import { attempts } from './retry.ts';

const never = () => new Promise<never>(() => {});

test('a drain ends although the group does not answer: when its work is done, and when its time is over', async () => {
  for (const isDone of [true, false]) {
    let asked = 0;
    const ends: boolean[] = [];
    const drain = drainOnce({
      host: { lifecycle: () => never() },
      attempt: attempts(() => {}),
      begin: async () => {},
      isDone: () => asked++ > 0 && isDone,
      end: async (wasDone) => void ends.push(wasDone),
      signal: new AbortController().signal,
      pollMs: 10,
    });
    await drain(isDone ? 60 : 0.1);
    expect(ends).toEqual([isDone]);
  }
});
