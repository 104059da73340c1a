/**
 * One signaling node without its sockets: sessions, rooms and routing over an injected clock, transport and backplane. See README.md in
 * this folder for how to drive it.
 */
import { type Backplane, ignoreUnavailable, Unavailable } from '../backplane/types.ts';
import { textOf } from '../wire/spliced-frame.ts';
import { type Batch, decodeBatch, EntryKind } from './batch.ts';
import { SendBudget, type SendLimits, sendLimits } from './bucket.ts';
import { type Clock, systemClock } from './clock.ts';
import { Connection } from './connection.ts';
import { type Counters, type NodeEvents, newCounters } from './events.ts';
import { type Identity, quotaUserOf } from './identity.ts';
import { Membership, type RoomControl } from './membership.ts';
import { Outbox } from './outbox.ts';
import { Places } from './places.ts';
import { Router } from './router.ts';
import { sessionToken } from './session.ts';
import { type SessionControl, Sessions } from './sessions.ts';
import { type CoreSettings, DEFAULT_SETTINGS } from './settings.ts';
import type { Dialect, Transport } from './transport.ts';

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
  readonly name: string;
  readonly clock: Clock;
  readonly backplane: Backplane;
  readonly settings: CoreSettings;
  readonly events: NodeEvents;
  readonly counters: Counters = newCounters();
  readonly connections = new Set<Connection>();
  readonly sessions: Sessions;
  readonly places: Places;
  readonly membership: Membership;
  readonly router: Router;
  readonly outbox: Outbox;
  /** Nodes that said lately that they live. */
  liveNodes: ReadonlySet<string> = new Set();
  /** The backplane answers. */
  up = true;
  draining = false;
  /** Since when `up`, without a break. */
  #upSince = 0;
  /** When the last beat that was answered was sent. */
  #beatAt = Infinity;
  #ended = false;
  #retired = false;
  #recovering = false;
  #recoverAgain = false;
  readonly #timers = new Set<unknown>();
  readonly #users = new Map<string, SendBudget>();
  readonly #ownLimits: SendLimits;
  readonly #userLimits: SendLimits;
  readonly #heard = new Map<string, { incarnation: number; sequence: number }>();
  readonly #work = new Set<Promise<unknown>>();

  constructor(options: NodeOptions) {
    this.name = options.name;
    this.clock = options.clock ?? systemClock;
    this.backplane = options.backplane;
    this.settings = { ...DEFAULT_SETTINGS, ...options.settings };
    this.events = options.events ?? {};
    this.#ownLimits = sendLimits(this.settings.messagesPerSecond, this.settings.bytesPerSecond);
    this.#userLimits = sendLimits(this.settings.userMessagesPerSecond, this.settings.userFanOutBytesPerSecond);
    this.sessions = new Sessions(this);
    this.places = new Places(this);
    this.membership = new Membership(this);
    this.router = new Router(this);
    this.outbox = new Outbox({
      node: this.name,
      clock: this.clock,
      backplane: this.backplane,
      counters: this.counters,
      undelivered: (node, entries, reason) => this.router.undelivered(node, entries, reason),
    });
  }

  /** Opens the inbox and starts the timers. With an absent backplane it starts all the same and recovers by itself. */
  async start(): Promise<void> {
    this.#upSince = this.clock.now();
    try {
      await this.backplane.start(this.name, {
        onBatch: (batch) => this.#onBatch(batch),
        onDoubt: (why) => this.#onDoubt(why),
      });
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      this.up = false;
    }
    await this.#beat();
    this.#every(this.settings.beatInterval, () => this.#beat());
    this.#every(this.settings.sweepInterval, () => this.#sweep());
    this.#every(Math.min(5000, this.settings.heartbeatInterval), async () => this.#checkConnections());
  }

  /** A client came in. Sends `welcome`; feed frames to `connection.onFrame`, the end of the socket to `connection.onClosed`. */
  accept(transport: Transport, identity: Identity, dialect: Dialect = 'signal.v1'): Connection {
    const { settings } = this;
    const now = this.clock.now();
    const who = quotaUserOf(identity);
    let user = this.#users.get(who);
    if (!user) {
      user = new SendBudget(this.#userLimits, now);
      this.#users.set(who, user);
    }
    const own = new SendBudget(this.#ownLimits, now);
    const connection = new Connection(this, transport, { identity, dialect, own, user });
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
    });
    return connection;
  }

  /** Revocation: ends every session of this node that `matches`, with `kicked` and close code 4001. */
  async revoke(matches: (identity: Identity) => boolean, reason: string): Promise<number> {
    let count = 0;
    for (const connection of [...this.connections]) {
      if (!matches(connection.identity)) continue;
      count++;
      connection.sendMessage({ type: 'kicked', reason });
      const { session } = connection;
      connection.abandon('tokenRefused');
      await this.sessions.end(session, 'revoked');
    }
    for (const session of [...this.sessions.all()])
      if (matches(session.identity)) await this.sessions.end(session, 'revoked');
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
    this.outbox.flush();
    await this.settled();
    // Sessions that stay detached here are others' to reap: their grace is written.
    this.#retired = true;
    await this.backplane.retire().catch(() => {});
  }

  /** When everything under way was written or given up. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await Promise.allSettled([...this.#work]);
  }

  /** Background work that a drain waits for. */
  track(work: Promise<unknown>): void {
    const done = work
      .catch((error: unknown) => this.events.log?.('error', 'work.failed', { err: error }))
      .finally(() => this.#work.delete(done));
    this.#work.add(done);
  }

  /** Runs a change that needs the backplane. @throws Refusal `unavailable` */
  async carry(work: () => Promise<unknown>): Promise<void> {
    if (!this.up) throw this.router.unavailable();
    try {
      await work();
    } catch (error) {
      throw error instanceof Unavailable ? this.router.unavailable() : error;
    }
  }

  /** Ends at once: sockets closed with 1001, sessions as they are. Use {@link drain} before for a good end. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    for (const timer of this.#timers) this.clock.clearTimeout(timer);
    for (const connection of [...this.connections]) connection.close('goingAway');
    await this.settled();
    for (const room of this.membership.rooms.values()) this.clock.clearTimeout(room.reapTimer);
    for (const { state } of this.sessions.all()) if (state.kind === 'detached') this.clock.clearTimeout(state.grace);
    await this.backplane[Symbol.asyncDispose]();
  }

  /** As a crash would: no goodbye to anybody. For tests and the simulation. */
  kill(): void {
    this.#ended = true;
    for (const timer of this.#timers) this.clock.clearTimeout(timer);
    for (const room of this.membership.rooms.values()) this.clock.clearTimeout(room.reapTimer);
    for (const { state } of this.sessions.all()) if (state.kind === 'detached') this.clock.clearTimeout(state.grace);
    for (const connection of this.connections) connection.kill();
    void this.backplane[Symbol.asyncDispose]();
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

  /** Is that node alive, as far as the store knows now? @throws Unavailable */
  async isLive(node: string): Promise<boolean> {
    return node === this.name || (await this.backplane.beat(this.settings.nodeTimeout)).includes(node);
  }

  /** After an outage everybody looks dead for a moment: judge only after a full timeout of own good health. */
  mayJudge(): boolean {
    return this.up && this.clock.now() - this.#upSince >= this.settings.nodeTimeout;
  }

  async #beat(): Promise<void> {
    if (this.#retired) return;
    const now = this.clock.now();
    try {
      const live = new Set(await this.backplane.beat(this.settings.nodeTimeout));
      live.add(this.name);
      this.liveNodes = live;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      if (this.up) this.events.log?.('warn', 'backplane.away', { reason: error.message });
      this.up = false;
      return;
    }
    if (!this.up) {
      this.up = true;
      this.#upSince = now;
      this.events.log?.('info', 'backplane.back', {});
      // Not waited for: thousands of sessions to compare must not keep this node from saying that it lives.
      this.track(this.#recover());
    } else if (this.clock.now() - this.#beatAt > this.settings.nodeTimeout) {
      // The store was slow, and others took this node for dead: they have detached its sessions.
      this.#onDoubt('this node was silent');
    }
    this.#beatAt = now;
    if (this.mayJudge()) await this.membership.onDeadNodes(this.liveNodes);
  }

  async #recover(): Promise<void> {
    this.#recoverAgain = true;
    if (this.#recovering) return;
    this.#recovering = true;
    try {
      while (this.#recoverAgain) {
        this.#recoverAgain = false;
        await this.membership.settle();
        await this.sessions.syncAll();
      }
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
    } finally {
      this.#recovering = false;
    }
    this.membership.doubtAll();
  }

  #onDoubt(why: string): void {
    this.events.log?.('warn', 'backplane.doubt', { why });
    this.track(this.#recover());
  }

  async #sweep(): Promise<void> {
    if (!this.up) return;
    await this.membership.settle().catch(ignoreUnavailable);
    await this.sessions.settle().catch(ignoreUnavailable);
    // In slices, so that thousands of rooms are no burst.
    const rooms = [...this.membership.rooms.values()];
    for (let at = 0; at < rooms.length && this.up; at += 100) await this.membership.compare(rooms.slice(at, at + 100));
    const now = this.clock.now();
    for (const node of this.#heard.keys())
      if (!this.liveNodes.has(node)) {
        this.#heard.delete(node);
        this.outbox.forget(node);
      }
    for (const [userId, bucket] of this.#users) if (bucket.full(now)) this.#users.delete(userId);
  }

  #checkConnections(): void {
    const now = this.clock.now();
    const wall = Date.now();
    for (const connection of this.connections) {
      const silent = now - connection.lastSeen;
      if (connection.identity.expiresAt <= wall) connection.close('tokenExpired');
      else if (silent > this.settings.heartbeatTimeout) connection.close('heartbeat');
      else if (silent >= this.settings.heartbeatInterval - 5000) connection.ping();
    }
  }

  #onBatch(bytes: Uint8Array): void {
    let batch: Batch;
    try {
      batch = decodeBatch(bytes);
    } catch (error) {
      this.events.log?.('error', 'batch.unreadable', { err: error });
      return;
    }
    const heard = this.#heard.get(batch.from);
    this.#heard.set(batch.from, { incarnation: batch.incarnation, sequence: batch.sequence });
    for (const entry of batch.entries)
      try {
        if (entry.kind === EntryKind.relay) this.router.fromNode(entry.target, entry.frame);
        else if (entry.kind === EntryKind.room) this.router.roomFromNode(entry.target, entry.frame);
        else if (entry.kind === EntryKind.control)
          this.#onControl(JSON.parse(textOf(entry.frame)) as RoomControl | SessionControl);
      } catch (error) {
        // One entry that this version cannot handle must not take the others with it.
        this.events.log?.('error', 'batch.entry', { err: error });
      }
    // Of a node that was never heard the first one is missed as well; one that began anew may have lost anything.
    const next = heard === undefined ? 1 : heard.incarnation === batch.incarnation ? heard.sequence + 1 : 0;
    if (batch.sequence !== next) this.membership.doubtNode(batch.from);
  }

  #onControl(message: RoomControl | SessionControl): void {
    if (message.t === 'fence') this.sessions.fence(message.peerId, message.epoch);
    else if (message.t === 'end') this.sessions.onEnd(message);
    else if (message.t === 'keep') this.sessions.onKeep(message.peerId, message.epoch);
    else this.membership.onControl(message);
  }
}
