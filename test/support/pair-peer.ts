/**
 * A member of a call without @tandem/rtc: written from docs/pair-protocol.md and docs/service-contracts.md alone, on libdatachannel, without
 * an import of ours. It takes either side of a pair, holds each frame of the other side against the published schemas, and lets a test
 * say what a correct client would not.
 */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import nodeDataChannel, { type DataChannel, type PeerConnection } from 'node-datachannel';
import { WebSocket } from 'ws';

const schemas = JSON.parse(readFileSync(new URL('../../docs/pair-protocol.schema.json', import.meta.url), 'utf8'));
const ajv = new Ajv2020({ strict: false }).addSchema({ ...schemas, $id: 'pair' });
const validator = (name: string) => ajv.getSchema(`pair#/$defs/${name}`) ?? fail(`no schema ${name}`);
const isDescription = validator('PairDescription');
const isCandidate = validator('PairCandidate');
const isMessage = validator('PairMessage');
const fail = (message: string): never => {
  throw new Error(message);
};

interface Frame {
  readonly type: string;
  readonly [key: string]: unknown;
}
export interface Description {
  readonly type: 'offer' | 'answer';
  readonly sdp: string;
  readonly gen?: number;
  readonly n?: number;
  readonly to?: number;
}
interface Candidate {
  readonly candidate: string;
  readonly sdpMid?: string | null;
  readonly usernameFragment?: string | null;
  readonly gen?: number;
}

const FIRST_OFFER_MS = 2000;
const MAX_QUEUED = 64;

/** What a pair needs of its member. */
interface PairHost {
  readonly peerId: string;
  readonly plainText: boolean;
  readonly candidatesFirst: boolean;
  send(frame: Frame): void;
  violated(what: string): void;
}

export class PeerPair {
  readonly peerId: string;
  /** Rule P-3. */
  readonly polite: boolean;
  readonly #host: PairHost;
  gen = 1;
  pc!: PeerConnection;
  channel!: DataChannel;
  /** What the other side said, in order. */
  readonly descriptions: Description[] = [];
  /** What I said, in order. */
  readonly said: Description[] = [];
  readonly messages: Record<string, unknown>[] = [];
  /** Packets that arrived, by media section. */
  readonly packets = new Map<string, number>();
  /** Descriptions of the other side are dropped as they come: a client that hangs. */
  isDeaf = false;
  /** Before the next offer is read an own one goes out: they cross. */
  crossesNext = false;
  #offers = 0;
  #awaiting: number | undefined;
  #negotiated = false;
  #described = false;
  #queued: Candidate[] = [];
  #firstOffer: NodeJS.Timeout | undefined;
  #afterSaying: (() => void) | undefined;
  readonly #seen = new Set<string>();

  constructor(peerId: string, host: PairHost) {
    this.peerId = peerId;
    this.#host = host;
    this.polite = host.peerId > peerId;
    this.#connect();
  }

  get isConnected(): boolean {
    return this.pc.state() === 'connected' && this.channel.isOpen();
  }

  /** Rule P-2. */
  start(calls: boolean): void {
    if (calls) this.offer();
    else this.#firstOffer = setTimeout(() => this.offer(), FIRST_OFFER_MS);
  }

