/**
 * The backplane of many nodes: Redis as single server, with Sentinel, or as Cluster.
 *
 * Keys of one room, one session, one user share a hash tag, and no operation touches two of them. Inboxes are sharded pub/sub in a
 * Cluster (a publish stays in its shard) and plain pub/sub elsewhere (the same cost there, and any version has it).
 */
import { randomBytes } from 'node:crypto';
import { connectRedis, type DependencyHealth, type RedisAuth, type RedisClient } from '@tandem/service';
import { Gather } from './gather.ts';
import { runScript, type ScriptName } from './scripts.ts';
import {
  type Backplane,
  type BackplaneHandlers,
  type Ban,
  type ClaimResult,
  type ClaimRule,
  FORCED,
  type IdentityKey,
  type JoinResult,
  type JoinRule,
  MAILBOX,
  type MemberRecord,
  type ParkResult,
  RECORD_TTL_MS,
  ROOM_TTL_MS,
  type RoomCheck,
  type RoomQuery,
  type RoomState,
  type SessionRecord,
  TAG_LENGTH,
  TOMBSTONE_TTL_MS,
  UnavailableError,
  userTag,
  type WriteMark,
} from './types.ts';

export interface RedisBackplaneOptions {
  /** See connectRedis. */
  readonly url: string;
  readonly auth?: RedisAuth;
  /** Prefix of every key. Default `tandem`. */
  readonly prefix?: string;
  /** A probe through one's own inbox that takes longer means a deaf subscription, ms. Default 3,000. */
  readonly probeTimeout?: number;
  /** Makes connections. Default: {@link connectRedis}. */
  readonly connect?: typeof connectRedis;
}

/** First byte of a probe in an inbox; batches start with their version, 1 or more. */
const PROBE = 0;

/** The last probe: good when it was heard, and counted as heard where it was published. */
interface Probe {
  readonly nonce: string;
  readonly sentAt: number;
  heard: boolean;
  counted: boolean;
}

export function createRedisBackplane(options: RedisBackplaneOptions): RedisBackplane {
  return new RedisBackplane(options);
}

export class RedisBackplane implements Backplane {
  readonly kind: string;
  /** Deaf subscriptions replaced so far. */
  resubscriptions = 0;
  readonly #options: RedisBackplaneOptions;
  readonly #prefix: string;
  readonly #sharded: boolean;
  readonly #connect: typeof connectRedis;
  readonly #client: RedisClient;
  readonly #gather: Gather;
  #subscriber: RedisClient | undefined;
  #node = '';
  #handlers: BackplaneHandlers | undefined;
  #health: DependencyHealth = { state: 'down', since: new Date().toISOString(), detail: 'not reached yet' };
  /** Of the last beat. */
  #latencyMs: number | undefined;
  #ended = false;
  #probe: Probe | undefined;
  /** The subscription was made anew: what was published meanwhile is lost, and a heard probe says that this is over. */
  #gap = false;
  #subscribing: Promise<void> | undefined;

  constructor(options: RedisBackplaneOptions) {
    this.#options = options;
    this.#prefix = options.prefix ?? 'tandem';
    this.#sharded = /^rediss?\+cluster:/.test(options.url);
    this.kind = this.#sharded ? 'redis-cluster' : options.url.includes('+sentinel:') ? 'redis-sentinel' : 'redis';
    this.#connect = options.connect ?? connectRedis;
    this.#client = this.#connect(options.url, options.auth);
    // Errors reach callers through their commands; without a listener they would end the process.
    this.#client.on('error', () => {});
    this.#gather = new Gather(this.#client);
  }

