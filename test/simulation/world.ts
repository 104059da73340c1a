/** Nodes of the real server core and clients of the real SDK, joined by a virtual network that loses its mind on demand. */
import type { PeerMetadata } from '@tandem/protocol';
import { MemoryHub } from '../../apps/signaling/src/backplane/memory.ts';
import { SignalingNode } from '../../apps/signaling/src/core/node.ts';
import type { CoreSettings } from '../../apps/signaling/src/core/settings.ts';
import { Client } from './client.ts';
import { PartClock, VirtualClock } from './clock.ts';
import { Ledger } from './ledger.ts';
import { Random } from './random.ts';
import { RawClient } from './raw-client.ts';
import { StoreFaults } from './store-faults.ts';
import type { Wire } from './wire.ts';

/** What a client sees of a peer. */
export interface Seen {
  readonly metadata?: (PeerMetadata & { readonly said?: string }) | undefined;
  readonly away?: boolean | undefined;
}

/** A client, with the SDK or without. */
export interface Party {
  readonly world: World;
  readonly name: string;
  /** Who is signed in there. */
  readonly person: string;
  readonly clock: PartClock;
  dead: boolean;
  offline: boolean;
  /** The last that it opened. */
  wire: Wire | undefined;
  readonly peerId: string | undefined;
  readonly roomId: string | undefined;
  readonly state: string;
  /** Should be in the room now. */
  readonly inRoom: boolean;
  /** What it said of itself last. */
  readonly said: string;
  /** Others must see what it said. */
  readonly saidIsKept: boolean;
  readonly view: ReadonlyMap<string, Seen>;
  update(said: string): void;
  close(): void;
}

/** Shorter than in life, so that a scenario sees many of each. Same proportions. */
export const SETTINGS: Partial<CoreSettings> = {
  heartbeatInterval: 6000,
  heartbeatTimeout: 12_000,
  // Longer than a socket may be dead unnoticed, a store away and a backoff together: that is what `gentle` promises.
  grace: 35_000,
  beatInterval: 1500,
  nodeTimeout: 5000,
  sweepInterval: 5000,
  retryAfter: 500,
};

export class Node {
  readonly name: string;
  readonly clock: PartClock;
  readonly core: SignalingNode;
  dead = false;
  draining = false;
  constructor(world: World, name: string) {
    this.name = name;
    this.clock = new PartClock(world.clock, world.random.fork());
    this.core = new SignalingNode({
      name,
      clock: this.clock,
      backplane: world.hub.connect(),
      settings: SETTINGS,
      events: {
        log: (level, event, fields) => {
          if (level === 'error') world.problem(`${name}: ${event} ${String(fields.err ?? '')}`);
        },
      },
    });
    void this.core.start();
  }
  get accepts(): boolean {
    return !this.dead && !this.draining;
  }
}

export interface WorldOptions {
  /** Repeat what was not acknowledged. Default true; the negative control switches it off. */
  readonly resend?: boolean;
  /** Batches from one node to another keep their order, as on one connection to Redis. Default false: each takes its own time. */
  readonly inOrder?: boolean;
}

/** Share of the commands to the store whose answer is lost with its connection, and that its client sends again. */
const SENT_AGAIN = 0.03;

export class World {
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly hub: MemoryHub;
  readonly store: StoreFaults;
  readonly ledger = new Ledger();
  readonly nodes: Node[] = [];
  readonly clients: Client[] = [];
  readonly rawClients: RawClient[] = [];
  readonly wires = new Set<Wire>();
  readonly problems: string[] = [];
  /** Nobody may lose a session, and nobody be said to have left. */
  gentle = false;
  readonly #resend: boolean;
  /** Per pair of nodes, with `inOrder`: when its last batch arrives. */
  readonly #arrivals: Map<string, number> | undefined;
  /** One way between client and node, ms at most. */
  latency = 40;
  /** Chances between nodes. */
  batchLoss = 0;
  batchRepeat = 0;
  batchDelay = 5;
  #named = 0;

