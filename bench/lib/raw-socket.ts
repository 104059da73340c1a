/** A raw client socket that has done its WebSocket handshake. */
import { connect, type Socket } from 'node:net';
import { FrameReader, maskedFrame } from './frames.ts';

const PONG = maskedFrame('', 0x0a);

export interface Handshake {
  readonly port: number;
  readonly host?: string;
  readonly path: string;
  readonly protocols?: string;
}

/** Text frames as strings until {@link RawSocket.stream} takes over. */
export class RawSocket {
  readonly socket: Socket;
  readonly #reader = new FrameReader();
  readonly #queue: string[] = [];
  #waiting: ((text: string) => void) | undefined;
  #onText: ((chunk: Buffer, start: number, end: number) => void) | undefined;
  #afterChunk: (() => void) | undefined;
  #open: (() => void) | undefined;
  #fail: ((error: Error) => void) | undefined;
  #head = '';

  private constructor(socket: Socket) {
    this.socket = socket;
  }

  static open(to: Handshake): Promise<RawSocket> {
    const host = to.host ?? '127.0.0.1';
    const socket = connect({ port: to.port, host, noDelay: true });
    const raw = new RawSocket(socket);
    socket.write(
      `GET ${to.path} HTTP/1.1\r\nHost: ${host}:${to.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n' +
        `${to.protocols ? `Sec-WebSocket-Protocol: ${to.protocols}\r\n` : ''}\r\n`,
    );
    return new Promise((resolve, reject) => {
      raw.#open = () => resolve(raw);
      raw.#fail = reject;
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('closed during the handshake')));
      socket.on('data', (data: Buffer) => raw.#data(data));
    });
  }

  #data(data: Buffer): void {
    if (this.#open) {
      this.#head += data.toString('latin1');
      const end = this.#head.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (!this.#head.startsWith('HTTP/1.1 101')) {
        this.#fail?.(new Error(`handshake refused: ${this.#head.slice(0, 400)}`));
        return;
      }
      const rest = Buffer.from(this.#head.slice(end + 4), 'latin1');
      const opened = this.#open;
      this.#open = undefined;
      opened();
      if (rest.length === 0) return;
      data = rest;
    }
    this.#reader.push(data, (opcode, chunk, start, end) => {
      if (opcode === 1) {
        if (this.#onText) this.#onText(chunk, start, end);
        else this.#text(chunk.toString('utf8', start, end));
      } else if (opcode === 9) this.socket.write(PONG);
      else if (opcode === 8) {
        const code = end - start >= 2 ? chunk.readUInt16BE(start) : 1005;
        console.error(`the server closed a connection: ${code} ${chunk.toString('utf8', start + 2, end)}`);
      }
    });
    this.#afterChunk?.();
  }

  #text(text: string): void {
    if (this.#waiting) {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting(text);
    } else this.#queue.push(text);
  }

  send(text: string): void {
    this.socket.write(maskedFrame(text));
  }

  /** Next text frame; in order. */
  next(): Promise<string> {
    const text = this.#queue.shift();
    if (text !== undefined) return Promise.resolve(text);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /** Next frame of JSON with that `type`; others are passed over. */
  async nextOf(type: string): Promise<Record<string, unknown>> {
    for (;;) {
      const message = JSON.parse(await this.next()) as Record<string, unknown>;
      if (message.type === type) return message;
      if (message.type === 'error') throw new Error(`refused: ${JSON.stringify(message)}`);
    }
  }

  /** From now on every text frame goes to `onText`, and `afterChunk` is called behind each read. */
  stream(onText: (chunk: Buffer, start: number, end: number) => void, afterChunk: () => void): void {
    this.#queue.length = 0;
    this.#onText = onText;
    this.#afterChunk = afterChunk;
  }

  end(): void {
    this.socket.removeAllListeners('close');
    this.socket.destroy();
  }
}
