import { describe, expect, test } from 'vitest';
import { systemClock } from '../core/clock.ts';
import { MemoryHub } from './memory.ts';
import { backplaneContract } from './testing/contract.ts';
import { Unavailable } from './types.ts';

describe('memory', () => {
  const hub = new MemoryHub(systemClock);
  backplaneContract(() => hub.connect());

  test('B-21 after its end it is unavailable', async () => {
    const backplane = new MemoryHub(systemClock).connect();
    await backplane[Symbol.asyncDispose]();
    await expect(backplane.beat(1)).rejects.toThrow(Unavailable);
  });
});
