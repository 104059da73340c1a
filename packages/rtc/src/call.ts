/** A call: one room, a full mesh of pairs, my tracks in all of them. */
import { type Clock, systemClock } from './clock.ts';
import { Emitter } from './emitter.ts';
import { IceServers, type IceServersAnswer } from './ice-servers.ts';
import { Pair, type PairState, type PairTimes, type Slot } from './pair.ts';
import {
  type Grade,
  GradeFilter,
  myView,
  type PairQuality,
  QualityMeter,
  type TheirView,
  type Trouble,
} from './quality.ts';
import type { SignalingSession } from './session.ts';
import type { EndReason, SessionEvents } from './session-types.ts';
import { type Talk, TalkLine } from './talk.ts';
import { AUDIO_MAX_BITRATE, applyCap, cameraCap, screenCap } from './uplink.ts';
import type { PeerInfo, PeerMetadata } from './wire.ts';

export interface CallOptions {
  /** Connected or not; the call connects it. It may outlive the call. */
  readonly session: SignalingSession;
  readonly roomId: string;
  /** STUN and TURN servers, e.g. from GET /auth/ice-servers. Default: none, host candidates only. */
  readonly getIceServers?: () => Promise<IceServersAnswer>;
  /** Camera and microphone. Null or missing tracks are fine: join and watch, add them later by `setTrack`. */
  readonly stream?: MediaStream | null;
  /** What else to say of me, e.g. `{name}`. `audio`, `video` and `screen` are kept by the call. */
  readonly metadata?: PeerMetadata;
  /** `relay` forces TURN. Default `all`. */
  readonly iceTransportPolicy?: RTCIceTransportPolicy;
  /** getStats every so many ms; 0 switches quality off. Default 2000. */
  readonly statsInterval?: number;
  /** Default: the browser's. */
  readonly RTCPeerConnection?: new (
    configuration: RTCConfiguration,
  ) => RTCPeerConnection;
  readonly clock?: Clock;
  /** Repair times; for tests. */
  readonly times?: PairTimes;
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
  /** Its signaling is gone for the moment; media may well go on. */
  readonly away: boolean;
  /** Microphone and camera. The same object for as long as the peer is here; tracks in it may be replaced. */
  readonly stream: MediaStream;
  /** Shared screen, when `metadata.screen` says so. */
  readonly screen: MediaStream;
  /** Latest reading. */
  readonly quality: PairQuality | undefined;
  /** ms since the pair began, by name: `offer-sent`, `connected`, `media`… */
  readonly marks: Readonly<Record<string, number>>;
}

export interface ChatMessage {
  readonly id: string;
  /** Sender; mine too. */
  readonly peerId: string;
  readonly name: string;
  readonly text: string;
  /** Sender's clock, ms since the epoch. */
  readonly at: number;
  readonly mine: boolean;
}

export interface LocalState {
  readonly audio: boolean;
  readonly video: boolean;
  readonly screen: boolean;
}

export interface CallEvents {
  state: { state: CallState; reason?: EndReason | 'left' | 'room-lost'; message?: string };
  'peer-added': { peer: RemotePeer };
  'peer-changed': { peer: RemotePeer };
  'peer-removed': { peer: RemotePeer; reason: string };
  /** What I send changed: muted, camera off, screen shared. */
  local: LocalState;
  chat: ChatMessage;
  reaction: { peerId: string; emoji: string };
  /** App data of a peer (`send`). */
  data: { peerId: string; data: unknown };
  /** A reading of one pair. */
  quality: { peer: RemotePeer; quality: PairQuality };
  /** The lasting grade of a pair changed; `trouble` says why in words. */
  grade: { peer: RemotePeer; grade: Grade; trouble: readonly Trouble[] };
  'mute-requested': { peerId: string; kind: 'audio' | 'video' };
  /** Diagnostics: steps of a pair with their time since it began, ms. */
  mark: { peerId: string; mark: string; at: number };
}

interface Member {
  info: PeerInfo;
  pair: Pair | undefined;
  state: PairState;
  stream: MediaStream;
  screen: MediaStream;
  quality: PairQuality | undefined;
  theirs: TheirView | undefined;
  meter: QualityMeter;
  filter: GradeFilter;
  readonly marks: Record<string, number>;
  readonly began: number;
  readonly view: RemotePeer;
  /** My session was lost: this leg lives on until its successor stands. */
  orphanTimer: unknown;
}

