/**
 * Who is served by a media node and who by a pair, person by person. The room's state says which node serves the room, if any; this leads
 * there, and never takes something away before what replaces it is seen:
 *
 *     pairs only → up connecting → up live → their media arrived here and mine there → pair closed
 *
 * Both sides say `served` to each other (`media-state`, a directed message), and only then a pair closes. A node that fails on the way
 * leaves a working mesh. When the room moves to another node (a higher epoch) the old link stays until the new one serves everybody.
 */
import type { Clock } from '../clock.ts';
import type { Slot } from '../pair-types.ts';
import type { SessionEvents } from '../session-types.ts';
import type { RoomMedia } from '../wire.ts';
import type { IncomingTrack, Wishes } from './down-leg.ts';
import type { LegHost } from './leg.ts';
import { SfuLink, type SfuLinkHost } from './link.ts';
import { ReceiveLayers } from './receive-layers.ts';

export interface SfuHost extends Omit<LegHost, 'send' | 'onLive' | 'onFailed'>, Pick<SfuLinkHost, 'receiver'> {
  readonly clock: Clock;
  sendTo(peerId: string, type: 'offer' | 'answer' | 'ice-candidate' | 'media-want' | 'media-state', body: object): void;
  /** People that can be served by a media node. */
  peerIds(): Iterable<string>;
  /** I watch and listen only: there is no up leg. */
  readonly audience?: boolean;
  /** This person watches and listens only. */
  isAudience?(peerId: string): boolean;
  /** What a person says that it sends. */
  sends(peerId: string): readonly Slot[];
  /** Whose media the track has to bring from now on. */
  expects(track: IncomingTrack): void;
  /** Show this track from now on: it has arrived. */
  onTrack(track: IncomingTrack): void;
  /** This person and I have each other's media from the node: the pair may go. */
  onServed(peerId: string): void;
  /** The node serves this person no more: a pair is needed. */
  onUnserved(peerId: string): void;
}

/** A person that the node has not served after this time gets a pair, ms. */
const PATIENCE_MS = 6000;
/** From this number of others on the node forwards the sound of some only (infra/media-node/src/loudest.ts). */
const MAX_AUDIBLE = 25;

export class Sfu {
  readonly #host: SfuHost;
  #link: SfuLink | undefined;
  /** Of the epoch before; serves until the new one does. */
  #old: SfuLink | undefined;
  #wishes: Wishes = { others: 'high', layers: [] };
  /** What is asked for of each camera: by the page, within what the connection carries. */
  readonly layers: ReceiveLayers;
  /** Those who said that they have my media from the node of this epoch. */
  readonly #theirs = new Map<string, number>();
  /** Those to whom I said so. */
  readonly #mine = new Map<string, number>();
  readonly #waiting = new Map<string, unknown>();
  /** A node of this epoch could not be reached: not tried again. */
  #failedEpoch = 0;
  #closed = false;

