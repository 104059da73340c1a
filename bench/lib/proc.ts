/** Child processes of a benchmark: pinned to a core, ready when they say so, dead at the end. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface Proc extends AsyncDisposable {
  readonly pid: number;
  /** What it printed as one JSON line when it was ready (servers of this folder do). */
  readonly ready: Record<string, unknown>;
}

/** Core of the servers and core of the load. On a machine with one core both share it: ratios stay fair, rates do not. */
export const SERVER_CORE = 0;
export const LOAD_CORE = 1;

export interface StartOptions {
  readonly core?: number;
  readonly env?: Record<string, string>;
  readonly nodeArgs?: readonly string[];
  /** Is it ready? Default: it printed a line of JSON. Polled otherwise. */
  readonly isReady?: () => Promise<boolean>;
}

/** Start a program pinned to a core. @throws Error with its output when it ends before it is ready */
export async function start(command: string, args: readonly string[], options: StartOptions = {}): Promise<Proc> {
  const core = options.core ?? SERVER_CORE;
  const child = spawn('taskset', ['-c', String(core), command, ...args], {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (text: string) => {
    output = (output + text).slice(-4000);
  };
  child.stderr.setEncoding('utf8').on('data', keep);
  const firstJson = new Promise<Record<string, unknown>>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      keep(`${line}\n`);
      if (line.startsWith('{')) resolve(JSON.parse(line) as Record<string, unknown>);
    });
  });
  const died = once(child, 'exit').then(() => {
    throw new Error(`${command} ${args.join(' ')} ended before it was ready:\n${output}`);
  });
  died.catch(() => {});
  const ready = options.isReady ? poll(options.isReady).then(() => ({})) : firstJson;
  const answer = await Promise.race([ready, died]);
  return { pid: child.pid as number, ready: answer, [Symbol.asyncDispose]: () => stop(child) };
}

async function poll(isReady: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await isReady().catch(() => false)) return;
    await sleep(50);
  }
  throw new Error('not ready within 30 s');
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const hard = setTimeout(() => child.kill('SIGKILL'), 8000);
  await gone;
  clearTimeout(hard);
}

/** Start one of bench/servers. */
export function startServer(name: string, args: readonly string[] = [], options: StartOptions = {}): Promise<Proc> {
  const file = fileURLToPath(new URL(`../servers/${name}.ts`, import.meta.url));
  return start(process.execPath, [...(options.nodeArgs ?? []), file, ...args], options);
}

/** Keep this process (the load) off the servers' core. */
export function pinSelf(core = LOAD_CORE): void {
  pin(process.pid, core);
}

/** Keep a process that runs already on a core, all its threads. */
export function pin(pid: number, core = SERVER_CORE): void {
  try {
    execFileSync('taskset', ['-acp', String(core), String(pid)], { stdio: 'ignore' });
  } catch {
    console.warn(
      `taskset: core ${core} is not there (apt-get install util-linux, two cores); load and server share a core`,
    );
  }
}
