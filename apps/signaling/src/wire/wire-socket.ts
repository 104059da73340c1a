/**
 * The server's end of a WebSocket (RFC 6455), for text messages without extensions.
 *
 * Why not `ws`: measured per relayed message (bench relay), its receiver and event layers cost as much as all that this service does
 * with the message, and its objects are a third of an idle connection's memory. What is left out here is what the protocol of this
 * service never uses: client side, compression, binary and streamed messages. `ws` stays the tests' client.
 */
import { isUtf8 } from 'node:buffer';
import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { unmask } from './unmask.ts';

const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** Fragments of one message; more are an attack on the bookkeeping, not a message. */
const MAX_FRAGMENTS = 1024;
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

const kWire = Symbol('wire');
type Wired = Duplex & { [kWire]?: WireSocket };

export interface WireHandlers {
  /** One text message, unmasked, not yet checked to be UTF-8. Its bytes are never changed later. */
  onText(payload: Buffer): void;
  /** A binary message came: the service has no use for one. */
  onBinary(): void;
  /** A ping (answered already) or a pong. */
  onAlive(): void;
  /** The connection is over. 1005: closed by the client without a code; 1006: without a close frame. Called once. */
  onClose(code: number): void;
}

/** Why a handshake cannot be completed, or undefined. */
export function handshakeFault(request: IncomingMessage): string | undefined {
  const { headers, method } = request;
  if (method !== 'GET') return 'method';
  if (headers.upgrade?.toLowerCase() !== 'websocket') return 'upgrade';
  if (headers['sec-websocket-version'] !== '13') return 'version';
  if (!/^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? '')) return 'key';
  return undefined;
}

/**
 * Answer an upgrade that {@link handshakeFault} found nothing against. The answer leaves when the socket listens.
 * @param protocol the subprotocol to choose, one of those that the client offered
 * @param maxPayload longer messages close the connection with 1009
 */
