/** Child processes that start with a check, are started again when they fail, and end with the runner. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { join } from 'node:path';

export interface ChildSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Resolves when the child does its work; asked again until it does. */
  readonly ready: () => Promise<boolean>;
}

export interface ChildrenOptions {
  /** Folder of one log file per child. */
  readonly logDir: string;
  /** Environment that every child gets besides its own. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly say: (line: string) => void;
  /** Time to become ready, ms. Default 60,000 (a cold, busy laptop). */
  readonly startTimeoutMs?: number;
  /** Time between SIGTERM and SIGKILL, ms. Default 5000. */
  readonly stopTimeoutMs?: number;
  /** The folder of this run: removed when the runner is killed, too. */
  readonly scratch?: string;
  /** A child that was ready for this long starts again after 1 s, as if it had never ended, ms. Default 60,000. */
  readonly steadyMs?: number;
}

interface Running {
  readonly spec: ChildSpec;
  process: ChildProcess;
  readonly log: WriteStream;
  lastWords: string[];
  restarts: number;
  /** It was ready once: only then is it worth starting again. */
  started: boolean;
  /** When it was ready the last time, ms since the epoch. */
  readyAt: number;
  exited: Promise<void>;
  timer?: NodeJS.Timeout;
}

/** Why a child ended, in its own words when it left some: the message of its last serious log line, else its last line. */
export function lastWord(lines: readonly string[]): string | undefined {
  for (const line of [...lines].reverse()) {
    try {
      const entry = JSON.parse(line) as { level?: number; msg?: string };
      if ((entry.level ?? 0) >= 50 && entry.msg) return entry.msg;
    } catch {
      if (/error|fail|cannot|refused|denied|in use/i.test(line)) return line.trim();
    }
  }
  return lines.at(-1)?.trim();
}

/** How long after its end a guard is replaced, ms. */
const GUARD_PAUSE_MS = 200;

const isAlive = ({ pid, exitCode, signalCode }: ChildProcess) =>
  pid !== undefined && exitCode === null && signalCode === null;

