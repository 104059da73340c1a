/**
 * One connection with a media node: `up` carries what I send, `down` what I receive. Only one side of each offers (I on the way up, the
 * node on the way down), so there is no glare. `gen` counts the connections of a leg: a higher one replaces it on both sides.
 */
import type { Clock } from '../clock.ts';
import { closeConnection } from '../close-connection.ts';
import type { Slot } from '../pair-types.ts';
import type { WireCandidate, WireDescription } from '../wire.ts';

export type LegName = 'up' | 'down';

/** A description as it travels between a client and a media node. */
export interface LegDescription extends WireDescription {
  readonly leg: LegName;
  readonly gen: number;
  /** Of an offer on the way down: what each media section carries. */
  readonly tracks?: readonly { readonly mid: string; readonly peerId: string; readonly slot: Slot }[];
}
export interface LegCandidate extends WireCandidate {
  readonly leg: LegName;
  readonly gen: number;
}

/** What a leg needs of its link. */
export interface LegHost {
  readonly clock: Clock;
  readonly RTCPeerConnection: new (configuration: RTCConfiguration) => RTCPeerConnection;
  configuration(): RTCConfiguration;
  /** May signaling reach the node now? */
  reachable(): boolean;
  send(type: 'offer' | 'answer' | 'ice-candidate', body: object): void;
  track(slot: Slot): MediaStreamTrack | null;
  /** The transport is up, also after a repair. */
  onLive(): void;
  /** Repairs did not help: {@link LEG_REBUILDS} connections in a row did not come up. */
  onFailed(): void;
  onTiming(name: string): void;
}

/** `disconnected` for this time begins a new search for a path, ms. As pairs do. */
const DISCONNECTED_MS = 2000;
/** Not up this time after it began: a new connection, ms. As pairs do. */
const REBUILD_MS = 8000;
const LEG_REBUILDS = 2;
/** A question that nothing answers is asked ever more seldom: after 8, 16, 32, then 64 s. */
const MAX_ASK_DOUBLINGS = 3;

export abstract class Leg {
  readonly name: LegName;
  protected readonly host: LegHost;
  #pc: RTCPeerConnection | undefined;
  #gen = 0;
  #live = false;
  #closed = false;
  #failures = 0;
  /** Connections in a row of which the node said nothing. */
  #asked = 0;
  #timer: unknown;
  #described = false;
  #early: RTCIceCandidateInit[] = [];
  #queue: Promise<void> = Promise.resolve();

  constructor(name: LegName, host: LegHost) {
    this.name = name;
    this.host = host;
  }

  get gen(): number {
    return this.#gen;
  }
  get isLive(): boolean {
    return this.#live;
  }
  /** The connection of now. */
  get connection(): RTCPeerConnection | undefined {
    return this.#pc;
  }

  /** A new connection, in place of the one before. */
  start(): void {
    this.#asked = 0;
    this.#begin();
  }

  #begin(): void {
    if (this.#closed) return;
    this.#shut();
    this.#gen++;
    this.#live = false;
    this.#described = false;
    this.#early = [];
    this.opening();
    const pc = new this.host.RTCPeerConnection(this.host.configuration());
    this.#pc = pc;
    pc.onicecandidate = ({ candidate }) => candidate && this.#sendCandidate(candidate);
    pc.onconnectionstatechange = () => this.#transport(pc);
    pc.oniceconnectionstatechange = () => this.#transport(pc);
    this.opened(pc);
    this.#watch(REBUILD_MS * 2 ** Math.min(this.#asked, MAX_ASK_DOUBLINGS), () => this.#late());
  }

