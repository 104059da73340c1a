/** `node turn-node.mjs` runs a TURN node; `node turn-node.mjs health` asks it, for the container's health check. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '@tandem/service';
import { TurnNodeConfig } from './src/config.ts';
import { stunAnswers } from './src/health.ts';
import { startTurnNode } from './src/node.ts';

// Who reads the log may die first; a broken pipe must not end this process before it has ended coturn.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

try {
  const config = loadConfig(TurnNodeConfig);
  if (process.argv[2] === 'health') {
    const [address = '', port = ''] = (await readFile(join(config.RUN_DIR, 'address'), 'utf8')).split(' ');
    await stunAnswers(address, Number(port));
  } else {
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
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
