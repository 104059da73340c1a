/** Closed-loop and open-loop traffic over pairs of raw sockets, in short slices. */

import { cpuNs } from './cpu.ts';
import { maskedFrame } from './frames.ts';
import type { Peer, System } from './systems.ts';
import { CYCLE } from './traffic.ts';

const SOCKET_IO_PONG = maskedFrame('3');
/** Shorter frames are pings and room events, not traffic. */
const MIN_BYTES = 120;

interface Lane {
  readonly peer: Peer;
  partner: Lane;
  /** Two rounds of masked frames, so that any twelve in a row are one slice. */
  ring: Buffer;
  offsets: number[];
  at: number;
  /** Frames of the partner that came in since the last write. */
  credit: number;
  /** When the frames under way to this lane were sent (open loop). */
  sent: number[];
}

export interface Slice {
  readonly messages: number;
  readonly wallMs: number;
  readonly cpuNs: number;
}

export class Load {
  readonly system: System;
  readonly #lanes: Lane[] = [];
  readonly #morePids: readonly number[];
  #running = false;
  #outstanding = 0;
  #received = 0;
  #latencies: number[] | undefined;
  #drained: (() => void) | undefined;

  private constructor(system: System, morePids: readonly number[]) {
    this.system = system;
    this.#morePids = morePids;
  }

  /**
   * Connect, join rooms of `roomSize`, and check once that every pair really relays: right sender, right type.
   * @param nodeOf which node connection i goes to. Default: the first
   * @param morePids counted into the CPU time beside the system's own (Redis)
   */
  static async open(
    system: System,
    connections: number,
    options: { roomSize?: number; nodeOf?: (index: number) => number; morePids?: readonly number[] } = {},
  ): Promise<Load> {
    const load = new Load(system, options.morePids ?? []);
    const roomSize = options.roomSize ?? 2;
    const peers: Peer[] = [];
    for (let i = 0; i < connections; i++) {
      const peer = await system.connect(i, options.nodeOf?.(i) ?? 0);
      await system.join(peer, `room-${Math.floor(i / roomSize)}`);
      peers.push(peer);
    }
    for (const peer of peers)
      load.#lanes.push({ peer, ring: Buffer.alloc(0), offsets: [], at: 0, credit: 0, sent: [] } as unknown as Lane);
    // Everybody talks to the next in the room, the last to the first: in rooms of two, to each other.
    for (let i = 0; i < connections; i++) {
      const room = Math.floor(i / roomSize) * roomSize;
      const next = room + ((i - room + 1) % Math.min(roomSize, connections - room));
      const lane = load.#lanes[i] as Lane;
      const to = load.#lanes[next] as Lane;
      to.partner = lane;
      const frames = [...CYCLE, ...CYCLE].map((p, n) => maskedFrame(system.text(to.peer.id, p, n + 1)));
      lane.ring = Buffer.concat(frames);
      lane.offsets = [0];
      for (const f of frames) lane.offsets.push((lane.offsets.at(-1) as number) + f.length);
    }
    // Nodes tell each other who came in.
    if (options.nodeOf) await new Promise((resolve) => setTimeout(resolve, 1000));
    await load.#verify();
    for (const lane of load.#lanes) load.#listen(lane);
    return load;
  }

  async #verify(): Promise<void> {
    for (const lane of this.#lanes) this.#send(lane, CYCLE.length);
    for (const lane of this.#lanes) {
      for (const payload of CYCLE) {
        let text = await lane.peer.raw.next();
        while (!text.includes(`"${payload.field}"`)) {
          if (text.startsWith('{"type":"error"')) throw new Error(`${this.system.name} refused: ${text}`);
          text = await lane.peer.raw.next();
        }
        const got = this.system.read(text);
        if (got.from !== lane.partner.peer.id || got.type !== payload.type)
          throw new Error(`${this.system.name} relayed wrongly: ${text.slice(0, 200)}`);
      }
    }
  }

  #listen(lane: Lane): void {
    lane.peer.raw.stream(
      (chunk, start, end) => {
        if (end - start >= MIN_BYTES) {
          lane.credit++;
          return;
        }
        if (end - start === 1 && chunk[start] === 0x32) lane.peer.raw.socket.write(SOCKET_IO_PONG);
      },
      () => {
        const n = lane.credit;
        if (n === 0) return;
        lane.credit = 0;
        this.#received += n;
        if (this.#latencies) {
          const now = performance.now();
          for (let i = 0; i < n; i++) this.#latencies.push(now - (lane.sent.shift() ?? now));
        }
        if (this.#running) this.#send(lane.partner, n);
        else {
          this.#outstanding -= n;
          if (this.#outstanding <= 0) this.#drained?.();
        }
      },
    );
  }

  #send(lane: Lane, count: number): void {
    let left = count;
    while (left > 0) {
      const n = Math.min(left, CYCLE.length);
      const from = lane.offsets[lane.at] as number;
      const to = lane.offsets[lane.at + n] as number;
      lane.peer.raw.socket.write(lane.ring.subarray(from, to));
      lane.at = (lane.at + n) % CYCLE.length;
      left -= n;
    }
  }

  get cpuNs(): number {
    let total = 0;
    for (const pid of this.system.pids) total += cpuNs(pid);
    for (const pid of this.#morePids) total += cpuNs(pid);
    return total;
  }

  async #finish(): Promise<void> {
    const drained = new Promise<void>((resolve) => {
      this.#drained = resolve;
    });
    this.#running = false;
    if (this.#outstanding <= 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`${this.system.name} lost ${this.#outstanding} messages`)), 20_000);
    });
    await Promise.race([drained, late]);
    clearTimeout(timer);
  }

