/**
 * One signaling node without its sockets: sessions, rooms and routing over an injected clock, transport and backplane. See README.md in
 * this folder for how to drive it.
 */
import type { Backplane } from '../backplane/types.ts';
import { type Clock, systemClock } from './clock.ts';
import { composeNode, type NodeParts } from './composition.ts';
import { Connection, type ConnectionHost } from './connection/connection.ts';
import { createMessageHandler } from './connection/message-handlers.ts';
import { SendBudget, type SendLimits, sendLimits } from './connection/send-budget.ts';
import { NodeContext } from './context.ts';
import type { Counters, NodeEvents } from './events.ts';
import { type Identity, quotaUserOf, tokenLife } from './identity.ts';
import type { Room, Session } from './model.ts';
import type { RoomAdmin } from './sessions/room-admin.ts';
import { sessionToken } from './sessions/session-keys.ts';
import type { SessionRegistry } from './sessions/session-registry.ts';
import { type CoreSettings, DEFAULT_SETTINGS } from './settings.ts';
import type { Dialect, Transport } from './transport.ts';

/** How often connections are checked for silence and expired tokens, ms, at most. */
const CHECK_INTERVAL = 5000;
/** Longest time until the next check: what runs out before it has a timer of its own. */
const NEXT_CHECK = 1.2 * CHECK_INTERVAL;

export interface NodeOptions {
  /** Unique among the nodes that share the backplane. */
  readonly name: string;
  readonly backplane: Backplane;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Overrides of {@link DEFAULT_SETTINGS}. */
  readonly settings?: Partial<CoreSettings>;
  readonly events?: NodeEvents;
}

export class SignalingNode implements AsyncDisposable {
  readonly connections = new Set<Connection>();
  draining = false;
  readonly #context: NodeContext;
  readonly #parts: NodeParts;
  readonly #host: ConnectionHost;
  #ended = false;
  readonly #timers = new Set<unknown>();
  readonly #users = new Map<string, SendBudget>();
  readonly #ownLimits: SendLimits;
  readonly #userLimits: SendLimits;