const EARLY_LIMIT = 128;
/** How long a leg outlives a lost session while its successor connects. */
const ORPHAN_MS = 15_000;

export class Call extends Emitter<CallEvents> {
  readonly session: SignalingSession;
  readonly roomId: string;
  readonly #o: CallOptions;
  readonly #clock: Clock;
  readonly #ice: IceServers;
  readonly #members = new Map<string, Member>();
  readonly #tracks: Record<Slot, MediaStreamTrack | null> = { audio: null, video: null, screen: null };
  readonly #on: Record<Slot, boolean> = { audio: true, video: true, screen: true };
  readonly #off: (() => void)[] = [];
  readonly #talk: TalkLine;
  /** Signals of peers that are not in view yet. */
  #early: SessionEvents['signal'][] = [];
  #state: CallState = 'idle';
  #metadata: PeerMetadata;
  #statsTimer: unknown;

  constructor(options: CallOptions) {
    super();
    this.#o = options;
    this.session = options.session;
    this.roomId = options.roomId;
    this.#clock = options.clock ?? systemClock;
    this.#metadata = options.metadata ?? {};
    this.#ice = new IceServers(options.getIceServers ?? (async () => []), this.#clock);
    for (const track of options.stream?.getTracks() ?? [])
      this.#tracks[track.kind === 'audio' ? 'audio' : 'video'] = track;
    this.#talk = new TalkLine({
      clock: this.#clock,
      channel: (peerId) => this.#members.get(peerId)?.pair?.channel,
      signal: (peerId, talk) => void this.session.sendTo(peerId, 'message', { data: talk }),
      received: (peerId, talk) => this.#talked(peerId, talk),
    });
  }

  get state(): CallState {
    return this.#state;
  }
  /** Everybody else, in the order of arrival. */
  get peers(): RemotePeer[] {
    return [...this.#members.values()].map((m) => m.view);
  }
  /** What I send now. */
  get local(): LocalState {
    const is = (slot: Slot) => this.#on[slot] && this.#tracks[slot]?.readyState === 'live';
    return { audio: is('audio'), video: is('video'), screen: is('screen') };
  }

  /** Warm up in the lobby: socket, token and TURN credentials, so that `join` only has to join. Never rejects. */
  async prepare(): Promise<void> {
    await Promise.all([this.session.connect().catch(() => {}), this.#ice.fresh()]);
  }

  /**
   * Enter the room and call everybody in it.
   * @throws SignalingError, e.g. `room_full`, `forbidden`
   */
  async join(): Promise<void> {
    if (this.#state !== 'idle') throw new Error('join: a call joins once; make a new one.');
    this.#setState('joining');
    this.#subscribe();
    try {
      await Promise.all([this.session.connect(), this.#ice.fresh()]);
      await this.session.join(this.roomId, this.#fullMetadata());
    } catch (error) {
      this.#end('left', error instanceof Error ? error.message : String(error));
      throw error;
    }
    this.#setState('joined');
    const interval = this.#o.statsInterval ?? 2000;
    if (interval > 0) this.#statsTimer = this.#clock.setTimeout(() => void this.#measure(interval), interval);
  }

  /** Leave the room and end every pair. The session stays open, the tracks stay alive: both are yours. */
  leave(): void {
    if (this.#state === 'ended') return;
    this.session.leave();
    this.#end('left', 'You left.');
  }

  /**
   * Send this track from now on, to everybody; null stops sending. Device switch, camera on, screen on: no negotiation.
   * The caller owns the track and stops it.
   */
  async setTrack(slot: Slot, track: MediaStreamTrack | null): Promise<void> {
    this.#tracks[slot] = track;
    if (track) {
      this.#on[slot] = true;
      // Text stays sharp at few frames, faces move smoothly: tell the encoder which it is.
      if (slot !== 'audio' && !track.contentHint) track.contentHint = slot === 'screen' ? 'detail' : 'motion';
      if (slot === 'audio' && !track.contentHint) track.contentHint = 'speech';
      track.addEventListener('ended', () => {
        if (this.#tracks[slot] === track) void this.setTrack(slot, null);
      });
    }
    await Promise.all(
      [...this.#members.values()].map((m) => m.pair?.replaceTrack(slot).catch((error) => this.#mark(m, String(error)))),
    );
    this.#localChanged();
  }

  /** Mute or unmute. The microphone stays open; the others see it in my metadata. */
  setAudio(on: boolean): void {
    this.#setEnabled('audio', on);
  }
  /** Blank the camera. To switch its light off, stop the track and `setTrack('video', null)`. */
  setVideo(on: boolean): void {
    this.#setEnabled('video', on);
  }

  /** Change my display name or other metadata during the call. */
  setMetadata(metadata: PeerMetadata): void {
    this.#metadata = metadata;
    this.session.update(this.#fullMetadata());
  }

  /** To everybody. Returns the message as it will appear to them. */
  chat(text: string): ChatMessage {
    const id = randomId();
    const at = Date.now();
    for (const peerId of this.#members.keys()) this.#talk.send(peerId, { tandem: 'chat', id, text, at });
    const message = { id, peerId: this.session.peerId ?? '', name: this.#metadata.name ?? '', text, at, mine: true };
    this.emit('chat', message);
    return message;
  }
  /** To everybody; lost when a peer cannot be reached at once. */
  react(emoji: string): void {
    for (const peerId of this.#members.keys()) this.#talk.send(peerId, { tandem: 'reaction', emoji });
  }
  /** App data (JSON) to one peer or, without `peerId`, to everybody. */
  send(data: unknown, peerId?: string): void {
    const id = randomId();
    for (const to of peerId === undefined ? this.#members.keys() : [peerId])
      this.#talk.send(to, { tandem: 'data', id, data });
  }

  /** Loudness of a peer now, 0 to 1. Cheap enough for every animation frame. */
  audioLevel(peerId: string): number {
    const audio = this.#members
      .get(peerId)
      ?.pair?.connection.getReceivers()
      .find((r) => r.track.kind === 'audio');
    return audio?.getSynchronizationSources?.()[0]?.audioLevel ?? 0;
  }

  /** New search for a path, with one peer or all: for tests, and after the user changed the network. */
  restartIce(peerId?: string): void {
    for (const [id, { pair }] of this.#members) if (peerId === undefined || id === peerId) pair?.restart();
  }
  /** A new connection with one peer; the others go on. */
  rebuild(peerId: string): void {
    this.#members.get(peerId)?.pair?.rebuild();
  }
  /** The connection with a peer, for diagnostics. */
  connection(peerId: string): RTCPeerConnection | undefined {
    return this.#members.get(peerId)?.pair?.connection;
  }

  // --- signaling ------------------------------------------------------------------------------------------------

  #subscribe(): void {
    const { session } = this;
    this.#off.push(
      session.on('peer-joined', ({ peer, before }) => this.#arrive(peer, before)),
      session.on('peer-left', ({ peer, reason }) => this.#depart(peer.peerId, reason)),
      session.on('peer-updated', ({ peer }) => this.#update(peer)),
      session.on('peer-away', ({ peer }) => this.#update(peer)),
      session.on('peer-back', ({ peer }) => {
        this.#update(peer);
        this.#members.get(peer.peerId)?.pair?.signalingBack();
      }),
      session.on('signal', (signal) => this.#signal(signal)),
      session.on('message', ({ peerId, data }) => {
        if (!this.#talk.receive(peerId, data)) this.emit('data', { peerId, data });
      }),
      session.on('mute-requested', (request) => this.emit('mute-requested', request)),
      session.on('room-lost', ({ message }) => this.#end('room-lost', message)),
      session.on('state', ({ state, reason, message }) => {
        if (state === 'closed') this.#end(reason === undefined || isPassing(reason) ? 'left' : reason, message ?? '');
        else if (state === 'reconnecting' && this.#state === 'joined') this.#setState('reconnecting');
        else if (state === 'open' && this.#state === 'reconnecting') {
          this.#setState('joined');
          for (const { pair } of this.#members.values()) pair?.signalingBack();
        }
      }),
    );
  }

  #signal(signal: SessionEvents['signal']): void {
    const pair = this.#members.get(signal.peerId)?.pair;
    if (pair) pair.receive(signal.type, signal);
    else if (this.#early.length < EARLY_LIMIT) this.#early.push(signal);
  }

  #arrive(info: PeerInfo, before: boolean): void {
    const { peerId } = info;
    if (this.#members.has(peerId)) return;
    const member = this.#member(info);
    this.#members.set(peerId, member);
    this.emit('peer-added', { peer: member.view });
    // Resolved already, unless the credentials ran out since (a laptop slept).
    void this.#ice.fresh().then(() => {
      if (this.#members.get(peerId) !== member || this.#state === 'ended') return;
      const mine = this.session.peerId ?? '';
      const pair = this.#pair(member, mine > peerId);
      member.pair = pair;
      // The newcomer calls: it knows everybody at once. (Peer ids only decide who yields when both do.)
      pair.start(before);
      const early = this.#early;
      this.#early = early.filter((s) => s.peerId !== peerId);
      for (const s of early) if (s.peerId === peerId) pair.receive(s.type, s);
      this.#cap();
    });
  }

  #depart(peerId: string, reason: string): void {
    this.#early = this.#early.filter((s) => s.peerId !== peerId);
    const member = this.#members.get(peerId);
    if (!member) return;
    if (reason === 'session-lost' && member.state === 'connected' && this.#state !== 'ended') {
      // Signaling forgot me, the media path did not: keep it until the same person is connected anew.
      member.orphanTimer ??= this.#clock.setTimeout(() => this.#remove(peerId, reason), ORPHAN_MS);
      return;
    }
    this.#remove(peerId, reason);
  }

  #remove(peerId: string, reason: string): void {
    const member = this.#members.get(peerId);
    if (!member) return;
    this.#members.delete(peerId);
    this.#clock.clearTimeout(member.orphanTimer);
    member.pair?.close();
    this.emit('peer-removed', { peer: member.view, reason });
    this.#cap();
  }

  #update(info: PeerInfo): void {
    const member = this.#members.get(info.peerId);
    if (!member) return;
    member.info = info;
    this.emit('peer-changed', { peer: member.view });
  }

  #member(info: PeerInfo): Member {
    const member: Member = {
      info,
      pair: undefined,
      state: 'connecting',
      stream: new MediaStream(),
      screen: new MediaStream(),
      quality: undefined,
      theirs: undefined,
      meter: new QualityMeter(),
      filter: new GradeFilter(),
      marks: {},
      began: this.#clock.now(),
      orphanTimer: undefined,
      view: {
        peerId: info.peerId,
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
        get marks() {
          return member.marks;
        },
      },
    };
    return member;
  }

  #pair(member: Member, polite: boolean): Pair {
    const { peerId } = member.info;
    const here = () => this.#members.get(peerId) === member;
    return new Pair(
      {
        clock: this.#clock,
        RTCPeerConnection: this.#o.RTCPeerConnection ?? RTCPeerConnection,
        configuration: () => this.#configuration(this.#ice.known),
        freshConfiguration: async () => this.#configuration(await this.#ice.fresh()),
        send: (type, body) => void this.session.sendTo(peerId, type, body as never),
        reachable: () => this.session.state === 'open' && !member.info.away && member.orphanTimer === undefined,
        track: (slot) => this.#tracks[slot],
        onTrack: (slot, track) => {
          const stream = slot === 'screen' ? member.screen : member.stream;
          for (const old of stream.getTracks()) if (old.kind === track.kind && old !== track) stream.removeTrack(old);
          if (!stream.getTracks().includes(track)) stream.addTrack(track);
          track.onunmute = () => {
            this.#mark(member, `media-${slot}`);
            if (here()) this.emit('peer-changed', { peer: member.view });
          };
          if (here()) this.emit('peer-changed', { peer: member.view });
        },
        onState: (state) => {
          member.state = state;
          if (!here()) return;
          if (state === 'connected') {
            this.#mark(member, 'connected');
            this.#succeed(member);
            this.#cap();
          }
          this.emit('peer-changed', { peer: member.view });
        },
        onSenders: () => this.#cap(),
        onChannel: (channel) => {
          channel.onmessage = ({ data }) => this.#talk.receive(peerId, data);
        },
        onMark: (mark) => this.#mark(member, mark),
      },
      polite,
      this.#o.times,
    );
  }

  /** The same person stands connected anew: its leg from before the lost session may go. */
  #succeed(member: Member): void {
    for (const [peerId, other] of this.#members)
      if (other !== member && other.orphanTimer !== undefined && other.info.userId === member.info.userId)
        this.#remove(peerId, 'session-lost');
  }

  #configuration(iceServers: RTCIceServer[]): RTCConfiguration {
    // The policies must be the same in every setConfiguration, or it throws (W3C webrtc-pc section 4.4.1.6).
    return { iceServers, iceTransportPolicy: this.#o.iceTransportPolicy ?? 'all', bundlePolicy: 'max-bundle' };
  }

  // --- my media -------------------------------------------------------------------------------------------------

  #setEnabled(slot: 'audio' | 'video', on: boolean): void {
    this.#on[slot] = on;
    const track = this.#tracks[slot];
    if (track) track.enabled = on;
    this.#localChanged();
  }

  #localChanged(): void {
    if (this.#state === 'ended') return;
    this.session.update(this.#fullMetadata());
    this.#cap();
    this.emit('local', this.local);
  }

  #fullMetadata(): PeerMetadata {
    return { ...this.#metadata, ...this.local };
  }

  /** Fit what I send into the uplink, for as many people as there are now. */
  #cap(): void {
    const people = this.#members.size + 1;
    const sharing = this.#tracks.screen !== null;
    for (const { pair } of this.#members.values()) {
      const audio = pair?.sender('audio');
      const video = pair?.sender('video');
      const screen = pair?.sender('screen');
      if (audio) void applyCap(audio, AUDIO_MAX_BITRATE);
      if (video) void applyCap(video, cameraCap(people, sharing));
      if (screen) void applyCap(screen, screenCap(people));
    }
  }

  // --- quality and talk -----------------------------------------------------------------------------------------

  async #measure(interval: number): Promise<void> {
    await Promise.all([...this.#members.values()].map((m) => this.#measureOne(m).catch(() => {})));
    if (this.#state === 'ended') return;
    this.#statsTimer = this.#clock.setTimeout(() => void this.#measure(interval), interval);
  }

  async #measureOne(member: Member): Promise<void> {
    const { pair } = member;
    if (!pair || member.state !== 'connected') return;
    const pc = pair.connection;
    const report = await pc.getStats();
    if (pc !== pair.connection || this.#state === 'ended') return;
    const mids = new Map<string, Slot>();
    for (const [mid, slot] of pair.mids()) mids.set(mid, slot);
    const { audio, video } = member.info.metadata ?? {};
    const reading = member.meter.read(
      report as unknown as Iterable<[string, unknown]>,
      this.#clock.now(),
      (mid) => mids.get(mid),
      { audio: audio === true, video: video === true },
    );
    const quality = member.theirs ? { ...reading, theirs: member.theirs } : reading;
    member.quality = quality;
    this.#talk.send(member.info.peerId, { tandem: 'quality', view: myView(reading) });
    this.emit('quality', { peer: member.view, quality });
    const grade = member.filter.push(reading.grade);
    if (grade) this.emit('grade', { peer: member.view, grade, trouble: reading.trouble });
  }

  #talked(peerId: string, talk: Talk): void {
    const member = this.#members.get(peerId);
    if (!member) return;
    switch (talk.tandem) {
      case 'chat':
        this.emit('chat', {
          id: String(talk.id),
          peerId,
          name: member.view.name,
          text: String(talk.text),
          at: Number(talk.at) || Date.now(),
          mine: false,
        });
        break;
      case 'reaction':
        this.emit('reaction', { peerId, emoji: String(talk.emoji).slice(0, 16) });
        break;
      case 'data':
        this.emit('data', { peerId, data: talk.data });
        break;
      case 'quality':
        if (typeof talk.view === 'object' && talk.view !== null) member.theirs = talk.view;
    }
  }

  #mark(member: Member, mark: string): void {
    const at = this.#clock.now() - member.began;
    member.marks[mark] ??= at;
    this.emit('mark', { peerId: member.info.peerId, mark, at });
  }

  #setState(state: CallState): void {
    this.#state = state;
    this.emit('state', { state });
  }

  #end(reason: EndReason | 'left' | 'room-lost', message: string): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    for (const off of this.#off.splice(0)) off();
    this.#clock.clearTimeout(this.#statsTimer);
    this.#talk.close();
    this.#early = [];
    for (const peerId of [...this.#members.keys()]) this.#remove(peerId, reason);
    this.emit('state', { state: 'ended', reason, message });
  }

  [Symbol.dispose](): void {
    this.leave();
  }
}

function isPassing(reason: string): reason is 'network' | 'deaf' | 'drain' {
  return reason === 'network' || reason === 'deaf' || reason === 'drain';
}

function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(9)), (b) => b.toString(36).padStart(2, '0')).join('');
}
