/** Runs a program to its end, and says whose fault it is when that fails. */
import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Longest time of one run, ms: composing goes about as fast as the call went. */
const MAX_RUN_MS = 6 * 3600 * 1000;

/** This machine lacks something: space, memory, a program. Nothing is wrong with the recording, which is composed another time. */
export class MachineError extends Error {}

/** Error codes of what a machine lacks (errno(3)). */
const LACKING = ['ENOSPC', 'EDQUOT', 'ENOMEM', 'EAGAIN', 'EMFILE', 'ENFILE', 'EIO', 'EROFS', 'EACCES'];
const LACKING_SPACE = /No space left on device|Disk quota exceeded/;
/** What is less than this counts as a full disk, bytes: a program that found no space leaves less than a page, and not each of them says so. */
const FULL_BYTES = 64 * 1024;

/** Whether `error` is one of this machine, and not of what was recorded. */
export function isOfMachine(error: unknown): boolean {
  return error instanceof MachineError || LACKING.includes(String((error as { code?: unknown } | null)?.code));
}

/** @throws MachineError when the disk of `folder` is full: what was just written there may be cut off */
export async function checkSpace(folder: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < FULL_BYTES) throw new MachineError('no space left for the work. Fix: a larger WORK_DIR');
}

/** @returns what it printed @throws Error with the end of what it complained of; MachineError when it is not there, was killed, or found no space */
export async function runProgram(command: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  try {
    const { stdout } = await run(command, [...args], { signal, timeout: MAX_RUN_MS, maxBuffer: 16 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const failure = error as Error & { code?: unknown; signal?: unknown; stderr?: string };
    const { code, stderr = '', message } = failure;
    const text = `${command}: ${(stderr.trim() || message).slice(-400)}`;
    // SIGKILL is of the kernel, for want of memory.
    const isMachine =
      code === 'ENOENT' || failure.signal === 'SIGKILL' || isOfMachine(error) || LACKING_SPACE.test(stderr);
    throw isMachine ? new MachineError(text) : new Error(text);
  }
}