  constructor({ name, backplane, clock = systemClock, settings, events = {} }: NodeOptions) {
    const context = new NodeContext({ name, clock, backplane, events, settings: { ...DEFAULT_SETTINGS, ...settings } });
    const parts = composeNode(context);
    this.#context = context;
    this.#parts = parts;
    this.#ownLimits = sendLimits(this.settings.messagesPerSecond, this.settings.bytesPerSecond);
    this.#userLimits = sendLimits(this.settings.userMessagesPerSecond, this.settings.userFanOutBytesPerSecond);
    this.#host = {
      ...{ clock, events, settings: context.settings, counters: context.counters },
      router: parts.router,
      connections: this.connections,
      createSession: (identity, socket) => parts.registry.create(identity, socket),
      handle: createMessageHandler(parts),
      onGone: ({ session, left }) => {
        context.track(parts.entries.withdraw(session));
        context.track(left ? parts.terminator.end(session, 'left') : parts.terminator.detach(session));
      },
    };
  }

  get name(): string {
    return this.#context.name;
  }
  get clock(): Clock {
    return this.#context.clock;
  }
  get backplane(): Backplane {
    return this.#context.backplane;
  }
  get settings(): CoreSettings {
    return this.#context.settings;
  }
  get events(): NodeEvents {
    return this.#context.events;
  }
  get counters(): Counters {
    return this.#context.counters;
  }
  /** The backplane answers. */
  get up(): boolean {
    return this.#context.up;
  }
  /** Sessions of this node, attached and detached. */
  get sessions(): Pick<SessionRegistry, 'size' | 'get' | 'all'> {
    return this.#parts.registry;
  }
  /** Replicas of the rooms that a session of this node is in. */
  get rooms(): ReadonlyMap<string, Room> {
    return this.#parts.replicas.rooms;
  }

  /** What a backend does to rooms, also of other nodes. */
  get admin(): RoomAdmin {
    return this.#parts.admin;
  }

  /** Opens the inbox and starts the timers. With an absent backplane it starts all the same and recovers by itself. */
  async start(): Promise<void> {
    const { monitor } = this.#parts;
    const { beatInterval, sweepInterval, heartbeatInterval } = this.settings;
    await monitor.start();
    this.#every(beatInterval, () => monitor.beat());
    this.#every(sweepInterval, () => this.#sweep());
    this.#every(Math.min(CHECK_INTERVAL, heartbeatInterval), async () => this.#checkConnections());
  }

  /** A client came in. Sends `welcome`; feed frames to `connection.onFrame`, the end of the socket to `connection.onClosed`. */
  accept(transport: Transport, identity: Identity, dialect: Dialect = 'signal.v1'): Connection {
    const { settings } = this;
    const now = this.clock.now();
    const userName = quotaUserOf(identity);
    let user = this.#users.get(userName);
    if (!user) {
      user = new SendBudget(this.#userLimits, now);
      this.#users.set(userName, user);
    }
    const own = new SendBudget(this.#ownLimits, now);
    const connection = new Connection(this.#host, transport, { identity, dialect, own, user });
    this.connections.add(connection);
    connection.sendMessage({
      type: 'welcome',
      peerId: connection.session.peerId,
      sessionToken: sessionToken(connection.session),
      heartbeat: { interval: settings.heartbeatInterval, timeout: settings.heartbeatTimeout },
      limits: {
        maxFrameBytes: connection.maxFrameBytes,
        maxRoomSize: Math.min(identity.grants.maxRoomSize ?? Infinity, settings.maxRoomSize),
        messagesPerSecond: settings.messagesPerSecond,
        graceSeconds: Math.round(settings.grace / 1000),
      },
      node: this.name,
      ...tokenLife(identity),
    });
    this.#watchToken(connection);
    return connection;
  }

  /** Revocation: ends every session of this node that `matches`, with `kicked` and close code 4001. */
  async revoke(matches: (identity: Identity) => boolean, reason: string): Promise<number> {
    const { registry, terminator } = this.#parts;
    const ended = new Set<Session>();
    let count = 0;
    for (const connection of [...this.connections]) {
      if (!matches(connection.identity)) continue;
      count++;
      connection.sendMessage({ type: 'kicked', reason });
      // A resume that is under way gives it another session, which must not wait for its client.
      connection.left = true;
      connection.abandon('tokenRefused');
      ended.add(connection.session);
    }
    for (const session of registry.all()) if (matches(session.identity)) ended.add(session);
    // All sockets are closed by now: a store that answers late keeps none of them.
    await Promise.all([...ended].map((session) => terminator.end(session, 'revoked')));
    return count;
  }

  /**
   * Leaves in good order: tells every client to move within `reconnectWithin` ms, waits until they have (a little longer), then closes
   * the rest with 1001 and hands their sessions over detached. Resolves when everything is written.
   */
  async drain(reconnectWithin: number): Promise<void> {
    if (this.draining) return;
    this.draining = true;
    for (const connection of this.connections) connection.sendMessage({ type: 'draining', reconnectWithin });
    const deadline = this.clock.now() + reconnectWithin + 1000;
    while (this.connections.size > 0 && this.clock.now() < deadline) await this.#sleep(50);
    for (const connection of [...this.connections]) connection.close('goingAway');
    this.#parts.outbox.flush();
    await this.#context.settled();
    // Sessions that stay detached here are ended by other nodes: their grace is written.
    await this.#parts.monitor.retire();
  }

  /** Background work that a drain waits for. */
  track(work: Promise<unknown>): void {
    this.#context.track(work);
  }

  /** Ends at once: sockets closed with 1001, sessions as they are. Use {@link drain} before for a good end. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    this.#stopTimers();
    for (const connection of [...this.connections]) connection.close('goingAway');
    await this.#context.settled();
    this.#parts.replicas.stop();
    this.#parts.registry.stop();
    await this.backplane[Symbol.asyncDispose]();
  }

  /** As a crash would: no goodbye to any client. For tests and the simulation. */
  kill(): void {
    this.#stopTimers();
    this.#parts.replicas.stop();
    this.#parts.registry.stop();
    for (const connection of this.connections) connection.kill();
    void this.backplane[Symbol.asyncDispose]();
  }

  #stopTimers(): void {
    this.#ended = true;
    for (const timer of this.#timers) this.clock.clearTimeout(timer);
  }

  #every(ms: number, work: () => Promise<void>): void {
    let timer: unknown;
    const again = () => {
      this.#timers.delete(timer);
      if (this.#ended) return;
      timer = this.clock.setTimeout(
        () => {
          void work()
            .catch((error: unknown) => this.events.log?.('error', 'timer.failed', { err: error }))
            .then(again);
        },
        ms * (0.9 + this.clock.random() * 0.2),
      );
      this.#timers.add(timer);
    };
    again();
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.setTimeout(resolve, ms));
  }

  async #sweep(): Promise<void> {
    if (!this.up) return;
    await this.#parts.sweep();
    const now = this.clock.now();
    // One that a connection holds stays the user's: another connection would get a second one.
    const held = new Set([...this.connections].map(({ user }) => user));
    for (const [userName, budget] of this.#users)
      if (budget.full(now) && !held.has(budget)) this.#users.delete(userName);
  }

  /** Closes it when its token runs out, if that is before the next check. Media nodes pass its media on until then. */
  #watchToken(connection: Connection): void {
    const left = connection.identity.expiresAt - Date.now();
    if (left <= 0) connection.close('tokenExpired');
    if (left <= 0 || left > NEXT_CHECK) return;
    const timer = this.clock.setTimeout(() => {
      this.#timers.delete(timer);
      if (connection.identity.expiresAt <= Date.now()) connection.close('tokenExpired');
    }, left + 1);
    this.#timers.add(timer);
  }

  #checkConnections(): void {
    const { heartbeatInterval, heartbeatTimeout } = this.settings;
    const now = this.clock.now();
    for (const connection of this.connections) {
      const silent = now - connection.lastSeen;
      this.#watchToken(connection);
      if (connection.closed) continue;
      if (silent > heartbeatTimeout) connection.close('heartbeat');
      else if (silent >= heartbeatInterval - 5000) connection.ping();
    }
  }
}
