/** A call: one room, a full mesh of pairs, my tracks in all of them. What the app holds; call-parts.ts has what it is made of. */
import { type CallParts, createCallParts } from './call-parts.ts';
import type { CallEvents, CallOptions, CallState, ChatMessage, LocalState, RemotePeer } from './call-types.ts';
import type { DeliveryResult } from './delivery-types.ts';
import { Emitter } from './emitter.ts';
import type { Slot } from './pair-types.ts';
import type { SignalingSession } from './session.ts';
import { type EndReason, type SessionEvents, SignalingError } from './session-types.ts';
import type { PeerMetadata } from './wire.ts';

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
  readonly #parts: CallParts;
  readonly #off: (() => void)[] = [];
  #state: CallState = 'idle';
  #metadata: PeerMetadata;

  constructor(options: CallOptions) {
    super();
    this.#options = options;
    this.session = options.session;
    this.roomId = options.roomId;
    this.#metadata = options.metadata ?? {};
    this.#parts = createCallParts(options, {
      emit: (event, payload) => this.emit(event, payload),
      name: () => this.#metadata.name ?? '',
      isOver: () => this.#isOver(),
      trackEnded: (slot) => void this.setTrack(slot, null),
    });
  }

  get state(): CallState {
    return this.#state;
  }
  /** Everybody else, in the order of arrival. */
  get peers(): RemotePeer[] {
    return [...this.#parts.members.values()].map((m) => m.view);
  }
  /** What I send now. */
  get local(): LocalState {
    return this.#parts.localMedia.state;
  }

  /** Warm up in the lobby: socket, token, TURN credentials and a pre-warmed connection, so that `join` only has to join. Never rejects. */
  async prepare(): Promise<void> {
    this.#parts.prewarmed.prepare();
    await Promise.all([this.session.connect().catch(() => {}), this.#parts.ice.fresh()]);
  }

  /**
   * Enter the room and call everybody in it.
   * @throws SignalingError, e.g. `room_full`, `room_locked`, `room_over`, `room_unknown`, `forbidden`; `closed` when `leave` was called meanwhile
   */
  async join(): Promise<void> {
    if (this.#state !== 'idle') throw new Error('join: a call joins once; make a new one.');
    this.#setState('joining');
    this.#subscribe();
    try {
      await Promise.all([this.session.connect(), this.#parts.ice.fresh()]);
      this.#throwIfLeft();
      const joined = this.session.join(this.roomId, this.#fullMetadata());
      // While the room answers.
      this.#openPrewarmed();
      await joined;
      if (this.#isOver()) this.session.leave();
      this.#throwIfLeft();
    } catch (error) {
      this.#end('left', error instanceof Error ? error.message : String(error));
      throw error;
    }
    // It is not taken in a room that is empty (each peer that comes will call me) or a media node's, whose connection is not to wait for this.
    this.#parts.clock.setTimeout(() => this.#isOver() || this.#parts.prewarmed.close(), 1000);
    this.#setState('joined');
    this.#parts.readings.start(this.#options.statsInterval ?? 2000);
  }

  #isOver(): boolean {
    return this.#state === 'ended';
  }
  #throwIfLeft(): void {
    if (this.#isOver()) throw new SignalingError('closed', 'You left.');
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
    if (this.#options.audience) return;
    this.#parts.localMedia.set(slot, track);
    this.#parts.sfu.replaceTrack(slot);
    await Promise.all(
      [...this.#parts.members.values()].map((m) =>
        m.pair?.replaceTrack(slot).catch((error) => m.timing(String(error))),
      ),
    );
    this.#localChanged();
  }

  /** Mute or unmute. The microphone stays open; the others see it in my metadata. */
  setAudio(on: boolean): void {
    this.#parts.localMedia.enable('audio', on);
    this.#localChanged();
  }
  /** Blank the camera. To switch its light off, stop the track and `setTrack('video', null)`. */
  setVideo(on: boolean): void {
    this.#parts.localMedia.enable('video', on);
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
    return this.#parts.chat.chat(text, peerId);
  }
  /**
   * A file to everybody or, with `peerId`, to one person, over the data channel. Peers behind a media node cannot receive it.
   * One at a time to each peer. @returns whether it arrived whole, by peer id; older receivers do not say: whether it went out whole
   * @throws RangeError when it is empty or has more than 5 MiB
   */
  sendFile(file: Blob, name: string, peerId?: string): Promise<ReadonlyMap<string, boolean>> {
    return this.#parts.chat.sendFile(file, name, peerId === undefined ? undefined : [peerId]);
  }
  /** To everybody; lost when a peer cannot be reached at once. */
  react(emoji: string): void {
    this.#parts.chat.react(emoji);
  }
  /** App data (JSON) to one peer or, without `peerId`, to everybody. Resolves to what became of it, by peer id; never rejects. */
  send(data: unknown, peerId?: string): Promise<ReadonlyMap<string, DeliveryResult>> {
    return this.#parts.chat.send(data, peerId);
  }

  /**
   * How tall a picture I want of the camera of one peer or, without `peerId`, of everybody; the lower limit holds. The peer
   * sends no more than that: less for my downlink to carry and for this device to decode. Screens are not limited. A
   * media node forwards the smallest of 180 lines, 360 and all that fills this, and nothing for 0; all pictures of its together have
   * 2.2 Mbit/s, the tallest first, of equal ones those of who spoke last.
   *
   * @param lines e.g. 180; 0: no picture; undefined (default): what the peer sends to everybody
   */
  limitVideo(lines: number | undefined, peerId?: string): void {
    const before = new Map([...this.#parts.members.keys()].map((id) => [id, this.#parts.limits.of(id)]));
    this.#parts.limits.set(lines, peerId);
    for (const [id, old] of before) {
      const limit = this.#parts.limits.of(id);
      if (limit === old) continue;
      this.#parts.chat.want(id, limit);
      this.#parts.sfu.layers.show(id, limit);
    }
  }

  /** Loudness of a peer now, 0 to 1. Cheap enough for every animation frame. */
  audioLevel(peerId: string): number {
    return this.#parts.members.get(peerId)?.audioLevel() ?? 0;
  }

  /** New search for a path, with one peer or all: for tests, and after the user changed the network. */
  restartIce(peerId?: string): void {
    for (const [id, { pair }] of this.#parts.members) if (peerId === undefined || id === peerId) pair?.restart();
  }
  /** A new connection with one peer; the others go on. */
  rebuild(peerId: string): void {
    this.#parts.members.get(peerId)?.pair?.rebuild();
  }
  /** The connection with a peer, for diagnostics. */
  connection(peerId: string): RTCPeerConnection | undefined {
    return this.#parts.members.get(peerId)?.pair?.connection;
  }

  // --- signaling ------------------------------------------------------------------------------------------------

  #subscribe(): void {
    const { session } = this;
    const { roster, members, sfu, chat } = this.#parts;
    this.#off.push(
      session.on('peer-joined', ({ peer, before }) => roster.arrive(peer, before)),
      session.on('peer-left', ({ peer, reason }) => roster.depart(peer.peerId, reason)),
      session.on('peer-updated', ({ peer }) => roster.update(peer)),
      session.on('peer-away', ({ peer }) => roster.update(peer)),
      session.on('peer-back', ({ peer }) => {
        roster.update(peer);
        members.get(peer.peerId)?.pair?.signalingBack();
      }),
      session.on('signal', (signal) => this.#signal(signal)),
      session.on('media', ({ media }) => {
        if (this.#options.sfu ?? true) sfu.set(media, this.#state === 'joining');
      }),
      session.on('message', ({ peerId, data }) => this.#message(peerId, data)),
      session.on('entry', (entry) => {
        chat.open = entry.chat;
      }),
      session.on('mute-requested', (request) => this.emit('mute-requested', request)),
      session.on('left', () => this.#end('left', 'You left.')),
      session.on('room-lost', ({ message }) => this.#end('room-lost', message)),
      session.on('state', ({ state, reason, message }) => {
        if (state === 'closed') this.#end(reason === undefined || isPassing(reason) ? 'left' : reason, message ?? '');
        else if (state === 'reconnecting' && this.#state === 'joined') this.#setState('reconnecting');
        else if (state === 'open' && this.#state === 'reconnecting') {
          this.#setState('joined');
          for (const { pair } of members.values()) pair?.signalingBack();
        }
      }),
    );
  }

  #message(peerId: string, data: unknown): void {
    const { encryption } = this.#options;
    const take = (plain: unknown) => {
      // Sealed messages are opened in a later turn, when the call may be over.
      if (plain === undefined || this.#isOver()) return;
      if (!this.#parts.chat.receive(peerId, plain)) this.emit('data', { peerId, data: plain });
    };
    if (encryption) void encryption.open(peerId, data).then(take);
    else take(data);
  }

  #signal(signal: SessionEvents['signal']): void {
    const { sfu, roster } = this.#parts;
    if (signal.type === 'media-state' || signal.type === 'media-want' || sfu.isAgent(signal.peerId)) sfu.signal(signal);
    else roster.signal(signal);
  }

  /** A browser without WebRTC may still join and chat. */
  #openPrewarmed(): void {
    const { prewarmed, setup, localMedia } = this.#parts;
    if (this.#options.audience) return;
    try {
      prewarmed.open(setup.known(), (slot) => localMedia.track(slot));
    } catch (error) {
      this.emit('timing', { peerId: '', name: `error:${String(error)}`, at: 0 });
    }
  }

  // --- my media -------------------------------------------------------------------------------------------------

  #localChanged(): void {
    if (this.#state === 'ended') return;
    this.session.update(this.#fullMetadata());
    this.#parts.cap();
    this.emit('local', this.local);
  }

  #fullMetadata(): PeerMetadata {
    const mine = { audience: this.#options.audience === true, ...((this.#options.sfu ?? true) ? { sfu: 1 } : {}) };
    return { ...this.#metadata, ...this.#options.encryption?.metadata, ...this.local, ...mine };
  }

  #setState(state: CallState): void {
    this.#state = state;
    this.emit('state', { state });
  }

  #end(reason: EndReason | 'left' | 'room-lost', message: string): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    for (const off of this.#off.splice(0)) off();
    const { readings, chat, sfu, prewarmed, roster } = this.#parts;
    readings.stop();
    chat.close();
    sfu.close();
    prewarmed.close();
    roster.clear(reason);
    this.emit('state', { state: 'ended', reason, message });
  }

  [Symbol.dispose](): void {
    this.leave();
  }
}

const isPassing = (reason: string): reason is 'network' | 'deaf' | 'drain' =>
  reason === 'network' || reason === 'deaf' || reason === 'drain';
