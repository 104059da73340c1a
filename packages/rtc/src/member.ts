/** Another participant of the call, with everything that belongs to its leg. */
import type { CallEvents, RemotePeer } from './call-types.ts';
import { type Clock, coalesced } from './clock.ts';
import { GradeFilter } from './grade-filter.ts';
import type { Pair } from './pair.ts';
import type { PairState, Slot } from './pair-types.ts';
import { type PairQuality, QualityMeter, type RemoteView } from './quality.ts';
import type { PeerInfo } from './wire.ts';

/** Where a member's media comes from when it is not its pair. */
export interface MediaSource {
  connection(): RTCPeerConnection | undefined;
  mids(): [string, Slot][];
  receiver(slot: Slot): RTCRtpReceiver | undefined;
}

/** What a member needs of its call. */
export interface MemberHost {
  readonly clock: Clock;
  /** Everybody who is in the call. */
  readonly members: ReadonlyMap<string, Member>;
  emit<K extends 'timing' | 'peer-changed'>(event: K, payload: CallEvents[K]): void;
}

export class Member {
  info: PeerInfo;
  pair: Pair | undefined;
  /** A media node serves this member; its pair is closed, or about to be. */
  served: MediaSource | undefined;
  state: PairState = 'connecting';
  readonly stream = new MediaStream();
  readonly screen = new MediaStream();
  quality: PairQuality | undefined;
  remoteView: RemoteView | undefined;
  /** The tallest picture that it wants of my camera, in lines; 0: none. Undefined: as I send it to everybody. */
  wants: number | undefined;
  readonly filter = new GradeFilter();
  readonly timings: Record<string, number> = {};
  readonly began: number;
  /** My session was lost: this leg lives on until its successor is connected. */
  orphanTimer: unknown;
  readonly view: RemotePeer;
  readonly #host: MemberHost;
  readonly #meter = new QualityMeter();
  /** Tracks come by threes, in the middle of a negotiation: one event for them, and not one that the answer waits for. */
  readonly changedSoon: () => void;

  constructor(info: PeerInfo, host: MemberHost) {
    this.info = info;
    this.#host = host;
    this.began = host.clock.now();
    this.view = view(this);
    this.changedSoon = coalesced(host.clock, 0, () => this.isHere && this.changed());
  }

  /** False once it left. */
  get isHere(): boolean {
    return this.#host.members.get(this.info.peerId) === this;
  }

  /** Report a step of connecting; the time of the first of each name is kept. */
  timing(name: string): void {
    const at = this.#host.clock.now() - this.began;
    this.timings[name] ??= at;
    this.#host.emit('timing', { peerId: this.info.peerId, name, at });
  }

  /** Report that something about it changed. */
  changed(): void {
    this.#host.emit('peer-changed', { peer: this.view });
  }

  /**
   * Put a track that came in where the app looks for it, in place of the one of its kind. False when it is there already.
   * @param ended only in place of one that comes no more: its connection is closed
   */
  show(slot: Slot, track: MediaStreamTrack, ended = false): boolean {
    const stream = slot === 'screen' ? this.screen : this.stream;
    const shown = stream.getTracks().find(({ kind }) => kind === track.kind);
    if (shown === track || (ended && shown?.readyState !== 'ended')) return false;
    if (shown) stream.removeTrack(shown);
    stream.addTrack(track);
    return true;
  }

  /** A reading of what happened since the last one; undefined without a connection. */
  async measure(): Promise<PairQuality | undefined> {
    const { pair, served } = this;
    if (this.state !== 'connected') return undefined;
    const connection = () => (served ? served.connection() : pair?.connection);
    const pc = connection();
    if (!pc) return undefined;
    const report = await pc.getStats();
    if (pc !== connection() || served !== this.served) return undefined;
    const mids = new Map(served ? served.mids() : pair?.mids());
    const { audio, video } = this.info.metadata ?? {};
    const reading = this.#meter.read(
      report as unknown as Iterable<[string, unknown]>,
      this.#host.clock.now(),
      // A media node's connection carries everybody.
      (mid, kind) => mids.get(mid) ?? (served ? undefined : kind),
      {
        audio: audio === true,
        video: video === true,
      },
    );
    return this.remoteView ? { ...reading, remoteView: this.remoteView } : reading;
  }

  receiver(slot: Slot): RTCRtpReceiver | undefined {
    return this.served ? this.served.receiver(slot) : this.pair?.receiver(slot);
  }

  /** Loudness now, 0 to 1. */
  audioLevel(): number {
    const audio = this.receiver('audio');
    return audio?.getSynchronizationSources?.()[0]?.audioLevel ?? 0;
  }
}

/** What the app sees of a member: the same object for as long as it is here, its fields always the present ones. */
function view(member: Member): RemotePeer {
  return {
    peerId: member.info.peerId,
    get userId() {
      return member.info.userId;
    },
    get name() {
      return member.info.metadata?.name ?? '';
    },
    get metadata() {
      return member.info.metadata ?? {};
    },
    get state() {
      return member.state;
    },
    get audience() {
      return member.info.audience ?? false;
    },
    get away() {
      return member.info.away ?? false;
    },
    get stream() {
      return member.stream;
    },
    get screen() {
      return member.screen;
    },
    get quality() {
      return member.quality;
    },
    get timings() {
      return member.timings;
    },
    get topology() {
      return member.served ? ('sfu' as const) : ('mesh' as const);
    },
    get restarts() {
      return member.pair?.restarts ?? 0;
    },
  };
}