  health(): DependencyHealth {
    return { ...this.#health, ...(this.#latencyMs === undefined ? {} : { latencyMs: this.#latencyMs }) };
  }

  async start(node: string, handlers: BackplaneHandlers): Promise<void> {
    this.#node = node;
    this.#handlers = handlers;
    await this.#ensureSubscribed();
  }

  async beat(ttl: number): Promise<readonly string[]> {
    await this.#ensureSubscribed();
    const asked = performance.now();
    const beat = this.#run('node-beat', [this.#key('nodes')], [this.#node, ttl]);
    this.#gather.send();
    const live = (await beat) as string[];
    this.#latencyMs = Math.round((performance.now() - asked) * 10) / 10;
    await this.#probeInbox();
    return live;
  }

  async retire(): Promise<void> {
    await this.#guard(() => this.#client.zrem(this.#key('nodes'), this.#node));
  }

  async send(node: string, batch: Uint8Array): Promise<boolean> {
    return (await this.#publish(node, Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength))) > 0;
  }

  async joinRoom(room: string, member: MemberRecord, rule: JoinRule): Promise<JoinResult> {
    const { peerId, epoch, awayFor, node } = member;
    const { limit, loginSession, info = '', userId = '', seat = '', replaces = '', roomSize = '' } = rule;
    const args = [ROOM_TTL_MS, peerId, epoch, awayFor, node, ordered(member), limit, loginSession, info];
    args.push(userId, seat, replaces, roomSize);
    const answer = (await this.#run('room-join', this.#room(room), args)) as string;
    if (answer === 'banned') return { ok: false, reason: 'banned' };
    if (answer === 'full') return { ok: false, reason: 'full' };
    if (answer.startsWith('full ')) return { ok: false, reason: 'full', away: answer.slice(5) };
    return { ok: true, state: readState(answer) };
  }

  async putMember(room: string, member: MemberRecord): Promise<RoomState> {
    const { peerId, epoch, awayFor, node } = member;
    return this.#state('room-put', room, [peerId, epoch, awayFor, node, ordered(member)]);
  }

  async markAway(room: string, peerId: string, deadNode: string, awayFor: number): Promise<RoomState> {
    return this.#state('room-away', room, [peerId, deadNode, awayFor]);
  }

  async dropMember(room: string, peerId: string, { epoch, order }: WriteMark, ban?: Ban): Promise<RoomState> {
    const owner = epoch === FORCED.epoch ? 'force' : epoch;
    return this.#state('room-drop', room, [
      peerId,
      owner,
      order,
      ban?.ms ?? 0,
      ban?.loginSession ?? '',
      ban?.userId ?? '',
    ]);
  }

  async readRoom(room: string, known: number): Promise<RoomState | undefined> {
    const answer = await this.#run('room-read', this.#room(room), [ROOM_TTL_MS, known]);
    return answer ? readState(answer as string) : undefined;
  }

  async checkRooms(rooms: readonly RoomQuery[]): Promise<readonly RoomCheck[]> {
    const found = await this.#guard(() =>
      Promise.all(rooms.map(({ room, peerIds }) => this.#client.hmget(this.#room(room)[0], '#', ...peerIds))),
    );
    return found.map(([version, ...records]) => ({ version: Number(version), members: records.map(readMark) }));
  }

  async closeRoom(room: string): Promise<RoomState> {
    return this.#state('room-close', room, []);
  }

  openSession(session: SessionRecord, identity: IdentityKey, rule: ClaimRule): Promise<ClaimResult> {
    return this.#claim(identity, session.peerId, rule, writeSession(session, 'attached'));
  }

  async resumeSession(peerId: string, secretHash: string, userId: string) {
    const args = [RECORD_TTL_MS, this.#node, secretHash, word(userId)];
    const answer = (await this.#run('session-resume', this.#session(peerId), args)) as string[] | null;
    if (!answer) return { ok: false } as const;
    const [record = '', ...parked] = answer;
    const { session } = readSession(peerId, record);
    const mine = { ...session, node: this.#node, epoch: session.epoch + 1 };
    return { ok: true, session: mine, previousNode: session.node, parked } as const;
  }

  async detachSession(peerId: string, { epoch, order }: WriteMark, node: string, graceMs: number): Promise<void> {
    const count = order === FORCED.order ? '' : order;
    await this.#run('session-detach', this.#session(peerId), [Math.max(1, graceMs), node, epoch, count]);
  }

  async syncSession(s: SessionRecord, attached: boolean, graceMs: number) {
    const record = writeSession(s, attached ? 'attached' : 'detached');
    const args = [RECORD_TTL_MS, record, s.epoch, attached ? 0 : Math.max(1, graceMs), s.order];
    const [kind, ...parked] = (await this.#run('session-sync', this.#session(s.peerId), args)) as string[];
    if (kind !== 'fenced') return { kind: 'ours', parked } as const;
    const [node, epoch] = parked;
    return { kind: 'fenced', by: node === undefined ? undefined : { node, epoch: Number(epoch) } } as const;
  }

  async endSession(peerId: string) {
    const record = await this.#run('session-end', this.#session(peerId), [TOMBSTONE_TTL_MS]);
    if (!record) return undefined;
    const { room, node } = readSession(peerId, record as string).session;
    return { room, node };
  }

  async closeSession(peerId: string, { epoch, order }: WriteMark, identity: IdentityKey): Promise<boolean> {
    const keys = [...this.#session(peerId), ...this.#identity(identity)];
    return (await this.#run('session-close', keys, [epoch, order, peerId])) === 1;
  }

  async findSession(peerId: string) {
    const record = await this.#guard(() => this.#client.get(this.#session(peerId)[0]));
    if (!record || record === TOMBSTONE) return undefined;
    const { session, attached } = readSession(peerId, record);
    const { node, epoch, room } = session;
    return { node, epoch, room, attached };
  }

  async park(peerId: string, frames: readonly string[], deadNode?: string): Promise<ParkResult> {
    const args = [deadNode ?? '', MAILBOX.maxFrames, MAILBOX.maxBytes, ...frames];
    const [kind, node = ''] = (await this.#run('session-park', this.#session(peerId), args)) as string[];
    if (kind === 'attached') return { kind, node };
    return { kind: kind as 'parked' | 'full' | 'gone' };
  }

  claim(identity: IdentityKey, peerId: string, rule: ClaimRule): Promise<ClaimResult> {
    return this.#claim(identity, peerId, rule, '');
  }

  async #claim(identity: IdentityKey, peerId: string, rule: ClaimRule, record: string): Promise<ClaimResult> {
    const { limit, expect } = rule;
    const policy = identity.loginSession === '' ? 'shared' : expect === undefined ? 'take' : 'expect';
    const keys = [...this.#identity(identity), ...this.#session(peerId)];
    const args = [peerId, RECORD_TTL_MS, limit, policy, expect ?? '', record];
    const [kind, ...rest] = ((await this.#run('identity-claim', keys, args)) as string).split(' ');
    if (kind === 'held') return { kind, by: rest[0] as string };
    if (kind === 'full') return { kind, others: rest };
    return { kind: 'ours', previous: rest[0] };
  }

  async release(identity: IdentityKey, peerId: string): Promise<void> {
    await this.#run('identity-release', this.#identity(identity), [peerId]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#subscriber?.disconnect();
    this.#client.disconnect();
  }

  // --- keys

  #key(tag: string, field = ''): string {
    return `${this.#prefix}:{${tag}}${field}`;
  }
  #room(room: string): [room: string, bans: string] {
    const tag = `r:${room}`;
    return [this.#key(tag), this.#key(tag, ':b')];
  }
  #session(peerId: string): [record: string, mailbox: string] {
    // A client may name any peer: nothing it writes may change the hash tag.
    const name = peerId.replace(/[{}]/g, '_');
    const tag = `u:${name.slice(-TAG_LENGTH)}`;
    return [this.#key(tag, `:s:${name}`), this.#key(tag, `:q:${name}`)];
  }
  #identity({ userId, loginSession }: IdentityKey): [holder: string, sessions: string] {
    const tag = `u:${userTag(userId)}`;
    const user = word(userId);
    return [this.#key(tag, `:i:${user}:${word(loginSession)}`), this.#key(tag, `:n:${user}`)];
  }
  #inbox(node: string): string {
    return this.#key(`n:${node}`, ':in');
  }

  // --- commands

  async #state(name: ScriptName, room: string, args: (string | number)[]): Promise<RoomState> {
    return readState((await this.#run(name, this.#room(room), [ROOM_TTL_MS, ...args])) as string);
  }

  #run(name: ScriptName, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    return this.#guard(() => {
      this.#gather.hold();
      return runScript(this.#client, name, keys, args);
    });
  }

  /** Turns "Redis is away", in all its forms, into {@link UnavailableError}; a faulty command stays an error. */
  async #guard<T>(command: () => Promise<T>): Promise<T> {
    if (this.#ended) throw new UnavailableError('the backplane is closed');
    try {
      const result = await command();
      if (this.#health.state !== 'up') this.#become('up');
      return result;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const reply = error instanceof Error && error.name === 'ReplyError';
      if (
        reply &&
        !/^-?(LOADING|READONLY|MISCONF|CLUSTERDOWN|TRYAGAIN|MASTERDOWN|NOREPLICAS|OOM|MOVED|ASK|UNKILLABLE|BUSY|WRONGPASS|NOAUTH|NOPERM|NOSCRIPT)/.test(
          message,
        )
      ) {
        // ioredis puts what was sent there, and whoever logs the error would log that.
        delete (error as { command?: unknown }).command;
        throw error;
      }
      this.#become('down', message);
      throw new UnavailableError(message, { cause: error });
    }
  }

  #become(state: 'up' | 'down', detail?: string): void {
    if (this.#health.state === state) return;
    this.#health = { state, since: new Date().toISOString(), ...(detail === undefined ? {} : { detail }) };
  }

  /** @returns listeners. A Cluster counts those of the slot's primary, which is where {@link #probeInbox} keeps every node's. */
  #publish(node: string, batch: Buffer): Promise<number> {
    const channel = this.#inbox(node);
    return this.#guard(() => {
      const heard = this.#sharded ? this.#client.spublish(channel, batch) : this.#client.publish(channel, batch);
      this.#gather.send();
      return heard;
    }) as Promise<number>;
  }

  // --- the inbox

  #ensureSubscribed(): Promise<void> {
    if (this.#subscriber) return Promise.resolve();
    this.#subscribing ??= this.#subscribe().finally(() => {
      this.#subscribing = undefined;
    });
    return this.#subscribing;
  }

  async #subscribe(): Promise<void> {
    const subscriber = this.#connect(this.#options.url, this.#options.auth, { sharded: true });
    subscriber.on('error', () => {});
    const channel = this.#inbox(this.#node);
    const onMessage = (_channel: Buffer, batch: Buffer) => {
      if (batch[0] === PROBE) this.#onProbe(batch);
      else this.#handlers?.onBatch(batch);
    };
    subscriber.on(this.#sharded ? 'smessageBuffer' : 'messageBuffer', onMessage);
    try {
      await this.#guard(() => (this.#sharded ? subscriber.ssubscribe(channel) : subscriber.subscribe(channel)));
    } catch (error) {
      subscriber.disconnect();
      throw error;
    }
    if (this.#ended) {
      subscriber.disconnect();
      return;
    }
    subscriber.on(this.#sharded ? 'subscribersReady' : 'ready', () => {
      this.#gap = true;
      this.#probe = undefined;
    });
    this.#subscriber = subscriber;
    this.#probe = undefined;
  }

  /**
   * A subscription can stay connected and deaf after a failover, or hear through a replica, where no publish counts it: say
   * something to yourself, and expect to be counted and to hear it.
   */
  async #probeInbox(): Promise<void> {
    const last = this.#probe;
    if (last && !(last.heard && last.counted)) {
      if (performance.now() - last.sentAt <= (this.#options.probeTimeout ?? 3000)) return;
      this.resubscriptions++;
      this.#probe = undefined;
      this.#subscriber?.disconnect();
      this.#subscriber = undefined;
      await this.#ensureSubscribed();
      this.#handlers?.onDoubt('the inbox was deaf');
      return;
    }
    const nonce = randomBytes(8);
    const probe = { nonce: nonce.toString('hex'), sentAt: performance.now(), heard: false, counted: false };
    this.#probe = probe;
    probe.counted = (await this.#publish(this.#node, Buffer.concat([Buffer.from([PROBE]), nonce]))) > 0;
  }

  #onProbe(batch: Buffer): void {
    if (this.#probe?.nonce !== batch.toString('hex', 1)) return;
    this.#probe.heard = true;
    if (!this.#gap) return;
    this.#gap = false;
    this.#handlers?.onDoubt('resubscribed');
  }
}

/** What a forced end leaves in place of a record. */
const TOMBSTONE = 'over';

/** Without spaces, colons and braces, so that it can stand in a record and in a key. */
const word = (text: string) => encodeURIComponent(text.toWellFormed());

function writeSession(s: SessionRecord, state: 'attached' | 'detached'): string {
  const { epoch, node, secretHash, userId, loginSession, room } = s;
  return `${state} ${epoch} ${node} ${secretHash} ${word(userId)} ${word(loginSession)} ${word(room)} ${ordered(s)}`;
}

function readSession(peerId: string, record: string): { session: SessionRecord; attached: boolean } {
  const [state, epoch, node = '', secretHash = '', userId = '', loginSession = '', room = '', ...info] =
    record.split(' ');
  const session = {
    peerId,
    node,
    epoch: Number(epoch),
    secretHash,
    userId: decodeURIComponent(userId),
    loginSession: decodeURIComponent(loginSession),
    room: decodeURIComponent(room),
    ...splitOrder(info.join(' ')),
  };
  return { session, attached: state === 'attached' };
}

/** The time, then field and value of everything in the room, a line each: see scripts/room.lua. */
function readState(answer: string): RoomState {
  const [time, ...room] = answer.split('\n');
  const now = Number(time);
  const members: MemberRecord[] = [];
  let version = 0;
  for (let i = 0; i + 1 < room.length; i += 2) {
    const field = room[i] as string;
    const value = room[i + 1] as string;
    if (field === '#') version = Number(value);
    else if (field !== '') members.push(readMember(field, value, now));
  }
  return { version, members };
}

function readMember(peerId: string, value: string, now: number): MemberRecord {
  const afterEpoch = value.indexOf(' ');
  const afterAway = value.indexOf(' ', afterEpoch + 1);
  const afterNode = value.indexOf(' ', afterAway + 1);
  const awayUntil = Number(value.slice(afterEpoch + 1, afterAway));
  return {
    peerId,
    node: value.slice(afterAway + 1, afterNode),
    epoch: Number(value.slice(0, afterEpoch)),
    awayFor: awayUntil === 0 ? 0 : Math.max(1, awayUntil - now),
    ...splitOrder(value.slice(afterNode + 1)),
  };
}

/**
 * The order of a write lies at the head of its info (an object as JSON), so that nodes of a version that does not count read the record
 * as before: see scripts/order.lua.
 */
function ordered({ order, info }: { readonly order: number; readonly info: string }): string {
  if (order === 0) return info;
  return `{"order":${order}${info === '{}' ? '}' : `,${info.slice(1)}`}`;
}

function splitOrder(stored: string): { order: number; info: string } {
  const head = /^\{"order":(\d+),?/.exec(stored);
  return head ? { order: Number(head[1]), info: `{${stored.slice(head[0].length)}` } : { order: 0, info: stored };
}

/** Of a member's record only what tells whether it is what its owner wrote last. */
function readMark(value: string | null | undefined): (WriteMark & { away: boolean }) | undefined {
  const head = value ? /^(\d+) (\d+) \S+ (?:\{"order":(\d+))?/.exec(value) : null;
  return head ? { epoch: Number(head[1]), order: Number(head[3] ?? 0), away: head[2] !== '0' } : undefined;
}
