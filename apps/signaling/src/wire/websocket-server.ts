/**
 * The server end of a WebSocket: `ws`, set up for text messages from strangers.
 *
 * `ws` reads and checks every frame and does both closing handshakes. Added here: events go straight to one object for each socket
 * (listeners for each socket are memory and time), both ends of the conversation end in one call, and a peer that goes on sending after
 * a close frame is not read any more.
 */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Server, WebSocket, WebSocketServer } from 'ws';

/** A peer that does not finish the closing handshake is cut off after this time, ms. */
const CLOSE_TIMEOUT_MS = 3000;
/** Frames of one message. Browsers send up to 64 KB in one frame; libraries that cut messages do so at 4 KB or more. */
const MAX_FRAGMENTS = 64;
/** Parts in which a frame may arrive, each of which costs memory: a frame of 128 KB in TCP segments of the smallest usual size has 244. */
const MAX_BUFFERED_CHUNKS = 1024;
/** Frames that may still be on their way when this side closes. A peer that sends more is not read until it is cut off. */
const MAX_LATE_FRAMES = 512;

/** What a socket tells its owner. All calls are synchronous, in the order of the frames. */
export interface SocketHandlers {
  /** One text message, unmasked, **not yet checked to be UTF-8**. Its bytes are never changed later. */
  onText(payload: Buffer): void;
  onBinary(payload: Buffer): void;
  /** Not answered yet. */
  onPing(payload: Buffer): void;
  onPong(payload: Buffer): void;
  /** A close frame is about to leave: the last moment for what has to go before it. */
  onClosing(): void;
  /**
   * The conversation is over, in either direction, though TCP may live on for {@link CLOSE_TIMEOUT_MS}. Called once.
   * @param code of the close frame that was received or sent; 1005: the client sent none; 1006: the connection was torn
   */
  onClose(code: number): void;
  /** The TCP connection is gone. Called once, after {@link onClose}. */
  onGone(): void;
}

export class ServerSocket extends WebSocket {
  #handlers: SocketHandlers | undefined;
  #over = false;
  #late = 0;

  /** Call it at once, before anything is read. Without handlers, what comes is dropped. */
  listen(handlers: SocketHandlers): void {
    this.#handlers = handlers;
  }

  /** `ws` calls this for a close frame and for a violation as well: then the closing handshake is its answer. */
  override close(code?: number, reason?: string | Buffer): void {
    if (this.readyState !== WebSocket.OPEN) {
      super.close(code, reason);
      return;
    }
    this.#handlers?.onClosing();
    // With skipUTF8Validation `ws` looks at no reason either (RFC 6455 section 5.5.1: it is UTF-8).
    const valid = reason === undefined || typeof reason === 'string' || isUtf8(reason);
    if (valid) super.close(code, reason);
    else super.close(1007);
    this.#end(valid ? (code ?? 1005) : 1007);
  }

  override emit(event: string | symbol, data?: unknown, isBinary?: unknown): boolean {
    const handlers = this.#handlers;
    switch (event) {
      case 'message':
        if (this.#isLate()) break;
        if (isBinary === true) handlers?.onBinary(data as Buffer);
        else handlers?.onText(data as Buffer);
        break;
      case 'ping':
        if (!this.#isLate()) handlers?.onPing(data as Buffer);
        break;
      case 'pong':
        if (!this.#isLate()) handlers?.onPong(data as Buffer);
        break;
      case 'close':
        this.#end(data as number);
        handlers?.onGone();
        break;
      default:
      // 'error': `ws` has closed the socket with the code of the violation before it says so.
    }
    return true;
  }

  #isLate(): boolean {
    if (this.readyState === WebSocket.OPEN) return false;
    if (++this.#late === MAX_LATE_FRAMES) this.pause();
    return true;
  }

  #end(code: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#handlers?.onClose(code);
  }
}

export interface SocketServerOptions {
  /** The subprotocol to choose when the client offers it. */
  readonly protocol: string;
  /** Bytes. A longer message closes the connection with 1009. */
  readonly maxPayload: number;
}

/** Answers upgrade requests. */
export class SocketServer {
  readonly #server: Server<typeof ServerSocket>;

  constructor({ protocol, maxPayload }: SocketServerOptions) {
    const options = {
      noServer: true as const,
      WebSocket: ServerSocket,
      maxPayload,
      maxFragments: MAX_FRAGMENTS,
      maxBufferedChunks: MAX_BUFFERED_CHUNKS,
      closeTimeout: CLOSE_TIMEOUT_MS,
      // Pings cost what messages cost, and the answer leaves with everything else (FrameWriter).
      autoPong: false,
      // The frame scanner checks it once, on its way.
      skipUTF8Validation: true,
      clientTracking: false,
      perMessageDeflate: false,
      handleProtocols: (offered: Set<string>) => (offered.has(protocol) ? protocol : false),
    };
    this.#server = new WebSocketServer(options);
  }

  /**
   * Completes the handshake, or answers it with 400 or 405. The answer leaves together with what `onOpen` sends.
   * @returns false when there is no WebSocket
   */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, onOpen: (ws: ServerSocket) => void): boolean {
    let opened = false;
    socket.cork();
    this.#server.handleUpgrade(request, socket, head, (ws) => {
      opened = true;
      onOpen(ws);
    });
    socket.uncork();
    return opened;
  }
}