  /** Every connection keeps `inFlight` messages under way for `ms`. @throws Error when any is lost */
  async closedLoop(inFlight: number, ms: number): Promise<Slice> {
    this.#received = 0;
    this.#latencies = undefined;
    const cpu = this.cpuNs;
    const begin = performance.now();
    this.#outstanding = this.#lanes.length * inFlight;
    this.#running = true;
    for (const lane of this.#lanes) this.#send(lane, inFlight);
    await new Promise((resolve) => setTimeout(resolve, ms));
    await this.#finish();
    return { messages: this.#received, wallMs: performance.now() - begin, cpuNs: this.cpuNs - cpu };
  }

  /** `rate` messages a second for `ms`, whatever comes back; every latency in ms. */
  async openLoop(rate: number, ms: number): Promise<Slice & { readonly latencies: readonly number[] }> {
    this.#received = 0;
    const latencies: number[] = [];
    this.#latencies = latencies;
    this.#outstanding = 0;
    const cpu = this.cpuNs;
    const begin = performance.now();
    let sent = 0;
    let next = 0;
    for (let now = begin; now - begin < ms; now = performance.now()) {
      const due = Math.floor(((now - begin) * rate) / 1000);
      for (; sent < due; sent++) {
        const lane = this.#lanes[next++ % this.#lanes.length] as Lane;
        // The lane that receives is the one whose partner sends.
        this.#receiverOf(lane).sent.push(performance.now());
        this.#outstanding++;
        this.#send(lane, 1);
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await this.#finish();
    this.#latencies = undefined;
    for (const lane of this.#lanes) lane.sent.length = 0;
    return { messages: this.#received, wallMs: performance.now() - begin, cpuNs: this.cpuNs - cpu, latencies };
  }

  readonly #receivers = new Map<Lane, Lane>();
  #receiverOf(lane: Lane): Lane {
    if (this.#receivers.size === 0) for (const to of this.#lanes) this.#receivers.set(to.partner, to);
    return this.#receivers.get(lane) as Lane;
  }

  close(): void {
    for (const lane of this.#lanes) lane.peer.raw.end();
  }
}
