import type { Grade, PairQuality, PairState, Trouble } from '@tandem/rtc';
import type { MessageKey, Values } from '../i18n/index.ts';

export type Phase = 'lobby' | 'joining' | 'call' | 'ended';
export type Layout = 'auto' | 'grid' | 'spotlight';
export type Panel = 'chat' | 'people' | 'stats' | undefined;
export type ReactionKind = 'like' | 'heart' | 'laugh' | 'star' | 'wave';
export const REACTIONS: readonly ReactionKind[] = ['like', 'heart', 'laugh', 'star', 'wave'];

/** Why joining takes long: WebSockets do not get through, the service does not answer, or neither is at fault. */
export type Obstacle = 'websocket' | 'service' | 'slow';

/** Why a call is over, as the page tells it. */
export type EndKind =
  | 'left'
  | 'room_full'
  | 'kicked'
  | 'replaced'
  | 'duplicate'
  | 'closed'
  | 'refused'
  | 'unreachable'
  | 'lost'
  | 'failed';

/** One other person, as a view needs it. A new object after every change. */
export interface PeerView {
  readonly id: string;
  readonly name: string;
  readonly state: PairState;
  readonly away: boolean;
  readonly audio: boolean;
  readonly video: boolean;
  readonly hand: boolean;
  readonly stream: MediaStream;
  readonly videoTrack: MediaStreamTrack | undefined;
  readonly screenTrack: MediaStreamTrack | undefined;
  readonly grade: Grade | undefined;
  readonly quality: PairQuality | undefined;
  /** ms from first step to `connected`. */
  readonly setup: number | undefined;
}

export interface ChatLine {
  readonly id: string;
  readonly peerId: string;
  readonly name: string;
  readonly text: string;
  /** When it appeared here, by the clock of this device, ms since the epoch. */
  readonly shownAt: number;
  readonly mine: boolean;
}

export interface Notice {
  readonly id: number;
  readonly key: MessageKey;
  readonly values?: Values;
}

export interface FloatingReaction {
  readonly id: number;
  readonly kind: ReactionKind;
  readonly name: string;
}

export interface CallModelState {
  phase: Phase;
  /** The lobby's warm-up: token, socket, TURN credentials. */
  readiness: 'preparing' | 'ready' | 'failed';
  /** What keeps `joining` from ending, once that takes long. */
  obstacle: Obstacle | undefined;
  room: string;
  name: string;
  network: 'online' | 'reconnecting' | 'offline';
  peers: readonly PeerView[];
  sharing: MediaStreamTrack | undefined;
  hand: boolean;
  chat: readonly ChatLine[];
  unread: number;
  reactions: readonly FloatingReaction[];
  notices: readonly Notice[];
  /** Whoever speaks, or spoke last. */
  speaker: string | undefined;
  /** Everybody who makes sound now; `me` is myself. */
  speaking: ReadonlySet<string>;
  talkingMuted: boolean;
  grade: Grade | undefined;
  trouble: readonly Trouble[];
  soundBlocked: boolean;
  layout: Layout;
  pinned: string | undefined;
  panel: Panel;
  joinedAt: number;
  end: EndKind | undefined;
  detail: string;
  /** ms spent in the call that ended. */
  duration: number;
}
