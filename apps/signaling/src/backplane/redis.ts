/** The backplane of many nodes: Redis as single server, with Sentinel, or as Cluster. */

import { connectRedis, type DependencyHealth, type RedisAuth } from '@tandem/service';
import { ENTRY_REQUEST_TTL_MS, type EntryAnswer, type EntryRequest, MAX_ENTRY_REQUESTS } from './entry-requests.ts';
import { RedisCommands } from './redis-commands.ts';
import { RedisInbox } from './redis-inbox.ts';
import { RedisKeys } from './redis-keys.ts';
import {
  ordered,
  readEntryRequest,
  readJoin,
  readMark,
  readSession,
  readState,
  TOMBSTONE,
  word,
  writeSession,
} from './redis-records.ts';
import { describeRooms, listRooms } from './redis-room-list.ts';
import { lookIntoRoom } from './redis-room-look.ts';
import {
  GRANTS_TTL_MS,
  type GrantsChange,
  type GrantsOutcome,
  type GrantsTarget,
  MOVE_TTL_MS,
  writeChange,
} from './room-grants.ts';
import type { RoomLook } from './room-look.ts';
import {
  type NewSettings,
  type RoomDescription,
  type RoomListQuery,
  type SettingsCondition,
  writeRestricted,
  writeRules,
} from './room-settings.ts';
import type { ScriptName } from './scripts.ts';
import {
  type Backplane,
  type BackplaneHandlers,
  type ClaimResult,
  type ClaimRule,
  type Departure,
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
  TOMBSTONE_TTL_MS,
  type WriteMark,
} from './types.ts';

export interface RedisBackplaneOptions {
  /** See connectRedis. */
  readonly url: string;
  readonly auth?: RedisAuth;
  /** Prefix of every key. Default `tandem`. */
  readonly prefix?: string;
  /** Room scripts write events to the outbox, see packages/service/src/room-events.ts. Default false. */
  readonly events?: boolean;
  /** A probe through one's own inbox that takes longer means a deaf subscription, ms. Default 3,000. */
  readonly probeTimeout?: number;
  /** Makes connections. Default: {@link connectRedis}. */
  readonly connect?: typeof connectRedis;
}

export function createRedisBackplane(options: RedisBackplaneOptions): RedisBackplane {
  return new RedisBackplane(options);
}

export class RedisBackplane implements Backplane {
  readonly kind: string;
  readonly #keys: RedisKeys;
  readonly #commands: RedisCommands;
  readonly #inbox: RedisInbox;
  #node = '';
  #ended = false;

