/** `npm start`: run the topology here until Ctrl-C. */
import { spawn } from 'node:child_process';
import { relative } from 'node:path';
import { HELP, parseOptions, UsageError } from './options.ts';
import { findProgram } from './programs.ts';
import { type Stack, startStack } from './stack.ts';

function openBrowser(url: string): void {
  const program = ['xdg-open', 'open'].find((name) => findProgram(name));
  if (!program) console.log(`  No program to open a browser with; go to ${url}`);
  else spawn(program, [url], { stdio: 'ignore', detached: true }).unref();
}

function describe(stack: Stack, seconds: string): string {
  const ports = stack.signalingUrls.map((url) => new URL(url).port).join(', ');
  const nodes = stack.signalingUrls.length;
  const rows: [string, string][] = [
    ['Open', `${stack.origin}${stack.lanOrigin ? `   or, on the local network, ${stack.lanOrigin}` : ''}`],
    ['Signaling', `${nodes} node${nodes > 1 ? 's' : ''} on ${ports}${stack.redisUrl ? ', sharing Redis' : ''}`],
    ['Auth', new URL(stack.authUrl).port],
    ...(stack.turnUris[0] ? [['TURN', stack.turnUris[0].split('?')[0] ?? ''] as [string, string]] : []),
    ...stack.leftOut.map((line): [string, string] => ['Left out', line]),
    ['Logs', `${relative(process.cwd(), stack.logDir)}/`],
  ];
  const body = rows.map(([name, text]) => `  ${name.padEnd(10)} ${text}`).join('\n');
  return `\n  Tandem runs (${seconds} s). Open the page in two tabs and call yourself. Ctrl-C stops everything.\n\n${body}\n`;
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(HELP);
    return;
  }
  let ask: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    ask = resolve;
  });
  let signals = 0;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      signals += 1;
      // The guard ends the children of an impatient exit.
      if (signals > 1) process.exit(1);
      ask();
    });
  // scripts/start.mjs is gone: so are we.
  process.once('disconnect', ask);

  const since = performance.now();
  const starting = startStack({ ...options, say: (line) => console.log(`  ${line}`) });
  const stack = await starting;
  await using _stack = stack;
  if (signals === 0) {
    console.log(describe(stack, ((performance.now() - since) / 1000).toFixed(1)));
    if (options.open) openBrowser(stack.origin);
  }
  await asked;
  console.log('\n  Stopping…');
}

try {
  await main();
} catch (error) {
  console.error(`\n  ${error instanceof Error ? error.message : error}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
if (process.connected) process.disconnect();
