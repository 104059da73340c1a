/** Nodes of the real server core and clients of the real SDK, joined by a virtual network that loses its mind on demand. */
import { SignalingSession, type WebSocketConstructor } from '@tandem/rtc';
import { MemoryHub } from '../../apps/signaling/src/backplane/memory.ts';
import { Unavailable } from '../../apps/signaling/src/backplane/types.ts';
import type { Connection } from '../../apps/signaling/src/core/connection.ts';
import { SignalingNode } from '../../apps/signaling/src/core/node.ts';
import type { CoreSettings } from '../../apps/signaling/src/core/settings.ts';
import { PartClock, VirtualClock } from './clock.ts';
import { Ledger } from './ledger.ts';
import { Random } from './random.ts';

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

/** One TCP connection: in order in each direction, until it is cut. */
class Wire {
  readonly world: World;
  readonly node: Node;
  readonly client: Client;
  connection: Connection | undefined;
  socket: SimSocket | undefined;
  /** Nothing passes and nobody is told. */
  blackhole = false;
  /** Nothing passes until then. */
  stalledUntil = 0;
  #upAt = 0;
  #downAt = 0;
  constructor(world: World, node: Node, client: Client) {
    this.world = world;
    this.node = node;
    this.client = client;
  }

  up(run: () => void): void {
    this.#upAt = this.#pass(this.#upAt, run);
  }
  down(run: () => void): void {
    this.#downAt = this.#pass(this.#downAt, run);
  }
  #pass(last: number, run: () => void): number {
    const { clock, random } = this.world;
    const at = Math.max(last, clock.now() + random.int(1, this.world.latency), this.stalledUntil);
    clock.at(at - clock.now(), () => {
      if (!this.blackhole) run();
    });
    return at;
  }

  /** Reset: what is on the way is lost; each side hears of it at its own time, or by its heartbeat only. */
  reset(tellServer: boolean, tellClient: boolean): void {
    if (this.blackhole) return;
    this.blackhole = true;
    const { clock, random } = this.world;
    if (tellServer) clock.at(random.int(0, 500), () => this.#serverHears(1006));
    if (tellClient) clock.at(random.int(0, 500), () => this.socket?.ended(1006, ''));
  }
  #serverHears(code: number): void {
    if (!this.node.dead) this.connection?.onClosed(code);
    this.world.wires.delete(this);
  }
  serverClosed(code: number, reason: string): void {
    this.down(() => this.socket?.ended(code, reason));
  }
  clientClosed(code: number): void {
    this.up(() => this.#serverHears(code));
  }
}

/** The browser's WebSocket, as far as the SDK uses it. */
class SimSocket {
  readyState = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly #wire: Wire | undefined;
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
    const { world } = client;
    const node = world.random.pick(world.nodes.filter((n) => n.accepts));
    // A client that crashed while it asked for its token dials no more.
    if (!node || client.offline || client.dead) {
      world.clock.at(world.random.int(1, 2000), () => this.ended(1006, ''));
      return;
    }
    const wire = new Wire(world, node, client);
    this.#wire = wire;
    client.wire = wire;
    wire.socket = this;
    world.wires.add(wire);
    wire.up(() => {
      if (!node.accepts) {
        this.ended(1006, '');
        return;
      }
      wire.down(() => {
        if (this.readyState !== 0) return;
        this.readyState = 1;
        this.#call(this.onopen, {});
      });
      wire.connection = node.core.accept(
        {
          send: (frame) => wire.down(() => this.#receive(String(frame))),
          close: (code, reason) => wire.serverClosed(code, reason),
          ping: () => wire.down(() => wire.up(() => wire.connection?.alive())),
        },
        {
          userId: client.person,
          loginSession: `login-${client.person}`,
          jti: client.name,
          expiresAt: Infinity,
          grants: {},
        },
      );
    });
  }

  send(data: string): void {
    if (this.readyState !== 1) throw new Error('not open');
    const wire = this.#wire;
    wire?.up(() => {
      if (!wire.node.dead) wire.connection?.onFrame(Buffer.from(data));
    });
  }
  close(code = 1000): void {
    if (this.readyState >= 2) return;
    this.readyState = 2;
    this.#wire?.clientClosed(code);
  }
  ended(code: number, reason: string): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    if (!this.#client.dead) this.#call(this.onclose, { code, reason });
  }
  #receive(data: string): void {
    if (this.readyState === 1 && !this.#client.dead) this.#call(this.onmessage, { data });
  }
  #call(handler: ((event: never) => void) | null, event: object): void {
    handler?.(event as never);
  }
}

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

