/** Clients and nodes of the core on one hub, in virtual time: for what happens in the middle of operations of several steps. */
import type { Grants } from '@tandem/protocol';
import { PartClock, VirtualClock } from '../../../../test/simulation/clock.ts';
import { Random } from '../../../../test/simulation/random.ts';
import { MemoryHub } from '../backplane/memory.ts';
import { UnavailableError } from '../backplane/types.ts';
import type { Connection } from './connection/connection.ts';
import { EntryKind, encodeBatch } from './messaging/batch.ts';
import type { NodeControl } from './messaging/control-messages.ts';
import { SignalingNode } from './node.ts';
import type { CoreSettings } from './settings.ts';

export interface Heard {
  readonly type: string;
  readonly peerId?: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any message
  readonly [field: string]: any;
}

export class Cluster {
  readonly clock = new VirtualClock();
  readonly random = new Random(1);
  readonly problems: string[] = [];
  /** What an operation of a node meets before it is carried out, and its answer afterwards. */
  before: (node: string, operation: string, carryOut: () => void) => Promise<void> | void = () => {};
  after: (node: string, operation: string) => Promise<void> | void = () => {};
  /** Drops all that passes between nodes, without an error. */
  mute = false;
  #controls = 0;
  readonly hub = new MemoryHub(new PartClock(this.clock, this.random.fork()), {
    beforeOperation: (node, operation, carryOut) => this.before(node, operation, carryOut),
    afterOperation: (node, operation) => this.after(node, operation),
    carry: (_from, _to, deliver) => {
      if (!this.mute) this.clock.at(0, deliver);
    },
  });

  async node(name: string, settings: Partial<CoreSettings> = {}): Promise<SignalingNode> {
    const node = new SignalingNode({
      name,
      clock: new PartClock(this.clock, this.random.fork()),
      backplane: this.hub.connect(),
      settings,
      events: { log: (level, event) => void (level === 'error' && this.problems.push(`${name} ${event}`)) },
    });
    await node.start();
    return node;
  }

  /** Time goes on, and everything that is due happens. */
  async run(ms = 50): Promise<void> {
    const until = this.clock.now() + ms;
    this.clock.at(ms, () => {});
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.clock.step(until));
  }

  /** What another node, which sends nothing else, says to `node`. */
  async control(node: string, message: NodeControl): Promise<void> {
    const entry = { kind: EntryKind.control, target: '', frame: JSON.stringify(message) };
    this.hub.inboxes.get(node)?.(encodeBatch('another', 1, ++this.#controls, [entry]));
    await this.run(1);
  }

  /** A gate: until it opens, nothing passes it. */
  gate() {
    const { promise, resolve } = Promise.withResolvers<void>();
    return { promise, open: resolve };
  }

  away(): void {
    this.before = () => {
      throw new UnavailableError('away');
    };
  }
  back(): void {
    this.before = () => {};
  }
}

export class Client {
  readonly heard: Heard[] = [];
  readonly connection: Connection;
  closed: number | undefined;
  constructor(
    node: SignalingNode,
    userId: string,
    grants: Grants = {},
    loginSession = `login of ${userId}`,
    expiresAt = Infinity,
  ) {
    this.connection = node.accept(
      {
        send: (frame) => void this.heard.push(JSON.parse(String(frame)) as Heard),
        close: (code) => {
          this.closed = code;
        },
        ping: () => this.connection.alive(),
      },
      { userId, loginSession, jti: userId, expiresAt, grants },
    );
  }
  send(message: object): void {
    this.connection.onFrame(Buffer.from(JSON.stringify(message)));
  }
  of(type: string): Heard[] {
    return this.heard.filter((m) => m.type === type);
  }
  get peerId(): string {
    return this.of('welcome')[0]?.peerId as string;
  }
  get token(): string {
    return this.of('welcome')[0]?.sessionToken as string;
  }
  get types(): string[] {
    return this.heard.map((m) => m.type);
  }
}

/** Ada on n1 and Bob on n2, in room `r`. */
export async function pair() {
  const cluster = new Cluster();
  const [n1, n2] = [await cluster.node('n1'), await cluster.node('n2')];
  const [a, b] = [new Client(n1, 'ada'), new Client(n2, 'bob')];
  for (const c of [a, b]) {
    c.send({ type: 'join', roomId: 'r' });
    await cluster.run();
  }
  if (a.of('peer_joined').length !== 1) throw new Error('Bob did not come in');
  return { cluster, n1, n2, a, b };
}

export const members = (cluster: Cluster, room = 'r') =>
  [...(cluster.hub.rooms.get(room)?.members.keys() ?? [])].sort();
