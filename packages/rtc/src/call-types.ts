/** What goes into a call and what comes out of it. */
import type { Clock } from './clock.ts';
import type { DeliveryResult } from './delivery-types.ts';
import type { ReceivedFile } from './file-transfer.ts';
import type { IceServersAnswer, IceServersRequest } from './ice-servers.ts';
import type { PairState, PairTimes } from './pair-types.ts';
import type { HistoryLine } from './peer-input.ts';
import type { PrewarmedConnection } from './prewarmed-connection.ts';
import type { Grade, PairQuality, Trouble } from './quality.ts';
import type { SignalingSession } from './session.ts';
import type { EndReason } from './session-types.ts';
import type { PeerMetadata } from './wire.ts';

/** What a {@link Call} needs. Only `session` and `roomId` are required. @public */
export interface CallOptions {
  /** Connected or not; the call connects it. It may outlive the call. */
  readonly session: SignalingSession;
  readonly roomId: string;
  /**
   * STUN and TURN servers, e.g. from GET /auth/ice-servers with the token it is given. Default: none, host candidates only. When it fails
   * it is asked again, and `ice-servers-failed` says why.
   */
  readonly getIceServers?: (request: IceServersRequest) => Promise<IceServersAnswer>;
  /** Camera and microphone. Null or missing tracks are fine: join and watch, add them later by `setTrack`. */
  readonly stream?: MediaStream | null;
  /** What else to say of me, e.g. `{name}`. `audio`, `video` and `screen` are kept by the call. */
  readonly metadata?: PeerMetadata;
  /** `relay` forces TURN. Default `all`. */
  readonly iceTransportPolicy?: RTCIceTransportPolicy;
  /** Interval of getStats, ms; 0 switches quality off. Default 2000. */
  readonly statsInterval?: number;
  /** Large rooms go through a media node, where the deployment has one. Default true; false: always a mesh. */
  readonly sfu?: boolean;
  /**
   * Watch and listen only, as a token without the grant `publish` has it: nothing is sent, `stream` and `setTrack` are not used, and what the
   * others send comes by a media node. Without one nothing comes, and peers stay `connecting`. Who is given `publish` meanwhile (event `grants` of
   * the session) leaves and joins with a new call to send. Default false.
   */
  readonly audience?: boolean;
  /** Default: the browser's. */
  readonly RTCPeerConnection?: new (
    configuration: RTCConfiguration,
  ) => RTCPeerConnection;
  /** One that was made ready in the lobby. Default: the call makes its own when it joins. */
  readonly prewarmed?: PrewarmedConnection;
  /** End-to-end encryption, e.g. `Encryption` of `@tandem/rtc/encryption`. Default: none. */
  readonly encryption?: CallEncryption;
  readonly clock?: Clock;
  /** Repair times; for tests. */
  readonly times?: PairTimes;
}

/** What a call needs of its end-to-end encryption. @public */
export interface CallEncryption {
  /** Goes with the call's own metadata. */
  readonly metadata: PeerMetadata;
  /** Makes connections whose media is encrypted. */
  readonly RTCPeerConnection: new (
    configuration: RTCConfiguration,
  ) => RTCPeerConnection;
  /** Is this peer itself at the other end of `connection`, not somebody between us? Only then its data channel is used. */
  trusts(peerId: string, connection: RTCPeerConnection): boolean;
  /** From now on `track`, of a connection of `RTCPeerConnection`, has to bring this peer's media: what is another's is not shown. */
  expects(peerId: string, track: MediaStreamTrack): void;
  /** A message to a peer through signaling. Undefined: it cannot read any, and gets none. For one peer, in the order of the calls. */
  seal(peerId: string, data: unknown): Promise<unknown>;
  /** The reverse, in the same order. Undefined: it is nothing for the call, or not from the peer. */
  open(peerId: string, data: unknown): Promise<unknown>;
}

