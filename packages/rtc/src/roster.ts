/** Members of the call as they come and go: each gets a pair when it arrives, and everything of it goes when it leaves. */
import type { CallEvents } from './call-types.ts';
import type { Chat } from './chat.ts';
import type { Clock } from './clock.ts';
import type { IceServers } from './ice-servers.ts';
import { Member } from './member.ts';
import type { PairFactory } from './pair-factory.ts';
import { MAX_LINES } from './peer-input.ts';
import type { PrewarmedConnection } from './prewarmed-connection.ts';
import type { ServedMembers } from './served-members.ts';
import type { SessionEvents } from './session-types.ts';
import type { Sfu } from './sfu/sfu.ts';
import type { VideoLimits } from './video-limits.ts';
import type { PeerInfo } from './wire.ts';

type PairSignal = Extract<SessionEvents['signal'], { type: 'offer' | 'answer' | 'ice-candidate' }>;

/** Signals kept for peers that are not in view yet. */
const EARLY_LIMIT = 128;
/** How long a leg outlives a lost session while its successor connects, ms. */
const ORPHAN_MS = 15_000;

export interface RosterHost {
  readonly clock: Clock;
  readonly members: Map<string, Member>;
  readonly ice: IceServers;
  readonly prewarmed: PrewarmedConnection;
  readonly pairs: PairFactory;
  readonly served: ServedMembers;
  readonly sfu: Sfu;
  readonly limits: VideoLimits;
  readonly chat: Chat;
  isOver(): boolean;
  emit<K extends 'timing' | 'peer-added' | 'peer-changed' | 'peer-removed'>(event: K, payload: CallEvents[K]): void;
  /** Apply the caps to what is sent. */
  cap(): void;
  /** The same after the negotiation that is under way. */
  capSoon(): void;
}

export class Roster {
  readonly #host: RosterHost;
  /** Signals of peers that are not in view yet. */
  #early: PairSignal[] = [];

  constructor(host: RosterHost) {
    this.#host = host;
  }

  /** @param before it was in the room before me: this side calls it */
  arrive(info: PeerInfo, before: boolean): void {
    const { members, ice, sfu, limits, chat, emit } = this.#host;
    const { peerId } = info;
    const known = members.get(peerId);
    if (known && known.orphanTimer === undefined) return;
    // My session was lost, its own was not: it saw me leave, and has closed its end.
    this.#remove(peerId, 'session-lost');
    const member = new Member(info, this.#host);
    members.set(peerId, member);
    const limit = limits.of(peerId);
    if (limit < MAX_LINES) sfu.layers.show(peerId, limit);
    // Without waiting, unless the credentials ran out since (a laptop slept); and before any view draws the new member.
    if (ice.valid) this.#begin(member, before);
    else void ice.fresh().then(() => this.#begin(member, before));
    emit('peer-added', { peer: member.view });
    if (before) chat.metEarlier(peerId);
  }

  signal(signal: PairSignal): void {
    const { members, ice, served } = this.#host;
    const member = members.get(signal.peerId);
    // The other side needs a pair again: the media node serves it no more.
    if (member && !member.pair && signal.type === 'offer' && ice.valid && !served.hasNoPair(member))
      served.needPair(member, 'wait');
    if (member?.pair) member.pair.receive(signal.type, signal);
    else if (this.#early.length < EARLY_LIMIT) this.#early.push(signal);
  }

  update(info: PeerInfo): void {
    const member = this.#host.members.get(info.peerId);
    if (!member) return;
    member.info = info;
    this.#host.sfu.peerChanged(info.peerId);
    member.changed();
  }

  depart(peerId: string, reason: string): void {
    const { clock, members, isOver } = this.#host;
    this.#early = this.#early.filter((s) => s.peerId !== peerId);
    const member = members.get(peerId);
    if (reason === 'session-lost' && member?.state === 'connected' && !isOver())
      // Signaling forgot me, the media path did not: keep it until the same person is connected anew.
      member.orphanTimer ??= clock.setTimeout(() => this.#remove(peerId, reason), ORPHAN_MS);
    else this.#remove(peerId, reason);
  }

  /** The same person is connected anew: its leg from before the lost session may go. */
  succeed(member: Member): void {
    for (const [peerId, other] of this.#host.members)
      if (other !== member && other.orphanTimer !== undefined && other.info.userId === member.info.userId)
        this.#remove(peerId, 'session-lost');
  }

  /** The call is over: everybody goes. */
  clear(reason: string): void {
    this.#early = [];
    for (const peerId of [...this.#host.members.keys()]) this.#remove(peerId, reason);
  }

  #begin(member: Member, before: boolean): void {
    const { prewarmed, pairs, served, sfu, isOver, capSoon } = this.#host;
    const { peerId, metadata } = member.info;
    if (!member.isHere || isOver() || member.pair) return;
    if (served.hasNoPair(member)) {
      sfu.expects(peerId);
      return;
    }
    // A media node serves the room: no pair, unless that takes too long, or the other side knows no media nodes.
    if (metadata?.sfu === 1 && sfu.expects(peerId)) return;
    const pair = pairs.create(member, before ? prewarmed.take() : undefined);
    // The one that comes calls: it knows everybody at once. (Peer ids only decide which side yields when both do.)
    pair.start(before);
    const early = this.#early;
    this.#early = early.filter((s) => s.peerId !== peerId);
    for (const s of early) if (s.peerId === peerId) pair.receive(s.type, s);
    capSoon();
  }

  #remove(peerId: string, reason: string): void {
    const { clock, members, sfu, limits, chat, emit, cap } = this.#host;
    const member = members.get(peerId);
    if (!member) return;
    members.delete(peerId);
    chat.forget(peerId);
    limits.forget(peerId);
    sfu.peerLeft(peerId);
    clock.clearTimeout(member.orphanTimer);
    member.pair?.close();
    emit('peer-removed', { peer: member.view, reason });
    cap();
  }
}