/** Kills the process group that `leader` was started as the leader of, as far as it is still there. */
function killGroup(leader: number | undefined): void {
  try {
    if (leader) process.kill(-leader, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}

export class Children implements AsyncDisposable {
  readonly #options: ChildrenOptions;
  readonly #running = new Map<string, Running>();
  #guard: ChildProcess;
  #ending = false;

  constructor(options: ChildrenOptions) {
    this.#options = options;
    mkdirSync(options.logDir, { recursive: true });
    this.#guard = this.#startGuard();
  }

  /** One that was killed gets a successor: without it nothing would end the children of a runner that is killed as well. */
  #startGuard(): ChildProcess {
    const { scratch } = this.#options;
    const guard = fork(join(import.meta.dirname, 'guard.ts'), scratch === undefined ? [] : [scratch], {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    guard.unref();
    guard.channel?.unref();
    // What is sent to one that is just gone is an error, which must not end the runner.
    guard.on('error', () => {});
    guard.once('exit', () => {
      const next = () => {
        if (this.#ending) return;
        this.#guard = this.#startGuard();
        for (const { process: child } of this.#running.values())
          if (isAlive(child)) this.#tellGuard({ add: child.pid });
      };
      // Later, as one that cannot live would be started again and again.
      setTimeout(next, GUARD_PAUSE_MS).unref();
    });
    return guard;
  }

  #tellGuard(message: { readonly add?: number | undefined; readonly remove?: number }): void {
    if (this.#guard.connected) this.#guard.send(message);
  }

  /** Process ids by name, of those that run now. */
  get pids(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#running].map(([name, child]) => [name, child.process.pid ?? 0]));
  }

  /**
   * Start one child and wait until it is ready.
   * @throws Error in one line, naming the child, its reason and its log
   */
  async start(spec: ChildSpec): Promise<void> {
    const log = createWriteStream(join(this.#options.logDir, `${spec.name}.log`));
    // A full disk must not end the runner, and with it everything.
    log.on('error', (error) => this.#options.say(`${this.logFile(spec.name)}: ${error.message}`));
    const running: Running = {
      spec,
      log,
      lastWords: [],
      restarts: 0,
      started: false,
      readyAt: 0,
      ...this.#spawn(spec),
    };
    this.#running.set(spec.name, running);
    this.#watch(running);
    await this.#untilReady(running);
  }

  #spawn(spec: ChildSpec): { process: ChildProcess; exited: Promise<void> } {
    const child = spawn(spec.command, [...spec.args], {
      env: { ...this.#options.env, ...spec.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Its own session: Ctrl-C reaches the runner only, which then ends the children in order. And its own group, which is killed as one.
      detached: true,
    });
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    return { process: child, exited };
  }

  #watch(running: Running): void {
    const { process: child, log } = running;
    const pid = child.pid;
    if (pid) this.#tellGuard({ add: pid });
    let rest = '';
    const onData = (chunk: Buffer) => {
      if (log.writable) log.write(chunk);
      const lines = (rest + chunk.toString()).split('\n');
      // Of a line that does not end, its end is enough.
      rest = (lines.pop() ?? '').slice(-4096);
      running.lastWords = [...running.lastWords, ...lines.filter((l) => l.trim())].slice(-30);
    };
    child.stdout?.on('data', onData);
    child.stderr?.on('data', onData);
    child.on('error', (error) => {
      running.lastWords.push(error.message);
      // One that could not be started has no exit.
      if (!pid) this.#startAgain(running, null, null);
    });
    child.once('exit', (code, signal) => {
      // What it started (an engine, a packager) does not outlive it: nothing would report or end it.
      killGroup(pid);
      if (pid) this.#tellGuard({ remove: pid });
      this.#startAgain(running, code, signal);
    });
  }

  #startAgain(running: Running, code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#ending || !this.#running.has(running.spec.name) || !running.started) return;
    const wasSteady = running.readyAt > 0 && Date.now() - running.readyAt >= (this.#options.steadyMs ?? 60_000);
    if (wasSteady) running.restarts = 0;
    const waitMs = Math.min(1000 * 2 ** running.restarts, 30_000);
    this.#options.say(`${this.#obituary(running, code, signal)} Starting it again in ${waitMs / 1000} s.`);
    running.timer = setTimeout(() => this.#restart(running), waitMs);
  }

  #restart(running: Running): void {
    running.restarts += 1;
    running.readyAt = 0;
    running.lastWords = [];
    Object.assign(running, this.#spawn(running.spec));
    this.#watch(running);
    this.#untilReady(running).then(
      () => this.#options.say(`${running.spec.name} is back.`),
      () => undefined,
    );
  }

  #obituary(running: Running, code: number | null, signal: NodeJS.Signals | null): string {
    const why = lastWord(running.lastWords);
    return `${running.spec.name} ended (${signal ?? `code ${code}`})${why ? `: ${why}` : ''}. Log: ${this.logFile(running.spec.name)}.`;
  }

  logFile(name: string): string {
    return join(this.#options.logDir, `${name}.log`);
  }

  async #untilReady(running: Running): Promise<void> {
    const deadline = Date.now() + (this.#options.startTimeoutMs ?? 60_000);
    const child = running.process;
    for (;;) {
      if (child.exitCode !== null || child.signalCode !== null || !child.pid) {
        throw new Error(this.#obituary(running, child.exitCode, child.signalCode));
      }
      if (await running.spec.ready().catch(() => false)) {
        running.started = true;
        running.readyAt = Date.now();
        return;
      }
      if (Date.now() > deadline) {
        throw new Error(`${running.spec.name} did not become ready in time. Log: ${this.logFile(running.spec.name)}.`);
      }
      await Promise.race([running.exited, new Promise((resolve) => setTimeout(resolve, 50))]);
    }
  }

  /** End `names` together: SIGTERM, then SIGKILL after the stop timeout. */
  async stop(names: readonly string[]): Promise<void> {
    await Promise.all(
      names.map(async (name) => {
        const running = this.#running.get(name);
        if (!running) return;
        this.#running.delete(name);
        clearTimeout(running.timer);
        running.process.kill('SIGTERM');
        const timer = setTimeout(() => killGroup(running.process.pid), this.#options.stopTimeoutMs ?? 5000);
        if (isAlive(running.process)) await running.exited;
        clearTimeout(timer);
        running.log.end();
      }),
    );
  }

  /** End all, what serves people before what serves it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending = true;
    const names = [...this.#running.keys()];
    const support = (name: string) => name === 'redis' || name === 'turn';
    await this.stop(names.filter((name) => !support(name)));
    await this.stop(names.filter(support));
    if (this.#guard.connected) this.#guard.disconnect();
  }
}
