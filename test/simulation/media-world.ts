/**
 * Rooms that move between mesh and media nodes, on the SDK's Sfu, the agent of the media node and the fake engine, in virtual time: signaling
 * is a channel for each pair that loses nothing and keeps its order (S-30 and following), with delays; connections come up when the engine
 * behind them lives. Run by test/media-simulation.test.ts, which owns the clock.
 */
import type { RoomSession } from '../../infra/media-node/src/agent-session.ts';
import { RoomAgent } from '../../infra/media-node/src/room-agent.ts';
import { FakeEngine } from '../../infra/media-node/src/testing/fake-engine.ts';
import { systemClock } from '../../packages/rtc/src/clock.ts';
import type { PeerInfo, SessionEvents } from '../../packages/rtc/src/index.ts';
import { Sfu } from '../../packages/rtc/src/sfu/sfu.ts';

/** From this number on a room has a media node. */
const FROM = 3;
const OFFER = 'v=0\r\nm=audio 9 X 0\r\na=mid:0\r\na=sendonly\r\nm=video 9 X 0\r\na=mid:1\r\na=sendonly\r\n';
/** Time until a connection is up, and until it notices that the other side is gone, ms. */
const UP_MS = 60;
const SILENT_MS = 2000;
/** A node that was called enters within this time, ms; then the next one is called (S-123). */
const ANSWER_MS = 4000;
/** A pair without an other side offers anew after this time, ms (pair-types.ts). */
const REBUILD_MS = 8000;

export type Random = () => number;

interface Node {
  readonly name: string;
  alive: boolean;
  serving: boolean;
}

class Connection {
  connectionState = 'new';
  iceConnectionState = 'new';
  signalingState = 'stable';
  localDescription: { sdp: string } | null = null;
  onconnectionstatechange: (() => void) | null = null;
  onicecandidate = null;
  ontrack = null;
  oniceconnectionstatechange: (() => void) | null = null;
  engine: FakeEngine | undefined;
  mids: string[] = [];
  readonly #world: MediaWorld;
  readonly #client: string;
  #counts = new Map<string, number>();

