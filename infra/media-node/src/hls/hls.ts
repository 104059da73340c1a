/** HLS of rooms of this node, for viewers that WebRTC does not carry: a packager for each room while anybody watches it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ProblemError } from '@tandem/service';
import type { Say } from '../../../node-kit/retry.ts';
import { encryptedRoom } from '../is-encrypted.ts';
import type { RoomViewers } from '../room-viewers.ts';
import { MOST_OF_ONE, type StreamOwner } from '../streams/stream-sessions.ts';
import { notLive } from '../streams/viewer.ts';
import { Packager } from './packager.ts';
import { endShared, openShared, showAlive } from './packager-folder.ts';
import { Places } from './places.ts';
import { isEnd, isMediaFile, type Position, withoutEnd } from './playlist.ts';

export interface HlsOptions {
  /** Most packagers at once. 0: there is no HLS. */
  readonly most: number;
  /** The folder that is shared with the packager, which has a process of its own (infra/hls-packager). */
  readonly folder: string;
  /** Where it receives media, an IPv4 address. */
  readonly host: string;
  readonly rooms: ReadonlyMap<string, { readonly viewers: RoomViewers }>;
  /** Was this node called a moment ago to serve a room that it is not in? */
  readonly isCalled: (room: string) => Promise<boolean>;
  readonly isLeaving: () => boolean;
  readonly say: Say;
  /** Called for each time that the packager failed. */
  readonly failed: () => void;
}

/** Somebody who asks for no playlist in this time is gone, and with the last one the packager, ms. */
const GONE_MS = 20_000;
/**
 * How long files stay after the end, so that players show all of it, ms. Where another packager goes on, its list has segments of the one before for
 * as long as it has too few (GOES_ON_MS and 7 s), and files stay for the length of a list after they have left it (RFC 8216bis, 6.2.2: 8 s).
 */
const LINGER_MS = 30_000;
/** A packager that has ended is not begun anew within this time, ms: what fails at once fails again. */
const AGAIN_MS = 3000;
/** One that had made something: then it was the engine or the sender that ended, ms. */
const GO_ON_AGAIN_MS = 1000;
/**
 * For this time after its packager has ended no player learns that a stream is over, ms: an engine that died is replaced, and a sender connects
 * anew. A player that has read `#EXT-X-ENDLIST` never asks again (6.2.1, 6.3.4).
 */
const GOES_ON_MS = 10_000;
/** A room that came to this node within this time may yet go on here: its senders connect, ms. */
const ARRIVING_MS = 10_000;
/** How long a request waits for that, ms; as one for a part that is to come. */
const ARRIVAL_HOLD_MS = 3000;
const ARRIVAL_LOOK_MS = 200;
/** Longest wait for the first playlist, ms: less than the edge and a load balancer wait for an answer. */
const FIRST_MS = 8000;
/** Playlists that a node holds at once, and as many parts, each with a connection of its own: of the 1,500 viewers whose playlists it has the CPU for (docs/capacity.md). */
export const MAX_HELD = 1500;
/** Most logins that a packager counts. */
const MAX_COUNTED = 100_000;

export interface PlaylistRequest {
  readonly owner: StreamOwner;
  /** Of the client, as limits count it. */
  readonly address: string;
  readonly position?: Position | undefined;
}

export interface FileRequest {
  /** Of the packager. */
  readonly id: string;
  readonly name: string;
  readonly address: string;
}

const starting = () => new ProblemError(503, 'starting', 'It is not there yet; ask again.', { retryAfter: 1 });

interface Packaged {
  readonly packager: Packager;
  /** When each login asked last, ms since the epoch. */
  readonly askedAt: Map<string, number>;
  endedAt: number | undefined;
}

export class Hls implements AsyncDisposable {
  readonly #options: HlsOptions;
  /** By room: the last is the one of now. */
  readonly #packaged = new Map<string, Packaged[]>();
  readonly #looking: NodeJS.Timeout;
  /** Playlists that each login waits for. */
  readonly #held = new Map<string, number>();
  /** By room that may arrive: the next look at it. */
  readonly #looks = new Map<string, Promise<Packaged | undefined>>();
  /** Requests that wait. Parts, which need no token, take no place of a playlist. */
  readonly #places = { playlists: new Places(MAX_HELD), parts: new Places(MAX_HELD) };

  /** @throws Error when the folder cannot be had */
  static async open(options: HlsOptions): Promise<Hls> {
    if (options.most > 0) {
      await openShared(options.folder);
      await showAlive(options.folder);
    }
    return new Hls(options);
  }

