/**
 * One leg of the mesh: perfect negotiation with one peer, and the ladder of repairs (ICE restart, then rebuild).
 *
 * Descriptions carry what orders them, inside the opaque payload: `gen`, the generation of the pair's RTCPeerConnection (a
 * higher one replaces the connection on both sides), `n`, the number of an offer, and `to`, the offer that an answer
 * answers. So a stale answer or candidate is told from a fresh one. Peers of other SDKs leave them out and still connect.
 *
 * On a glare the impolite peer's offer stands: politeness comes from the order of the two peer ids. The polite peer rolls
 * back, or, while its connection has never been negotiated, takes a new connection: a rolled-back first offer would leave
 * its transceivers behind, and every further offer would carry them twice.
 */
import type { Clock } from './clock.ts';
import type { WireCandidate, WireDescription } from './wire.ts';

export type PairState = 'connecting' | 'connected' | 'interrupted' | 'rebuilding' | 'closed';
export type Slot = 'audio' | 'video' | 'screen';
export const SLOTS: readonly Slot[] = ['audio', 'video', 'screen'];

/** What a pair needs of its call. */
export interface PairHost {
  readonly clock: Clock;
  readonly RTCPeerConnection: new (configuration: RTCConfiguration) => RTCPeerConnection;
  /** Configuration as known now. */
  configuration(): RTCConfiguration;
  /** The same with credentials that are good for a while. */
  freshConfiguration(): Promise<RTCConfiguration>;
  send(type: 'offer' | 'answer' | 'ice-candidate', body: object): void;
  /** May signaling reach the peer now? Repairs wait for it. */
  reachable(): boolean;
  track(slot: Slot): MediaStreamTrack | null;
  /** Streams that go with it in the session description. */
  onTrack(slot: Slot, track: MediaStreamTrack): void;
  onState(state: PairState): void;
  /** Senders exist or changed: apply the caps. */
  onSenders(): void;
  onChannel(channel: RTCDataChannel): void;
  /** For diagnostics and time-to-connect marks. */
  onMark(mark: string): void;
}

export interface PairTimes {
  /** `disconnected` with flat byte counts for so many ms begins a restart. Default 2000. */
  readonly disconnected: number;
  /** No recovery so many ms after it began: rebuild the pair. Default 8000. */
  readonly rebuild: number;
  /** Waiting for the other's first offer, ms. Default 2000. */
  readonly firstOffer: number;
}
export const PAIR_TIMES: PairTimes = { disconnected: 2000, rebuild: 8000, firstOffer: 2000 };

/** Candidates kept for a description that has not come. */
const MAX_QUEUED = 64;
/** The wait before a rebuild doubles so often: 8, 16, 32 s. */
const MAX_REBUILD_DOUBLINGS = 2;

export class Pair {
  readonly polite: boolean;
  readonly #host: PairHost;
  readonly #times: PairTimes;
  #pc: RTCPeerConnection;
  #gen = 1;
  #offers = 0;
  /** Number of the local offer that waits for its answer. */
  #awaiting: number | undefined;
  #makingOffer = false;
  #ignoredOffer = false;
  /** The connection had a complete exchange: from then on it can roll back. */
  #negotiated = false;
  #remoteIsOurs = true;
  #candidates: WireCandidate[] = [];
  #queue: Promise<void> = Promise.resolve();
  #state: PairState = 'connecting';
  #closed = false;
  #restarting = false;
  /** Rebuilds without a connection since. */
  #rebuilds = 0;
  #watchTimer: unknown;
  #rebuildTimer: unknown;
  #firstOfferTimer: unknown;
  #bytes = -1;
  #slots: Partial<Record<Slot, RTCRtpTransceiver>> = {};
  channel: RTCDataChannel | undefined;

  constructor(host: PairHost, polite: boolean, times: PairTimes = PAIR_TIMES) {
    this.#host = host;
    this.polite = polite;
    this.#times = times;
    this.#pc = this.#connect();
  }

