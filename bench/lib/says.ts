/** Waits for a child process to say that it is ready. */
import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';

/** Of a child that ended: as much of what it said last goes into the error, characters. */
const LAST_WORDS = 2000;
/** A child that is not ready by then is stuck, ms. */
const LONGEST_MS = 120_000;

/**
 * Settles when the child has said `word`, on either output. DEBUG passes on what it says, then and later.
 * @throws Error with its last words when it ends before that, does not start, or has not said it within two minutes
 */
export async function says(
  child: ChildProcessByStdio<null, Readable, Readable>,
  name: string,
  word: string,
): Promise<void> {
  let said = '';
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  for (const output of [child.stdout, child.stderr])
    output.setEncoding('utf8').on('data', (text: string) => {
      // Kept a little longer than an error shows, so that a word that comes in two pieces is found.
      said = (said + text).slice(-2 * LAST_WORDS);
      if (said.includes(word)) resolve();
      if (process.env.DEBUG) process.stderr.write(`${Date.now()} ${name}: ${text}`);
    });
  child.once('error', reject);
  // Unlike `exit`, this comes after the last of its outputs.
  child.once('close', (code, signal) =>
    reject(new Error(`${name} ended (${signal ?? code}) before it said "${word}":\n${said.slice(-LAST_WORDS)}`)),
  );
  const timer = setTimeout(
    () => reject(new Error(`${name} did not say "${word}" in ${LONGEST_MS} ms:\n${said.slice(-LAST_WORDS)}`)),
    LONGEST_MS,
  );
  await promise.finally(() => clearTimeout(timer));
}