  constructor(host: SfuHost) {
    this.#host = host;
    this.layers = new ReceiveLayers({ clock: host.clock, wish: (wishes) => this.#wish(wishes) });
  }

  /** The node that serves, for diagnostics. */
  get epoch(): number | undefined {
    return this.#link?.epoch;
  }

  /** Is this peer a media node's agent, whose signals belong here? */
  isAgent(peerId: string): boolean {
    return this.#link?.agent === peerId || this.#old?.agent === peerId;
  }

  /** Both have each other's media from the node. */
  serves(peerId: string): boolean {
    const epoch = this.#link?.epoch;
    return epoch !== undefined && this.#mine.get(peerId) === epoch && this.#theirs.get(peerId) === epoch;
  }

  /** A new peer needs no pair if the node is there for both; one is made when it has not served them after a while. */
  expects(peerId: string): boolean {
    if (!this.#link) return false;
    this.#expect(peerId);
    return true;
  }

  /** The connection that a person's media comes on, and its media sections: for quality. */
  incoming(peerId: string, slot: Slot): IncomingTrack | undefined {
    return this.#link?.arrived(peerId, slot) ?? this.#old?.arrived(peerId, slot);
  }
  get connection(): RTCPeerConnection | undefined {
    return this.#link?.down.connection;
  }

  /** The room's state says which node serves it; undefined: none. @param comes I just join the room */
  set(media: RoomMedia | undefined, comes = false): void {
    if (this.#closed) return;
    if (!media) {
      if (this.#link) this.#drop();
      return;
    }
    const { epoch, peerId } = media;
    if (epoch <= Math.max(this.#link?.epoch ?? 0, this.#failedEpoch)) {
      // The same node in a new session: its agent has lost what it knew of this client.
      if (this.#link && epoch === this.#link.epoch && peerId !== this.#link.agent) this.#replace(peerId, epoch, false);
      return;
    }
    this.#replace(peerId, epoch, comes);
  }

  signal(signal: SessionEvents['signal']): void {
    const link = [this.#link, this.#old].find((one) => one?.agent === signal.peerId);
    switch (signal.type) {
      case 'offer':
      case 'answer':
      case 'ice-candidate':
        link?.receive(signal.type, signal);
        return;
      case 'media-state':
        if (link) this.#agentSays(link, signal.state);
        else this.#peerSays(signal.peerId, signal.state);
        return;
      case 'media-want':
        return;
      default:
        signal satisfies never;
    }
  }

  replaceTrack(slot: Slot): void {
    this.#link?.up?.replaceTrack(slot);
    this.#old?.up?.replaceTrack(slot);
  }

  /** Kept for later nodes. */
  #wish(wishes: Wishes): void {
    this.#wishes = wishes;
    this.#link?.down.wish(wishes);
    // A person whose picture is not asked for any more needs no more of it.
    this.#checkAll();
  }

  /** What a person sends changed, or it is new. */
  peerChanged(peerId: string): void {
    this.#check(peerId);
  }

  peerLeft(peerId: string): void {
    this.layers.forget(peerId);
    this.#theirs.delete(peerId);
    this.#mine.delete(peerId);
    this.#host.clock.clearTimeout(this.#waiting.get(peerId));
    this.#waiting.delete(peerId);
    // The last one that the link before was kept for may be gone.
    this.#checkAll();
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#waiting.values()) this.#host.clock.clearTimeout(timer);
    this.#link?.close();
    this.#old?.close();
    this.#link = undefined;
    this.#old = undefined;
  }

  #replace(agent: string, epoch: number, comes: boolean): void {
    this.#keepOld();
    // After a session that was lost the same node serves me as somebody new. What it had with me before it has closed.
    if (this.#old?.agent === agent) {
      this.#old.close();
      this.#old = undefined;
    }
    const host = this.#host;
    const send = (type: 'offer' | 'answer' | 'ice-candidate' | 'media-want', body: object) =>
      host.sendTo(agent, type, body);
    const link: SfuLink = new SfuLink(agent, epoch, {
      ...host,
      send,
      want: (body) => send('media-want', body),
      isSent: () => [...host.peerIds()].some((id) => !host.isAudience?.(id) && host.sends(id).length > 0),
      onUpLive: () => {
        host.onTiming(`sfu-up:${epoch}`);
        this.#checkAll();
      },
      onArrived: (track) => {
        if (link !== this.#link) return;
        host.onTrack(track);
        this.#check(track.peerId);
      },
      onFailed: () => {
        if (link === this.#link) this.#failed(link);
      },
    });
    this.#link = link;
    host.onTiming(`sfu:${epoch}`);
    link.down.wish(this.#wishes);
    link.start(comes);
    for (const peerId of host.peerIds()) this.#expect(peerId);
  }

  /** Of the two links that one stays, as the old one, which serves. */
  #keepOld(): void {
    const [stays, goes] = this.#old && !this.#link?.isLive ? [this.#old, this.#link] : [this.#link, this.#old];
    goes?.close();
    this.#old = stays;
    this.#link = undefined;
  }

  #agentSays(link: SfuLink, state: unknown): void {
    const { mode, send, talking, keyFrame } = (state ?? {}) as Record<string, unknown>;
    const { peerId, is } = (talking ?? {}) as { peerId?: unknown; is?: unknown };
    if (is === true && typeof peerId === 'string') this.layers.spoke(peerId);
    if (mode === 'engine-lost') link.start();
    if (mode === 'layers' && Array.isArray(send)) link.up?.want(new Set(send), keyFrame === true);
    // No other node follows: back to pairs, while the legs go on.
    if (mode === 'closing' && link === this.#link) this.#drop(link.epoch);
  }

  #peerSays(peerId: string, state: unknown): void {
    const { mode, epoch } = (state ?? {}) as { mode?: unknown; epoch?: unknown };
    if (mode !== 'served' || typeof epoch !== 'number') return;
    this.#theirs.set(peerId, epoch);
    this.#check(peerId);
  }

  #checkAll(): void {
    for (const peerId of this.#host.peerIds()) this.#check(peerId);
  }

  /** Has this person's media arrived, all of it? Then it may know. */
  #check(peerId: string): void {
    const link = this.#link;
    if (!link?.isUpLive) return;
    if (!this.#isComplete(link, peerId)) return;
    if (this.#mine.get(peerId) !== link.epoch) {
      this.#mine.set(peerId, link.epoch);
      this.#host.sendTo(peerId, 'media-state', { state: { mode: 'served', epoch: link.epoch } });
    }
    if (!this.serves(peerId)) return;
    this.#host.clock.clearTimeout(this.#waiting.get(peerId));
    this.#waiting.delete(peerId);
    this.#host.onServed(peerId);
    if (this.#old && [...this.#host.peerIds()].every((id) => this.serves(id))) this.#leave(this.#old);
  }

  /** Everything that the node is to forward of this person is here. */
  #isComplete(link: SfuLink, peerId: string): boolean {
    if (this.#host.isAudience?.(peerId)) return true;
    const isLarge = [...this.#host.peerIds()].length >= MAX_AUDIBLE;
    const comes = (slot: Slot) => {
      if (slot === 'video') return this.layers.layer(peerId) !== 'off';
      return slot === 'screen' || !isLarge;
    };
    const isHere = this.#host.sends(peerId).every((slot) => !comes(slot) || link.arrived(peerId, slot));
    // A person who sends nothing is served when the node has announced its sections; in a large room some have none.
    return isHere && (isLarge ? link.isLive : link.announced(peerId).length > 0);
  }

  #expect(peerId: string): void {
    if (this.serves(peerId) || this.#waiting.has(peerId)) return;
    const timer = this.#host.clock.setTimeout(() => {
      this.#waiting.delete(peerId);
      if (!this.serves(peerId)) this.#host.onUnserved(peerId);
    }, PATIENCE_MS);
    this.#waiting.set(peerId, timer);
  }

  /** The link is not used any more, and its node may know. */
  #leave(link: SfuLink): void {
    if (this.#old === link) this.#old = undefined;
    this.#host.sendTo(link.agent, 'media-state', { state: { mode: 'gone', epoch: link.epoch } });
    link.close(this.#host.clock);
  }

  #failed(link: SfuLink): void {
    this.#host.onTiming(`sfu-failed:${link.epoch}`);
    this.#drop(link.epoch);
  }

  /**
   * Back to pairs: each begins at once, and the link goes when they stand, or at the latest after a while.
   * @param failedEpoch its node is not tried again. Absent: it may come back, as when the room is joined anew after a session that was lost
   */
  #drop(failedEpoch = this.#failedEpoch): void {
    this.#failedEpoch = failedEpoch;
    this.#mine.clear();
    this.#theirs.clear();
    this.#keepOld();
    const link = this.#old;
    for (const peerId of this.#host.peerIds()) this.#host.onUnserved(peerId);
    this.#host.clock.setTimeout(() => {
      if (link && this.#old === link) this.#leave(link);
    }, PATIENCE_MS);
  }
}