export class Client {
  readonly world: World;
  readonly name: string;
  /** Who is signed in there. */
  readonly person: string;
  readonly clock: PartClock;
  readonly session: SignalingSession;
  dead = false;
  offline = false;
  /** The last that it opened. */
  wire: Wire | undefined;
  /** Should be in the room now. */
  inRoom = true;
  constructor(world: World, name: string, resend: boolean, person = name) {
    this.world = world;
    this.name = name;
    this.person = person;
    const random = world.random.fork();
    this.clock = new PartClock(world.clock, random);
    const client = this;
    this.session = new SignalingSession({
      url: 'wss://sim/ws/signal',
      getToken: async () => 'token',
      WebSocket: class {
        constructor() {
          // biome-ignore lint/correctness/noConstructorReturn: the SDK calls `new` on what stands for WebSocket
          return new SimSocket(client);
        }
      } as unknown as WebSocketConstructor,
      clock: this.clock,
      random: random.next,
      probe: false,
      delivery: { resend },
    });
    if (process.env.TRACE)
      for (const event of [
        'state',
        'joined',
        'session-lost',
        'peer-joined',
        'peer-left',
        'peer-away',
        'peer-back',
        'undelivered',
        'error',
      ] as const)
        this.session.on(event, (payload) =>
          console.log(
            Math.round(world.clock.now()),
            this.name,
            this.session.peerId?.slice(0, 4),
            event,
            JSON.stringify(payload),
          ),
        );
    this.session.on('message', ({ peerId, data }) => world.ledger.received(peerId, this, data));
    this.session.on('state', ({ state, reason, message }) => {
      if (state === 'closed' && reason !== 'normal') world.problem(`${name} was closed: ${reason} ${message}`);
    });
  }

  join(): void {
    this.inRoom = true;
    this.session.join('room', { name: this.name }).catch((error: { code: string }) => {
      if (error.code !== 'closed') this.world.problem(`${this.name}: join refused: ${error.code}`);
    });
  }
  leave(): void {
    this.inRoom = false;
    this.session.leave();
  }
  /** The process is gone: no goodbye, no timer runs any more. */
  crash(): void {
    this.dead = true;
    this.clock.dead = true;
    for (const wire of this.world.wires) if (wire.client === this) wire.reset(this.world.random.chance(0.7), false);
  }
}

export class World {
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly hub: MemoryHub;
  readonly ledger = new Ledger();
  readonly nodes: Node[] = [];
  readonly clients: Client[] = [];
  readonly wires = new Set<Wire>();
  readonly problems: string[] = [];
  readonly #resend: boolean;
  /** One way between client and node, ms at most. */
  latency = 40;
  /** Store operations fail until then. */
  storeDownUntil = 0;
  /** Chances between nodes. */
  batchLoss = 0;
  batchRepeat = 0;
  batchDelay = 5;
  #named = 0;

  readonly seed: number;
  constructor(seed: number, resend = true) {
    this.seed = seed;
    this.random = new Random(seed);
    this.#resend = resend;
    const { random, clock } = this;
    this.hub = new MemoryHub(new PartClock(clock, random.fork()), {
      beforeOperation: (node) => this.#store(node),
      afterOperation: (node) => this.#store(node),
      carry: (from, to, deliver) => {
        if (this.#node(from)?.dead || clock.now() < this.storeDownUntil) return;
        if (random.chance(this.batchLoss)) return;
        const once = () =>
          clock.at(random.int(0, this.batchDelay), () => {
            if (!this.#node(to)?.dead) deliver();
          });
        once();
        if (random.chance(this.batchRepeat)) once();
      },
    });
  }

  addNode(): Node {
    const node = new Node(this, `n${++this.#named}`);
    this.nodes.push(node);
    return node;
  }
  /** @param person somebody who was here already, in a reloaded page. Default: somebody new */
  addClient(person?: string): Client {
    const client = new Client(this, `c${++this.#named}`, this.#resend, person);
    this.clients.push(client);
    client.join();
    return client;
  }
  get livingNodes(): Node[] {
    return this.nodes.filter((n) => n.accepts);
  }
  get livingClients(): Client[] {
    return this.clients.filter((c) => !c.dead);
  }
  problem(text: string): void {
    if (this.problems.length < 20) this.problems.push(`${Math.round(this.clock.now())} ms: ${text}`);
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

  /** Everything works again. */
  heal(): void {
    this.storeDownUntil = 0;
    this.batchLoss = 0;
    this.batchRepeat = 0;
    for (const client of this.clients) client.offline = false;
    if (!this.livingNodes.length) this.addNode();
  }

  #node(name: string): Node | undefined {
    return this.nodes.find((n) => n.name === name);
  }
  #store(name: string): Promise<void> | void {
    // A dead process hears no answer.
    if (this.#node(name)?.dead) return new Promise(() => {});
    if (this.clock.now() < this.storeDownUntil) throw new Unavailable('the store is away');
    if (this.batchDelay > 20 && this.random.chance(0.3))
      return new Promise((resolve) => void this.clock.at(this.random.int(0, this.batchDelay), resolve));
    return undefined;
  }
}