  constructor(options: RedisBackplaneOptions) {
    const { url, auth, prefix = 'tandem', events = false, probeTimeout = 3000, connect = connectRedis } = options;
    const sharded = /^rediss?\+cluster:/.test(url);
    this.kind = sharded ? 'redis-cluster' : url.includes('+sentinel:') ? 'redis-sentinel' : 'redis';
    this.#keys = new RedisKeys(prefix, { events });
    this.#commands = new RedisCommands(connect(url, auth));
    this.#inbox = new RedisInbox({
      commands: this.#commands,
      sharded,
      connect: () => connect(url, auth, { sharded: true }),
      channel: (node) => this.#keys.inbox(node),
      probeTimeout,
    });
  }

  /** Deaf subscriptions replaced since the start. */
  get resubscriptions(): number {
    return this.#inbox.resubscriptions;
  }

  health(): DependencyHealth {
    return this.#commands.health.read();
  }

  async start(node: string, handlers: BackplaneHandlers): Promise<void> {
    this.#node = node;
    await this.#inbox.open(node, handlers);
  }

  async beat(ttl: number): Promise<readonly string[]> {
    await this.#inbox.ensureSubscribed();
    const asked = performance.now();
    const beat = this.#commands.run('node-beat', [this.#keys.nodes], [this.#node, ttl]);
    this.#commands.flush();
    const live = (await beat) as string[];
    this.#commands.health.latencyMs = Math.round((performance.now() - asked) * 10) / 10;
    await this.#inbox.probe();
    return live;
  }

  async retire(): Promise<void> {
    await this.#commands.guard(() => this.#commands.client.zrem(this.#keys.nodes, this.#node));
  }

  async send(node: string, batch: Uint8Array): Promise<boolean> {
    return (await this.#inbox.publish(node, Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength))) > 0;
  }

  async joinRoom(room: string, member: MemberRecord, rule: JoinRule): Promise<JoinResult> {
    const { peerId, epoch, awayFor, node } = member;
    const { limit, loginSession, created, info = '', userId = '', seat = '', replaces = '', roomSize = '' } = rule;
    const { moderates, entryRequest = '{}', granted = '' } = rule;
    const args = [ROOM_TTL_MS, peerId, epoch, awayFor, node, ordered(member), limit, loginSession, info];
    args.push(userId, seat, replaces, roomSize, created ? 'created' : '');
    args.push(
      moderates ? 'moderator' : '',
      entryRequest,
      ENTRY_REQUEST_TTL_MS,
      MAX_ENTRY_REQUESTS,
      granted,
      word(loginSession),
    );
    return readJoin((await this.#commands.run('room-join', this.#keys.room(room), args)) as string);
  }

  async putMember(room: string, member: MemberRecord): Promise<RoomState> {
    const { peerId, epoch, awayFor, node } = member;
    return this.#state('room-put', room, [peerId, epoch, awayFor, node, ordered(member)]);
  }

  async markAway(room: string, peerId: string, deadNode: string, awayFor: number): Promise<RoomState> {
    return this.#state('room-away', room, [peerId, deadNode, awayFor]);
  }

  async dropMember(
    room: string,
    peerId: string,
    { epoch, order }: WriteMark,
    { ban, reason = 'left' }: Departure = {},
  ): Promise<RoomState> {
    const owner = epoch === FORCED.epoch ? 'force' : epoch;
    return this.#state('room-drop', room, [
      peerId,
      owner,
      order,
      ban?.ms ?? 0,
      ban?.loginSession ?? '',
      ban?.userId ?? '',
      reason,
    ]);
  }

  async readRoom(room: string, known: number): Promise<RoomState | undefined> {
    const answer = await this.#commands.run('room-read', this.#keys.room(room), [ROOM_TTL_MS, known]);
    return answer ? readState(answer as string) : undefined;
  }

  async checkRooms(rooms: readonly RoomQuery[]): Promise<readonly RoomCheck[]> {
    const found = await this.#commands.guard(() =>
      Promise.all(
        rooms.map(({ room, peerIds }) => this.#commands.client.hmget(this.#keys.room(room)[0], '#', ...peerIds)),
      ),
    );
    return found.map(([version, ...records]) => ({
      version: Number.parseInt(version ?? '0', 10),
      members: records.map(readMark),
    }));
  }

  async closeRoom(room: string): Promise<RoomState> {
    return this.#state('room-close', room, ['']);
  }

  async forgetRoom(room: string): Promise<RoomState> {
    return this.#state('room-close', room, ['forget']);
  }

  async endRoom(room: string): Promise<RoomState | undefined> {
    const answer = await this.#commands.run('room-close', this.#keys.room(room), [ROOM_TTL_MS, 'due']);
    return answer ? readState(answer as string) : undefined;
  }

  async writeSettings(room: string, { rules, doc }: NewSettings, condition: SettingsCondition) {
    const args = [
      ROOM_TTL_MS,
      condition,
      writeRules(rules),
      doc,
      rules.entry === 'ask' ? 1 : 0,
      writeRestricted(rules),
    ];
    const answer = (await this.#commands.run('room-settings', this.#keys.room(room), args)) as string;
    const [kind, revision] = answer.split(' ');
    if (kind === 'written') return { kind, revision: Number(revision) } as const;
    return { kind: kind as 'exists' | 'missing' | 'stale' };
  }

  async answerEntryRequest(room: string, peerId: string, { kind, ms }: EntryAnswer): Promise<EntryRequest | undefined> {
    const args = [ROOM_TTL_MS, peerId, kind, ms];
    const answer = await this.#commands.run('room-answer', this.#keys.room(room), args);
    return answer ? readEntryRequest(answer as string, 0) : undefined;
  }

  async changeGrants(
    room: string,
    { peerId, loginSession }: GrantsTarget,
    change: GrantsChange,
  ): Promise<GrantsOutcome> {
    const said = `"loginSession":${JSON.stringify(loginSession)}`;
    const { given = '.', before = '.' } = change;
    const args = [ROOM_TTL_MS, peerId, word(loginSession), said, writeChange(change), GRANTS_TTL_MS, given, before];
    return (await this.#commands.run('room-grants', this.#keys.room(room), args)) as GrantsOutcome;
  }

  async expectMove(room: string, loginSession: string): Promise<void> {
    await this.#commands.run('room-expect', this.#keys.room(room), [ROOM_TTL_MS, loginSession, MOVE_TTL_MS]);
  }

  lookIntoRoom(room: string, asker: Pick<JoinRule, 'loginSession' | 'userId'>): Promise<RoomLook> {
    return this.#commands.guard(() => lookIntoRoom(this.#commands.client, this.#keys, { room, ...asker }));
  }

  describeRooms(rooms: readonly string[]): Promise<readonly (RoomDescription | undefined)[]> {
    return this.#commands.guard(() => describeRooms(this.#commands.client, this.#keys, rooms));
  }

  listRooms(query: RoomListQuery): Promise<readonly string[]> {
    return this.#commands.guard(() => listRooms(this.#commands.client, this.#keys, query));
  }

  openSession(session: SessionRecord, identity: IdentityKey, rule: ClaimRule): Promise<ClaimResult> {
    return this.#claim(identity, session.peerId, rule, writeSession(session, 'attached'));
  }

  async resumeSession(peerId: string, secretHash: string, userId: string) {
    const args = [RECORD_TTL_MS, this.#node, secretHash, word(userId)];
    const answer = (await this.#commands.run('session-resume', this.#keys.session(peerId), args)) as string[] | null;
    if (!answer) return { ok: false } as const;
    const [record = '', ...parked] = answer;
    const { session } = readSession(peerId, record);
    const mine = { ...session, node: this.#node, epoch: session.epoch + 1 };
    return { ok: true, session: mine, previousNode: session.node, parked } as const;
  }

  async detachSession(peerId: string, { epoch, order }: WriteMark, node: string, graceMs: number): Promise<void> {
    const count = order === FORCED.order ? '' : order;
    await this.#commands.run('session-detach', this.#keys.session(peerId), [Math.max(1, graceMs), node, epoch, count]);
  }

  async syncSession(s: SessionRecord, attached: boolean, graceMs: number) {
    const record = writeSession(s, attached ? 'attached' : 'detached');
    const args = [RECORD_TTL_MS, record, s.epoch, attached ? 0 : Math.max(1, graceMs), s.order, s.node];
    const [kind, ...parked] = (await this.#commands.run(
      'session-sync',
      this.#keys.session(s.peerId),
      args,
    )) as string[];
    if (kind !== 'fenced') return { kind: 'ours', parked } as const;
    const [node, epoch] = parked;
    return { kind: 'fenced', by: node === undefined ? undefined : { node, epoch: Number(epoch) } } as const;
  }

  async endSession(peerId: string) {
    const record = await this.#commands.run('session-end', this.#keys.session(peerId), [TOMBSTONE_TTL_MS]);
    if (!record) return undefined;
    const { room, node } = readSession(peerId, record as string).session;
    return { room, node };
  }

  async closeSession(peerId: string, { epoch, order }: WriteMark, identity: IdentityKey): Promise<boolean> {
    const keys = [...this.#keys.session(peerId), ...this.#keys.identity(identity)];
    return (await this.#commands.run('session-close', keys, [epoch, order, peerId])) === 1;
  }

  async findSession(peerId: string) {
    const record = await this.#commands.guard(() => this.#commands.client.get(this.#keys.session(peerId)[0]));
    if (!record || record === TOMBSTONE) return undefined;
    const { session, attached } = readSession(peerId, record);
    const { node, epoch, room } = session;
    return { node, epoch, room, attached };
  }

  async park(peerId: string, frames: readonly string[], deadNode?: string): Promise<ParkResult> {
    const args = [deadNode ?? '', MAILBOX.maxFrames, MAILBOX.maxBytes, ...frames];
    const [kind, node = ''] = (await this.#commands.run('session-park', this.#keys.session(peerId), args)) as string[];
    if (kind === 'attached') return { kind, node };
    return { kind: kind as 'parked' | 'full' | 'gone' };
  }

  claim(identity: IdentityKey, peerId: string, rule: ClaimRule): Promise<ClaimResult> {
    return this.#claim(identity, peerId, rule, '');
  }

  async #claim(identity: IdentityKey, peerId: string, rule: ClaimRule, record: string): Promise<ClaimResult> {
    const { limit, expect } = rule;
    const policy = identity.loginSession === '' ? 'shared' : expect === undefined ? 'take' : 'expect';
    const keys = [...this.#keys.identity(identity), ...this.#keys.session(peerId)];
    const args = [peerId, RECORD_TTL_MS, limit, policy, expect ?? '', record];
    const [kind, ...rest] = ((await this.#commands.run('identity-claim', keys, args)) as string).split(' ');
    if (kind === 'held') return { kind, by: rest[0] as string };
    if (kind === 'full') return { kind, others: rest };
    return { kind: 'ours', previous: rest[0] };
  }

  async release(identity: IdentityKey, peerId: string): Promise<void> {
    await this.#commands.run('identity-release', this.#keys.identity(identity), [peerId]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#inbox.close();
    this.#commands.close();
  }

  async #state(name: ScriptName, room: string, args: (string | number)[]): Promise<RoomState> {
    return readState((await this.#commands.run(name, this.#keys.room(room), [ROOM_TTL_MS, ...args])) as string);
  }
}