export function acceptWire(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  protocol: string | undefined,
  maxPayload: number,
): WireSocket {
  const key = request.headers['sec-websocket-key'] as string;
  const accept = hash('sha1', key + GUID, 'base64');
  // Until listen(): the welcome leaves in the same write.
  socket.cork();
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${
      protocol === undefined ? '' : `Sec-WebSocket-Protocol: ${protocol}\r\n`
    }\r\n`,
  );
  return new WireSocket(socket, head, maxPayload);
}

export class WireSocket {
  readonly socket: Duplex;
  readyState: number = OPEN;
  readonly #maxPayload: number;
  #handlers: WireHandlers | undefined;
  #head: Buffer | undefined;
  /** Start of a frame whose end has not come: `#partial[0, #filled)`. It grows with what came, not with what was announced. */
  #partial: Buffer | undefined;
  #filled = 0;
  #fragments: Buffer[] | undefined;
  #fragmentOpcode = 0;
  #fragmentBytes = 0;
  #closeCode = 1006;

  constructor(socket: Duplex, head: Buffer, maxPayload: number) {
    this.socket = socket;
    this.#maxPayload = maxPayload;
    if (head.length > 0) this.#head = head;
    const tcp = socket as Partial<Socket>;
    tcp.setTimeout?.(0);
    tcp.setNoDelay?.();
  }

  /** Starts reading. */
  listen(handlers: WireHandlers): void {
    this.#handlers = handlers;
    const { socket } = this;
    // One set of functions for all sockets, which find their WireSocket on the socket: closures would be per connection.
    (socket as Wired)[kWire] = this;
    socket.on('data', onData);
    socket.on('end', onEnd);
    socket.on('close', onClose);
    socket.uncork();
    // Whoever handled the upgrade listens for errors already; without a listener one would end the process.
    if (socket.listenerCount('error') === 0) socket.on('error', onError);
    if (this.#head) {
      // A copy: frames are unmasked in place, and the HTTP parser owns these bytes.
      const head = Buffer.from(this.#head);
      this.#head = undefined;
      queueMicrotask(() => this.#read(head));
    }
  }

  /** For the socket's listeners. */
  static read(socket: Wired, data: Buffer): void {
    const wire = socket[kWire];
    if (wire) wire.#read(data);
  }

  static closed(socket: Wired): void {
    const wire = socket[kWire];
    if (!wire) return;
    wire.readyState = CLOSED;
    wire.#partial = undefined;
    wire.#fragments = undefined;
    const handlers = wire.#handlers;
    if (handlers) handlers.onClose(wire.#closeCode);
  }

  ping(): void {
    if (this.readyState === OPEN) this.socket.write(PING);
  }

  /** Sends a close frame and waits for the other's; {@link terminate} when that takes too long. */
  close(code: number, reason: string): void {
    if (this.readyState !== OPEN) return;
    this.readyState = CLOSING;
    this.socket.write(closeFrame(code, reason));
  }

  /** Cuts the connection off. */
  terminate(): void {
    this.socket.destroy();
  }

  #read(data: Buffer): void {
    let at = 0;
    while (this.#partial) {
      const need = this.#frameBytes(this.#partial, 0, this.#filled);
      if (need < 0) return;
      if (need > this.#filled) {
        if (at === data.length) return;
        const take = Math.min(need - this.#filled, data.length - at);
        this.#keep(data, at, at + take, need);
        at += take;
        continue;
      }
      const whole = this.#partial.subarray(0, this.#filled);
      this.#partial = undefined;
      if (!this.#frame(whole, 0, need)) return;
    }
    while (at < data.length) {
      const need = this.#frameBytes(data, at, data.length - at);
      if (need < 0) return;
      if (at + need > data.length) {
        this.#filled = 0;
        this.#keep(data, at, data.length, need);
        return;
      }
      if (!this.#frame(data, at, need)) return;
      at += need;
    }
  }

  #keep(data: Buffer, from: number, to: number, need: number): void {
    const filled = this.#filled + to - from;
    if (!this.#partial || this.#partial.length < filled) {
      const grown = Buffer.allocUnsafeSlow(Math.max(filled, Math.min(need, filled * 2)));
      this.#partial?.copy(grown, 0, 0, this.#filled);
      this.#partial = grown;
    }
    data.copy(this.#partial, this.#filled, from, to);
    this.#filled = filled;
  }

  /** Bytes of the frame at `at` as far as they are known from `available` bytes of it; -1 when it must not go on. */
  #frameBytes(b: Buffer, at: number, available: number): number {
    if (available < 2) return 2;
    const short = (b[at + 1] as number) & 0x7f;
    if (((b[at + 1] as number) & 0x80) === 0) {
      this.#fail(1002, 'frames of a client are masked');
      return -1;
    }
    const head = short < 126 ? 6 : short === 126 ? 8 : 14;
    if (available < head) return head;
    let length = short;
    if (short === 126) length = b.readUInt16BE(at + 2);
    else if (short === 127) length = b.readUInt32BE(at + 2) * 2 ** 32 + b.readUInt32BE(at + 6);
    if (length > this.#maxPayload) {
      this.#fail(1009, 'message too big');
      return -1;
    }
    return head + length;
  }

  /** @returns false when nothing more is to be read */
  #frame(b: Buffer, at: number, bytes: number): boolean {
    const first = b[at] as number;
    const opcode = first & 0x0f;
    const short = (b[at + 1] as number) & 0x7f;
    const start = at + (short < 126 ? 6 : short === 126 ? 8 : 14);
    const end = at + bytes;
    if ((first & 0x70) !== 0) return this.#fail(1002, 'no extension was agreed on');
    unmask(b, start, end);
    if (opcode >= 8) return this.#control(opcode, first, b, start, end);
    // After our close frame only the other's matters.
    if (this.readyState !== OPEN) return true;
    if (opcode > 2) return this.#fail(1002, 'unknown opcode');
    if ((opcode === 0) !== (this.#fragments !== undefined)) return this.#fail(1002, 'fragments out of order');
    if (first & 0x80 && opcode !== 0) {
      this.#deliver(opcode, b.subarray(start, end));
      return this.socket.destroyed === false;
    }
    return this.#fragment(opcode, (first & 0x80) !== 0, b, start, end);
  }

  #fragment(opcode: number, last: boolean, b: Buffer, start: number, end: number): boolean {
    if (!this.#fragments) {
      this.#fragments = [];
      this.#fragmentOpcode = opcode;
      this.#fragmentBytes = 0;
    }
    this.#fragmentBytes += end - start;
    if (this.#fragmentBytes > this.#maxPayload || this.#fragments.length >= MAX_FRAGMENTS)
      return this.#fail(1009, 'message too big');
    // A copy, so that a fragment of a byte does not hold the whole read.
    if (end > start) this.#fragments.push(Buffer.from(b.subarray(start, end)));
    if (!last) return true;
    const whole = Buffer.concat(this.#fragments);
    this.#fragments = undefined;
    this.#deliver(this.#fragmentOpcode, whole);
    return this.socket.destroyed === false;
  }

  #deliver(opcode: number, payload: Buffer): void {
    if (opcode === 1) this.#handlers?.onText(payload);
    else this.#handlers?.onBinary();
  }

  #control(opcode: number, first: number, b: Buffer, start: number, end: number): boolean {
    if ((first & 0x80) === 0 || end - start > 125) return this.#fail(1002, 'control frames are short and whole');
    if (opcode === 9) {
      if (this.readyState === OPEN) this.socket.write(controlFrame(0x8a, b.subarray(start, end)));
      this.#handlers?.onAlive();
      return true;
    }
    if (opcode === 10) {
      this.#handlers?.onAlive();
      return true;
    }
    if (opcode !== 8) return this.#fail(1002, 'unknown opcode');
    let code = 1005;
    if (end - start > 0) {
      code = end - start === 1 ? 0 : b.readUInt16BE(start);
      if (!isCloseCode(code)) return this.#fail(1002, 'invalid close code');
      if (!isUtf8(b.subarray(start + 2, end))) return this.#fail(1007, 'invalid UTF-8');
    }
    this.#closeCode = code;
    if (this.readyState === OPEN) {
      this.readyState = CLOSING;
      this.socket.write(code === 1005 ? controlFrame(0x88, NOTHING) : closeFrame(code, ''));
    }
    this.socket.end();
    return false;
  }

  /** The client broke the protocol: say so and hang up. @returns false */
  #fail(code: number, reason: string): false {
    this.#closeCode = code;
    if (this.readyState === OPEN) {
      this.readyState = CLOSING;
      this.socket.write(closeFrame(code, reason));
    }
    this.#partial = undefined;
    this.socket.removeAllListeners('data');
    // Whatever still comes is read and dropped, so that the close frame is not lost to a reset.
    this.socket.resume();
    this.socket.end();
    setTimeout(() => this.socket.destroy(), 2000).unref();
    return false;
  }
}

function onData(this: Duplex, data: Buffer): void {
  WireSocket.read(this, data);
}
function onEnd(this: Duplex): void {
  // HTTP sockets stay half open: nobody else would end this side.
  this.end();
}
function onError(this: Duplex): void {
  this.destroy();
}
function onClose(this: Duplex): void {
  WireSocket.closed(this);
}

const NOTHING = Buffer.alloc(0);
const PING = Buffer.from([0x89, 0]);

function controlFrame(first: number, payload: Buffer): Buffer {
  const out = Buffer.allocUnsafe(2 + payload.length);
  out[0] = first;
  out[1] = payload.length;
  payload.copy(out, 2);
  return out;
}

/** @throws RangeError when the reason is over 123 bytes */
function closeFrame(code: number, reason: string): Buffer {
  const text = Buffer.from(reason);
  if (text.length > 123) throw new RangeError('close reason over 123 bytes');
  const payload = Buffer.allocUnsafe(2 + text.length);
  payload.writeUInt16BE(code, 0);
  text.copy(payload, 2);
  return controlFrame(0x88, payload);
}

/** Codes that may stand in a close frame (RFC 6455 section 7.4, IANA registry). */
function isCloseCode(code: number): boolean {
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999)
  );
}