/**
 * - `idle`, - `joining`, - `joined`, - `reconnecting`: signaling is away, media goes on, - `ended`: left, or over for the
 * reason of the event.
 */
export type CallState = 'idle' | 'joining' | 'joined' | 'reconnecting' | 'ended';

/** Somebody else in the call. The object stays the same while it is in the call; its fields change with `peer-changed`. */
export interface RemotePeer {
  readonly peerId: string;
  readonly userId: string | undefined;
  /** Display name, or empty. */
  readonly name: string;
  /** What it says of itself: `metadata.audio/video/screen` tell what is switched on. */
  readonly metadata: PeerMetadata;
  readonly state: PairState;
  /** It watches and listens only: nothing of it is to be shown. */
  readonly audience: boolean;
  /** Its signaling is gone for the moment; media may well go on. */
  readonly away: boolean;
  /** Microphone and camera. The same object for as long as the peer is here; tracks in it may be replaced. */
  readonly stream: MediaStream;
  /** Shared screen, when `metadata.screen` says so. */
  readonly screen: MediaStream;
  /** Latest reading. */
  readonly quality: PairQuality | undefined;
  /** ms since the pair began, by name: `offer-sent`, `answer-received`, `ice-connected`, `connected`, `first-frame`… */
  readonly timings: Readonly<Record<string, number>>;
  /** How often the path was searched anew since it first stood (ICE restarts and rebuilds of either side). */
  readonly restarts: number;
  /** How its media comes: by a connection between us two, or by a media node. */
  readonly topology: 'mesh' | 'sfu';
}

/** One line of chat, own or received. @public */
export interface ChatMessage {
  readonly id: string;
  /** Sender; mine too. */
  readonly peerId: string;
  readonly name: string;
  /** At most 4000 UTF-16 units. */
  readonly text: string;
  /** When it was sent, by the sender's clock, ms since the epoch. Mine when that is more than a day off. */
  readonly at: number;
  /** When it appeared here, by my own clock, ms since the epoch: the time to show. */
  readonly shownAt: number;
  readonly mine: boolean;
  /** Only for this peer; undefined: for everybody. */
  readonly privateTo?: string;
  /** Of my own messages: what became of it for each peer, by peer id. Never rejects. */
  readonly delivered?: Promise<ReadonlyMap<string, DeliveryResult>>;
}

/** Which of the own tracks are sent: not muted, not blanked, shared. @public */
export interface LocalState {
  readonly audio: boolean;
  readonly video: boolean;
  readonly screen: boolean;
}

/** Events of a {@link Call}, by name, with what the handler receives. @public */
export interface CallEvents {
  state: { state: CallState; reason?: EndReason | 'left' | 'room-lost'; message?: string };
  'peer-added': { peer: RemotePeer };
  'peer-changed': { peer: RemotePeer };
  'peer-removed': { peer: RemotePeer; reason: string };
  /** What I send changed: muted, camera off, screen shared. */
  local: LocalState;
  chat: ChatMessage;
  /** What was said before I came, as one of those who were here remembers it: their word, not checked by anybody. Oldest first. */
  'chat-history': { peerId: string; lines: readonly HistoryLine[] };
  /** A file of a peer came in whole. */
  file: ReceivedFile;
  reaction: { peerId: string; emoji: string };
  /** App data of a peer (`send`). */
  data: { peerId: string; data: unknown };
  /** A reading of one pair. */
  quality: { peer: RemotePeer; quality: PairQuality };
  /** The lasting grade of a pair changed; `trouble` says why in words. */
  grade: { peer: RemotePeer; grade: Grade; trouble: readonly Trouble[] };
  'mute-requested': { peerId: string; kind: 'audio' | 'video' };
  /** `getIceServers` failed: until it succeeds connections do without new TURN credentials. */
  'ice-servers-failed': { error: Error };
  /** Diagnostics: steps of a pair with their time since it began, ms. */
  timing: { peerId: string; name: string; at: number };
}
