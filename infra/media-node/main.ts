/** `node media-node.mjs` runs a media node. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@tandem/service';
import { serveOn } from '../node-kit/serve-on.ts';
import { enginePorts, MediaNodeConfig } from './src/config.ts';
import { startJanusEngine } from './src/janus-engine.ts';
import { janusProgram } from './src/location.ts';
import { startMediaNode } from './src/media-node.ts';
import { findMediaHost } from './src/node-host.ts';

const say = (event: string, more: object = {}) => console.log(JSON.stringify({ event, ...more }));
serveOn(say);

async function run(config: MediaNodeConfig): Promise<void> {
  const program = janusProgram(config.JANUS);
  if (program.lacks) say('media.old-engine', { lacks: program.lacks });
  const host = await findMediaHost(config);
  const node = await startMediaNode(config, {
    host,
    say,
    startEngine: (index) => {
      return startJanusEngine({
        program,
        address: host.privateIp,
        publicAddress: host.publicIp,
        runDir: join(config.RUN_DIR, `engine-${index + 1}`),
        mediaPorts: enginePorts(config, index),
        eventLoops: availableParallelism(),
        complain: (line) => say('janus.error', { line }),
      });
    },
  });
  // A first signal hands the rooms over (or goes on with a drain that the group began), a second one ends at once.
  let signals = 0;
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => void (signals++ === 0 ? node.drain() : node[Symbol.asyncDispose]()));
  await node.ended;
}

try {
  // For one release: containers whose description is older than their image still ask so. It would be a second node beside the first.
  if (process.argv[2] === 'health') await import('./health.ts');
  else await run(loadConfig(MediaNodeConfig));
  process.exit();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
