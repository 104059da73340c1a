/**
 * Names of the keys and channels in Redis. Keys of one room, one session, one user share a hash tag, so that one script may touch all
 * of them in a Cluster; no operation touches two tags.
 */
import { word } from './redis-records.ts';
import { type IdentityKey, TAG_LENGTH, userTag } from './types.ts';

export class RedisKeys {
  readonly #prefix: string;
  /** @param prefix before every key */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Sorted set: each node and when it said last that it lives. */
  get nodes(): string {
    return this.#key('nodes');
  }
  room(room: string): [room: string, bans: string] {
    const tag = `r:${room}`;
    return [this.#key(tag), this.#key(tag, ':b')];
  }
  session(peerId: string): [record: string, mailbox: string] {
    // A client may name any peer: nothing it writes may change the hash tag.
    const name = peerId.replace(/[{}]/g, '_');
    const tag = `u:${name.slice(-TAG_LENGTH)}`;
    return [this.#key(tag, `:s:${name}`), this.#key(tag, `:q:${name}`)];
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
