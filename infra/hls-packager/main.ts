/** `node infra/hls-packager/main.ts` makes HLS of what its media node forwards to loopback, beside it and not in it. Needs ffmpeg. */
import { loadConfig } from '@tandem/service';
import { PackagerConfig } from './src/config.ts';
import { runPackagers, untilIdle } from './src/packagers.ts';

const stop = new AbortController();
try {
  const { HLS_DIR: folder, HLS_HOST: address } = loadConfig(PackagerConfig);
  // A first signal waits for the node, which drains; a second one ends at once.
  let signals = 0;
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      if (signals++ === 0) void untilIdle(folder, stop.signal).finally(() => stop.abort());
      else stop.abort();
    });
  const say = (event: string, more: Record<string, unknown> = {}) => console.log(JSON.stringify({ event, ...more }));
  await runPackagers({ folder, address, say, signal: stop.signal });
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
