import { Store } from '@tandem/react';
import type { MessageKey, Values } from '../i18n/index.ts';
import { addNotice } from './notices.ts';
import type { CallModelState, Notice, ReactionKind } from './types.ts';

export const initialState: CallModelState = {
  phase: 'lobby',
  readiness: 'preparing',
  obstacle: undefined,
  room: '',
  secret: undefined,
  safetyNumber: '',
  withoutKey: new Set(),
  name: '',
  network: 'online',
  peers: [],
  sharing: undefined,
  sharedSound: undefined,
  sharedVolume: 1,
  hand: false,
  handAt: 0,
  volumes: {},
  watching: false,
  invited: false,
  rehearsing: false,
  speaks: false,
  writing: true,
  moderator: false,
  host: false,
  moderates: undefined,
  inviter: false,
  invites: undefined,
  recorder: false,
  recording: undefined,
  roomEntry: undefined,
  chat: [],
  draft: { text: '', to: undefined },
  unread: 0,
  reactions: [],
  captions: [],
  notices: [],
  speaker: undefined,
  speaking: new Set(),
  talkingMuted: false,
  offer: undefined,
  health: { grade: undefined, fault: 'none', trouble: [], weak: [] },
  incoming: 'auto',
  soundBlocked: false,
  layout: 'auto',
  pinned: undefined,
  panel: undefined,
  joinedAt: 0,
  end: undefined,
  detail: '',
  duration: 0,
};

const NOTICE_MS = 4000;
const REACTION_MS = 4000;
/** In a room of more others than this, reactions of one kind are one number. */
const MOST_BUBBLES = 20;

/** What views watch, and the lines and reactions in it that go by themselves. */
export class CallState extends Store<CallModelState> {
  #ids = 0;
  /** Of reactions, by id. */
  readonly #fading = new Map<number, ReturnType<typeof setTimeout>>();

  constructor() {
    super(initialState);
  }

  /** A line that comes and goes; screen readers hear it. */
  notify(key: MessageKey, values?: Values, opens?: Notice['opens']): void {
    const id = ++this.#ids;
    const notice = { id, key, ...(values ? { values } : {}), ...(opens ? { opens } : {}) };
    this.set({ notices: addNotice(this.get().notices, notice) });
    setTimeout(() => this.set({ notices: this.get().notices.filter((n) => n.id !== id) }), NOTICE_MS);
  }

  /** A reaction that rises over the stage; in a large room one more of its kind, and the number goes after the last one. */
  float(kind: ReactionKind, name: string): void {
    const { reactions, peers } = this.get();
    const sum = peers.length > MOST_BUBBLES ? reactions.find((one) => one.kind === kind && one.count > 0) : undefined;
    const id = sum?.id ?? ++this.#ids;
    const one = { id, kind, name, count: peers.length > MOST_BUBBLES ? (sum?.count ?? 0) + 1 : 0 };
    this.set({
      reactions: sum ? reactions.map((other) => (other === sum ? one : other)) : [...reactions.slice(-11), one],
    });
    clearTimeout(this.#fading.get(id));
    const fade = () => {
      this.#fading.delete(id);
      this.set({ reactions: this.get().reactions.filter((r) => r.id !== id) });
    };
    this.#fading.set(id, setTimeout(fade, REACTION_MS));
  }
}
