/**
 * Names of the keys and channels in Redis. Rooms lie in PARTITIONS parts, so that each part has a list of its rooms beside them;
 * sessions and users each have a hash tag of their own. One script may touch all keys of a tag in a Cluster; no operation touches two tags.
 */
import { outboxKey, partitionTag } from '@tandem/service/room-events';
import { word } from './redis-records.ts';
import { type IdentityKey, partitionOf, TAG_LENGTH, userTag } from './types.ts';

export class RedisKeys {
  readonly #prefix: string;
  readonly #events: boolean;
  /**
   * @param prefix before every key
   * @param options.events room scripts get the key of the outbox, and write to it. Default false
   */
  constructor(prefix: string, { events = false } = {}) {
    this.#prefix = prefix;
    this.#events = events;
  }

  /** Sorted set: each node and when it said last that it lives. */
  get nodes(): string {
    return this.#key('nodes');
  }
  room(room: string): [room: string, bans: string, rooms: string, settings: string, ...outbox: string[]] {
    const partition = partitionOf(room);
    const tag = partitionTag(partition);
    const of = (kind: string) => this.#key(tag, `:${kind}:${room}`);
    const keys = [of('r'), of('b'), this.#key(tag, ':rooms'), of('s')] as const;
    return this.#events ? [...keys, outboxKey(this.#prefix, partition)] : [...keys];
  }
  /** Sorted set of the rooms of one partition, in the order of their names. */
  rooms(partition: number): string {
    return this.#key(partitionTag(partition), ':rooms');
  }
  session(peerId: string): [record: string, mailbox: string, answers: string] {
    // A client may name any peer: nothing it writes may change the hash tag.
    const name = peerId.replace(/[{}]/g, '_');
    const tag = `u:${name.slice(-TAG_LENGTH)}`;
    return [this.#key(tag, `:s:${name}`), this.#key(tag, `:q:${name}`), this.#key(tag, `:a:${name}`)];
  }
  identity({ userId, loginSession }: IdentityKey): [holder: string, sessions: string] {
    const tag = `u:${userTag(userId)}`;
    const user = word(userId);
    return [this.#key(tag, `:i:${user}:${word(loginSession)}`), this.#key(tag, `:n:${user}`)];
  }
  /** Channel of a node's inbox. */
  inbox(node: string): string {
    return this.#key(`n:${node}`, ':in');
  }

  #key(tag: string, field = ''): string {
    return `${this.#prefix}:{${tag}}${field}`;
  }
}
