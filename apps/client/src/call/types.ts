import type { PeerView } from '@tandem/react';
import type { SessionEvents } from '@tandem/rtc';
import type { MessageKey, Values } from '../i18n/index.ts';
import type { ConnectionHealth } from './connection-health.ts';
import type { DeviceOffer } from './device-offer.ts';

export type Phase = 'lobby' | 'joining' | 'call' | 'ended';
export type Layout = 'auto' | 'grid' | 'spotlight';
export type Panel = 'chat' | 'people' | 'stats' | undefined;
/** Pictures of the others: as they come, small ones, or none. */
export type Incoming = 'auto' | 'low' | 'off';
export type ReactionKind = 'like' | 'heart' | 'laugh' | 'star' | 'wave';
export const REACTIONS: readonly ReactionKind[] = ['like', 'heart', 'laugh', 'star', 'wave'];

/**
 * Why joining takes long: this device has no network, WebSockets do not get through, the service does not answer, the room is full, a
 * moderator has to let me in, or none of these is at fault.
 */
export type Obstacle = 'offline' | 'websocket' | 'service' | 'full' | 'waiting' | 'slow';

/** Why a call is over, as the page tells it. */
export type EndKind =
  | 'left'
  | 'kicked'
  | 'replaced'
  | 'duplicate'
  | 'crowded'
  | 'closed'
  | 'refused'
  | 'locked'
  | 'declined'
  | 'over'
  | 'unknown'
  | 'link'
  | 'encryption'
  | 'unreachable'
  | 'lost'
  | 'failed';

export interface ChatLine {
  /** Of this page: ids are chosen by peers, who may use one twice. */
  readonly key: number;
  readonly peerId: string;
  readonly name: string;
  readonly text: string;
  /** When it appeared here, by the clock of this device, ms since the epoch. */
  readonly shownAt: number;
  readonly mine: boolean;
  /** Of a moderator, as the server says. */
  readonly host?: boolean;
  /** Said before I came, as `by` remembers it. */
  readonly by?: string;
  /** Only one person has it: me, or the one of this name and peer id. */
  readonly only?: { readonly id: string; readonly name: string };
  readonly file?: ChatFile;
}

/** What I write in the chat, and to whom: it is there when the chat opens again. */
export interface Draft {
  readonly text: string;
  /** One person, whose name outlasts them. Undefined: everybody. */
  readonly to: { readonly id: string; readonly name: string } | undefined;
  /** When the last line went out, ms of the clock of this page (performance.now()). Undefined: none did. */
  readonly sentAt?: number;
}

/** What somebody is heard to say, in words. */
export interface Caption {
  /** Of the speaker: two may have one name. */
  readonly id: string;
  /** May be empty. */
  readonly name: string;
  readonly text: string;
}

/** A file in the chat. */
export interface ChatFile {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Where this page keeps it until the call ends, or newer ones need its place. */
  readonly url: string;
}

export interface Notice {
  readonly id: number;
  readonly key: MessageKey;
  readonly values?: Values;
  /** Where a click leads. */
  readonly opens?: Exclude<Panel, undefined>;
}

export interface FloatingReaction {
  readonly id: number;
  readonly kind: ReactionKind;
  readonly name: string;
  /** How many there were, in a large room; 0: it is one person's. */
  readonly count: number;
}

export interface CallModelState {
  phase: Phase;
  /** The lobby's warm-up: token, socket, TURN credentials. */
  readiness: 'preparing' | 'ready' | 'failed';
  /** What keeps `joining` from ending, once that takes long. */
  obstacle: Obstacle | undefined;
  room: string;
  /** Of the room, when its calls are encrypted end to end. */
  secret: string | undefined;
  /** To compare with the others. Empty: the call is not encrypted. */
  safetyNumber: string;
  /** Who has not the secret of this call, by peer id. */
  withoutKey: ReadonlySet<string>;
  name: string;
  network: 'online' | 'reconnecting' | 'offline';
  peers: readonly PeerView[];
  sharing: MediaStreamTrack | undefined;
  /** The sound that goes with it. */
  sharedSound: MediaStreamTrack | undefined;
  /** How loud that is for the others beside my voice, 0 to 1: both are one track, so they cannot choose. */
  sharedVolume: number;
  hand: boolean;
  /** When my hand went up, ms since the epoch. */
  handAt: number;
  /** How loud each person is for me, 0 to 1, by peer id; who is not in it is at 1. */
  volumes: Readonly<Record<string, number>>;
  /** I watch and listen only: my token does not grant that I publish. */
  watching: boolean;
  /** A moderator lets me speak, which I have not answered. */
  invited: boolean;
  /** I look at myself and hear my level before I say yes: the others neither see nor hear me. */
  rehearsing: boolean;
  /** I have accepted: seen and heard in this room, whatever my token says. */
  speaks: boolean;
  /** I may write to others. */
  writing: boolean;
  /** I may mute and remove others, and end the call for all. */
  moderator: boolean;
  /** That by my token: I may make others moderators, and take it back. */
  host: boolean;
  /** What the room says of it, beside my token. Undefined: nothing. */
  moderates: boolean | undefined;
  /** As a moderator I may let those speak who may only watch (grant `invite`). */
  inviter: boolean;
  /** What the room says of that, beside my token. Undefined: nothing. */
  invites: boolean | undefined;
  /** I may record the call. */
  recorder: boolean;
  /** The call is recorded since then, ms since the epoch; undefined: it is not. */
  recording: number | undefined;
  /** Who may come in, what people may do, and to a moderator who waits. Undefined: everybody may do everything. */
  roomEntry: SessionEvents['entry'] | undefined;
  chat: readonly ChatLine[];
  draft: Draft;
  unread: number;
  reactions: readonly FloatingReaction[];
  captions: readonly Caption[];
  notices: readonly Notice[];
  /** Who speaks, or spoke last. */
  speaker: string | undefined;
  /** Everybody who makes sound now; `me` is myself. */
  speaking: ReadonlySet<string>;
  talkingMuted: boolean;
  /** A device that was plugged in, which is not used yet. */
  offer: DeviceOffer | undefined;
  /** My own connection, and who else has a bad one. */
  health: ConnectionHealth;
  incoming: Incoming;
  soundBlocked: boolean;
  layout: Layout;
  pinned: string | undefined;
  panel: Panel;
  joinedAt: number;
  end: EndKind | undefined;
  detail: string;
  /** ms that somebody else was in the call that ended. */
  duration: number;
}
