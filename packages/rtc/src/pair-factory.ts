/** Makes the pair with a member, and shows what arrives on it. */
import type { Chat } from './chat.ts';
import { type Clock, sleep } from './clock.ts';
import type { Connection } from './connection.ts';
import type { ConnectionSetup } from './connection-setup.ts';
import type { LocalMedia } from './local-media.ts';
import type { Member } from './member.ts';
import { Pace } from './pace.ts';
import { Pair } from './pair.ts';
import type { PairHost, PairState, PairTimes, Slot } from './pair-types.ts';
import { MAX_LINES } from './peer-input.ts';
import type { SignalingSession } from './session.ts';
import { arrivals } from './sfu/link.ts';
import { startBitrate } from './start-bitrate.ts';
import type { VideoLimits } from './video-limits.ts';

/** The timing `first-frame` is exact to this, ms. */
const FIRST_FRAME_POLL_MS = 25;

export interface PairFactoryHost {
  readonly clock: Clock;
  readonly session: SignalingSession;
  readonly setup: ConnectionSetup;
  readonly members: ReadonlyMap<string, Member>;
  readonly localMedia: LocalMedia;
  readonly limits: VideoLimits;
  readonly chat: Chat;
  readonly times: PairTimes | undefined;
  /** Is this peer itself at the other end? Without end-to-end encryption that is not asked. */
  trusts(peerId: string, connection: RTCPeerConnection): boolean;
  /** Whose media the track has to bring. */
  expects(peerId: string, track: MediaStreamTrack): void;
  /** Senders exist or changed: apply the caps, after the negotiation that is under way. */
  capSoon(): void;
  /** The member's media path is up. */
  connected(member: Member): void;
}

export class PairFactory {
  readonly #host: PairFactoryHost;
  readonly #pace = new Pace();

  constructor(host: PairFactoryHost) {
    this.#host = host;
  }

  /** The pair with `member`, which it becomes the pair of. @param prewarmed with it, this side makes the first offer */
  create(member: Member, prewarmed?: Connection): Pair {
    const { session, times } = this.#host;
    const polite = (session.peerId ?? '') > member.info.peerId;
    const pair = new Pair(this.#pairHost(member), polite, times, prewarmed);
    member.pair = pair;
    return pair;
  }

  #pairHost(member: Member): PairHost {
    const { peerId } = member.info;
    const { clock, session, setup, members, localMedia, capSoon } = this.#host;
    return {
      clock,
      pace: this.#pace,
      RTCPeerConnection: setup.RTCPeerConnection,
      configuration: () => setup.known(),
      freshConfiguration: () => setup.fresh(),
      send: (type, body) => session.sendTo(peerId, type, body as never),
      reachable: () => session.state === 'open' && !member.info.away && member.orphanTimer === undefined,
      track: (slot) => localMedia.track(slot),
      startBitrate: () => startBitrate(members.size + 1),
      onTrack: (slot, track) => this.#onTrack(member, slot, track),
      onState: (state) => this.#onState(member, state),
      onSenders: capSoon,
      onChannel: (channel) => this.#onChannel(peerId, channel),
      onTiming: (name) => member.timing(name),
    };
  }

  #onTrack(member: Member, slot: Slot, track: MediaStreamTrack): void {
    this.#host.expects(member.info.peerId, track);
    track.onunmute = () => {
      member.timing(`media-${slot}`);
      // A connection that closes meanwhile has no figures: then there is no first frame to report.
      if (slot === 'video') this.#firstFrame(member).catch(() => {});
      member.changedSoon();
    };
    void this.#show(member, slot, track);
  }

  #onState(member: Member, state: PairState): void {
    if (member.served) return;
    member.state = state;
    if (!member.isHere) return;
    if (state === 'connected') this.#host.connected(member);
    member.changed();
  }

  #onChannel(peerId: string, channel: RTCDataChannel): void {
    const { chat, limits, members, trusts } = this.#host;
    channel.onmessage = ({ data }) => {
      const pair = members.get(peerId)?.pair;
      if (pair && trusts(peerId, pair.connection)) chat.receive(peerId, data);
    };
    // A new channel is a new connection, or a peer that just came: it has not read what I want.
    const limited = () => limits.of(peerId) < MAX_LINES && chat.want(peerId, limits.of(peerId));
    if (channel.readyState === 'open') limited();
    else channel.addEventListener('open', limited, { once: true });
  }

  /** A picture of the media node stays until that of the pair is there. */
  async #show(member: Member, slot: Slot, track: MediaStreamTrack): Promise<void> {
    const receiver = member.pair?.receiver(slot);
    while (member.served && receiver && receiver === member.pair?.receiver(slot)) {
      if ((await arrivals({ receiver, slot })) > 0) break;
      await sleep(this.#host.clock, FIRST_FRAME_POLL_MS);
    }
    // The pair went meanwhile: what the node sends is what counts.
    if (receiver && receiver !== member.pair?.receiver(slot)) return;
    if (member.show(slot, track)) member.changedSoon();
  }

  /** Without a picture element: the receiver's own count, read often for a short while. */
  async #firstFrame(member: Member): Promise<void> {
    // Ever rarer, for 11 s: a slow device must not spend its time on being asked.
    for (let wait = FIRST_FRAME_POLL_MS; wait < 300; wait += 4) {
      const receiver = member.receiver('video');
      const shown = receiver && (await arrivals({ receiver, slot: 'video' })) > 0;
      if (member.timings['first-frame'] !== undefined) return;
      if (shown) return member.timing('first-frame');
      await sleep(this.#host.clock, wait);
      if (member.state === 'closed') return;
    }
  }
}
