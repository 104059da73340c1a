import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkAlive, sayAlive } from './health.ts';

test('a node whose loop has stopped is not healthy, nor one that never began', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'media-health-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await expect(checkAlive(folder)).rejects.toThrow();
  await sayAlive(folder);
  await checkAlive(folder);
  await expect(checkAlive(folder, Date.now() + 60_000)).rejects.toThrow(/has not said for 60 s that it lives/);
});
