/** `node media-node.mjs` runs a media node; `node media-node.mjs health` asks it, for the container's health check. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@tandem/service';
import { MediaNodeConfig } from './src/config.ts';
import { checkAlive } from './src/health.ts';
import { startJanusEngine } from './src/janus-engine.ts';
import { janusProgram } from './src/location.ts';
import { startMediaNode } from './src/media-node.ts';
import { findMediaHost } from './src/node-host.ts';

// Who reads the log may die first; a broken pipe must not end this process before it has ended the engines.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

async function run(config: MediaNodeConfig): Promise<void> {
  const say = (event: string, more: Record<string, unknown> = {}) => console.log(JSON.stringify({ event, ...more }));
  const program = janusProgram(config.JANUS);
  if (program.lacks) say('media.old-engine', { lacks: program.lacks });
  const host = await findMediaHost(config);
  const span = Math.floor((config.MEDIA_MAX_PORT - config.MEDIA_MIN_PORT + 1) / 2);
  const node = await startMediaNode(config, {
    host,
    say,
    startEngine: (index) => {
      const first = config.MEDIA_MIN_PORT + index * span;
      return startJanusEngine({
        program,
        address: host.privateIp,
        publicAddress: host.publicIp,
        runDir: join(config.RUN_DIR, `engine-${index + 1}`),
        mediaPorts: [first, first + span - 1],
        eventLoops: availableParallelism(),
        complain: (line) => say('janus.error', { line }),
      });
    },
  });
  // A first signal hands the rooms over, a second one ends at once.
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => void (node.state === 'serving' ? node.drain() : node[Symbol.asyncDispose]()));
  await node.ended;
}

try {
  const config = loadConfig(MediaNodeConfig);
  if (process.argv[2] === 'health') await checkAlive(config.RUN_DIR);
  else await run(config);
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