  constructor(world: MediaWorld, client: string) {
    this.#world = world;
    this.#client = client;
    world.connections.add(this);
  }
  get client(): string {
    return this.#client;
  }
  addTransceiver = () => ({
    sender: { replaceTrack: async () => {}, getParameters: () => ({ encodings: [] }), setParameters: async () => {} },
    direction: 'sendonly',
  });
  getSenders = () => [];
  getTransceivers = () =>
    this.mids.map((mid) => ({
      mid,
      receiver: { getStats: async () => new Map([['in', this.#stats(mid)]]) },
    }));
  #stats(mid: string) {
    const room = [...(this.engine?.rooms.values() ?? [])][0];
    if (this.connectionState === 'connected' && room?.subscribers.get(this.#client)?.flows(mid))
      this.#counts.set(mid, (this.#counts.get(mid) ?? 0) + 1);
    const count = this.#counts.get(mid) ?? 0;
    return { type: 'inbound-rtp', framesDecoded: count, packetsReceived: count };
  }
  createOffer = async () => ({ sdp: OFFER });
  createAnswer = async () => ({ sdp: 'v=0\r\n' });
  setLocalDescription = async ({ sdp }: { sdp: string }) => {
    this.localDescription = { sdp };
    this.signalingState = sdp === OFFER ? 'have-local-offer' : 'stable';
    if (sdp !== OFFER) this.#rise();
  };
  setRemoteDescription = async ({ type, sdp }: { type: string; sdp: string }) => {
    this.engine = this.#world.engines[Number(/x-engine:(\d+)/.exec(sdp)?.[1])];
    this.mids = /x-mids:(\S*)/.exec(sdp)?.[1]?.split(',') ?? [];
    this.signalingState = 'stable';
    if (type === 'answer') this.#rise();
  };
  addIceCandidate = async () => {};
  restartIce(): void {}
  #rise(): void {
    if (this.connectionState !== 'new' && this.connectionState !== 'failed') return;
    setTimeout(() => this.engine && !this.#world.dead.has(this.engine) && this.become('connected'), UP_MS);
  }
  become(state: string): void {
    if (this.connectionState === 'closed') return;
    this.connectionState = state;
    this.iceConnectionState = state;
    this.onconnectionstatechange?.();
  }
  close(): void {
    this.connectionState = 'closed';
    this.#world.connections.delete(this);
  }
}

interface Client {
  readonly id: string;
  readonly sfu: Sfu;
  readonly pairs: Set<string>;
  /** Epochs of the node that it used, in time. */
  readonly epochs: number[];
}

/** An agent's session, as far as the agent needs one. */
class Session implements RoomSession {
  readonly peers = new Map<string, PeerInfo>();
  closed = false;
  readonly #world: MediaWorld;
  readonly id: string;
  readonly #listeners = new Map<string, ((payload: never) => void)[]>();
  constructor(world: MediaWorld, id: string) {
    this.#world = world;
    this.id = id;
  }
  on<K extends keyof SessionEvents>(event: K, listener: (payload: SessionEvents[K]) => void): () => void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener as never]);
    return () =>
      this.#listeners.set(
        event,
        (this.#listeners.get(event) ?? []).filter((one) => one !== listener),
      );
  }
  emit<K extends keyof SessionEvents>(event: K, payload: SessionEvents[K]): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(payload as never);
  }
  async sendTo(to: string, type: string, body: never): Promise<void> {
    if (!this.closed) this.#world.fromAgent(this.id, to, type, body);
  }
  close(): void {
    this.closed = true;
  }
  get media(): { peerId: string; epoch: number } | undefined {
    return this.#world.media;
  }
  /** Nothing is recorded here. */
  update(): void {}
}

interface Served {
  readonly node: Node;
  readonly epoch: number;
  readonly session: Session;
  readonly agent: RoomAgent;
  engine: FakeEngine;
}

export class MediaWorld {
  readonly nodes: readonly Node[] = ['m1', 'm2', 'm3'].map((name) => ({ name, alive: true, serving: true }));
  readonly clients = new Map<string, Client>();
  readonly engines: FakeEngine[] = [];
  readonly dead = new Set<FakeEngine>();
  readonly connections = new Set<Connection>();
  /** Those that are members of the room, by agent id. */
  readonly served = new Map<string, Served>();
  readonly faults: string[] = [];
  readonly #random: Random;
  readonly #channels = new Map<string, number>();
  #epoch = 0;
  #calledAt = Number.NEGATIVE_INFINITY;
  #count = 0;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #rebuilds: ReturnType<typeof setInterval>;

  constructor(random: Random) {
    this.#random = random;
    this.#timer = setInterval(() => this.#assign(), 500);
    this.#rebuilds = setInterval(() => this.#rebuild(), REBUILD_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    clearInterval(this.#rebuilds);
    for (const client of this.clients.values()) client.sfu.close();
    this.clients.clear();
    for (const { agent } of this.served.values()) void agent.end('test over');
  }

  #rebuild(): void {
    for (const { id, pairs } of this.clients.values())
      for (const peerId of pairs)
        if (!this.clients.get(peerId)?.pairs.has(id)) this.#fromClient(id, peerId, 'pair', {});
  }

  /** The node of the highest epoch. */
  get media(): { peerId: string; epoch: number } | undefined {
    const [best] = [...this.served].sort(([, a], [, b]) => b.epoch - a.epoch);
    return best && { peerId: best[0], epoch: best[1].epoch };
  }

  /** In order, some late. */
  #deliver(channel: string, run: () => void): void {
    const late = this.#random() < 0.03 ? 3000 : 0;
    const at = Math.max(this.#channels.get(channel) ?? 0, Date.now() + 5 + this.#random() * 120 + late);
    this.#channels.set(channel, at);
    setTimeout(run, at - Date.now());
  }

