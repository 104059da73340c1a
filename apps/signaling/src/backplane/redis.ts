/** The backplane of many nodes: Redis as single server, with Sentinel, or as Cluster. */

import { connectRedis, type DependencyHealth, type RedisAuth } from '@tandem/service';
import type { EntryAnswer, EntryRequest } from './entry-requests.ts';
import { RedisCommands } from './redis-commands.ts';
import { RedisInbox } from './redis-inbox.ts';
import { RedisKeys } from './redis-keys.ts';
import { joinArgs, ordered, readEntryRequest, readJoin, readMark, readState, word } from './redis-records.ts';
import { describeRooms, listRooms } from './redis-room-list.ts';
import { lookIntoRoom } from './redis-room-look.ts';
import { RedisSessions } from './redis-sessions.ts';
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
  type MemberRecord,
  type ParkResult,
  type ResumeResult,
  ROOM_TTL_MS,
  type RoomCheck,
  type RoomQuery,
  type RoomState,
  type SessionRecord,
  type SyncResult,
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
  /** Told of a command that Redis finds faulty, which no outage explains. Default: none. */
  readonly onFault?: (error: Error) => void;
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
  readonly #sessions: RedisSessions;
  #node = '';
  #ended = false;

  constructor(options: RedisBackplaneOptions) {
    const { url, auth, prefix = 'tandem', events = false, probeTimeout = 3000, connect = connectRedis } = options;
    const { onFault = () => {} } = options;
    const sharded = /^rediss?\+cluster:/.test(url);
    this.kind = sharded ? 'redis-cluster' : url.includes('+sentinel:') ? 'redis-sentinel' : 'redis';
    this.#keys = new RedisKeys(prefix, { events });
    this.#commands = new RedisCommands(connect(url, auth), onFault);
    this.#sessions = new RedisSessions(this.#keys, this.#commands);
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
    return readJoin((await this.#commands.run('room-join', this.#keys.room(room), joinArgs(member, rule))) as string);
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
    return this.#close(room, '') as Promise<RoomState>;
  }

  async forgetRoom(room: string): Promise<RoomState> {
    return this.#close(room, 'forget') as Promise<RoomState>;
  }

  async endRoom(room: string): Promise<RoomState | undefined> {
    return this.#close(room, 'due');
  }

  async writeSettings(room: string, { rules, doc }: NewSettings, condition: SettingsCondition) {
    const args = [
      ROOM_TTL_MS,
      condition,
      writeRules(rules),
      doc,
      rules.entry === 'ask' ? 1 : 0,
      writeRestricted(rules),
      this.#sessions.request(),
    ];
    const answer = (await this.#commands.run('room-settings', this.#keys.room(room), args)) as string;
    const [kind, revision] = answer.split(' ');
    if (kind === 'written') return { kind, revision: Number(revision) } as const;
    return { kind: kind as 'exists' | 'missing' | 'stale' };
  }

  async answerEntryRequest(room: string, peerId: string, { kind, ms }: EntryAnswer): Promise<EntryRequest | undefined> {
    const args = [ROOM_TTL_MS, peerId, kind, ms, this.#sessions.request()];
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
    return this.#sessions.open(session, identity, rule);
  }

  resumeSession(peerId: string, secretHash: string, userId: string): Promise<ResumeResult> {
    return this.#sessions.resume(peerId, { secretHash, userId, node: this.#node });
  }

  detachSession(peerId: string, mark: WriteMark, node: string, graceMs: number): Promise<void> {
    return this.#sessions.detach(peerId, mark, node, graceMs);
  }

  syncSession(session: SessionRecord, attached: boolean, graceMs: number): Promise<SyncResult> {
    return this.#sessions.sync(session, attached, graceMs);
  }

  endSession(peerId: string) {
    return this.#sessions.end(peerId);
  }

  closeSession(peerId: string, mark: WriteMark, identity: IdentityKey): Promise<boolean> {
    return this.#sessions.close(peerId, mark, identity);
  }

  findSession(peerId: string) {
    return this.#sessions.find(peerId);
  }

  park(peerId: string, frames: readonly string[], deadNode?: string): Promise<ParkResult> {
    return this.#sessions.park(peerId, frames, deadNode);
  }

  claim(identity: IdentityKey, peerId: string, rule: ClaimRule): Promise<ClaimResult> {
    return this.#sessions.claim(identity, peerId, rule);
  }

  release(identity: IdentityKey, peerId: string): Promise<void> {
    return this.#sessions.release(identity, peerId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#inbox.close();
    this.#commands.close();
  }

  /** Read before: a close whose answer was lost, and that is sent again, finds the room empty. */
  async #close(room: string, how: '' | 'forget' | 'due'): Promise<RoomState | undefined> {
    const before = await this.readRoom(room, -1);
    const answer = await this.#commands.run('room-close', this.#keys.room(room), [ROOM_TTL_MS, how]);
    if (!answer) return undefined;
    const state = readState(answer as string);
    return state.members.length > 0 || !before ? state : { ...state, ...before };
  }

  async #state(name: ScriptName, room: string, args: (string | number)[]): Promise<RoomState> {
    return readState((await this.#commands.run(name, this.#keys.room(room), [ROOM_TTL_MS, ...args])) as string);
  }
}
