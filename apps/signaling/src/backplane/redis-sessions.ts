/** What {@link ./redis.ts} stores of sessions: records, mailboxes, and the places of users. What each does: ./types.ts. */
import { randomBytes } from 'node:crypto';
import type { RedisCommands } from './redis-commands.ts';
import type { RedisKeys } from './redis-keys.ts';
import { readSession, TOMBSTONE, word, writeSession } from './redis-records.ts';
import {
  type ClaimResult,
  type ClaimRule,
  FORCED,
  type IdentityKey,
  MAILBOX,
  type ParkResult,
  RECORD_TTL_MS,
  type ResumeResult,
  type SessionRecord,
  type SyncResult,
  TOMBSTONE_TTL_MS,
  type WriteMark,
} from './types.ts';

interface Resumption {
  readonly secretHash: string;
  readonly userId: string;
  /** That takes it over. */
  readonly node: string;
}

export class RedisSessions {
  readonly #keys: RedisKeys;
  readonly #commands: RedisCommands;
  readonly #requests = randomBytes(6).toString('base64url');
  #requested = 0;

  constructor(keys: RedisKeys, commands: RedisCommands) {
    this.#keys = keys;
    this.#commands = commands;
  }

  open(session: SessionRecord, identity: IdentityKey, rule: ClaimRule): Promise<ClaimResult> {
    return this.#claim(identity, session.peerId, rule, writeSession(session, 'attached'));
  }

  async resume(peerId: string, { secretHash, userId, node }: Resumption): Promise<ResumeResult> {
    const args = [RECORD_TTL_MS, node, secretHash, word(userId), this.request()];
    const answer = (await this.#commands.run('session-resume', this.#keys.session(peerId), args)) as string[] | null;
    if (!answer) return { ok: false } as const;
    const [record = '', ...parked] = answer;
    const { session } = readSession(peerId, record);
    const mine = { ...session, node, epoch: session.epoch + 1 };
    return { ok: true, session: mine, previousNode: session.node, parked } as const;
  }

  async detach(peerId: string, { epoch, order }: WriteMark, node: string, graceMs: number): Promise<void> {
    const count = order === FORCED.order ? '' : order;
    await this.#commands.run('session-detach', this.#keys.session(peerId), [Math.max(1, graceMs), node, epoch, count]);
  }

  async sync(s: SessionRecord, attached: boolean, graceMs: number): Promise<SyncResult> {
    const record = writeSession(s, attached ? 'attached' : 'detached');
    const args = [RECORD_TTL_MS, record, s.epoch, attached ? 0 : Math.max(1, graceMs), s.order, s.node, this.request()];
    const [kind, ...parked] = (await this.#commands.run(
      'session-sync',
      this.#keys.session(s.peerId),
      args,
    )) as string[];
    if (kind !== 'fenced') return { kind: 'ours', parked } as const;
    const [node, epoch] = parked;
    return { kind: 'fenced', by: node === undefined ? undefined : { node, epoch: Number(epoch) } } as const;
  }

  async end(peerId: string) {
    const record = await this.#commands.run('session-end', this.#keys.session(peerId), [
      TOMBSTONE_TTL_MS,
      this.request(),
    ]);
    if (!record) return undefined;
    const { room, node } = readSession(peerId, record as string).session;
    return { room, node };
  }

  async close(peerId: string, { epoch, order }: WriteMark, identity: IdentityKey): Promise<boolean> {
    const keys = [...this.#keys.session(peerId), ...this.#keys.identity(identity)];
    return (await this.#commands.run('session-close', keys, [epoch, order, peerId])) === 1;
  }

  async find(peerId: string) {
    const record = await this.#commands.guard(() => this.#commands.client.get(this.#keys.session(peerId)[0]));
    if (!record || record === TOMBSTONE) return undefined;
    const { session, attached } = readSession(peerId, record);
    const { node, epoch, room } = session;
    return { node, epoch, room, attached };
  }

  async park(peerId: string, frames: readonly string[], deadNode?: string): Promise<ParkResult> {
    const args = [deadNode ?? '', MAILBOX.maxFrames, MAILBOX.maxBytes, this.request(), ...frames];
    const [kind, node = ''] = (await this.#commands.run('session-park', this.#keys.session(peerId), args)) as string[];
    if (kind === 'attached') return { kind, node };
    return { kind: kind as 'parked' | 'full' | 'gone' };
  }

  claim(identity: IdentityKey, peerId: string, rule: ClaimRule): Promise<ClaimResult> {
    return this.#claim(identity, peerId, rule, '');
  }

  /** A name for one call, by which its script knows a command that was sent again. */
  request(): string {
    return `${this.#requests}.${(this.#requested++).toString(36)}`;
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
}