  #tellMedia(): void {
    const { media } = this;
    for (const id of this.clients.keys()) this.#deliver(`server ${id}`, () => this.#setMedia(id, media));
    for (const { session } of this.served.values()) session.emit('media', { media });
  }
  #setMedia(id: string, media: { peerId: string; epoch: number } | undefined): void {
    const client = this.clients.get(id);
    client?.sfu.set(media);
    const epoch = client?.sfu.epoch;
    if (client && epoch !== undefined && epoch !== client.epochs.at(-1)) client.epochs.push(epoch);
  }

  fromAgent(
    agent: string,
    to: string,
    type: string,
    body: { sdp?: { sdp: string; tracks?: { mid: string }[] } },
  ): void {
    const engine = this.engines.indexOf(this.served.get(agent)?.engine as FakeEngine);
    const sdp = body.sdp && {
      ...body.sdp,
      sdp: `${body.sdp.sdp}a=x-engine:${engine}\r\na=x-mids:${body.sdp.tracks?.map((t) => t.mid).join(',') ?? ''}\r\n`,
    };
    this.#deliver(`${agent} ${to}`, () =>
      this.clients
        .get(to)
        ?.sfu.signal({ type, peerId: agent, ...body, ...(sdp ? { sdp } : {}) } as SessionEvents['signal']),
    );
  }

  #fromClient(from: string, to: string, type: string, body: object): void {
    this.#deliver(`${from} ${to}`, () => {
      const session = this.served.get(to)?.session;
      const signal = { type, peerId: from, ...body } as SessionEvents['signal'];
      if (session && !session.closed) session.emit('signal', signal);
      else if (type === ('pair' as string)) this.clients.get(to)?.pairs.add(from);
      else this.clients.get(to)?.sfu.signal(signal);
    });
  }

  join(): void {
    const id = `p${++this.#count}`;
    const world = this;
    const pairs = new Set<string>();
    const sfu = new Sfu({
      clock: systemClock,
      RTCPeerConnection: class extends Connection {
        constructor() {
          super(world, id);
        }
      } as never,
      configuration: () => ({}),
      reachable: () => true,
      track: () => null,
      sendTo: (to, type, body) => this.#fromClient(id, to, type, body),
      peerIds: () => [...this.clients.keys()].filter((other) => other !== id),
      sends: () => ['audio', 'video'],
      onTrack: () => {},
      onServed: (peerId) => pairs.delete(peerId),
      onUnserved: (peerId) => {
        if (pairs.has(peerId)) return;
        pairs.add(peerId);
        this.#fromClient(id, peerId, 'pair', {});
      },
      expects: () => {},
      onTiming: () => {},
    });
    const others = [...this.clients.values()];
    this.clients.set(id, { id, sfu, pairs, epochs: [] });
    this.#setMedia(id, this.media);
    for (const other of others) {
      if (!sfu.expects(other.id)) pairs.add(other.id);
      if (!other.sfu.expects(id)) other.pairs.add(id);
    }
    for (const { session } of this.served.values()) {
      session.peers.set(id, { peerId: id });
      session.emit('peer-joined', { peer: { peerId: id }, before: false });
    }
    this.faults.push(`${Date.now()} ${id} joins`);
  }

  leave(): void {
    const id = this.#pick([...this.clients.keys()]);
    const client = id === undefined ? undefined : this.clients.get(id);
    if (!client || id === undefined) return;
    client.sfu.close();
    this.clients.delete(id);
    for (const other of this.clients.values()) {
      other.sfu.peerLeft(id);
      other.pairs.delete(id);
    }
    for (const { session } of this.served.values()) {
      session.peers.delete(id);
      session.emit('peer-left', { peer: { peerId: id }, reason: 'left' });
    }
    this.faults.push(`${Date.now()} ${id} leaves`);
  }

  #pick<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.#random() * list.length)];
  }

  #assign(): void {
    if (this.clients.size < FROM || Date.now() - this.#calledAt < ANSWER_MS) return;
    if ([...this.served.values()].some(({ agent }) => agent.state === 'serving')) return;
    this.#call(this.#pick(this.nodes.filter((node) => node.alive && node.serving)));
  }

  #call(node: Node | undefined): void {
    if (!node) return;
    const epoch = ++this.#epoch;
    this.#calledAt = Date.now();
    setTimeout(
      () => {
        // It died while it was called, or another one was called meanwhile.
        if (node.alive && epoch === this.#epoch) this.#serve(node, epoch);
      },
      50 + this.#random() * 600,
    );
  }

  #engine(): FakeEngine {
    const engine = new FakeEngine();
    this.engines.push(engine);
    return engine;
  }

  #serve(node: Node, epoch: number): void {
    const id = `media~${node.name}-${epoch}`;
    const session = new Session(this, id);
    for (const peerId of this.clients.keys()) session.peers.set(peerId, { peerId });
    const engine = this.#engine();
    const agent = new RoomAgent({
      roomId: 'room',
      epoch,
      session,
      engine,
      publishers: 50,
      idleMs: 20_000,
      say: () => {},
    });
    this.served.set(id, { node, epoch, session, agent, engine });
    void agent.ended.then(() => this.#gone(id));
    this.#tellMedia();
  }

  #gone(id: string): void {
    if (this.served.delete(id)) this.#tellMedia();
  }

  /** Connections with that engine notice after a while. */
  #die(engine: FakeEngine): void {
    this.dead.add(engine);
    engine.kill();
    for (const connection of this.connections)
      if (connection.engine === engine) setTimeout(() => connection.become('failed'), SILENT_MS);
  }

  killEngine(): void {
    const served = this.#pick([...this.served.values()].filter(({ engine }) => !this.dead.has(engine)));
    if (!served) return;
    this.faults.push(`${Date.now()} engine of ${served.session.id} dies`);
    this.#die(served.engine);
    setTimeout(() => {
      if (served.agent.state === 'ended') return;
      served.engine = this.#engine();
      served.agent.adopt(served.engine);
    }, this.#random() * 300);
  }

  /** The node with all it serves; signaling sees it at once or after some seconds. */
  killNode(): void {
    const node = this.#pick(this.nodes.filter((one) => one.alive));
    if (!node) return;
    this.faults.push(`${Date.now()} ${node.name} dies`);
    node.alive = false;
    for (const [id, served] of this.served) {
      if (served.node !== node) continue;
      served.session.closed = true;
      this.#die(served.engine);
      setTimeout(() => void served.agent.end('node lost'), this.#random() < 0.5 ? 0 : 6000 * this.#random());
      void id;
    }
    setTimeout(() => (node.alive = true), 5000 + this.#random() * 20_000);
  }

  drain(): void {
    const served = this.#pick(
      [...this.served.values()].filter(({ agent, node }) => agent.state === 'serving' && node.alive),
    );
    if (!served) return;
    const next = this.#pick(this.nodes.filter((one) => one !== served.node && one.alive));
    this.faults.push(`${Date.now()} ${served.session.id} drains to ${next?.name}`);
    if (next) this.#call(next);
    served.agent.release(next ? 'node' : 'mesh');
  }

  /** What must hold once nothing goes wrong any more. */
  violations(): string[] {
    const found: string[] = [];
    const { media } = this;
    for (const { id, epochs } of this.clients.values())
      if (epochs.some((epoch, i) => i > 0 && epoch < (epochs[i - 1] ?? 0))) found.push(`${id}: epochs ${epochs}`);
    for (const a of this.clients.values())
      for (const b of this.clients.values()) {
        if (a === b) continue;
        const [mine, theirs] = [a.pairs.has(b.id), b.pairs.has(a.id)];
        if (mine !== theirs) found.push(`${a.id} and ${b.id} differ whether they have a pair`);
        if (!mine && !(a.sfu.serves(b.id) && b.sfu.serves(a.id))) found.push(`${a.id} and ${b.id} have no way`);
      }
    for (const { id, sfu } of this.clients.values())
      if (sfu.epoch !== undefined && sfu.epoch !== media?.epoch)
        found.push(`${id} uses epoch ${sfu.epoch}, the room has ${media?.epoch}`);
    for (const { session, agent, engine } of this.served.values())
      if (engine.legs > 2 * this.clients.size || agent.people !== this.clients.size)
        found.push(`${session.id}: ${engine.legs} legs of ${this.clients.size} people`);
    const used = new Set([...this.served.values()].map(({ engine }) => engine));
    this.engines.forEach((engine, i) => {
      if (!used.has(engine) && engine.legs > 0) found.push(`engine ${i}: ${engine.legs} legs of no room`);
    });
    for (const { id, sfu } of this.clients.values()) {
      const open = [...this.connections].filter((connection) => connection.client === id).length;
      const most = sfu.epoch === undefined ? 0 : 2;
      if (open > most) found.push(`${id}: ${open} connections open, epoch ${sfu.epoch}`);
    }
    return found;
  }
}
