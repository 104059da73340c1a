/** The program that a node runs (coturn, Janus): it ends with its agent, whichever way that ends, and gets nothing of its environment. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Each line that it writes to standard output or standard error. */
  readonly onLine: (line: string) => void;
}

export interface RunningProgram extends AsyncDisposable {
  readonly pid: number;
  /** Settles with the exit code, null after a signal. */
  readonly ended: Promise<number | null>;
  /** @returns whether it was there */
  kill(signal: NodeJS.Signals): boolean;
}

/** Time between SIGTERM and SIGKILL, ms. */
const STOP_MS = 5000;

/** @throws Error when the program cannot be started */
export async function startProgram({ command, args, cwd, onLine }: Program): Promise<RunningProgram> {
  const child = spawn(command, [...args], {
    // The agent's environment holds secrets. PATH finds the program.
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  // Nothing would report or revoke what the program serves once its agent is gone.
  const kill = () => void child.kill('SIGKILL');
  process.once('exit', kill);
  ended.finally(() => process.off('exit', kill)).catch(() => {});
  await once(child, 'spawn');
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLine);
  return {
    pid: child.pid ?? 0,
    ended,
    kill: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const force = setTimeout(kill, STOP_MS);
      await ended;
      clearTimeout(force);
    },
  };
}
