/** Two sessions meet in a room of their own and send each other a message, as two browsers would. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { askUpgrade, type DeploymentOptions, type Endpoints } from './deployment.ts';

interface Frame {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** One WebSocket: frames are kept until somebody takes them. */
class Session implements Disposable {
  readonly #socket: WebSocket;
  readonly #timeoutMs: number;
  readonly #frames: Frame[] = [];
  #ended: Error | undefined;
  /** Name of the signaling node, as its first frame says. */
  node = '';
  #changed = Promise.withResolvers<void>();

  private constructor(socket: WebSocket, timeoutMs: number) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    socket.addEventListener('message', (event) => this.#read(event.data));
    socket.addEventListener('close', (event) =>
      this.#end(new Error(`signaling closes with ${event.code}${event.reason ? `: ${event.reason}` : ''}`)),
    );
    socket.addEventListener('error', () => this.#end(new Error('the WebSocket breaks')));
  }

  /** @param again tried a second time, after the service shed the first one */
  static async open(endpoints: Endpoints, token: string, options: DeploymentOptions, again = false): Promise<Session> {
    const plain = new URL('/ws/signal', endpoints.signaling);
    const url = new URL(plain);
    url.protocol = url.protocol.replace(/^http/, 'ws');
    // A browser says which page asks, and signaling decides by it.
    const socket = new WebSocket(url, {
      protocols: ['signal.v1', `bearer.${token}`],
      headers: { origin: options.origin.origin },
    });
    const session = new Session(socket, options.timeoutMs);
    try {
      session.node = String((await session.take('welcome')).node);
    } catch (error) {
      socket.close();
      const asked = session.isOpen ? undefined : await askUpgrade(plain, options).catch(() => undefined);
      const status = asked?.status;
      if (status === 426 && asked?.waited && !again) return Session.open(endpoints, token, options, true);
      const why = status === undefined || status === 426 ? '' : ` (a plain request to /ws/signal gets ${status})`;
      throw new Error(`${error instanceof Error ? error.message : String(error)}${why}`);
    }
    return session;
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(frame: Frame): void {
    this.#socket.send(JSON.stringify(frame));
  }

  /** The next frame of this type that fits. @throws Error when it does not come, or an error does */
  async take(type: string, fits: (frame: Frame) => boolean = () => true): Promise<Frame> {
    const deadline = Date.now() + this.#timeoutMs;
    for (;;) {
      const refusal = this.#frames.find((frame) => frame.type === 'error');
      if (refusal) throw new Error(`signaling refuses ${refusal.replyTo}: ${refusal.code}`);
      const at = this.#frames.findIndex((frame) => frame.type === type && fits(frame));
      if (at >= 0) return this.#frames.splice(at, 1)[0] as Frame;
      if (this.#ended) throw this.#ended;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`no \`${type}\` within ${this.#timeoutMs / 1000} s`);
      await Promise.race([this.#changed.promise, sleep(left, undefined, { ref: false })]);
    }
  }

  #read(data: unknown): void {
    try {
      const frame = JSON.parse(String(data)) as Frame;
      // A room of two brings few frames; a server that floods is not kept in memory.
      if (typeof frame?.type === 'string' && this.#frames.length < 100) this.#frames.push(frame);
    } catch {
      this.#end(new Error('signaling sends what is no JSON'));
    }
    this.#wake();
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  [Symbol.dispose](): void {
    // 1000 is a goodbye: the node does not keep this session.
    this.#socket.close(1000);
  }
}

/**
 * Join twice, send one message each way.
 * @returns the names of the two sessions' signaling nodes
 * @throws Error that says which frame did not come
 */
export async function exchangeMessages(
  endpoints: Endpoints,
  tokens: readonly [string, string],
  options: DeploymentOptions,
): Promise<string[]> {
  const roomId = `canary-${randomBytes(8).toString('hex')}`;
  using ada = await Session.open(endpoints, tokens[0], options);
  using bob = await Session.open(endpoints, tokens[1], options);
  ada.send({ type: 'join', roomId });
  const adaId = (await ada.take('joined')).peerId;
  bob.send({ type: 'join', roomId });
  const bobId = (await bob.take('joined')).peerId;
  await ada.take('peer_joined', (frame) => frame.peerId === bobId);
  for (const [from, to, sender, receiver] of [
    [ada, bob, adaId, bobId],
    [bob, ada, bobId, adaId],
  ] as const) {
    const data = { canary: randomBytes(16).toString('hex') };
    from.send({ type: 'message', peerId: receiver, data });
    await to.take('message', (frame) => frame.peerId === sender && JSON.stringify(frame.data) === JSON.stringify(data));
  }
  return [ada.node, bob.node];
}
