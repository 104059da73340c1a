/** `tandem COMMAND …`: exit code 0 done, 1 refused or failed, 2 the command line is wrong. */
import { run } from './run.ts';

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());
// A reader that went (`| head`) is no failure.
process.stdout.on('error', () => process.exit(0));

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
  process.exitCode = code;
});
