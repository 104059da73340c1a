/** Is the node's loop alive, with an engine? The program `health.mjs` asks, for the container's check. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the node has settings of its engines, unless its setting RUN_DIR names another folder. */
export const RUN_DIR = '/run/media';

/** The loop writes every 2 s. */
const STALE_MS = 15_000;

const file = (runDir: string) => join(runDir, 'alive');

export async function sayAlive(runDir: string): Promise<void> {
  await writeFile(file(runDir), `${Date.now()}`);
}

/** @throws Error when the loop has stopped, or no engine lives */
export async function checkAlive(runDir: string, now = Date.now()): Promise<void> {
  const at = Number(await readFile(file(runDir), 'utf8'));
  if (!(now - at < STALE_MS))
    throw new Error(`the media node has not said for ${Math.round((now - at) / 1000)} s that it lives`);
}
