/** What an engine forwards to ports of this machine: who receives it in tests, and what the fake sends. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { ForwardPorts } from '../engine.ts';

const LOOPBACK = '127.0.0.1';
/** Payload types of {@link import('../engine.ts').Forwarding}. */
const TYPES = { audio: 111, video: 96 } as const;
type Kind = keyof typeof TYPES;

/** Two open ports, and which RTP came to each. */
export class ForwardedPorts implements Disposable {
  readonly to: ForwardPorts;
  readonly #sockets: readonly Socket[];
  readonly #types = { audio: new Set<number>(), video: new Set<number>() };
  /** Packets of RTP that came to either. */
  packets = 0;

  private constructor(audio: Socket, video: Socket) {
    this.#sockets = [audio, video];
    this.to = { audio: audio.address().port, video: video.address().port };
    audio.on('message', (packet) => this.#came('audio', packet));
    video.on('message', (packet) => this.#came('video', packet));
  }

  static async open(): Promise<ForwardedPorts> {
    const sockets = [createSocket('udp4'), createSocket('udp4')] as const;
    for (const socket of sockets) {
      socket.bind(0, LOOPBACK);
      await once(socket, 'listening');
    }
    return new ForwardedPorts(...sockets);
  }

  #came(kind: Kind, packet: Buffer): void {
    // Version 2; RTCP on the same port has other types (RFC 5761 section 4).
    const type = (packet[1] ?? 0) & 0x7f;
    if ((packet[0] ?? 0) >> 6 !== 2 || (type >= 64 && type <= 95)) return;
    this.packets++;
    this.#types[kind].add(type);
  }

  /** Payload types that came. */
  get types() {
    return { audio: [...this.#types.audio], video: [...this.#types.video] };
  }

  /** Does anything come within three moments? One alone may be silent while the machine is busy. */
  async flows(): Promise<boolean> {
    const before = this.packets;
    for (let moment = 0; moment < 3 && this.packets === before; moment++)
      await new Promise((resolve) => setTimeout(resolve, 150));
    return this.packets > before;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.close();
  }
}

/** Headers of RTP without media, until it is disposed of. */
export function sendHeaders(kinds: readonly Kind[], to: ForwardPorts, isMuted: () => boolean): Disposable {
  const socket = createSocket('udp4');
  socket.unref();
  const timer = setInterval(() => {
    for (const kind of isMuted() ? [] : kinds)
      socket.send(Buffer.from([0x80, TYPES[kind], ...Array(10).fill(0)]), to[kind], LOOPBACK);
  }, 20);
  timer.unref();
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      socket.close();
    },
  };
}
