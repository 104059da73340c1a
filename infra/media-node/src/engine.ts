/**
 * What the agent needs of a media engine (an SFU): rooms, one publishing leg and one receiving leg a person. The Janus adapter and the
 * fake pass the same contract suite (testing/contract.ts).
 *
 * An engine knows nothing of signaling. Ids are the caller's, unique in their room, and any text up to 64 characters.
 */

/** What a person sends: microphone, camera, screen. In this order of the media sections, as packages/rtc offers them. */
export type Slot = 'audio' | 'video' | 'screen';
export const SLOTS: readonly Slot[] = ['audio', 'video', 'screen'];

/** Spatial layer of a camera that is sent in up to three sizes; `off` stops the packets and keeps the subscription. */
export type Layer = 'off' | 'low' | 'mid' | 'high';
export type SentLayer = Exclude<Layer, 'off'>;

export interface Candidate {
  readonly candidate: string;
  readonly sdpMid?: string | null;
  readonly sdpMLineIndex?: number | null;
}

/**
 * Most media sections of an offer to a receiver: with more it does not fit a frame of signaling (64 KiB). The first of what is wanted and
 * published are received; 25 audible people and a page of 25 tiles are 50.
 */
export const MAX_SECTIONS = 56;

/** Viewers and packagers of a muted publisher keep it for this time, ms: one whose token is renewed late is back by then. */
export const MUTED_MS = 2000;

/** One track of one person. */
export interface TrackName {
  readonly publisher: string;
  readonly slot: Slot;
}
/** Where a subscribed track is in the receiver's session description. */
export interface SubscribedTrack extends TrackName {
  readonly mid: string;
}

/** Told of either leg. None is called after `close` of the leg. */
export interface LegEvents {
  /** A candidate of the engine; null ends them. Never before the description that it belongs to. */
  onCandidate(candidate: Candidate | null): void;
  /** ICE and DTLS are done: packets may flow. Also after a restart. */
  onLive(): void;
  /** The engine gave the leg up: its client sent no consent (RFC 7675), said goodbye by DTLS, or was removed. */
  onLost(reason: string): void;
}

export interface SubscriberEvents extends LegEvents {
  /** Answer it by `answer`; the next one comes only then. `tracks` has all that are subscribed, also those of earlier offers. */
  onOffer(sdp: string, tracks: readonly SubscribedTrack[]): void;
  /** The engine refused what is wanted; it is asked again. Default: not reported. */
  onRefused?(why: string): void;
}

export interface PublisherLeg {
  /** First offer, renegotiation or ICE restart. @returns the engine's answer @throws EngineError */
  offer(sdp: string): Promise<string>;
  candidate(candidate: Candidate | null): void;
  /**
   * From now on nothing of it is passed on to anybody, recorded or heard; and everything again, from a keyframe on, once it is not muted. Meanwhile it
   * is not live for {@link EngineRoom.watch} and {@link EngineRoom.forward}; what these gave before ends after {@link MUTED_MS}.
   */
  mute(isMuted: boolean): void;
  /** Ends the leg; its subscriptions of others are untouched, others' of it end. */
  close(): Promise<void>;
}

export interface SubscriberLeg {
  /**
   * Replace what is wanted, most important first ({@link MAX_SECTIONS}). A track that is not published yet is subscribed when it is; one that ends leaves by a new offer.
   * Never rejects: what the engine refuses is reported by {@link SubscriberEvents.onRefused} and tried again.
   */
  want(tracks: readonly TrackName[]): void;
  /** @throws EngineError */
  answer(sdp: string): Promise<void>;
  /** Which layer of a camera, from now on. Kept for a track that is not subscribed yet. Default `high`. */
  select(track: TrackName, layer: Layer): void;
  /** A new offer with new ICE credentials. */
  restart(): void;
  candidate(candidate: Candidate | null): void;
  close(): Promise<void>;
}

/** Of a viewer that offers. */
export interface ViewerEvents extends LegEvents {
  /**
   * The size of the camera that is meant for it from now on, by what its connection carries; before that `high`. It comes with the next
   * keyframe of that size, if that is sent. Never for a publisher of one size.
   */
  onLayer(layer: SentLayer): void;
}

/** Views one publisher, by an offer of its own: WHEP. */
export interface ViewerLeg {
  candidate(candidate: Candidate | null): void;
  close(): Promise<void>;
}

/** Media of one publisher that goes to UDP ports, as RTP: Opus with payload type 111, video with 96. */
export interface Forwarding {
  readonly hasAudio: boolean;
  /** Packets of its microphone come now. */
  isSounding(): boolean;
  /** Undefined: it sends no camera. */
  readonly videoCodec: 'vp8' | 'h264' | undefined;
  /** Asks the publisher for a keyframe. */
  keyframe(): void;
  /** Settles when nothing goes any more, whatever the reason. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

/** UDP ports of a packager. */
export interface ForwardPorts {
  /** IPv4 address of the packager. Default 127.0.0.1. */
  readonly host?: string;
  readonly audio: number;
  readonly video: number;
}

export interface EngineRoom {
  /** @throws EngineError `full` when the room has its number of publishers */
  publish(id: string, events: LegEvents): Promise<PublisherLeg>;
  subscribe(id: string, events: SubscriberEvents): Promise<SubscriberLeg>;
  /** Does media of this publisher flow? Not while it is muted. */
  isLive(publisher: string): boolean;
  /**
   * Microphone and camera of one publisher for somebody who is not in the room. Ends with what the publisher sends.
   * @returns the leg and its answer @throws EngineError `refused` for an offer of which nothing is taken, `gone` without such a publisher
   */
  watch(publisher: string, sdp: string, events: ViewerEvents): Promise<ViewerLeg & { readonly answer: string }>;
  /**
   * Microphone and camera of one publisher (of several sizes the largest) for a program of this machine. Ends with what the publisher sends.
   * @throws EngineError `gone` without such a publisher
   */
  forward(publisher: string, to: ForwardPorts): Promise<Forwarding>;
  /**
   * Records what is published, also later: a .mjr file for each track in {@link Engine.recordings}, whose name begins with what
   * `nameOf` says, which is asked once for each connection of a publisher (undefined: that one is not recorded). Without `nameOf` it ends, and all
   * files are whole. @throws EngineError
   */
  record(nameOf: ((publisher: string) => string | undefined) | undefined): Promise<void>;
  /** Loudness crossed the threshold of speech. */
  onTalking: (publisher: string, talking: boolean) => void;
  /** A receiver waits for a keyframe of this publisher's camera, and the engine will not ask for it soon. */
  onKeyframeNeeded: (publisher: string) => void;
  /** Ends every leg. */
  close(): Promise<void>;
}

export interface Engine extends AsyncDisposable {
  /** Version of the program. */
  readonly version: string;
  /** Folder of what is recorded, which is made with the first file. */
  readonly recordings: string;
  /** Legs open now, of all rooms. */
  readonly legs: number;
  /** @param publishers most publishers at once @throws EngineError when a room of that name is open */
  openRoom(id: string, publishers: number): Promise<EngineRoom>;
  /** Settles when the engine is gone, whatever the reason. */
  readonly ended: Promise<void>;
}

/** The engine refused, is gone, or does not answer. */
export class EngineError extends Error {
  override name = 'EngineError';
  readonly code: 'full' | 'refused' | 'gone' | 'timeout';
  constructor(code: EngineError['code'], message: string) {
    super(message);
    this.code = code;
  }
}
