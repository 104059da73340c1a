/** A private redis-server for tests: free port, nothing on disk, gone with the test process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestRedis extends AsyncDisposable {
  /** `redis://127.0.0.1:port/0` */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Sends a signal: SIGSTOP and SIGCONT freeze and thaw, SIGKILL is a crash. */
  kill(signal: NodeJS.Signals): void;
  /** Starts it again on the same port after a crash (empty: nothing was on disk). */
  restart(): Promise<void>;
}

export interface TestRedisOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** More lines for the command line, e.g. `['--requirepass', 'x']`. */
  readonly args?: readonly string[];
  /** Reads `--sentinel FILE` instead of the defaults. */
  readonly configFile?: string;
}

/** A TCP port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Start redis-server and wait until it serves. @throws Error with the install line when the program is missing */
export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const dir = mkdtempSync(join(tmpdir(), 'tandem-redis-'));
  const port = options.port ?? (await freePort());
  let child = await launch(port, dir, options);
  const end = async () => {
    await stop(child);
    rmSync(dir, { recursive: true, force: true });
  };
  return {
    url: `redis://127.0.0.1:${port}/0`,
    port,
    get pid() {
      return child.pid as number;
    },
    kill: (signal) => void child.kill(signal),
    restart: async () => {
      await stop(child);
      child = await launch(port, dir, options);
    },
    [Symbol.asyncDispose]: end,
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGCONT');
  child.kill('SIGKILL');
  await gone;
}

function launch(port: number, dir: string, options: TestRedisOptions): Promise<ChildProcess> {
  const args = options.configFile
    ? [options.configFile, '--sentinel']
    : ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir];
  return new Promise((resolve, reject) => {
    const child = spawn('redis-server', [...args, ...(options.args ?? [])], { stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    let output = '';
    const onData = (data: Buffer) => {
      output += data;
      if (/Ready to accept connections|Sentinel ID is|monitor master/.test(output)) {
        child.stdout?.off('data', onData);
        child.stdout?.resume();
        resolve(child);
      }
    };
    child.stdout?.on('data', onData);
    child.stderr?.on('data', onData);
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new Error('redis-server is missing: apt-get install redis-server') : error),
    );
    child.once('exit', (code) => {
      running.delete(child);
      reject(new Error(`redis-server ended with ${code}: ${output.slice(-500)}`));
    });
  });
}
