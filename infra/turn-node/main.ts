/** `node turn-node.mjs` runs a TURN node. */
import { loadConfig } from '@tandem/service';
import { serveOn } from '../node-kit/serve-on.ts';
import { TurnNodeConfig } from './src/config.ts';
import { startTurnNode } from './src/node.ts';

serveOn((event, more) => console.log(JSON.stringify({ event, ...more })));

async function run(): Promise<void> {
  const config = loadConfig(TurnNodeConfig);
  const node = await startTurnNode(config);
  // coturn would drop its calls on SIGTERM: the agent takes it and drains. A second one ends at once.
  let signals = 0;
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(
      signal,
      () => void (signals++ === 0 ? node.drain(config.STOP_DRAIN_SECONDS) : node[Symbol.asyncDispose]()),
    );
  process.exitCode = (await node.ended) === 'drained' ? 0 : 1;
  await node[Symbol.asyncDispose]();
}

try {
  // For one release: containers whose description is older than their image still ask so. It would be a second node beside the first.
  if (process.argv[2] === 'health') await import('./health.ts');
  else await run();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
