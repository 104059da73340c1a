/**
 * `node health.mjs` asks the media node beside it, for the container's health check. A program of its own: it runs every few seconds, and
 * what a node loads would cost a second of CPU each time.
 */
import { checkAlive, RUN_DIR } from './src/health.ts';

try {
  await checkAlive(process.env.RUN_DIR ?? RUN_DIR);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
