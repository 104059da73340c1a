/** A bare client of the wire contract, small enough to read: what the SDK does for a browser, without the comfort. */
import { type ServerMessage, SUBPROTOCOL } from '@tandem/protocol';
import { WebSocket } from 'ws';

export class Peer implements Disposable {
  readonly #socket: WebSocket;
  readonly #inbox: ServerMessage[] = [];
  readonly #waiting: { type: string; resolve: (m: never) => void; reject: (error: Error) => void }[] = [];
  /** Called for each message that no call waits for. */
  onMessage: ((message: ServerMessage) => void) | undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as ServerMessage;
      const at = this.#waiting.findIndex((w) => w.type === message.type);
      if (at < 0 && message.type === 'error') this.#fail(`${message.code}: ${message.message}`);
      if (at >= 0) this.#waiting.splice(at, 1)[0]?.resolve(message as never);
      else if (this.onMessage) this.onMessage(message);
      else this.#inbox.push(message);
    });
    socket.on('close', (code, reason) => this.#fail(`closed with ${code} ${reason}`));
  }

  /** What is waited for will not come. */
  #fail(why: string): void {
    for (const { type, reject } of this.#waiting.splice(0)) reject(new Error(`waited for ${type}: ${why}`));
  }

  static async connect(wsUrl: string, token: string): Promise<Peer> {
    const socket = new WebSocket(wsUrl, [SUBPROTOCOL, `bearer.${token}`]);
    const peer = new Peer(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve());
      socket.once('error', reject);
    });
    return peer;
  }

  send(message: Record<string, unknown>): void {
    this.#socket.send(JSON.stringify(message));
  }

  /** The next message of that type, past or to come. @throws Error when the server refuses something or closes instead */
  next<T extends ServerMessage['type']>(type: T): Promise<Extract<ServerMessage, { type: T }>> {
    const at = this.#inbox.findIndex((m) => m.type === type);
    if (at >= 0) return Promise.resolve(this.#inbox.splice(at, 1)[0] as never);
    return new Promise((resolve, reject) => this.#waiting.push({ type, resolve, reject }));
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