  /** An offer of the present generation. */
  offer(): void {
    if (!this.#negotiated) this.#addSlots();
    this.#awaiting = ++this.#offers;
    this.#describe('offer', { n: this.#awaiting });
  }

  /** A new connection, rule P-15. */
  replace(): void {
    this.#replaceConnection(this.gen + 1);
    this.offer();
  }

  /** Says a message over the channel. */
  say(message: object): void {
    this.channel.sendMessage(JSON.stringify(message));
  }

  receive(frame: Frame): void {
    if (frame.type === 'ice-candidate') this.#candidate(frame.candidate);
    else {
      const { sdp } = frame;
      if (!isDescription(sdp)) {
        this.#host.violated(`description ${JSON.stringify(sdp)?.slice(0, 200)}`);
        return;
      }
      const description = sdp as Description;
      this.descriptions.push(description);
      if (this.isDeaf) return;
      if (description.type === 'offer') this.#remoteOffer(description);
      else this.#remoteAnswer(description);
    }
  }

  close(): void {
    clearTimeout(this.#firstOffer);
    this.pc.close();
  }

  #remoteOffer(description: Description): void {
    const gen = description.gen ?? this.gen;
    if (gen < this.gen) return;
    clearTimeout(this.#firstOffer);
    if (this.crossesNext) {
      this.crossesNext = false;
      // Read when mine is on its way.
      this.#afterSaying = () => this.#remoteOffer(description);
      this.offer();
      return;
    }
    if (gen > this.gen) this.#replaceConnection(gen);
    if (this.#awaiting !== undefined) {
      if (!this.polite) return;
      // Rule P-7; libdatachannel has nothing to take back in a connection that was never negotiated.
      this.#awaiting = undefined;
      if (this.#negotiated) this.pc.setLocalDescription('rollback');
      else this.#replaceConnection(gen);
    }
    // New ICE credentials on a connection that stands: libdatachannel knows no ICE restart, so the connection is replaced (P-14, P-15).
    if (this.#negotiated && ufragOf(description.sdp) !== ufragOf(this.pc.remoteDescription()?.sdp ?? '')) {
      this.replace();
      return;
    }
    this.#remote(description);
    this.#describe('answer', description.n === undefined ? {} : { to: description.n });
    this.#negotiated = true;
  }

  #remoteAnswer(description: Description): void {
    const isStale =
      (description.gen ?? this.gen) !== this.gen ||
      this.#awaiting === undefined ||
      (description.to !== undefined && description.to !== this.#awaiting);
    if (isStale) return;
    this.#awaiting = undefined;
    this.#remote(description);
    this.#negotiated = true;
  }

  #remote({ sdp, type }: Description): void {
    this.pc.setRemoteDescription(sdp, type);
    this.#described = true;
    for (const candidate of this.#queued.splice(0)) this.#candidate(candidate);
  }

  #candidate(value: unknown): void {
    if (value === null) return;
    if (!isCandidate(value)) {
      this.#host.violated(`candidate ${JSON.stringify(value)?.slice(0, 200)}`);
      return;
    }
    const candidate = value as Candidate;
    const gen = candidate.gen ?? this.gen;
    if (gen < this.gen) return;
    if (gen > this.gen || !this.#described || this.#awaiting !== undefined) {
      if (this.#queued.length < MAX_QUEUED) this.#queued.push(candidate);
      return;
    }
    const { usernameFragment: ufrag } = candidate;
    if (ufrag && ufrag !== ufragOf(this.pc.remoteDescription()?.sdp ?? '')) return;
    if (candidate.candidate !== '') this.pc.addRemoteCandidate(candidate.candidate, candidate.sdpMid ?? '0');
  }

  #describe(type: 'offer' | 'answer', order: object): void {
    const { pc, gen } = this;
    const say = (sdp: string) => {
      const description = { type, sdp, gen, ...order };
      this.said.push(description);
      this.#host.send({ type, peerId: this.peerId, sdp: this.#host.plainText ? sdp : description });
      const next = this.#afterSaying;
      this.#afterSaying = undefined;
      next?.();
    };
    const sayInTurn = (sdp: string) => {
      if (pc !== this.pc) return;
      if (!this.#host.candidatesFirst || pc.gatheringState() === 'complete') say(sdp);
      else setTimeout(sayInTurn, 10, sdp);
    };
    pc.onLocalDescription(sayInTurn);
    pc.setLocalDescription(type);
  }

  /** Rule P-10. */
  #addSlots(): void {
    const audio = new nodeDataChannel.Audio('0', 'SendRecv');
    audio.addOpusCodec(111);
    const camera = new nodeDataChannel.Video('1', 'SendRecv');
    camera.addVP8Codec(96);
    const screen = new nodeDataChannel.Video('2', 'SendRecv');
    screen.addVP8Codec(96);
    for (const [i, media] of [audio, camera, screen].entries()) {
      media.addSSRC(1000 + i, 'peer', 'peer', `slot-${i}`);
      this.#listen(this.pc.addTrack(media));
    }
  }

  #listen(track: ReturnType<PeerConnection['addTrack']>): void {
    this.#tracks.push(track);
    track.onMessage((packet) => {
      // RTCP shares the port (RFC 5761 section 4: packet types 192 to 223).
      const type = packet[1] ?? 0;
      if (type < 192 || type > 223) this.packets.set(track.mid(), (this.packets.get(track.mid()) ?? 0) + 1);
    });
  }
  /** Kept: a track that is collected receives nothing. */
  readonly #tracks: unknown[] = [];

  #connect(): void {
    const pc = new nodeDataChannel.PeerConnection('peer', { iceServers: [], disableAutoNegotiation: true });
    this.pc = pc;
    const { gen } = this;
    pc.onLocalCandidate((candidate, mid) => {
      if (pc !== this.pc) return;
      const sent = { candidate, sdpMid: mid, gen };
      this.#host.send({ type: 'ice-candidate', peerId: this.peerId, candidate: sent });
    });
    pc.onTrack((track) => this.#listen(track));
    // Rule P-11.
    this.channel = pc.createDataChannel('tandem', { negotiated: true, id: 0 });
    this.channel.onMessage((text) => this.message(JSON.parse(String(text)), (ack) => this.say(ack)));
  }

  /** Rule P-13. @param acknowledge absent for what came through signaling */
  message(message: unknown, acknowledge?: (ack: object) => void): void {
    if (!isMessage(message)) {
      this.#host.violated(`message ${JSON.stringify(message)?.slice(0, 200)}`);
      return;
    }
    const { tandem, id } = message as { tandem: string; id?: string };
    if (id !== undefined && tandem !== 'ack') {
      acknowledge?.({ tandem: 'ack', id });
      if (this.#seen.has(id)) return;
      this.#seen.add(id);
    }
    this.messages.push(message as Record<string, unknown>);
  }

  #replaceConnection(gen: number): void {
    this.pc.close();
    this.gen = gen;
    this.#offers = 0;
    this.#awaiting = undefined;
    this.#negotiated = false;
    this.#described = false;
    this.#connect();
  }
}

const ufragOf = (sdp: string) => /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];

