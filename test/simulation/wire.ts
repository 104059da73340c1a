/** The network between a client and a node: one TCP connection, and the browser's WebSocket on it. */
import type { Connection } from '../../apps/signaling/src/core/connection/connection.ts';
import type { Node, Party, World } from './world.ts';

/** One TCP connection: in order in each direction, until it is cut. */
export class Wire {
  /** Different for each. */
  readonly id: number;
  readonly world: World;
  readonly node: Node;
  readonly client: Party;
  connection: Connection | undefined;
  socket: SimSocket | undefined;
  /** Nothing passes and nobody is told. */
  blackhole = false;
  /** Nothing passes until then. */
  stalledUntil = 0;
  #upAt = 0;
  #downAt = 0;
  constructor(world: World, node: Node, client: Party) {
    this.id = world.nextId();
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
export class SimSocket {
  readyState = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  readonly #wire: Wire | undefined;
  readonly #client: Party;

  constructor(client: Party) {
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
