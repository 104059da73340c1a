/** `npm start`: run the topology here until Ctrl-C. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { relative } from 'node:path';
import { renderUnicodeCompact } from 'uqr';
import { HELP, parseOptions, UsageError } from './options.ts';
import { findProgram } from './programs.ts';
import { type Stack, startStack } from './stack.ts';

function openBrowser(url: string): void {
  const program = ['xdg-open', 'open'].find((name) => findProgram(name));
  if (!program) console.log(`  No program to open a browser with; go to ${url}`);
  else spawn(program, [url], { stdio: 'ignore', detached: true }).unref();
}

/** Address of a new room on `origin`. Both tabs open the same link, so they meet. The name cannot be guessed from the network. */
function roomLink(origin: string, room: string): string {
  return `${origin}/?room=${room}`;
}

/** What a person reads once everything runs; of the room one link, and its QR code where a phone can open it. */
function describe(stack: Stack, seconds: string, room: string): string {
  const ports = stack.signalingUrls.map((url) => new URL(url).port).join(', ');
  const nodes = stack.signalingUrls.length;
  const rows: [string, string][] = [
    ['Open', roomLink(stack.origin, room)],
    ...(stack.lanOrigin ? [['Or', `${roomLink(stack.lanOrigin, room)} on your network`] as [string, string]] : []),
    ['Signaling', `${nodes} node${nodes > 1 ? 's' : ''} on ${ports}${stack.redisUrl ? ', sharing Redis' : ''}`],
    ['Auth', new URL(stack.authUrl).port],
    ...(stack.turnUris[0] ? [['TURN', stack.turnUris[0].split('?')[0] ?? ''] as [string, string]] : []),
    ...(stack.pids.media ? [['Media', 'rooms of five and more go through a media node'] as [string, string]] : []),
    ...(stack.pids.composer
      ? [['Recordings', 'people with the grant record make them: docs/recordings.md'] as [string, string]]
      : []),
    ...(stack.pids.hooks ? [['Events', 'docs/events.md says how a backend hears them'] as [string, string]] : []),
    ...(stack.pids.captions
      ? [
          ['Captions', `of ${stack.captionLanguages.join(', ')}, for who switches them on: docs/captions.md`] as [
            string,
            string,
          ],
        ]
      : []),
    ...stack.leftOut.map((line): [string, string] => ['Left out', line]),
    ['Logs', `${relative(process.cwd(), stack.logDir)}/`],
  ];
  const body = rows.map(([name, text]) => `  ${name.padEnd(10)} ${text}`).join('\n');
  const code = stack.lanOrigin ? `\n${renderUnicodeCompact(roomLink(stack.lanOrigin, room), { border: 2 })}\n` : '';
  return `\n  Tandem runs (${seconds} s). Open the link in two tabs: they meet. Ctrl-C stops everything.\n\n${body}\n${code}`;
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
    const room = `call-${randomBytes(4).toString('hex')}`;
    console.log(describe(stack, ((performance.now() - since) / 1000).toFixed(1), room));
    if (options.open) openBrowser(roomLink(stack.origin, room));
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
