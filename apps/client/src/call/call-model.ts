import type { Call, RemotePeer } from '@tandem/rtc';
import type { MessageKey, Values } from '../i18n/index.ts';
import { preferences } from '../lib/preferences.ts';
import { Store } from '../lib/store.ts';
import { localMedia } from '../media/local-media.ts';
import { endKind } from './end-kind.ts';
import { QualityHistory } from './history.ts';
import { type CallReporter, INTERIM_MS, prepareReports, reportCall } from './report.ts';
import { Speakers, sameSet } from './speakers.ts';
import { type CallModelState, type PeerView, REACTIONS, type ReactionKind } from './types.ts';
import { keepAwake } from './wake-lock.ts';
import { type Warm, warmUp } from './warm.ts';

const initial: CallModelState = {
  phase: 'lobby',
  readiness: 'preparing',
  room: '',
  name: '',
  network: 'online',
  peers: [],
  sharing: undefined,
  hand: false,
  chat: [],
  unread: 0,
  reactions: [],
  notices: [],
  speaker: undefined,
  speaking: new Set(),
  talkingMuted: false,
  grade: undefined,
  trouble: [],
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
/** Louder than a keyboard, quieter than a voice at arm's length. */
const TALK_RMS = 0.03;
const RANK = { good: 0, fair: 1, poor: 2 } as const;

function viewOf(peer: RemotePeer): PeerView {
  const { metadata } = peer;
  const live = (stream: MediaStream) => stream.getVideoTracks()[0];
  const connected = peer.timings.connected;
  return {
    id: peer.peerId,
    name: peer.name,
    state: peer.state,
    away: peer.away,
    audio: metadata.audio === true,
    video: metadata.video === true,
    hand: metadata.hand === true,
    stream: peer.stream,
    videoTrack: metadata.video ? live(peer.stream) : undefined,
    screenTrack: metadata.screen ? live(peer.screen) : undefined,
    grade: peer.quality?.grade,
    quality: peer.quality,
    setup: connected,
  };
}

/** The call of this page: a thin model over the SDK that views can watch. */
export class CallModel extends Store<CallModelState> {
  history = new QualityHistory();
  /** The SDK's call, for tests and diagnostics. */
  sdkCall: Call | undefined;
  #reporter: CallReporter | undefined;
  #warm: Promise<Warm> | undefined;
  #ids = 0;
  #undo: (() => void)[] = [];

  constructor() {
    super(initial);
  }

  /** Begin everything that can begin before the room is known. Safe to call again. */
  warm(): void {
    if (this.#warm) return;
    this.set({ readiness: 'preparing' });
    const warm = warmUp();
    this.#warm = warm;
    void prepareReports();
    const failed = () => {
      if (this.#warm === warm) this.set({ readiness: 'failed' });
    };
    // The socket keeps trying behind the scenes; after a while people deserve to know.
    const slow = setTimeout(failed, 8000);
    warm
      .then((w) => w.ready)
      .then(
        () => this.#warm === warm && this.set({ readiness: 'ready' }),
        () => failed(),
      )
      .finally(() => clearTimeout(slow));
  }

  async join(room: string, name: string): Promise<void> {
    if (this.get().phase === 'joining' || this.get().phase === 'call') return;
    this.set({ ...initial, readiness: this.get().readiness, layout: this.get().layout, phase: 'joining', room, name });
    this.history = new QualityHistory();
    this.#reporter = reportCall(this.history);
    performance.mark('tandem:join');
    try {
      this.warm();
      const warm = await (this.#warm as Promise<Warm>);
      if (warm.session.state === 'closed') {
        this.#warm = undefined;
        this.warm();
      }
      await this.#enter(await (this.#warm as Promise<Warm>), room, name);
    } catch (error) {
      const code = (error as { code?: string }).code;
      this.#reporter?.refused(code ?? 'unavailable');
      this.#finish(code ?? 'unavailable', error instanceof Error ? error.message : String(error));
    }
  }

  async #enter(warm: Warm, room: string, name: string): Promise<void> {
    const media = localMedia.get();
    const tracks = [media.audioTrack, media.videoTrack].filter((track) => track !== undefined);
    const call = new warm.sdk.Call({
      session: warm.session,
      prewarmed: warm.prewarmed,
      roomId: room,
      getIceServers: warm.getIceServers,
      stream: new MediaStream(tracks),
      metadata: { name },
      iceTransportPolicy: warm.config.iceTransportPolicy,
    });
    this.sdkCall = call;
    this.#sent = { audio: media.audioTrack, video: media.videoTrack };
    call.setAudio(!media.muted);
    this.#listen(call);
    await call.join();
    history.replaceState(
      null,
      '',
      `?${new URLSearchParams({ ...Object.fromEntries(new URLSearchParams(location.search)), room })}`,
    );
    performance.mark('tandem:joined');
    this.set({ phase: 'call', joinedAt: Date.now() });
    const interim = setInterval(() => this.#reporter?.interim(call.peers), INTERIM_MS);
    this.#undo.push(keepAwake(), () => clearInterval(interim));
  }

  #listen(call: Call): void {
    const peers = () => this.set({ peers: call.peers.map(viewOf) });
    const media = () => this.#mediaChanged(call);
    let resumed = true;
    let { audioTrack, videoTrack, muted, lost, filterFailed } = localMedia.get();
    this.#undo.push(
      call.on('peer-added', ({ peer }) => {
        peers();
        this.#reporter?.legBegan(peer.peerId);
        this.#reporter?.sawPeople(call.peers.length + 1);
        if (this.get().phase === 'call' && peer.name) this.notify('call.joined', { name: peer.name });
      }),
      call.on('peer-removed', ({ peer, reason }) => {
        // The same person is here under a new session, and the media went on: the leg is not over.
        const goesOn = call.peers.some((p) => p.userId === peer.userId && p.state === 'connected');
        if (reason !== 'session-lost' || !goesOn) this.#reporter?.legEnded(peer, reason);
        peers();
        if (this.get().pinned === peer.peerId) this.set({ pinned: undefined });
        if (this.get().phase === 'call' && peer.name) this.notify('call.left', { name: peer.name });
      }),
      call.on('peer-changed', peers),
      call.on('timing', ({ peerId, name }) => {
        if (name === 'ice-restart') this.#reporter?.restarted(peerId);
      }),
      call.session.on('session-lost', () => {
        resumed = false;
        this.#reporter?.resumed(false);
      }),
      call.on('quality', ({ peer, quality }) => {
        this.history.push(peer.peerId, quality);
        peers();
        this.#regrade();
      }),
      call.on('chat', (line) => {
        const unread = line.mine || this.get().panel === 'chat' ? 0 : this.get().unread + 1;
        this.set({ chat: [...this.get().chat.slice(-499), line], unread });
      }),
      call.on('reaction', ({ peerId, emoji }) => {
        const kind = REACTIONS.find((k) => k === emoji);
        const name = call.peers.find((p) => p.peerId === peerId)?.name ?? '';
        if (kind) this.#float(kind, name);
      }),
      call.on('mute-requested', ({ kind }) => {
        if (kind === 'audio') void localMedia.setMuted(true);
        else void localMedia.setCamera(false);
        this.notify(kind === 'audio' ? 'call.mutedByHost' : 'call.camOffByHost');
      }),
      call.on('state', ({ state, reason, message }) => {
        if (state === 'ended') {
          if (this.get().phase === 'call') this.#finish(reason, message ?? '');
          return;
        }
        if (state === 'joined' && this.get().network === 'reconnecting') {
          if (resumed) this.#reporter?.resumed(true);
          resumed = true;
        }
        this.#networkChanged(state === 'reconnecting');
      }),
      localMedia.subscribe(() => {
        const now = localMedia.get();
        if (now.audioTrack !== audioTrack || now.videoTrack !== videoTrack || now.muted !== muted) media();
        if (now.lost !== lost && now.lost) this.notify('media.lost', { device: now.lost });
        if (now.filterFailed && !filterFailed) this.notify('media.filterFailed');
        ({ audioTrack, videoTrack, muted, lost, filterFailed } = now);
      }),
      this.#watchNetwork(),
      this.#watchLevels(call),
    );
  }

  #mediaChanged(call: Call): void {
    const { audioTrack, videoTrack, muted } = localMedia.get();
    const changes: Promise<void>[] = [];
    if (this.#sent.audio !== audioTrack) changes.push(call.setTrack('audio', audioTrack ?? null));
    if (this.#sent.video !== videoTrack) changes.push(call.setTrack('video', videoTrack ?? null));
    this.#sent = { audio: audioTrack, video: videoTrack };
    call.setAudio(!muted);
    Promise.all(changes).catch((error: unknown) => this.notify('end.failed', { detail: String(error) }));
  }
  #sent: { audio: MediaStreamTrack | undefined; video: MediaStreamTrack | undefined } = {
    audio: undefined,
    video: undefined,
  };

  #regrade(): void {
    let worst: CallModelState['grade'];
    let trouble: CallModelState['trouble'] = [];
    for (const { quality } of this.get().peers) {
      if (!quality || (worst && RANK[quality.grade] <= RANK[worst])) continue;
      worst = quality.grade;
      trouble = quality.trouble;
    }
    this.set({ grade: worst, trouble });
  }

  #networkChanged(reconnecting: boolean): void {
    const before = this.get().network;
    const network = !navigator.onLine ? 'offline' : reconnecting ? 'reconnecting' : 'online';
    if (network === 'online' && before !== 'online') this.notify('call.backOnline');
    this.set({ network });
  }

  #watchNetwork(): () => void {
    const changed = () => this.#networkChanged(this.sdkCall?.state === 'reconnecting');
    addEventListener('online', changed);
    addEventListener('offline', changed);
    return () => {
      removeEventListener('online', changed);
      removeEventListener('offline', changed);
    };
  }

  #watchLevels(call: Call): () => void {
    const speakers = new Speakers();
    let talkedFor = 0;
    const timer = setInterval(() => {
      const { muted, audio } = localMedia.get();
      const mine = audio === 'live' ? localMedia.level() : 0;
      const levels = new Map(call.peers.map((p) => [p.peerId, p.metadata.audio ? call.audioLevel(p.peerId) : 0]));
      levels.set('me', muted ? 0 : mine);
      const { speaking, speaker } = speakers.push(levels, performance.now());
      if (!sameSet(speaking, this.get().speaking)) this.set({ speaking });
      this.set({ speaker: speaker === 'me' ? this.get().speaker : speaker });
      talkedFor = muted && audio === 'live' && mine > TALK_RMS ? talkedFor + 1 : Math.max(0, talkedFor - 0.25);
      this.set({ talkingMuted: muted && (talkedFor >= 4 || (this.get().talkingMuted && talkedFor > 0)) });
    }, 150);
    return () => clearInterval(timer);
  }

  // --- what people do -------------------------------------------------------------------------------------------

  leave(): void {
    this.#finish('left', '');
  }

  #finish(code: string | undefined, detail: string): void {
    const { joinedAt, sharing } = this.get();
    const call = this.sdkCall;
    // Ends the pairs first: their last events still reach the report.
    this.set({ phase: 'ended' });
    call?.leave();
    for (const undo of this.#undo.splice(0)) undo();
    this.#reporter?.send();
    sharing?.stop();
    const end = endKind(code);
    this.set({
      end,
      detail,
      duration: joinedAt ? Date.now() - joinedAt : 0,
      sharing: undefined,
      peers: [],
      panel: undefined,
    });
    this.#sent = { audio: undefined, video: undefined };
    localMedia.stop();
    // A session that ended for good cannot be joined again.
    if (call?.session.state === 'closed' || end === 'failed') {
      call?.session.close();
      this.#warm = undefined;
    }
  }

  /** The page goes away. */
  goodbye(): void {
    const session = this.sdkCall?.session;
    if (this.get().phase === 'call') this.#finish('left', '');
    session?.close();
  }

  toLobby(): void {
    this.set({ ...initial, layout: this.get().layout, readiness: this.#warm ? this.get().readiness : 'preparing' });
    this.sdkCall = undefined;
    this.warm();
  }

  async toggleScreen(): Promise<void> {
    const { sharing } = this.get();
    const call = this.sdkCall;
    if (!call) return;
    if (sharing) {
      sharing.stop();
      this.set({ sharing: undefined });
      await call.setTrack('screen', null);
      return;
    }
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 15 } }, audio: false });
    } catch {
      // Picker closed: nothing to tell.
      return;
    }
    const track = stream.getVideoTracks()[0];
    if (!track) return;
    track.addEventListener('ended', () => {
      if (this.get().sharing === track) this.set({ sharing: undefined });
    });
    this.set({ sharing: track });
    await call.setTrack('screen', track);
  }

  toggleHand(): void {
    const hand = !this.get().hand;
    this.set({ hand });
    this.sdkCall?.setMetadata({ name: this.get().name, hand });
  }

  sendChat(text: string): void {
    const clean = text.trim().slice(0, 2000);
    if (clean) this.sdkCall?.chat(clean);
  }

  react(kind: ReactionKind): void {
    this.sdkCall?.react(kind);
    this.#float(kind, this.get().name || preferences.get().name);
  }

  openPanel(panel: CallModelState['panel']): void {
    const next = this.get().panel === panel ? undefined : panel;
    this.set({ panel: next, ...(next === 'chat' ? { unread: 0 } : {}) });
  }

  nextLayout(): void {
    const order = ['auto', 'grid', 'spotlight'] as const;
    this.set({ layout: order[(order.indexOf(this.get().layout) + 1) % order.length] ?? 'auto' });
  }

  #float(kind: ReactionKind, name: string): void {
    const id = ++this.#ids;
    this.set({ reactions: [...this.get().reactions.slice(-11), { id, kind, name }] });
    setTimeout(() => this.set({ reactions: this.get().reactions.filter((r) => r.id !== id) }), REACTION_MS);
  }

  /** A line that comes and goes; screen readers hear it. */
  notify(key: MessageKey, values?: Values): void {
    const id = ++this.#ids;
    this.set({ notices: [...this.get().notices.slice(-2), { id, key, ...(values ? { values } : {}) }] });
    setTimeout(() => this.set({ notices: this.get().notices.filter((n) => n.id !== id) }), NOTICE_MS);
  }
}

export const call = new CallModel();

if (typeof window !== 'undefined') {
  // For tests and for support: the live call, with its connections.
  Object.defineProperty(window, '__tandem', {
    value: {
      model: call,
      media: localMedia,
      get call() {
        return call.sdkCall;
      },
      get session() {
        return call.sdkCall?.session;
      },
    },
  });
  window.addEventListener('pagehide', (event: PageTransitionEvent) => {
    // Kept in the back-forward cache: it may come back. Otherwise say goodbye at once instead of after the grace period.
    if (!event.persisted) call.goodbye();
  });
}
