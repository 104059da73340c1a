/** Signaling nodes as real processes on one Redis, behind a TCP balancer that knows only who accepts connections. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { SignalingConfig } from '../../apps/signaling/src/config.ts';
import { testConfig } from '../../apps/signaling/src/testing.ts';

const MAIN = new URL('../../apps/signaling/src/main.ts', import.meta.url).pathname;

export interface NodeProcess {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves when the process has ended, with its exit code (null: by a signal). */
  readonly ended: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts `node apps/signaling/src/main.ts` and waits until it listens. @throws Error with its output when it does not */
export async function startNode(
  name: string,
  jwksUrl: string,
  redisUrl: string,
  settings: Partial<SignalingConfig> = {},
): Promise<NodeProcess> {
  const config = testConfig(jwksUrl, {
    NODE_NAME: name,
    REDIS_URL: redisUrl,
    LOG_LEVEL: 'info',
    RECONNECT_WITHIN_MS: 3000,
    ...settings,
  });
  const env = Object.fromEntries(Object.entries(config).map(([key, value]) => [key, String(value)]));
  const child: ChildProcess = spawn(process.execPath, [MAIN], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const die = () => child.kill('SIGKILL');
  process.once('exit', die);
  const ended = once(child, 'exit').then(([code]) => {
    process.off('exit', die);
    return code as number | null;
  });
  const output: string[] = [];
  child.stderr?.on('data', (chunk) => output.push(String(chunk)));
  const port = await new Promise<number>((resolve, reject) => {
    if (child.stdout)
      createInterface(child.stdout).on('line', (line) => {
        if (output.length < 200) output.push(line);
        if (!line.includes('signaling.up')) return;
        resolve((JSON.parse(line) as { port: number }).port);
      });
    ended.then((code) => reject(new Error(`${name} ended with ${code}:\n${output.join('\n')}`)), reject);
  });
  return { name, port, pid: child.pid as number, ended, kill: (signal) => void child.kill(signal) };
}

/** Passes each connection to a random node of those that accept. What breaks behind it breaks in front as well. */
export class Balancer implements AsyncDisposable {
  readonly #nodes = new Set<NodeProcess>();
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((socket) => this.#accept(socket));

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/ws/signal`;
  }
  add(node: NodeProcess): void {
    this.#nodes.add(node);
    void node.ended.then(() => this.#nodes.delete(node));
  }
  /** A node that drains gets no new connections, as behind a load balancer. */
  remove(node: NodeProcess): void {
    this.#nodes.delete(node);
  }

  #accept(socket: Socket): void {
    const candidates = [...this.#nodes].sort(() => Math.random() - 0.5);
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    const next = () => {
      const node = candidates.shift();
      if (!node || socket.destroyed) {
        socket.destroy();
        return;
      }
      const upstream = connect(node.port, '127.0.0.1');
      upstream.setNoDelay(true);
      let up = false;
      upstream.once('connect', () => {
        up = true;
        socket.pipe(upstream);
        upstream.pipe(socket);
      });
      upstream.on('error', () => {});
      upstream.on('close', () => (up ? socket.destroy() : next()));
      socket.on('close', () => upstream.destroy());
    };
    next();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