  private constructor(options: HlsOptions) {
    this.#options = options;
    this.#looking = setInterval(() => this.#look(), 1000).unref();
  }

  /** Packagers that run. */
  get size(): number {
    return [...this.#packaged.values()].flat().filter(({ endedAt }) => endedAt === undefined).length;
  }

  /** A packager of the room runs here. */
  isMaking(room: string): boolean {
    const last = this.#packaged.get(room)?.at(-1);
    return last !== undefined && last.endedAt === undefined;
  }

  /** It has files of this packager of the room. */
  has(room: string, id: string): boolean {
    return this.#packaged.get(room)?.some(({ packager }) => packager.id === id) === true;
  }

  /**
   * @param asked who asks, from which address, and what the playlist must have: it is waited for
   * @returns undefined when its packager has ended meanwhile: the room may be at another node; if it is not, ask again
   * @throws ProblemError 404 without HLS, 403 for a room whose frames are sealed, 409 without a stream, 400 for what is far ahead, 429 when the login
   * waits for as many as one may, 503 when the node has its number, or nothing comes
   */
  async playlist(room: string, { owner, address, position }: PlaylistRequest): Promise<string | undefined> {
    if (this.#options.most === 0) throw new ProblemError(404, 'no_hls', 'This node makes no HLS.');
    const login = `${owner.sub} ${owner.session_id}`;
    const answer = () => this.#answer(room, login, position);
    return this.#holdOf(login, () => this.#places.playlists.hold(address, answer));
  }

  async #answer(room: string, login: string, position: Position | undefined): Promise<string | undefined> {
    const found = (await this.#find(room)) ?? (await this.#arrival(room));
    if (!found) throw notLive();
    if (found.askedAt.size < MAX_COUNTED) found.askedAt.set(login, Date.now());
    const { playlist } = found.packager;
    const wasOver = playlist.isEnded;
    const text = await (position === undefined ? playlist.first(FIRST_MS) : playlist.at(position));
    // It may have become so while they waited.
    this.#refuseSealed(room);
    if (text === 'too far') throw new ProblemError(400, 'too_far', 'No player asks for a segment so far ahead.');
    if (text === undefined) throw starting();
    if (!isEnd(text) || !this.#mayGoOn(found)) return text;
    if (position === undefined || playlist.has(position)) return withoutEnd(text);
    if (!wasOver) return undefined;
    await this.#successor(room, found);
    return await this.#answer(room, login, position);
  }

  #mayGoOn({ endedAt }: Packaged): boolean {
    return endedAt === undefined || Date.now() - endedAt < GOES_ON_MS;
  }

  /** Settles when another packager has begun, or nothing can follow any more. @throws ProblemError 403, 503 */
  async #successor(room: string, of: Packaged): Promise<void> {
    const until = Date.now() + ARRIVAL_HOLD_MS;
    while (this.#mayGoOn(of)) {
      const now = await this.#nextLook(room);
      if (now !== of) return;
      if (Date.now() > until) throw starting();
    }
  }

  /** @throws ProblemError 403, 503 */
  async #find(room: string): Promise<Packaged | undefined> {
    const viewers = this.#options.rooms.get(room)?.viewers;
    this.#refuseSealed(room);
    const isLive = this.isMaking(room) || (viewers !== undefined && (await viewers.isLive().catch(() => false)));
    return isLive && viewers ? this.#packagerOf(room, viewers) : this.#packaged.get(room)?.at(-1);
  }

  /**
   * A room that moves to this node: its senders connect here. Players give up at 409 and try again after 503 (hls.js 1.7, `retryForHttpStatus`).
   * @throws ProblemError 503
   */
  async #arrival(room: string): Promise<Packaged | undefined> {
    const isComing = await this.#isComing(room);
    const until = Date.now() + ARRIVAL_HOLD_MS;
    for (;;) {
      if (!this.#isArriving(room, isComing)) return undefined;
      if (Date.now() > until) throw starting();
      const found = await this.#nextLook(room);
      if (found) return found;
    }
  }

