/** A private Redis on the servers' core. */
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@tandem/service/testing';
import { type Proc, start } from './proc.ts';

export async function startBenchRedis(): Promise<Proc & { readonly url: string }> {
  const port = await freePort();
  const dir = await mkdtemp(join(tmpdir(), 'bench-redis-'));
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir];
  const proc = await start('redis-server', args, {
    isReady: () =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.destroy();
          resolve(true);
        }).on('error', () => resolve(false));
      }),
  }).catch((error: unknown) => {
    throw new Error(`redis-server did not start (apt-get install redis-server): ${String(error)}`);
  });
  return {
    ...proc,
    url: `redis://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await proc[Symbol.asyncDispose]();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
