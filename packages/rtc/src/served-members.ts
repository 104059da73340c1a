/** Members that a media node serves: what they send is shown from the node, their pair closes, and comes back when the node does not. */
import type { CallEvents } from './call-types.ts';
import { type Clock, sleep } from './clock.ts';
import type { ConnectionSetup } from './connection-setup.ts';
import type { LocalMedia } from './local-media.ts';
import type { Member } from './member.ts';
import type { Pair } from './pair.ts';
import type { PairFactory } from './pair-factory.ts';
import { SLOTS, type Slot } from './pair-types.ts';
import type { SignalingSession } from './session.ts';
import type { IncomingTrack } from './sfu/down-leg.ts';
import { Sfu } from './sfu/sfu.ts';

/** How often a new pair is asked whether it is connected, ms. */
const CONNECTED_POLL_MS = 25;

export interface ServedMembersHost {
  readonly clock: Clock;
  readonly session: SignalingSession;
  readonly setup: ConnectionSetup;
  readonly members: ReadonlyMap<string, Member>;
  readonly localMedia: LocalMedia;
  readonly pairs: PairFactory;
  /** I watch and listen only. */
  readonly audience: boolean;
  emit(event: 'timing', payload: CallEvents['timing']): void;
  /** Whose media the track has to bring. */
  expects(peerId: string, track: MediaStreamTrack): void;
  /** Apply the caps to what is sent. */
  cap(): void;
  /** The member's media path is up. */
  connected(member: Member): void;
}

export class ServedMembers {
  readonly sfu: Sfu;
  readonly #host: ServedMembersHost;

  constructor(host: ServedMembersHost) {
    this.#host = host;
    this.sfu = this.#createSfu();
  }

  /** Back to a pair, or to one for the first time. What the node still sends is shown until the pair's media is there. */
  needPair(member: Member, start: 'offer' | 'wait'): void {
    const { served } = member;
    const pair = this.#host.pairs.create(member);
    if (served) {
      member.timing('sfu-left');
      void this.#leaveServed(member, pair);
    }
    pair.start(start === 'offer');
  }

  /** One of us two sends nothing, or is an encoder behind HTTP: media comes by a media node or not at all. */
  hasNoPair({ info }: Member): boolean {
    return this.#host.audience || info.audience === true || info.metadata?.stream === true;
  }

  #createSfu(): Sfu {
    const { clock, session, setup, members, localMedia, audience, emit, expects } = this.#host;
    return new Sfu({
      clock,
      audience,
      isAudience: (peerId) => members.get(peerId)?.info.audience === true,
      get RTCPeerConnection() {
        return setup.RTCPeerConnection;
      },
      configuration: () => setup.known(),
      reachable: () => session.state === 'open',
      track: (slot) => localMedia.track(slot),
      sendTo: (peerId, type, body) => void session.sendTo(peerId, type, body as never),
      // Two who only watch have nothing for each other.
      peerIds: () =>
        [...members]
          .filter(([, { info }]) => info.metadata?.sfu === 1 && !(audience && info.audience))
          .map(([id]) => id),
      sends: (peerId) => {
        const metadata = members.get(peerId)?.info.metadata;
        return SLOTS.filter((slot) => metadata?.[slot] === true);
      },
      expects: ({ peerId, slot, receiver: { track } }) => {
        expects(peerId, track);
        const member = members.get(peerId);
        // The node's engine died, and what is shown with it: nothing is lost by showing this before it decodes.
        if (member?.show(slot, track, true)) member.changedSoon();
      },
      receiver: ({ peerId, slot }) => members.get(peerId)?.receiver(slot),
      onTrack: (track) => this.#show(track),
      onServed: (peerId) => this.#served(peerId),
      onUnserved: (peerId) => {
        const member = members.get(peerId);
        if (member && this.hasNoPair(member)) this.#unserve(member);
        // Whom I have still to meet again, after a session that was lost, would take this offer for that of the next pair.
        else if (member && !member.pair && member.orphanTimer === undefined)
          this.needPair(member, (session.peerId ?? '') < peerId ? 'offer' : 'wait');
        // The node's tracks, shown before it served, end with it.
        else if (member && !member.served) this.#showAll(member, (slot) => member.pair?.receiver(slot));
      },
      onTiming: (name) => emit('timing', { peerId: '', name, at: 0 }),
    });
  }

  /** Nothing takes the node's place; the next node does. */
  #unserve(member: Member): void {
    member.served = undefined;
    member.state = 'connecting';
    member.changed();
  }

  #show({ peerId, slot, receiver }: IncomingTrack): void {
    const member = this.#host.members.get(peerId);
    if (!member) return;
    member.timing(`sfu-${slot}`);
    if (member.show(slot, receiver.track)) member.changedSoon();
  }

  /** The media node brings everything of this member, and everything of mine to it: the pair may go. */
  #served(peerId: string): void {
    const member = this.#host.members.get(peerId);
    if (!member || (member.served && !member.pair)) return;
    member.served = {
      connection: () => this.sfu.connection,
      mids: () =>
        SLOTS.map((slot) => [this.sfu.incoming(peerId, slot)?.mid, slot] as [string, Slot]).filter(([mid]) => mid),
      receiver: (slot) => this.sfu.incoming(peerId, slot)?.receiver,
    };
    // Tracks of the pair that came after the node's have replaced them, and end with it.
    this.#showAll(member, member.served.receiver);
    const { pair } = member;
    member.pair = undefined;
    pair?.close(this.#host.clock);
    member.state = 'connected';
    this.#host.connected(member);
    member.timing('sfu-served');
    member.changed();
  }

  #showAll(member: Member, receiver: (slot: Slot) => RTCRtpReceiver | undefined): void {
    for (const slot of SLOTS) {
      const track = receiver(slot)?.track;
      if (track) member.show(slot, track);
    }
  }

  /** Once the pair is connected it is what counts for state and quality. */
  async #leaveServed(member: Member, pair: Pair): Promise<void> {
    while (member.pair === pair && pair.state !== 'connected' && pair.state !== 'closed')
      await sleep(this.#host.clock, CONNECTED_POLL_MS);
    if (member.pair !== pair) return;
    member.served = undefined;
    member.state = pair.state;
    this.#host.cap();
    member.changed();
  }
}
