/** A call: one room, a full mesh of pairs, my tracks in all of them. */

import type { CallEvents, CallOptions, CallState, ChatMessage, LocalState, RemotePeer } from './call-types.ts';
import { Chat } from './chat.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Connection } from './connection.ts';
import type { DeliveryResult } from './delivery.ts';
import { Emitter } from './emitter.ts';
import { IceServers } from './ice-servers.ts';
import { LocalMedia } from './local-media.ts';
import { Member } from './member.ts';
import { Pair } from './pair.ts';
import { SLOTS, type Slot } from './pair-types.ts';
import { MAX_LINES } from './peer-input.ts';
import { PrewarmedConnection } from './prewarmed-connection.ts';
import { myView } from './quality.ts';
import type { SignalingSession } from './session.ts';
import { type EndReason, type SessionEvents, SignalingError } from './session-types.ts';
import type { IncomingTrack } from './sfu/down-leg.ts';
import { arrivals } from './sfu/link.ts';
import { Sfu } from './sfu/sfu.ts';
import { startBitrate } from './start-bitrate.ts';
import { VideoLimits } from './video-limits.ts';
import type { PeerInfo, PeerMetadata } from './wire.ts';

type PairSignal = Extract<SessionEvents['signal'], { type: 'offer' | 'answer' | 'ice-candidate' }>;

const EARLY_LIMIT = 128;
/** The timing `first-frame` is exact to this, ms. */
const FIRST_FRAME_POLL_MS = 25;
const FIRST_FRAME_POLLS = 400;
/** How long a leg outlives a lost session while its successor connects. */
const ORPHAN_MS = 15_000;

/**
 * A call in one room: a connection with every other peer, your tracks sent to all of them, recovery of each path, chat and data.
 *
 * @public
 * @example
 * const session = new SignalingSession({ url: 'wss://calls.example.org/ws/signal', getToken });
 * const call = new Call({ session, roomId: 'standup', stream, getIceServers });
 * call.on('peer-added', ({ peer }) => show(peer.peerId, peer.stream));
 * await call.join();
 */
export class Call extends Emitter<CallEvents> {
  readonly session: SignalingSession;
  readonly roomId: string;
  readonly #options: CallOptions;
  readonly #clock: Clock;
  readonly #ice: IceServers;
  readonly #prewarmed: PrewarmedConnection;
  readonly #members = new Map<string, Member>();
  readonly #localMedia: LocalMedia;
  readonly #off: (() => void)[] = [];
  readonly #chat: Chat;
  readonly #limits = new VideoLimits();
  readonly #sfu: Sfu;
  /** Signals of peers that are not in view yet. */
  #early: PairSignal[] = [];
  #state: CallState = 'idle';
  #metadata: PeerMetadata;
  #statsTimer: unknown;

