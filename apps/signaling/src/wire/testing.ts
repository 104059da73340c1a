/** A WebSocket client on a bare TCP socket, for tests: it sends any bytes, also those that no library would send. */
import { type Socket, connect as tcpConnect } from 'node:net';

/** Opcodes (RFC 6455 section 5.2). */
export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameOptions {
  /** Default true. */
  readonly fin?: boolean;
  /** The three reserved bits. Default 0. */
  readonly rsv?: number;
  /** Default true, as a client must. */
  readonly mask?: boolean;
}

export function frame(opcode: number, payload: Buffer | string, options: FrameOptions = {}): Buffer {
  const { fin = true, rsv = 0, mask = true } = options;
  const body = Buffer.from(payload);
  const n = body.length;
  const length =
    n < 126
      ? [n]
      : n < 65536
        ? [126, n >> 8, n & 0xff]
        : [127, 0, 0, 0, 0, (n >>> 24) & 0xff, (n >> 16) & 0xff, (n >> 8) & 0xff, n & 0xff];
  length[0] = (length[0] as number) | (mask ? 0x80 : 0);
  const key = [0x11, 0xfe, 0x83, 0x5a];
  if (mask) for (let i = 0; i < n; i++) body[i] = (body[i] as number) ^ (key[i & 3] as number);
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode, ...length, ...(mask ? key : [])]), body]);
}

export function closeFrame(code: number, reason = ''): Buffer {
  return frame(Opcode.close, Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]));
}

export interface ReceivedFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** Whole frames in what a server sent. */
export function parseFrames(bytes: Buffer): ReceivedFrame[] {
  const frames: ReceivedFrame[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const short = bytes[at + 1] as number;
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (at + head > bytes.length) break;
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    if (at + head + length > bytes.length) break;
    frames.push({
      opcode: (bytes[at] as number) & 0x0f,
      payload: bytes.subarray(at + head, at + head + length),
    });
    at += head + length;
  }
  return frames;
}

export const handshake = (path = '/', protocols?: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n' +
  `${protocols === undefined ? '' : `Sec-WebSocket-Protocol: ${protocols}\r\n`}\r\n`;

export interface RawClientOptions {
  readonly port: number;
  readonly path?: string;
  readonly protocols?: string;
  /** Sent in one packet with the handshake. */
  readonly behindHandshake?: Buffer;
}

export class RawClient implements Disposable {
  readonly socket: Socket;
  /** The other side ended TCP, or it broke. */
  ended = false;
  readonly #received: Buffer[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (data: Buffer) => this.#received.push(data));
    socket.on('error', () => {});
    const over = () => {
      this.ended = true;
    };
    socket.on('end', over);
    socket.on('close', over);
  }

  /** Resolves when the answer to the handshake is there. */
  static async open({
    port,
    path,
    protocols,
    behindHandshake = Buffer.alloc(0),
  }: RawClientOptions): Promise<RawClient> {
    const client = new RawClient(tcpConnect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true }));
    client.socket.write(Buffer.concat([Buffer.from(handshake(path, protocols)), behindHandshake]));
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (client.#all().includes('\r\n\r\n')) resolve();
      };
      client.socket.on('data', look);
      client.socket.once('close', () => reject(new Error('closed before the handshake was answered')));
    });
    return client;
  }

  /** The answer to the handshake. */
  get head(): string {
    return this.#all().toString('latin1', 0, this.#headEnd());
  }

  /** Frames that came so far. */
  get frames(): ReceivedFrame[] {
    return parseFrames(this.#all().subarray(this.#headEnd()));
  }

  /** Text frames that came so far, parsed. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any message
  get messages(): any[] {
    return this.frames.filter((f) => f.opcode === Opcode.text).map((f) => JSON.parse(f.payload.toString()));
  }

  /** Code of the close frame that came, if one did. */
  get closeCode(): number | undefined {
    const close = this.frames.find((f) => f.opcode === Opcode.close);
    return close && close.payload.length >= 2 ? close.payload.readUInt16BE(0) : undefined;
  }

  send(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  sendMessage(message: object): void {
    this.send(frame(Opcode.text, JSON.stringify(message)));
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }

  #all(): Buffer {
    return Buffer.concat(this.#received);
  }

  #headEnd(): number {
    return this.#all().indexOf('\r\n\r\n') + 4;
  }
}
