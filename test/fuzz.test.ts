/** `npm run fuzz` runs in every test run, on few inputs: the command itself cannot rot, and what it found stays mended. */
import { expect, test } from 'vitest';
import { frameTarget } from './fuzz/frames.ts';
import { edgeTarget, httpTarget } from './fuzz/http.ts';
import { descriptionTarget, peerMessageTarget } from './fuzz/peer-input.ts';
import { streamTarget } from './fuzz/streams.ts';

const RUNS = 100;

test('each target of npm run fuzz holds on a few inputs', async () => {
  for (const target of [peerMessageTarget, descriptionTarget, frameTarget, httpTarget, edgeTarget, streamTarget]) {
    await using open = await target.open();
    await expect(open.attack(20_261_127, RUNS), target.name).resolves.toBeUndefined();
  }
});
