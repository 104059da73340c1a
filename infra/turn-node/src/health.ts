/** Is coturn there? STUN binding requests (RFC 8489), which it answers without credentials. */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';

/** Where the agent writes its settings and its address, unless its setting RUN_DIR names another folder. */
export const RUN_DIR = '/run/turn';

/** Type of the answer, and length of a message's header (RFC 8489 section 5). */
const [BINDING_SUCCESS, HEADER_BYTES] = [0x0101, 20];

/** @throws Error when no answer comes in time */
export function stunAnswers(address: string, port: number, timeoutMs = 3000): Promise<void> {
  const transaction = randomBytes(12);
  // Binding request, no attributes, magic cookie.
  const request = Buffer.concat([Buffer.from([0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42]), transaction]);
  return new Promise((resolve, reject) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    let isOver = false;
    const end = (error?: Error) => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      socket.close();
      if (error) reject(error);
      else resolve();
    };
    const timer = setTimeout(() => end(new Error(`no STUN answer from ${address}:${port}`)), timeoutMs);
    socket.on('error', end);
    socket.on('message', (answer) => {
      if (answer.length < HEADER_BYTES || answer.readUInt16BE(0) !== BINDING_SUCCESS) return;
      if (answer.subarray(8, HEADER_BYTES).equals(transaction)) end();
    });
    // A connected socket drops what others send to its port, which a scan of the node's ports finds.
    socket.once('connect', () => socket.send(request));
    socket.connect(port, address);
  });
}

/** Requests in a row without an answer after which coturn counts as silent: one datagram may be lost under load. */
const SILENT_AFTER = 3;

/** Follows whether coturn answers, for the agent beside it. */
export class StunWatch {
  readonly #address: string;
  readonly #port: number;
  #missed = 0;

  constructor(address: string, port: number) {
    this.#address = address;
    this.#port = port;
  }

  /** Whether the last three requests had no answer. */
  get isSilent(): boolean {
    return this.#missed >= SILENT_AFTER;
  }

  /** Asks once, 1 s at most. Never rejects. */
  async ask(): Promise<void> {
    await stunAnswers(this.#address, this.#port, 1000).then(
      () => {
        this.#missed = 0;
      },
      () => {
        this.#missed++;
      },
    );
  }
}
