/** `tandem COMMAND …`: exit code 0 done, 1 refused or failed, 2 the command line is wrong. */
import { run } from './run.ts';

const stop = new AbortController();
// SIGHUP: the terminal was closed. What a command made for its own time is removed when it ends, so it is never cut off.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => stop.abort());

/** Exit code of an output that could not be written. */
let unwritten: 0 | 1 | undefined;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that went (`| head`) is no failure. A full disk is one: a secret that is shown once was not seen.
  const isFailure = error.code !== 'EPIPE';
  if (isFailure && unwritten === undefined) process.stderr.write(`tandem: the output is lost: ${error.message}\n`);
  unwritten ??= isFailure ? 1 : 0;
  process.exitCode = unwritten;
  stop.abort();
});
// A message that cannot be written must not cut the command off either.
process.stderr.on('error', () => {});

void run(process.argv.slice(2), {
  env: process.env,
  signal: stop.signal,
  write: (text) => void process.stdout.write(text),
  writeError: (text) => void process.stderr.write(text),
  async readInput() {
    process.stdin.setEncoding('utf8');
    let text = '';
    for await (const chunk of process.stdin) text += chunk;
    return text;
  },
}).then((code) => {
  process.exitCode = unwritten ?? code;
});
