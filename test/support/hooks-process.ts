/** The hooks service as a real process, to be killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type TestHooksOptions, testHooksEnvironment } from '../../apps/hooks/src/testing.ts';

const MAIN = new URL('../../apps/hooks/src/main.ts', import.meta.url).pathname;

export interface HooksProcess {
  readonly url: string;
  kill(signal: NodeJS.Signals): void;
  /** Waits for the end of the process, for `ms` at most. */
  hasEnded(ms: number): Promise<boolean>;
}

/** Starts `node apps/hooks/src/main.ts` and waits until it listens. @throws Error with its output when it does not */
export async function startHooksProcess(options: TestHooksOptions): Promise<HooksProcess> {
  const env = { ...process.env, ...testHooksEnvironment(options), LOG_LEVEL: 'info' };
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const die = () => child.kill('SIGKILL');
  process.once('exit', die);
  let isOver = false;
  const ended = once(child, 'exit').then(() => {
    isOver = true;
    process.off('exit', die);
  });
  const output: string[] = [];
  child.stderr.on('data', (chunk) => output.push(String(chunk)));
  const port = await new Promise<number>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      if (output.length < 100) output.push(line);
      if (line.includes('hooks.up')) resolve((JSON.parse(line) as { port: number }).port);
    });
    ended.then(() => reject(new Error(`hooks ended:\n${output.join('\n')}`)), reject);
  });
  return {
    url: `http://127.0.0.1:${port}`,
    kill: (signal) => void child.kill(signal),
    hasEnded: async (ms) => {
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, ms))]);
      return isOver;
    },
  };
}