export interface PairPeerOptions {
  /** Of the signaling socket. */
  readonly url: string;
  readonly token: string;
  readonly roomId: string;
  readonly name: string;
  /** Descriptions without order, as text alone (P-4). */
  readonly plainText?: boolean;
  /** Each candidate goes out before its description. */
  readonly candidatesFirst?: boolean;
  /** Leaves the first offer to the other side although it came later. */
  readonly waits?: boolean;
  /** Of each pair, from its beginning. */
  readonly isDeaf?: boolean;
  readonly crosses?: boolean;
}

export class PairPeer implements Disposable {
  readonly pairs = new Map<string, PeerPair>();
  /** What the others said against the schemas. */
  readonly violations: string[] = [];
  peerId = '';
  readonly #socket: WebSocket;
  readonly #options: PairPeerOptions;

  private constructor(options: PairPeerOptions) {
    this.#options = options;
    this.#socket = new WebSocket(options.url, ['signal.v1', `bearer.${options.token}`]);
  }

  /** Connected, and not yet in the room. */
  static async connect(options: PairPeerOptions): Promise<PairPeer> {
    const peer = new PairPeer(options);
    await new Promise<void>((resolve, reject) => {
      peer.#socket.once('error', reject);
      peer.#socket.once('close', (code) => reject(new Error(`closed with ${code}`)));
      peer.#socket.on('message', (text) => {
        const frame = JSON.parse(String(text)) as Frame;
        if (frame.type === 'welcome') {
          peer.peerId = String(frame.peerId);
          resolve();
        } else peer.#frame(frame);
      });
    });
    return peer;
  }

  join(): void {
    const metadata = { name: this.#options.name, audio: false, video: false };
    this.send({ type: 'join', roomId: this.#options.roomId, metadata });
  }

  /** Any frame, also one that a correct client would not send. */
  send(frame: Frame): void {
    this.#socket.send(JSON.stringify(frame));
  }

  /** The pair with the only other member. */
  get pair(): PeerPair {
    return [...this.pairs.values()][0] ?? fail('no pair');
  }

  #frame(frame: Frame): void {
    const peerId = String(frame.peerId);
    switch (frame.type) {
      case 'joined':
        for (const peer of frame.peers as { peerId: string; audience?: boolean }[]) this.#meet(peer, true);
        break;
      case 'peer_joined':
        this.#meet({ peerId, audience: frame.audience === true }, false);
        break;
      case 'peer_left':
        this.pairs.get(peerId)?.close();
        this.pairs.delete(peerId);
        break;
      case 'offer':
      case 'answer':
      case 'ice-candidate':
        // Rule P-16: this client does not say that it acknowledges.
        if (frame.id !== undefined) this.violations.push(`a numbered ${frame.type}`);
        this.pairs.get(peerId)?.receive(frame);
        break;
      case 'message':
        this.pairs.get(peerId)?.message(frame.data);
        break;
      case 'error':
        this.violations.push(`error ${JSON.stringify(frame)}`);
        break;
    }
  }

  #meet({ peerId, audience }: { peerId: string; audience?: boolean }, calls: boolean): void {
    if (audience === true || this.pairs.has(peerId)) return;
    const { plainText = false, candidatesFirst = false, waits, isDeaf = false, crosses = false } = this.#options;
    const pair = new PeerPair(peerId, {
      ...{ peerId: this.peerId, plainText, candidatesFirst },
      send: (frame) => this.send(frame),
      violated: (what) => this.violations.push(what),
    });
    pair.isDeaf = isDeaf;
    pair.crossesNext = crosses;
    this.pairs.set(peerId, pair);
    if (!waits) pair.start(calls);
  }

  /** The network is gone: no goodbye. */
  cut(): void {
    this.#socket.terminate();
  }

  [Symbol.dispose](): void {
    for (const pair of this.pairs.values()) pair.close();
    this.#socket.close(1000);
  }
}
