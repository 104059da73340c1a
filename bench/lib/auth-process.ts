/** Auth as a process of its own that can be killed and started again on its port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@tandem/service/testing';
import { testAuthConfig } from '../../apps/auth/src/testing.ts';

const MAIN = new URL('../../apps/auth/src/main.ts', import.meta.url).pathname;

export interface AuthProcess extends AsyncDisposable {
  readonly jwksUrl: string;
  /** A guest's access token. @throws when auth is away */
  token(userId: string): Promise<string>;
  kill(): Promise<void>;
  /** Resolves when it answers. */
  start(): Promise<void>;
}

export async function startAuthProcess(redisUrl: string): Promise<AuthProcess> {
  const dir = mkdtempSync(join(tmpdir(), 'tandem-auth-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const config = testAuthConfig({ PORT: port, REDIS_URL: redisUrl }, join(dir, 'keys.json'));
  const env = Object.fromEntries(Object.entries(config).map(([key, value]) => [key, String(value)]));
  let child: ChildProcess | undefined;
  const kill = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  process.once('exit', () => child?.kill('SIGKILL'));
  const start = async () => {
    child = spawn(process.execPath, [MAIN], { env: { ...process.env, ...env }, stdio: 'ignore' });
    while (
      !(await fetch(`${url}/health/startup`)
        .then((r) => r.ok)
        .catch(() => false))
    ) {
      if (child.exitCode !== null) throw new Error(`auth ended with ${child.exitCode}`);
      await sleep(20);
    }
  };
  await start();
  return {
    jwksUrl: `${url}/.well-known/jwks.json`,
    async token(userId) {
      const body = JSON.stringify({ userId });
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${url}/auth/token`, { method: 'POST', headers, body });
      if (!response.ok) throw new Error(`auth answered ${response.status}`);
      return ((await response.json()) as { token: string }).token;
    },
    kill,
    start,
    [Symbol.asyncDispose]: async () => {
      await kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
