/**
 * The outgoing side of one WebSocket: frames are collected until the end of the turn and leave in one buffer and one write.
 *
 * It writes whole, unmasked frames (RFC 6455 section 5.2) straight to the TCP socket. Order with control frames is kept as long as
 * what is pending goes out before them: use {@link FrameWriter.ping} and {@link FrameWriter.close}. After a close frame everything is
 * dropped, as nothing may follow it.
 */
import type { Duplex } from 'node:stream';
import type { Flushable, FlushScheduler } from './flush-scheduler.ts';
import { type Frame, SplicedFrame } from './spliced-frame.ts';

const OPEN = 1;
/** First byte of a final pong frame. */
const PONG = 0x8a;
/** Also what one stalled socket can keep alive by a few unsent bytes, so not too big. */
const SCRATCH_BYTES = 64 * 1024;
/** Writes are put together here: a new buffer for each would be most of what the garbage collector has to do. */
let scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/** What the writer needs of the WebSocket. */
export interface WriterSocket {
  /** 1 while open. */
  readonly readyState: number;
  ping(): void;
  close(code: number, reason: string): void;
}

/** Default bound of unsent bytes. */
const MAX_BUFFERED_BYTES = 1 << 20;

export class FrameWriter implements Flushable {
  readonly #ws: WriterSocket;
  readonly #socket: Duplex;
  readonly #scheduler: FlushScheduler;
  readonly #max: number;
  readonly #pending: SplicedFrame[] = [];
  #bytes = 0;
  #pong: Buffer | undefined;
  #dirty = false;
  #overflown = false;

  /**
   * @param socket the TCP socket underneath
   * @param maxBufferedBytes unsent bytes (in this turn and in the socket) that make a slow consumer. Default 1 MiB
   */
  constructor(ws: WriterSocket, socket: Duplex, scheduler: FlushScheduler, maxBufferedBytes = MAX_BUFFERED_BYTES) {
    this.#ws = ws;
    this.#socket = socket;
    this.#scheduler = scheduler;
    this.#max = maxBufferedBytes;
  }

  /** Called once when the peer reads too slowly; nothing is written any more. Override: close the connection. */
  onOverflow(_bufferedBytes: number): void {
    this.#socket.destroy();
  }

  /** Bytes that the peer has not taken yet. */
  get bufferedBytes(): number {
    return this.#bytes + this.#socket.writableLength;
  }

  /** Sends a text frame at the end of the turn. */
  send(frame: Frame): void {
    if (this.#overflown) return;
    let spliced = frame;
    if (typeof spliced === 'string') {
      const bytes = Buffer.from(spliced);
      spliced = new SplicedFrame(bytes, 0, bytes.length);
    }
    this.#pending.push(spliced);
    const length = spliced.byteLength;
    this.#bytes += length + (length < 126 ? 2 : length < 65536 ? 4 : 10);
    this.#schedule();
    // A whole turn's worth may be huge (a flooding peer's read): bound it before it is copied.
    if (this.#bytes > this.#max) this.flush();
  }

  /**
   * Answers a ping at the end of the turn. Of several pings in one turn the last is answered, which answers all of them
   * (RFC 6455 section 5.5.3), so a flood of pings queues nothing.
   */
  pong(payload: Buffer): void {
    if (this.#overflown) return;
    this.#pong = payload;
    this.#schedule();
  }

  /** A ping behind everything pending. */
  ping(): void {
    this.flush();
    if (this.#ws.readyState === OPEN) this.#ws.ping();
  }

  /** A close frame behind everything pending. */
  close(code: number, reason: string): void {
    this.flush();
    this.#ws.close(code, reason);
  }

  flush(): void {
    this.#dirty = false;
    const pending = this.#pending;
    const pong = this.#pong;
    if (pending.length === 0 && pong === undefined) return;
    const bytes = this.#bytes + (pong === undefined ? 0 : 2 + pong.length);
    if (this.#overflown || this.#ws.readyState !== OPEN || this.#socket.destroyed) {
      this.#drop();
      return;
    }
    const waiting = this.#socket.writableLength;
    if (waiting > 0 && waiting + bytes > this.#max) {
      this.#overflown = true;
      this.#drop();
      this.onOverflow(waiting + bytes);
      return;
    }
    // A socket in which bytes wait, such as the answer to a handshake, writes later: it would keep the scratch.
    const out = bytes <= SCRATCH_BYTES && waiting === 0 ? scratch : Buffer.allocUnsafe(bytes);
    let at = 0;
    for (let i = 0; i < pending.length; i++) {
      const frame = pending[i] as SplicedFrame;
      at = frame.copyTo(out, writeHeader(out, at, frame.byteLength));
    }
    if (pong !== undefined) {
      out[at] = PONG;
      out[at + 1] = pong.length;
      pong.copy(out, at + 2);
    }
    this.#drop();
    if (out !== scratch) {
      this.#socket.write(out);
      return;
    }
    this.#socket.write(out.subarray(0, bytes));
    // Almost always the kernel has taken it by now and the scratch is free again; otherwise the socket still reads from it.
    if (this.#socket.writableLength > 0) scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  }

  #schedule(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    this.#scheduler.add(this);
  }

  #drop(): void {
    this.#pending.length = 0;
    this.#bytes = 0;
    this.#pong = undefined;
  }
}

/** Header of a final, unmasked text frame. @returns offset behind it */
function writeHeader(out: Buffer, at: number, length: number): number {
  out[at] = 0x81;
  if (length < 126) {
    out[at + 1] = length;
    return at + 2;
  }
  if (length < 65536) {
    out[at + 1] = 126;
    out[at + 2] = length >>> 8;
    out[at + 3] = length & 0xff;
    return at + 4;
  }
  out[at + 1] = 127;
  out.writeUInt32BE(Math.floor(length / 2 ** 32), at + 2);
  out.writeUInt32BE(length >>> 0, at + 6);
  return at + 10;
}
