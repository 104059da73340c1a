/** Runs a program to its end. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Longest time of one run, ms: composing goes about as fast as the call went. */
const MAX_RUN_MS = 6 * 3600 * 1000;

/** @returns what it printed @throws Error with the end of what it complained of */
export async function runProgram(command: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  try {
    const { stdout } = await run(command, [...args], { signal, timeout: MAX_RUN_MS, maxBuffer: 16 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    throw new Error(`${command}: ${(stderr.trim() || message).slice(-400)}`);
  }
}