  constructor(options: CallOptions) {
    super();
    this.#options = options;
    this.session = options.session;
    this.roomId = options.roomId;
    this.#clock = options.clock ?? systemClock;
    this.#metadata = options.metadata ?? {};
    this.#prewarmed = options.prewarmed ?? new PrewarmedConnection(options.RTCPeerConnection);
    const { getIceServers } = options;
    this.#ice = new IceServers(
      // The token is asked for once, for the socket and for this.
      async () => (getIceServers ? getIceServers({ token: await this.session.accessToken() }) : []),
      this.#clock,
      (error) => this.emit('ice-servers-failed', { error }),
    );
    this.#localMedia = new LocalMedia(options.stream, (slot) => void this.setTrack(slot, null));
    this.#sfu = this.#createSfu();
    this.#chat = new Chat({
      clock: this.#clock,
      channel: (peerId) => this.#members.get(peerId)?.pair?.channel,
      signal: (peerId, message) => this.session.sendTo(peerId, 'message', { data: message }),
      peerIds: () => [...this.#members.keys()],
      nameOf: (peerId) => this.#members.get(peerId)?.view.name,
      me: () => ({ peerId: this.session.peerId ?? '', name: this.#metadata.name ?? '' }),
      emit: (event, payload) => this.emit(event, payload),
      remoteView: (peerId, view) => {
        const member = this.#members.get(peerId);
        if (member) member.remoteView = view;
      },
      wanted: (peerId, lines) => {
        const member = this.#members.get(peerId);
        if (!member) return;
        member.wants = lines;
        this.#cap();
      },
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
    return this.#localMedia.state;
  }

  /** Warm up in the lobby: socket, token, TURN credentials and a pre-warmed connection, so that `join` only has to join. Never rejects. */
  async prepare(): Promise<void> {
    this.#prewarmed.prepare();
    await Promise.all([this.session.connect().catch(() => {}), this.#ice.fresh()]);
  }

  /**
   * Enter the room and call everybody in it.
   * @throws SignalingError, e.g. `room_full`, `forbidden`; `closed` when `leave` was called meanwhile
   */
  async join(): Promise<void> {
    if (this.#state !== 'idle') throw new Error('join: a call joins once; make a new one.');
    this.#setState('joining');
    this.#subscribe();
    try {
      await Promise.all([this.session.connect(), this.#ice.fresh()]);
      this.#throwIfLeft();
      this.#openPrewarmed();
      await this.session.join(this.roomId, this.#fullMetadata());
      if (this.#isOver()) this.session.leave();
      this.#throwIfLeft();
    } catch (error) {
      this.#end('left', error instanceof Error ? error.message : String(error));
      throw error;
    }
    // Nobody there to call: whoever comes will call me.
    if (this.session.peers.size === 0) this.#prewarmed.close();
    this.#setState('joined');
    const interval = this.#options.statsInterval ?? 2000;
    if (interval > 0) this.#statsTimer = this.#clock.setTimeout(() => void this.#measure(interval), interval);
  }

  #isOver(): boolean {
    return this.#state === 'ended';
  }
  #throwIfLeft(): void {
    if (this.#isOver()) throw new SignalingError('closed', 'The call was left while it was being joined.');
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
    this.#localMedia.set(slot, track);
    await Promise.all(
      [...this.#members.values()].map((m) =>
        m.pair?.replaceTrack(slot).catch((error) => this.#timing(m, String(error))),
      ),
    );
    this.#localChanged();
  }

  /** Mute or unmute. The microphone stays open; the others see it in my metadata. */
  setAudio(on: boolean): void {
    this.#localMedia.enable('audio', on);
    this.#localChanged();
  }
  /** Blank the camera. To switch its light off, stop the track and `setTrack('video', null)`. */
  setVideo(on: boolean): void {
    this.#localMedia.enable('video', on);
    this.#localChanged();
  }

  /** Change my display name or other metadata during the call. */
  setMetadata(metadata: PeerMetadata): void {
    this.#metadata = metadata;
    this.session.update(this.#fullMetadata());
  }

  /**
   * To everybody or, with `peerId`, to one person. Returns the message as it will appear to them; `delivered` says later what became
   * of it.
   * @throws RangeError when `text` has more than 4000 characters (UTF-16 units)
   */
  chat(text: string, peerId?: string): ChatMessage {
    return this.#chat.chat(text, peerId);
  }
  /**
   * A file to everybody or, with `peerId`, to one person, over the data channel. Nobody behind a media node can get it.
   * @returns whether it went out whole, by peer id
   * @throws RangeError when it is empty or has more than 5 MiB
   */
  sendFile(file: Blob, name: string, peerId?: string): Promise<ReadonlyMap<string, boolean>> {
    return this.#chat.sendFile(file, name, peerId === undefined ? undefined : [peerId]);
  }
  /** To everybody; lost when a peer cannot be reached at once. */
  react(emoji: string): void {
    this.#chat.react(emoji);
  }
  /** App data (JSON) to one peer or, without `peerId`, to everybody. Resolves to what became of it, by peer id; never rejects. */
  send(data: unknown, peerId?: string): Promise<ReadonlyMap<string, DeliveryResult>> {
    return this.#chat.send(data, peerId);
  }

  /**
   * How tall a picture I want of the camera of one peer or, without `peerId`, of everybody; the lower limit holds. The peer
   * sends no more than that: less for my downlink to carry and for this device to decode. Screens are not limited. A
   * media node forwards the smallest of 180 lines, 360 and all that fills this, and nothing for 0.
   *
   * @param lines e.g. 180; 0: no picture; undefined (default): what the peer sends to everybody
   */
  limitVideo(lines: number | undefined, peerId?: string): void {
    const before = new Map([...this.#members.keys()].map((id) => [id, this.#limits.of(id)]));
    this.#limits.set(lines, peerId);
    for (const [id, old] of before) {
      const limit = this.#limits.of(id);
      if (limit === old) continue;
      this.#chat.want(id, limit);
      this.#sfu.layers.show(id, limit);
    }
  }

  /** Loudness of a peer now, 0 to 1. Cheap enough for every animation frame. */
  audioLevel(peerId: string): number {
    return this.#members.get(peerId)?.audioLevel() ?? 0;
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
      session.on('media', ({ media }) => {
        if (this.#options.sfu ?? true) this.#sfu.set(media);
      }),
      session.on('message', ({ peerId, data }) => {
        if (!this.#chat.receive(peerId, data)) this.emit('data', { peerId, data });
      }),
      session.on('mute-requested', (request) => this.emit('mute-requested', request)),
      session.on('left', () => this.#end('left', 'You left.')),
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
    const { peerId } = signal;
    if (signal.type === 'media-state' || signal.type === 'media-want' || this.#sfu.isAgent(peerId)) {
      this.#sfu.signal(signal);
      return;
    }
    const member = this.#members.get(peerId);
    // The other side needs a pair again: the media node serves it no more.
    if (member && !member.pair && signal.type === 'offer' && this.#ice.valid) this.#needPair(member, false);
    if (member?.pair) member.pair.receive(signal.type, signal);
    else if (this.#early.length < EARLY_LIMIT) this.#early.push(signal);
  }

  #arrive(info: PeerInfo, before: boolean): void {
    const { peerId } = info;
    if (this.#members.has(peerId)) return;
    const member = new Member(info, this.#clock.now());
    this.#members.set(peerId, member);
    const limit = this.#limits.of(peerId);
    if (limit < MAX_LINES) this.#sfu.layers.show(peerId, limit);
    // Without waiting, unless the credentials ran out since (a laptop slept); and before any view draws the newcomer.
    if (this.#ice.valid) this.#begin(member, before);
    else void this.#ice.fresh().then(() => this.#begin(member, before));
    this.emit('peer-added', { peer: member.view });
    if (before) this.#chat.metEarlier(peerId);
  }

  #begin(member: Member, before: boolean): void {
    const { peerId } = member.info;
    if (this.#members.get(peerId) !== member || this.#state === 'ended' || member.pair) return;
    // A media node serves the room: no pair, unless that takes too long, or the other side knows no media nodes.
    if (member.info.metadata?.sfu === 1 && this.#sfu.expects(peerId)) return;
    const mine = this.session.peerId ?? '';
    const pair = this.#pair(member, mine > peerId, before ? this.#prewarmed.take() : undefined);
    member.pair = pair;
    // The newcomer calls: it knows everybody at once. (Peer ids only decide who yields when both do.)
    pair.start(before);
    const early = this.#early;
    this.#early = early.filter((s) => s.peerId !== peerId);
    for (const s of early) if (s.peerId === peerId) pair.receive(s.type, s);
    this.#capSoon();
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
    this.#chat.forget(peerId);
    this.#limits.forget(peerId);
    this.#sfu.peerLeft(peerId);
    this.#clock.clearTimeout(member.orphanTimer);
    member.pair?.close();
    this.emit('peer-removed', { peer: member.view, reason });
    this.#cap();
  }

  #update(info: PeerInfo): void {
    const member = this.#members.get(info.peerId);
    if (!member) return;
    member.info = info;
    this.#sfu.peerChanged(info.peerId);
    this.emit('peer-changed', { peer: member.view });
  }

  #pair(member: Member, polite: boolean, prewarmed?: Connection): Pair {
    const { peerId } = member.info;
    const here = () => this.#members.get(peerId) === member;
    return new Pair(
      {
        clock: this.#clock,
        RTCPeerConnection: this.#options.RTCPeerConnection ?? RTCPeerConnection,
        configuration: () => this.#configuration(this.#ice.known),
        freshConfiguration: async () => this.#configuration(await this.#ice.fresh()),
        send: (type, body) => this.session.sendTo(peerId, type, body as never),
        reachable: () => this.session.state === 'open' && !member.info.away && member.orphanTimer === undefined,
        track: (slot) => this.#localMedia.track(slot),
        startBitrate: () => startBitrate(this.#members.size + 1),
        onTrack: (slot, track) => {
          track.onunmute = () => {
            this.#timing(member, `media-${slot}`);
            // A connection that closes meanwhile has no figures: then there is no first frame to tell of.
            if (slot === 'video') this.#firstFrame(member).catch(() => {});
            this.#changedSoon(member);
          };
          void this.#showFromPair(member, slot, track);
        },
        onState: (state) => {
          if (member.served) return;
          member.state = state;
          if (!here()) return;
          if (state === 'connected') {
            this.#timing(member, 'connected');
            this.#succeed(member);
            this.#cap();
          }
          this.emit('peer-changed', { peer: member.view });
        },
        onSenders: () => this.#capSoon(),
        onChannel: (channel) => {
          channel.onmessage = ({ data }) => void this.#chat.receive(peerId, data);
          // A new channel is a new connection, or a peer that just came: it has not read what I want.
          const limited = () => this.#limits.of(peerId) < MAX_LINES && this.#chat.want(peerId, this.#limits.of(peerId));
          if (channel.readyState === 'open') limited();
          else channel.addEventListener('open', limited, { once: true });
        },
        onTiming: (name) => this.#timing(member, name),
      },
      polite,
      this.#options.times,
      prewarmed,
    );
  }

  /** A picture of the media node stays until that of the pair is there. */
  async #showFromPair(member: Member, slot: Slot, track: MediaStreamTrack): Promise<void> {
    const receiver = member.pair?.receiver(slot);
    while (member.served && receiver && receiver === member.pair?.receiver(slot)) {
      if ((await arrivals({ receiver, slot })) > 0) break;
      await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, FIRST_FRAME_POLL_MS));
    }
    // The pair went meanwhile: what the node sends is what counts.
    if (receiver && receiver !== member.pair?.receiver(slot)) return;
    if (member.show(slot, track)) this.#changedSoon(member);
  }

  /** Tracks come by threes, in the middle of a negotiation: one event for them, and not one that the answer waits for. */
  #changedSoon(member: Member): void {
    if (member.changing) return;
    member.changing = true;
    this.#clock.setTimeout(() => {
      member.changing = false;
      if (this.#members.get(member.info.peerId) === member) this.emit('peer-changed', { peer: member.view });
    }, 0);
  }

  /** Without a picture element: the receiver's own count, asked often for a short while. */
  async #firstFrame(member: Member): Promise<void> {
    for (let asked = 0; asked < FIRST_FRAME_POLLS && member.timings['first-frame'] === undefined; asked++) {
      if ((await member.framesDecoded()) > 0 && member.timings['first-frame'] === undefined) {
        this.#timing(member, 'first-frame');
        return;
      }
      await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, FIRST_FRAME_POLL_MS));
      if (member.state === 'closed') return;
    }
  }

  /** The same person stands connected anew: its leg from before the lost session may go. */
  #succeed(member: Member): void {
    for (const [peerId, other] of this.#members)
      if (other !== member && other.orphanTimer !== undefined && other.info.userId === member.info.userId)
        this.#remove(peerId, 'session-lost');
  }

  /** A browser without WebRTC may still join and chat. */
  #openPrewarmed(): void {
    try {
      this.#prewarmed.open(this.#configuration(this.#ice.known), (slot) => this.#localMedia.track(slot));
    } catch (error) {
      this.emit('timing', { peerId: '', name: `error:${String(error)}`, at: 0 });
    }
  }

  #configuration(iceServers: RTCIceServer[]): RTCConfiguration {
    // The policies must be the same in every setConfiguration, or it throws (W3C webrtc-pc section 4.4.1.6).
    return { iceServers, iceTransportPolicy: this.#options.iceTransportPolicy ?? 'all', bundlePolicy: 'max-bundle' };
  }

  // --- media nodes ----------------------------------------------------------------------------------------------

  #createSfu(): Sfu {
    const options = this.#options;
    return new Sfu({
      clock: this.#clock,
      // Looked up when it is needed: a browser without WebRTC may still join and chat.
      get RTCPeerConnection() {
        return options.RTCPeerConnection ?? RTCPeerConnection;
      },
      configuration: () => this.#configuration(this.#ice.known),
      track: (slot) => this.#localMedia.track(slot),
      sendTo: (peerId, type, body) => void this.session.sendTo(peerId, type, body as never),
      peerIds: () => [...this.#members].filter(([, m]) => m.info.metadata?.sfu === 1).map(([id]) => id),
      sends: (peerId) => {
        const metadata = this.#members.get(peerId)?.info.metadata;
        return SLOTS.filter((slot) => metadata?.[slot] === true);
      },
      onTrack: (track) => this.#showFromNode(track),
      onServed: (peerId) => this.#served(peerId),
      onUnserved: (peerId) => {
        const member = this.#members.get(peerId);
        if (member && !member.pair) this.#needPair(member, (this.session.peerId ?? '') < peerId);
      },
      onTiming: (name) => this.emit('timing', { peerId: '', name, at: 0 }),
    });
  }

  #showFromNode({ peerId, slot, receiver }: IncomingTrack): void {
    const member = this.#members.get(peerId);
    if (!member) return;
    this.#timing(member, `sfu-${slot}`);
    if (member.show(slot, receiver.track)) this.#changedSoon(member);
  }

  /** The media node brings everything of this member, and everything of mine to it: the pair may go. */
  #served(peerId: string): void {
    const member = this.#members.get(peerId);
    if (!member || (member.served && !member.pair)) return;
    member.served = {
      connection: () => this.#sfu.connection,
      mids: () => SLOTS.flatMap((slot) => this.#midOf(peerId, slot)),
      receiver: (slot) => this.#sfu.incoming(peerId, slot)?.receiver,
    };
    const { pair } = member;
    member.pair = undefined;
    pair?.close();
    member.state = 'connected';
    this.#timing(member, 'connected');
    this.#timing(member, 'sfu-served');
    this.#succeed(member);
    this.#cap();
    this.emit('peer-changed', { peer: member.view });
  }

  #midOf(peerId: string, slot: Slot): [string, Slot][] {
    const mid = this.#sfu.incoming(peerId, slot)?.mid;
    return mid === undefined ? [] : [[mid, slot]];
  }

  /** Back to a pair, or to one for the first time. What the node still sends is shown until the pair's media is there. */
  #needPair(member: Member, initiate: boolean): void {
    const { peerId } = member.info;
    const { served } = member;
    const pair = this.#pair(member, (this.session.peerId ?? '') > peerId);
    member.pair = pair;
    if (served) {
      this.#timing(member, 'sfu-left');
      void this.#leaveServed(member, pair);
    }
    pair.start(initiate);
  }

  /** Once the pair stands it is what counts for state and quality. */
  async #leaveServed(member: Member, pair: Pair): Promise<void> {
    while (member.pair === pair && pair.state !== 'connected' && pair.state !== 'closed')
      await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, FIRST_FRAME_POLL_MS));
    if (member.pair !== pair) return;
    member.served = undefined;
    member.state = pair.state;
    this.#cap();
    this.emit('peer-changed', { peer: member.view });
  }

  // --- my media -------------------------------------------------------------------------------------------------

  #localChanged(): void {
    if (this.#state === 'ended') return;
    this.session.update(this.#fullMetadata());
    this.#cap();
    this.emit('local', this.local);
  }

  #fullMetadata(): PeerMetadata {
    const capability = (this.#options.sfu ?? true) ? { sfu: 1 } : {};
    return { ...this.#metadata, ...this.local, ...capability };
  }

  /** Not in the turn of a negotiation, which would wait for it. */
  #capSoon(): void {
    this.#clock.setTimeout(() => this.#cap(), 0);
  }

  #cap(): void {
    this.#localMedia.cap([...this.#members.values()], this.#members.size + 1);
  }

  // --- quality --------------------------------------------------------------------------------------------------

  async #measure(interval: number): Promise<void> {
    await Promise.all([...this.#members.values()].map((m) => this.#measureOne(m).catch(() => {})));
    if (this.#state === 'ended') return;
    this.#statsTimer = this.#clock.setTimeout(() => void this.#measure(interval), interval);
  }

  async #measureOne(member: Member): Promise<void> {
    const quality = await member.measure(() => this.#clock.now());
    if (!quality || this.#state === 'ended') return;
    member.quality = quality;
    if (member.served) this.#sfu.layers.read(member.info.peerId, quality);
    this.#chat.quality(member.info.peerId, myView(quality));
    this.emit('quality', { peer: member.view, quality });
    const grade = member.filter.push(quality.grade);
    if (grade) this.emit('grade', { peer: member.view, grade, trouble: quality.trouble });
  }

  #timing(member: Member, name: string): void {
    const at = this.#clock.now() - member.began;
    member.timings[name] ??= at;
    this.emit('timing', { peerId: member.info.peerId, name, at });
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
    this.#chat.close();
    this.#sfu.close();
    this.#prewarmed.close();
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