  get connection(): RTCPeerConnection {
    return this.#pc;
  }
  get state(): PairState {
    return this.#state;
  }
  /** Generation of the connection: counts rebuilds. */
  get generation(): number {
    return this.#gen;
  }
  sender(slot: Slot): RTCRtpSender | undefined {
    return this.#slots[slot]?.sender;
  }

  /** Which slot each negotiated media section carries. */
  mids(): [string, Slot][] {
    return SLOTS.flatMap((slot): [string, Slot][] => {
      const mid = this.#slots[slot]?.mid;
      return mid ? [[mid, slot]] : [];
    });
  }

  /** Make the first offer, or wait for the other's (and make it after all when none comes). */
  start(initiate: boolean): void {
    if (initiate) this.#enqueue(() => this.#offer());
    else
      this.#firstOfferTimer = this.#host.clock.setTimeout(() => {
        if (!this.#pc.remoteDescription) this.#enqueue(() => this.#offer());
      }, this.#times.firstOffer);
    this.#expectRecovery();
  }

  /** New credentials and a new search for a path, on the same connection. */
  restart(): void {
    if (this.#closed || this.#restarting) return;
    this.#restarting = true;
    // Outside the queue: an offer of the other side must not wait for a slow credential service.
    void this.#host.freshConfiguration().then((configuration) => {
      this.#restarting = false;
      this.#enqueue(async () => {
        if (this.#pc.signalingState !== 'stable') return;
        this.#pc.setConfiguration(configuration);
        this.#pc.restartIce();
        this.#host.onMark('ice-restart');
        await this.#offer();
      });
    });
    this.#expectRecovery();
  }

  /** A new connection for this pair alone; the others are not touched. */
  rebuild(): void {
    if (this.#closed) return;
    this.#setState('rebuilding');
    this.#host.onMark('rebuild');
    this.#rebuilds++;
    const from = this.#gen;
    void this.#host.freshConfiguration().then(() =>
      this.#enqueue(async () => {
        // The other side may have begun one in the meantime.
        if (this.#gen !== from) return;
        this.#replaceConnection(from + 1);
        await this.#offer();
      }),
    );
    this.#expectRecovery();
  }

  /** The track of a slot changed in the call. No negotiation: the transceivers stand from the beginning. */
  async replaceTrack(slot: Slot): Promise<void> {
    const transceiver = this.#slots[slot];
    const track = this.#host.track(slot);
    if (transceiver) {
      await transceiver.sender.replaceTrack(track);
      this.#host.onSenders();
    } else if (track && this.#negotiated) {
      // The other side offered without this slot (another SDK): add it now.
      this.#enqueue(async () => {
        this.#addSlot(slot);
        await this.#offer();
      });
    }
  }

  receive(type: 'offer' | 'answer' | 'ice-candidate', body: { sdp?: unknown; candidate?: unknown }): void {
    if (this.#closed) return;
    if (type === 'ice-candidate') {
      const candidate = body.candidate as WireCandidate | string | null;
      this.#enqueue(() => this.#candidate(typeof candidate === 'string' ? { candidate } : candidate));
      return;
    }
    const { sdp } = body;
    const description = (typeof sdp === 'string' ? { type, sdp } : { ...(sdp as object), type }) as WireDescription;
    if (typeof description.sdp !== 'string') return;
    this.#enqueue(() => (type === 'offer' ? this.#remoteOffer(description) : this.#remoteAnswer(description)));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const timer of [this.#watchTimer, this.#rebuildTimer, this.#firstOfferTimer])
      this.#host.clock.clearTimeout(timer);
    this.#detach(this.#pc);
    this.#setState('closed');
  }

  /** Signaling is back: a repair that waited for it begins now. */
  signalingBack(): void {
    if (this.#state === 'interrupted' || this.#state === 'rebuilding') {
      if (this.#pc.connectionState === 'failed' || this.#pc.iceConnectionState === 'failed') this.restart();
      else this.#expectRecovery();
    } else if (this.#state === 'connecting') this.#expectRecovery();
  }

  // --- negotiation ----------------------------------------------------------------------------------------------

  /** One step at a time: interleaved setLocal/setRemote calls are what makes negotiation fail at random. */
  #enqueue(step: () => Promise<void>): void {
    this.#queue = this.#queue.then(async () => {
      if (this.#closed) return;
      try {
        await step();
      } catch (error) {
        if (this.#closed) return;
        this.#host.onMark(`error:${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`);
        // A description that does not fit: only a new connection on both sides clears that up.
        this.#expectRecovery();
      }
    });
  }

  async #offer(): Promise<void> {
    const pc = this.#pc;
    if (pc.signalingState !== 'stable') return;
    if (!this.#negotiated && !this.#slots.audio && !pc.remoteDescription) for (const slot of SLOTS) this.#addSlot(slot);
    this.#makingOffer = true;
    try {
      await pc.setLocalDescription(await pc.createOffer());
    } finally {
      this.#makingOffer = false;
    }
    this.#awaiting = ++this.#offers;
    this.#host.onMark('offer-sent');
    this.#sendDescription('offer', { n: this.#awaiting });
  }

  async #remoteOffer(description: WireDescription): Promise<void> {
    const gen = description.gen ?? this.#gen;
    if (gen < this.#gen) return;
    this.#host.clock.clearTimeout(this.#firstOfferTimer);
    if (gen > this.#gen) this.#replaceConnection(gen);
    const collision = this.#makingOffer || this.#pc.signalingState !== 'stable';
    this.#ignoredOffer = collision && !this.polite;
    if (this.#ignoredOffer) {
      this.#host.onMark('glare-won');
      return;
    }
    if (collision) {
      this.#host.onMark('glare-yielded');
      this.#awaiting = undefined;
      if (!this.#negotiated) this.#replaceConnection(gen);
    }
    const pc = this.#pc;
    await pc.setRemoteDescription({ type: 'offer', sdp: description.sdp });
    this.#remoteIsOurs = description.gen !== undefined;
    this.#adoptTransceivers();
    await this.#flushCandidates();
    await pc.setLocalDescription(await pc.createAnswer());
    this.#negotiated = true;
    this.#progress();
    this.#host.onMark('answer-sent');
    this.#sendDescription('answer', description.n === undefined ? {} : { to: description.n });
    this.#host.onSenders();
  }

  async #remoteAnswer(description: WireDescription): Promise<void> {
    const pc = this.#pc;
    const stale =
      (description.gen ?? this.#gen) !== this.#gen ||
      pc.signalingState !== 'have-local-offer' ||
      (description.to !== undefined && description.to !== this.#awaiting);
    if (stale) {
      this.#host.onMark('stale-answer');
      return;
    }
    this.#awaiting = undefined;
    await pc.setRemoteDescription({ type: 'answer', sdp: description.sdp });
    this.#negotiated = true;
    this.#progress();
    this.#host.onMark('answer-received');
    await this.#flushCandidates();
    this.#host.onSenders();
  }

  async #candidate(candidate: WireCandidate | null): Promise<void> {
    if (!candidate) return;
    const gen = candidate.gen ?? this.#gen;
    if (gen < this.#gen) return;
    if (gen > this.#gen || !this.#pc.remoteDescription || this.#pc.signalingState === 'have-local-offer') {
      // Too early: its description is on the way (first offer, restart or rebuild).
      if (this.#candidates.length < MAX_QUEUED) this.#candidates.push(candidate);
      return;
    }
    await this.#addCandidate(candidate);
  }

  async #flushCandidates(): Promise<void> {
    const queued = this.#candidates;
    this.#candidates = [];
    for (const candidate of queued) {
      const gen = candidate.gen ?? this.#gen;
      if (gen === this.#gen) await this.#addCandidate(candidate);
      else if (gen > this.#gen) this.#candidates.push(candidate);
    }
  }

  async #addCandidate({ gen: _gen, ...candidate }: WireCandidate): Promise<void> {
    if (candidate.sdpMid === undefined && candidate.sdpMLineIndex === undefined) candidate.sdpMLineIndex = 0;
    try {
      await this.#pc.addIceCandidate(candidate);
    } catch (error) {
      // One candidate less is no reason to fail: those of an ignored offer and of an older restart end here as well.
      if (!this.#ignoredOffer) this.#host.onMark(`candidate-refused:${String(error)}`);
    }
  }

  #sendDescription(type: 'offer' | 'answer', order: Partial<WireDescription>): void {
    const sdp = this.#pc.localDescription?.sdp ?? '';
    this.#host.send(type, { sdp: { type, sdp, gen: this.#gen, ...order } satisfies WireDescription });
  }

  // --- the connection -------------------------------------------------------------------------------------------

  #connect(): RTCPeerConnection {
    const pc = new this.#host.RTCPeerConnection(this.#host.configuration());
    pc.onicecandidate = ({ candidate }) => {
      if (!candidate?.candidate) return;
      const { candidate: line, sdpMid, sdpMLineIndex, usernameFragment } = candidate;
      const wire: WireCandidate = { candidate: line, sdpMid, sdpMLineIndex, usernameFragment, gen: this.#gen };
      this.#host.send('ice-candidate', { candidate: wire });
    };
    pc.ontrack = ({ transceiver, track }) => {
      this.#adoptTransceivers();
      const slot = SLOTS.find((name) => this.#slots[name] === transceiver);
      if (slot) this.#host.onTrack(slot, track);
    };
    pc.onconnectionstatechange = () => this.#transport();
    pc.oniceconnectionstatechange = () => this.#transport();
    // Negotiated out of band: both sides open the same stream, no extra exchange, no glare over who creates it.
    const channel = pc.createDataChannel('tandem', { negotiated: true, id: 0 });
    this.channel = channel;
    this.#host.onChannel(channel);
    return pc;
  }

  #detach(pc: RTCPeerConnection): void {
    pc.onicecandidate = null;
    pc.ontrack = null;
    pc.onconnectionstatechange = null;
    pc.oniceconnectionstatechange = null;
    pc.close();
  }

  #replaceConnection(gen: number): void {
    this.#detach(this.#pc);
    this.#gen = gen;
    this.#offers = 0;
    this.#awaiting = undefined;
    this.#negotiated = false;
    this.#slots = {};
    this.#bytes = -1;
    this.#pc = this.#connect();
    if (this.#state === 'connected') this.#setState('rebuilding');
  }

  #addSlot(slot: Slot): void {
    const track = this.#host.track(slot);
    this.#slots[slot] = this.#pc.addTransceiver(track ?? (slot === 'audio' ? 'audio' : 'video'), {
      direction: 'sendrecv',
    });
  }

  /** As answerer: the offerer's transceivers, by kind and order, are our slots. */
  #adoptTransceivers(): void {
    const all = this.#pc.getTransceivers().filter((t) => t.mid !== null);
    const videos = all.filter((t) => t.receiver.track.kind === 'video');
    const found: Record<Slot, RTCRtpTransceiver | undefined> = {
      audio: all.find((t) => t.receiver.track.kind === 'audio'),
      video: videos[0],
      screen: videos[1],
    };
    for (const slot of SLOTS) {
      const transceiver = found[slot];
      if (!transceiver || this.#slots[slot] === transceiver) continue;
      this.#slots[slot] = transceiver;
      transceiver.direction = 'sendrecv';
      const track = this.#host.track(slot);
      if (track) transceiver.sender.replaceTrack(track).catch(() => {});
      this.#host.onTrack(slot, transceiver.receiver.track);
    }
  }

  // --- repairs --------------------------------------------------------------------------------------------------

  #transport(): void {
    if (this.#closed) return;
    const { connectionState, iceConnectionState } = this.#pc;
    if (connectionState === 'connected') {
      this.#host.clock.clearTimeout(this.#watchTimer);
      this.#host.clock.clearTimeout(this.#rebuildTimer);
      this.#watchTimer = undefined;
      this.#rebuildTimer = undefined;
      this.#rebuilds = 0;
      this.#setState('connected');
    } else if (connectionState === 'failed' || iceConnectionState === 'failed') {
      this.#interrupted();
      this.#repair();
    } else if (iceConnectionState === 'disconnected') {
      this.#interrupted();
      this.#watch();
    }
  }

  #interrupted(): void {
    if (this.#state === 'connected') this.#setState('interrupted');
    this.#expectRecovery();
  }

  /** The impolite peer restarts at once; the polite one gives it a moment, so that they seldom collide. */
  #repair(): void {
    if (!this.#host.reachable()) return;
    if (!this.polite) {
      this.restart();
      return;
    }
    const pc = this.#pc;
    const before = pc.remoteDescription?.sdp;
    this.#host.clock.setTimeout(() => {
      if (this.#closed || pc !== this.#pc || pc.connectionState === 'connected') return;
      if (pc.remoteDescription?.sdp === before) this.restart();
    }, 400);
  }

  /** `disconnected` often heals by itself: restart only when nothing came in for a while either. */
  #watch(): void {
    if (this.#watchTimer !== undefined) return;
    const pc = this.#pc;
    void this.#received(pc).then((bytes) => {
      this.#bytes = bytes;
    });
    this.#watchTimer = this.#host.clock.setTimeout(() => {
      this.#watchTimer = undefined;
      if (this.#closed || pc !== this.#pc || pc.iceConnectionState !== 'disconnected') return;
      void this.#received(pc).then((bytes) => {
        if (this.#closed || pc !== this.#pc || pc.iceConnectionState !== 'disconnected') return;
        if (bytes > this.#bytes) this.#watch();
        else this.#repair();
      });
    }, this.#times.disconnected);
  }

  async #received(pc: RTCPeerConnection): Promise<number> {
    let bytes = 0;
    const report = await pc.getStats().catch(() => undefined);
    report?.forEach((s: { type: string; bytesReceived?: number }) => {
      if (s.type === 'transport') bytes += s.bytesReceived ?? 0;
    });
    return bytes;
  }

  /** Rebuild the pair when it is not connected in time. While signaling is away there is nothing to be done but wait. */
  #expectRecovery(): void {
    if (this.#closed || this.#rebuildTimer !== undefined) return;
    // On a device or network that is only slow, rebuilding at a fixed pace would throw away each attempt's progress for ever.
    const wait = this.#times.rebuild * (this.polite ? 1.5 : 1) * 2 ** Math.min(this.#rebuilds, MAX_REBUILD_DOUBLINGS);
    this.#rebuildTimer = this.#host.clock.setTimeout(() => {
      this.#rebuildTimer = undefined;
      if (this.#closed || this.#pc.connectionState === 'connected') return;
      if (this.#host.reachable()) this.rebuild();
      else this.#expectRecovery();
    }, wait);
  }

  /** Is the other side this SDK (its descriptions are ordered)? */
  get ordered(): boolean {
    return this.#remoteIsOurs;
  }

  /** A description arrived: what it begins gets its full time. */
  #progress(): void {
    if (this.#rebuildTimer === undefined) return;
    this.#host.clock.clearTimeout(this.#rebuildTimer);
    this.#rebuildTimer = undefined;
    this.#expectRecovery();
  }

  #setState(state: PairState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#host.onState(state);
  }
}