  receive(type: 'offer' | 'answer' | 'ice-candidate', body: { sdp?: unknown; candidate?: unknown }): void {
    if (type === 'ice-candidate') {
      const candidate = body.candidate as LegCandidate;
      if (candidate.gen === this.#gen && candidate.candidate) this.enqueue(() => this.#candidate(candidate));
      return;
    }
    const description = body.sdp as LegDescription;
    if (typeof description.sdp !== 'string' || description.gen !== this.#gen) return;
    this.enqueue((pc) => this.described(pc, type, description));
  }

  /** @param clock another leg has taken its place */
  close(clock?: Clock): void {
    this.#closed = true;
    this.#live = false;
    this.#shut(clock);
  }

  /** The connection is about to be made, for which the page may wait while the node answers. */
  protected opening(): void {}
  /** The connection is new and has nothing yet. */
  protected opened(_pc: RTCPeerConnection): void {}
  protected abstract described(
    pc: RTCPeerConnection,
    type: 'offer' | 'answer',
    description: LegDescription,
  ): Promise<void>;
  /** What it means that the node has said nothing of this connection: it failed, it may have missed the question, or it has nothing to say. */
  protected silence(): 'failed' | 'ask' | 'wait' {
    return 'failed';
  }
  /** A new search for a path, on the same connection. */
  protected abstract restart(): void;

  /** One step at a time; a step of a connection that was replaced does nothing. */
  protected enqueue(step: (pc: RTCPeerConnection) => Promise<void>): void {
    const pc = this.#pc;
    this.#queue = this.#queue.then(async () => {
      if (!pc || pc !== this.#pc || this.#closed) return;
      try {
        await step(pc);
      } catch (error) {
        if (pc === this.#pc && !this.#closed) this.host.onTiming(`error:${this.name}:${String(error)}`);
      }
    });
  }

  protected async setRemote(pc: RTCPeerConnection, type: 'offer' | 'answer', sdp: string): Promise<void> {
    await pc.setRemoteDescription({ type, sdp });
    if (pc !== this.#pc) return;
    // From now on it has to come up, within the time of any connection.
    if (this.#asked > 0 && !this.#live) this.#watch(REBUILD_MS, () => this.#late());
    this.#asked = 0;
    this.#described = true;
    for (const candidate of this.#early.splice(0)) await pc.addIceCandidate(candidate).catch(() => {});
  }

  async #candidate({ candidate, sdpMid, sdpMLineIndex }: LegCandidate): Promise<void> {
    const init = { candidate: candidate ?? '', sdpMid: sdpMid ?? null, sdpMLineIndex: sdpMLineIndex ?? null };
    if (this.#described) await this.#pc?.addIceCandidate(init).catch(() => {});
    else this.#early.push(init);
  }

  #sendCandidate({ candidate, sdpMid, sdpMLineIndex, tcpType }: RTCIceCandidate): void {
    // Nothing can be sent to an active candidate of TCP.
    if (!candidate || tcpType === 'active') return;
    const wire: LegCandidate = { candidate, sdpMid, sdpMLineIndex, leg: this.name, gen: this.#gen };
    this.host.send('ice-candidate', { candidate: wire });
  }

  #transport(pc: RTCPeerConnection): void {
    if (pc !== this.#pc || this.#closed) return;
    if (pc.connectionState === 'connected') {
      this.#watch();
      this.#failures = 0;
      if (this.#live) return;
      this.#live = true;
      this.host.onLive();
    } else if (pc.connectionState === 'failed' || pc.iceConnectionState === 'failed') this.#failed();
    else if (pc.iceConnectionState === 'disconnected') {
      this.#live = false;
      this.#watch(DISCONNECTED_MS, () => {
        this.host.onTiming(`restart:${this.name}`);
        this.restart();
        this.#watch(REBUILD_MS - DISCONNECTED_MS, () => this.#failed());
      });
    }
  }

  #late(): void {
    const silence = this.#described ? 'failed' : this.silence();
    if (silence === 'wait') this.#watch(REBUILD_MS, () => this.#late());
    else if (silence === 'ask') {
      this.#asked++;
      this.#rebuild();
    } else this.#failed();
  }

  #failed(): void {
    this.#live = false;
    // What fails while the node cannot be asked says nothing of it.
    if (this.host.reachable()) this.#failures++;
    if (this.#failures > LEG_REBUILDS) {
      this.#watch();
      this.host.onFailed();
    } else this.#rebuild();
  }

  #rebuild(): void {
    this.host.onTiming(`rebuild:${this.name}`);
    this.#begin();
  }

  #watch(ms?: number, then?: () => void): void {
    this.host.clock.clearTimeout(this.#timer);
    this.#timer = ms === undefined || !then ? undefined : this.host.clock.setTimeout(then, ms);
  }

  #shut(clock?: Clock): void {
    this.#watch();
    const pc = this.#pc;
    this.#pc = undefined;
    // What a connection was asked never settles once it is closed (W3C webrtc-pc, 4.4.1.6): the steps of the next one do not wait for it.
    this.#queue = Promise.resolve();
    if (!pc) return;
    pc.onicecandidate = null;
    closeConnection(pc, clock);
  }
}