  readonly seed: number;
  constructor(seed: number, { resend = true, inOrder = false }: WorldOptions = {}) {
    this.seed = seed;
    this.random = new Random(seed);
    this.#resend = resend;
    this.#arrivals = inOrder ? new Map() : undefined;
    const { random, clock } = this;
    this.store = new StoreFaults(clock, random.fork());
    // Of its own, so that a seed stays the scenario that it was.
    const again = new Random(seed ^ 0x5eed);
    // A dead process hears no answer.
    const never = new Promise<void>(() => {});
    this.hub = new MemoryHub(new PartClock(clock, random.fork()), {
      beforeOperation: (node, operation, carryOut) =>
        this.#node(node)?.dead ? never : this.store.before(operation, carryOut),
      afterOperation: (node) => (this.#node(node)?.dead ? never : this.store.after()),
      isSentAgain: () => again.chance(SENT_AGAIN),
      carry: (from, to, deliver) => {
        if (this.#node(from)?.dead || this.store.away) return;
        if (random.chance(this.batchLoss)) return;
        const once = () =>
          clock.at(this.#delay(from, to), () => {
            if (!this.#node(to)?.dead) deliver();
          });
        once();
        if (random.chance(this.batchRepeat)) once();
      },
    });
  }

  /** How long a batch takes, ms. */
  #delay(from: string, to: string): number {
    const delay = this.random.int(0, this.batchDelay);
    if (!this.#arrivals) return delay;
    const now = this.clock.now();
    const at = Math.max(now + delay, this.#arrivals.get(`${from} ${to}`) ?? 0);
    this.#arrivals.set(`${from} ${to}`, at);
    return at - now;
  }

  nextId(): number {
    return ++this.#named;
  }
  addNode(): Node {
    const node = new Node(this, `n${this.nextId()}`);
    this.nodes.push(node);
    return node;
  }
  /** @param person somebody who was here already, in a reloaded page. Default: somebody new */
  addClient(person?: string): Client {
    const client = new Client(this, `c${this.nextId()}`, this.#resend, person);
    this.clients.push(client);
    client.join();
    return client;
  }
  addRawClient(): RawClient {
    const client = new RawClient(this, `r${this.nextId()}`);
    this.rawClients.push(client);
    return client;
  }
  get livingNodes(): Node[] {
    return this.nodes.filter((n) => n.accepts);
  }
  get livingClients(): Client[] {
    return this.clients.filter((c) => !c.dead);
  }
  get livingParties(): Party[] {
    return [...this.livingClients, ...this.rawClients];
  }
  problem(text: string): void {
    if (this.problems.length < 20) this.problems.push(`${Math.round(this.clock.now())} ms: ${text}`);
  }
  sessionLost(name: string): void {
    if (this.gentle) this.problem(`${name} lost its session`);
  }
  peerLeft(name: string, peerId: string): void {
    if (this.gentle) this.problem(`${name} was told that ${peerId} left`);
  }

  /** kill -9. */
  killNode(node: Node): void {
    node.dead = true;
    node.clock.dead = true;
    this.hub.inboxes.delete(node.name);
    for (const wire of this.wires) if (wire.node === node) wire.reset(false, this.random.chance(0.9));
  }
  /** SIGTERM. */
  drainNode(node: Node): void {
    node.draining = true;
    void node.core.drain(this.random.int(200, 3000)).then(() => {
      node.dead = true;
      node.clock.dead = true;
    });
  }

  /** A numbered message to a peer that it sees, if it sees any. */
  send(client: Client, to: string | undefined): void {
    const { session } = client;
    if (client.dead || to === undefined || session.peerId === undefined || !session.peers.has(to)) return;
    // Clients without the SDK acknowledge nothing.
    if (this.rawClients.some((raw) => raw.peerIds.has(to))) return;
    const { data, note } = this.ledger.send(client, to, this.clock.now());
    void session.sendTo(to, 'message', { data }).then(note);
  }

  /** Everything works again. */
  heal(): void {
    this.store.heal();
    this.batchLoss = 0;
    this.batchRepeat = 0;
    for (const party of this.livingParties) party.offline = false;
    if (!this.livingNodes.length) this.addNode();
  }

  #node(name: string): Node | undefined {
    return this.nodes.find((n) => n.name === name);
  }
}
