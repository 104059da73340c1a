/** Media nodes as deployed, each a process of its own with its engines as children, with the signaling, auth and Redis that they need: what dies here dies whole. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestAuth, type TestAuth } from '../../apps/auth/src/testing.ts';
import { startTestNode } from '../../apps/signaling/src/testing.ts';
import { says } from '../../bench/lib/says.ts';
import { startRedis, type TestRedis } from '../../packages/service/src/testing/index.ts';
import { cachedEngine } from '../../scripts/lib/media-engine.mjs';
import { ownAddress } from './media-peer.ts';

const MEDIA_SECRET = 'a-secret-of-media-nodes-and-auth-in-tests-x';
const MAIN = new URL('../../infra/media-node/main.ts', import.meta.url).pathname;

export class MediaProcess {
  readonly id: string;
  readonly #child: ChildProcess;

  constructor(id: string, child: ChildProcess) {
    this.id = id;
    this.#child = child;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }
  /** Process ids. */
  get engines(): number[] {
    const pid = this.#child.pid ?? 0;
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  }
  /** To the agent and its engines; SIGTERM to the agent alone, which then hands its rooms over. */
  signal(signal: NodeJS.Signals): void {
    const engines = signal === 'SIGTERM' ? [] : this.engines;
    for (const pid of [this.#child.pid ?? 0, ...engines])
      try {
        process.kill(pid, signal);
      } catch {
        // It ended with the one before.
      }
  }
  async stop(): Promise<void> {
    if (!this.isRunning) return;
    const gone = once(this.#child, 'exit');
    this.signal('SIGCONT');
    this.signal('SIGKILL');
    await gone;
  }
}

export interface MediaProcesses extends AsyncDisposable {
  readonly auth: TestAuth;
  readonly redis: TestRedis;
  /** Where clients connect. */
  readonly url: string;
  /** @param firstPort of a thousand UDP ports */
  start(id: string, firstPort: number): Promise<MediaProcess>;
}

export interface MediaProcessesOptions {
  /** People from which a media node serves a room. */
  readonly from: number;
  /** Takes what nodes write on standard error. Default: nothing does. */
  readonly complain?: (line: string) => void;
}

/** @throws Error when this machine has no Redis or no engine */
export async function startMediaProcesses({ from, complain }: MediaProcessesOptions): Promise<MediaProcesses> {
  await using stack = new AsyncDisposableStack();
  const runDir = mkdtempSync(join(tmpdir(), 'media-processes-'));
  stack.defer(() => rmSync(runDir, { recursive: true, force: true }));
  const redis = stack.use(await startRedis());
  const auth = stack.use(await startTestAuth({ ACCESS: 'open', MEDIA_SECRET, REDIS_URL: redis.url }));
  const signaling = stack.use(
    await startTestNode({
      keys: { jwksUrl: auth.jwksUrl },
      config: { ALLOWED_ORIGINS: '*', REDIS_URL: redis.url, MEDIA_FROM: from },
    }),
  );
  // Of a process that ends without a word.
  const children = new Set<ChildProcess>();
  const killAll = () => {
    for (const child of children) child.kill('SIGKILL');
  };
  process.once('exit', killAll);
  stack.defer(() => void process.off('exit', killAll));
  const kept = stack.move();
  return {
    auth,
    redis,
    url: signaling.wsUrl,
    async start(id, firstPort) {
      const env = {
        JANUS: process.env.JANUS ?? cachedEngine() ?? 'janus',
        RUN_DIR: mkdtempSync(join(runDir, `${id}-`)),
        MEDIA_MIN_PORT: String(firstPort),
        MEDIA_MAX_PORT: String(firstPort + 999),
        MAX_VIEWERS: '0',
        // Several nodes on one machine.
        HTTP_PORT: '0',
        SIGNALING_URL: signaling.wsUrl,
        AUTH_URL: auth.url,
        MEDIA_SECRET,
        REDIS_URL: redis.url,
        PUBLIC_IP: ownAddress,
        NODE_ID: id,
        ZONE: 'a',
      };
      const child = spawn(process.execPath, [MAIN], {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      children.add(child);
      child.once('exit', () => children.delete(child));
      const node = new MediaProcess(id, child);
      kept.defer(() => node.stop());
      await says(child, `media node ${id}`, 'media.serving');
      if (complain && !process.env.DEBUG)
        child.stderr.on('data', (text: string) => complain(`media node ${id}: ${text}`));
      return node;
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