  async #isComing(room: string): Promise<boolean> {
    const { rooms, isCalled } = this.#options;
    return !rooms.has(room) && (await isCalled(room).catch(() => false));
  }

  #isArriving(room: string, isComing: boolean): boolean {
    const since = this.#options.rooms.get(room)?.viewers.since;
    return since === undefined ? isComing : Date.now() - since <= ARRIVING_MS;
  }

  /** One for all who wait for the room. @throws ProblemError 403, 503 */
  #nextLook(room: string): Promise<Packaged | undefined> {
    const look =
      this.#looks.get(room) ??
      sleep(ARRIVAL_LOOK_MS).then(() => {
        this.#looks.delete(room);
        return this.#find(room);
      });
    this.#looks.set(room, look);
    return look;
  }

  /** @throws ProblemError 403 */
  #refuseSealed(room: string): void {
    if (!this.#options.rooms.get(room)?.viewers.isEncrypted) return;
    void this.#packaged.get(room)?.at(-1)?.packager[Symbol.asyncDispose]();
    throw encryptedRoom();
  }

  /** @throws ProblemError 429 when the login waits for as many as one may */
  async #holdOf<T>(login: string, wait: () => Promise<T>): Promise<T> {
    const held = this.#held;
    const own = held.get(login) ?? 0;
    if (own >= MOST_OF_ONE)
      throw new ProblemError(429, 'too_many_sessions', `Your login waits for ${MOST_OF_ONE} playlists.`, {
        retryAfter: 1,
      });
    held.set(login, own + 1);
    return wait().finally(() => {
      const left = (held.get(login) ?? 1) - 1;
      if (left > 0) held.set(login, left);
      else held.delete(login);
    });
  }

  /**
   * The next part is waited for.
   * @param address of who asks @throws ProblemError 404, 503 when the node holds its number of parts, or the room comes to this node
   */
  async file(room: string, { id, name, address }: FileRequest): Promise<Buffer> {
    const found = this.#packaged.get(room)?.find(({ packager }) => packager.id === id);
    const read = () => found?.packager.file(name);
    const data = found && isMediaFile(name) ? await this.#places.parts.hold(address, read) : undefined;
    if (data) return data;
    // The node before may have it: to a player 404 is the end, and 503 is not.
    if (!found && this.#isArriving(room, await this.#isComing(room))) throw starting();
    throw new ProblemError(404, 'not_found', 'There is no such segment (any more).');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#looking);
    const all = [...this.#packaged.values()].flat();
    this.#packaged.clear();
    await Promise.all(all.map(({ packager }) => packager.remove()));
    if (this.#options.most > 0) await endShared(this.#options.folder);
  }

  /** The one that runs, or a new one. Settles nothing: two that ask at once get the same. @throws ProblemError 503 */
  #packagerOf(room: string, viewers: RoomViewers): Packaged {
    const { most, folder, host, say, failed, isLeaving } = this.#options;
    const all = this.#packaged.get(room) ?? [];
    const last = all.at(-1);
    const pause = last && last.packager.playlist.segments.length > 0 ? GO_ON_AGAIN_MS : AGAIN_MS;
    if (last && (last.endedAt === undefined || Date.now() - last.endedAt < pause)) return last;
    if (isLeaving()) throw new ProblemError(503, 'draining', 'This node is about to go; try again.', { retryAfter: 1 });
    if (this.size >= most)
      throw new ProblemError(503, 'busy', 'This node packages as many rooms as it takes.', { retryAfter: 10 });
    const askedAt = new Map<string, number>();
    const made = all.findLast((one) => one.packager.playlist.segments.length > 0);
    const before = made && this.#mayGoOn(made) ? made.packager.playlist.segments : [];
    const packager = new Packager({ room, viewers, folder, host, say, failed, before, count: () => askedAt.size });
    const packaged: Packaged = { packager, askedAt, endedAt: undefined };
    this.#packaged.set(room, [...all, packaged]);
    void packager.ended.then(() => {
      packaged.endedAt = Date.now();
    });
    return packaged;
  }

  /** Who is gone is counted no more; without anybody a packager ends, and some time after its end its files go. */
  #look(): void {
    const now = Date.now();
    if (this.#options.most > 0) void showAlive(this.#options.folder).catch(() => {});
    for (const [room, all] of this.#packaged) {
      for (const { packager, askedAt, endedAt } of all) {
        for (const [login, at] of askedAt) if (now - at > GONE_MS) askedAt.delete(login);
        if (endedAt === undefined && askedAt.size === 0) void packager[Symbol.asyncDispose]();
        if (endedAt !== undefined && now - endedAt > LINGER_MS) void packager.remove().catch(() => {});
      }
      const left = all.filter(({ endedAt }) => endedAt === undefined || now - endedAt <= LINGER_MS);
      if (left.length > 0) this.#packaged.set(room, left);
      else this.#packaged.delete(room);
    }
  }
}
