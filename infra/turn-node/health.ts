/**
 * `node health.mjs` asks the TURN node beside it, for the container's health check. A program of its own: it runs every few seconds, and
 * what a node loads would cost a second of CPU each time.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RUN_DIR, stunAnswers } from './src/health.ts';

try {
  const [address = '', port = ''] = (await readFile(join(process.env.RUN_DIR ?? RUN_DIR, 'address'), 'utf8')).split(
    ' ',
  );
  await stunAnswers(address, Number(port));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
