/**
 * Perfect negotiation with one peer: offers, answers and candidates, one step at a time.
 *
 * Descriptions carry what orders them, inside the opaque payload: `gen`, the generation of the pair's RTCPeerConnection (a
 * higher one replaces the connection on both sides), `n`, the number of an offer, and `to`, the offer that an answer
 * answers. So a stale answer or candidate can be distinguished from a fresh one. Peers of other SDKs leave them out and still connect.
 *
 * On a glare the impolite peer's offer stands: politeness comes from the order of the two peer ids. The polite peer rolls
 * back, or, while its connection has never been negotiated, takes a new connection: a rolled-back first offer would leave
 * its transceivers behind, and every further offer would carry them twice.
 */
import type { Connection } from './connection.ts';
import { type PairHost, SLOTS, type Slot } from './pair-types.ts';
import { readCandidate, readDescription } from './peer-input.ts';
import type { Recovery } from './recovery.ts';
import { RemoteCandidates } from './remote-candidates.ts';
import { withStartBitrate } from './start-bitrate.ts';
import { withoutStrayTypes } from './stray-types.ts';
import type { WireCandidate, WireDescription } from './wire.ts';

/** What a negotiation needs of its pair. */
export interface NegotiationHost {
  readonly polite: boolean;
  readonly recovery: Recovery;
  /** Waiting for the other's first offer, ms. */
  readonly firstOfferWait: number;
  connection(): Connection;
  /** Take a new connection in place of the present one. */
  replaceConnection(): void;
  /** As answerer: the transceivers of the offer are our slots. */
  adoptTransceivers(): void;
  /** A description of mine begins a new search for a path. */
  searching(): void;
}

export class Negotiation {
  /** Generation of the connection: counts rebuilds. */
  gen = 1;
  readonly #host: PairHost;
  readonly #pair: NegotiationHost;
  readonly #recovery: Recovery;
  readonly #candidates: RemoteCandidates;
  #offers = 0;
  /** Number of the local offer that waits for its answer. */
  #awaiting: number | undefined;
  #makingOffer = false;
  /** The connection had a complete exchange: from then on it can roll back. */
  #negotiated = false;
  /** ICE credentials of my last description; other ones mean a new search for a path. */
  #ufrag: string | undefined;
  /** The same in every description: a change would make the estimate begin anew. */
  #startBitrate: number | undefined;
  #queue: Promise<void> = Promise.resolve();
  #firstOfferTimer: unknown;
  #closed = false;
  /** The other side cannot send its media over one transport (no BUNDLE): neither may a connection of mine ask for it. */
  #unbundled = false;
  /** My last description; `lost` when its delivery was given up, so that it must be said again. */
  #said: { readonly type: 'offer' | 'answer'; readonly order: Partial<WireDescription>; lost: boolean } | undefined;

  constructor(host: PairHost, pair: NegotiationHost) {
    this.#host = host;
    this.#pair = pair;
    this.#recovery = pair.recovery;
    this.#candidates = new RemoteCandidates((error) => host.onTiming(`candidate-refused:${String(error)}`));
  }

  get #connection(): Connection {
    return this.#pair.connection();
  }
  get #pc(): RTCPeerConnection {
    return this.#connection.pc;
  }

  /** Make the first offer, or wait for the other's (and make it after all when none comes). */
  start(initiate: boolean): void {
    // An offer that is made already must not be left unsaid: until then the other's would be taken for a glare.
    if (initiate || this.#connection.offered !== undefined) this.enqueue(() => this.offer());
    else
      this.#firstOfferTimer = this.#host.clock.setTimeout(() => {
        if (!this.#pc.remoteDescription) this.enqueue(() => this.offer());
      }, this.#pair.firstOfferWait);
    this.#recovery.expectRecovery();
  }

  receive(type: 'offer' | 'answer' | 'ice-candidate', body: { sdp?: unknown; candidate?: unknown }): void {
    if (this.#closed) return;
    if (type === 'ice-candidate') {
      const candidate = readCandidate(body.candidate);
      if (candidate) this.enqueue(() => this.#candidates.receive(candidate, this.#pc, this.gen));
      return;
    }
    const description = readDescription(type, body.sdp);
    if (!description) {
      this.#host.onTiming(`unreadable-${type}`);
      return;
    }
    this.enqueue(() => (type === 'offer' ? this.#remoteOffer(description) : this.#remoteAnswer(description)));
  }

  /** The other side offered without this slot (another SDK): add it now. */
  addSlot(slot: Slot, track: MediaStreamTrack): void {
    if (!this.#negotiated) return;
    this.enqueue(async () => {
      this.#connection.addSlot(slot, track);
      await this.offer();
    });
  }

  /** Signaling is back: says again what was lost. */
  signalingBack(): void {
    if (this.#said?.lost) this.enqueue(() => this.#sayAgain());
  }

  close(): void {
    this.#closed = true;
    this.#host.clock.clearTimeout(this.#firstOfferTimer);
  }

  /** One step at a time: interleaved setLocal/setRemote calls are what makes negotiation fail at random. */
  enqueue(step: () => Promise<void>): void {
    this.#queue = this.#queue.then(async () => {
      if (this.#closed) return;
      try {
        await step();
      } catch (error) {
        if (this.#closed) return;
        this.#host.onTiming(`error:${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`);
        this.#recovery.refused();
      }
    });
  }

  async offer(): Promise<void> {
    const connection = this.#connection;
    const { pc, offered } = connection;
    if (offered !== undefined) {
      // What is made goes out in this very turn, before any view draws who is here, and while the browser still sets it.
      if (!connection.offer) await offered;
      connection.offered = undefined;
    } else {
      if (pc.signalingState !== 'stable') return;
      if (!this.#negotiated && connection.empty && !pc.remoteDescription)
        for (const slot of SLOTS) connection.addSlot(slot, this.#host.track(slot));
      this.#makingOffer = true;
      try {
        await pc.setLocalDescription(await pc.createOffer());
      } finally {
        this.#makingOffer = false;
      }
    }
    if (this.#closed) return;
    this.#awaiting = ++this.#offers;
    this.#host.onTiming('offer-sent');
    const sdp = connection.offer ?? pc.localDescription?.sdp ?? '';
    connection.offer = undefined;
    this.#sendDescription('offer', sdp, { n: this.#awaiting });
    for (const candidate of connection.early.splice(0))
      if (!sdp.includes(candidate.candidate)) this.sendCandidate(candidate);
    await offered;
    this.#host.onSenders();
    this.#recovery.progress();
    this.#recovery.expectRecovery();
  }

  async #remoteOffer(description: WireDescription): Promise<void> {
    const gen = description.gen ?? this.gen;
    if (gen < this.gen) return;
    this.#host.clock.clearTimeout(this.#firstOfferTimer);
    if (this.#findUnbundled(description.sdp) || gen > this.gen) this.replaceConnection(gen);
    const collision = this.#makingOffer || this.#pc.signalingState !== 'stable';
    if (collision && !this.#pair.polite) {
      this.#host.onTiming('glare-won');
      return;
    }
    if (collision) {
      this.#host.onTiming('glare-yielded');
      this.#awaiting = undefined;
      if (!this.#negotiated) this.replaceConnection(gen);
    }
    // What was waited for is not what comes now.
    this.#recovery.progress();
    const pc = this.#pc;
    await this.#setRemote('offer', description.sdp);
    if (this.#closed) return;
    this.#pair.adoptTransceivers();
    // Caps before there is an encoder: one that gets them later drops the frame it holds, and waits for the next one.
    this.#host.onSenders();
    await this.#candidates.flush(pc, this.gen);
    const answer = await pc.createAnswer();
    if (this.#closed) return;
    const { dtlsRole } = this.#connection;
    const sdp = dtlsRole.keep(answer.sdp ?? '', 'me', description.sdp);
    // Out before it is set here: its candidates follow, and the other side has work to do meanwhile.
    this.#host.onTiming('answer-sent');
    this.#sendDescription('answer', sdp, description.n === undefined ? {} : { to: description.n });
    await pc.setLocalDescription(answer);
    dtlsRole.settle(sdp, 'me', description.sdp);
    this.#connection.offeredFirst ??= false;
    this.#negotiated = true;
    this.#recovery.progress();
    this.#host.onSenders();
  }

  async #remoteAnswer(description: WireDescription): Promise<void> {
    const pc = this.#pc;
    const stale =
      (description.gen ?? this.gen) !== this.gen ||
      pc.signalingState !== 'have-local-offer' ||
      (description.to !== undefined && description.to !== this.#awaiting);
    if (stale) {
      this.#host.onTiming('stale-answer');
      return;
    }
    this.#awaiting = undefined;
    if (this.#findUnbundled(description.sdp)) {
      this.replaceConnection(this.gen + 1);
      return this.offer();
    }
    const { dtlsRole } = this.#connection;
    const sdp = dtlsRole.keep(description.sdp, 'peer', description.sdp);
    await this.#setRemote('answer', sdp);
    dtlsRole.settle(sdp, 'peer', sdp);
    this.#connection.offeredFirst ??= true;
    this.#negotiated = true;
    this.#recovery.progress();
    this.#host.onTiming('answer-received');
    await this.#candidates.flush(pc, this.gen);
    this.#host.onSenders();
  }

  /** Is this the first description that shows a side without BUNDLE? A connection that asks for it would refuse it. */
  #findUnbundled(sdp: string): boolean {
    const sections = sdp.match(/^m=/gm)?.length ?? 0;
    if (this.#unbundled || sections < 2 || /^a=group:BUNDLE /m.test(sdp)) return false;
    this.#unbundled = true;
    return true;
  }
  bundled(configuration: RTCConfiguration): RTCConfiguration {
    return this.#unbundled ? { ...configuration, bundlePolicy: 'balanced' } : configuration;
  }

  /** A new connection, whose exchange begins anew. */
  replaceConnection(gen: number): void {
    this.gen = gen;
    this.#offers = 0;
    this.#awaiting = undefined;
    this.#negotiated = false;
    this.#said = undefined;
    this.#pair.replaceConnection();
  }

  #setRemote(type: 'offer' | 'answer', sdp: string): Promise<void> {
    this.#startBitrate ??= this.#host.startBitrate();
    return this.#pc.setRemoteDescription({ type, sdp: withStartBitrate(withoutStrayTypes(sdp), this.#startBitrate) });
  }

  #sendDescription(type: 'offer' | 'answer', sdp = '', order: Partial<WireDescription> = {}): void {
    const ufrag = /^a=ice-ufrag:(.+)$/m.exec(sdp)?.[1];
    if (ufrag !== this.#ufrag) this.#pair.searching();
    this.#ufrag = ufrag;
    const said = { type, order, lost: false };
    this.#said = said;
    const sent = this.#host.send(type, { sdp: { type, sdp, gen: this.gen, ...order } satisfies WireDescription });
    void sent.then((result) => {
      if (result.ok || this.#said !== said) return;
      said.lost = true;
      // Given up while the peer can be reached: its socket came back just now.
      if (result.reason === 'timeout' && this.#host.reachable()) this.enqueue(() => this.#sayAgain());
    });
  }

  /** The same description, with the candidates that were found since. */
  async #sayAgain(): Promise<void> {
    const said = this.#said;
    const { signalingState, localDescription, remoteDescription } = this.#pc;
    if (!said?.lost || !localDescription) return;
    // An answer came after all, or a newer exchange is under way.
    if (signalingState !== (said.type === 'offer' ? 'have-local-offer' : 'stable')) return;
    const remote = remoteDescription?.sdp ?? '';
    const { sdp } = localDescription;
    this.#host.onTiming(`${said.type}-repeated`);
    this.#sendDescription(
      said.type,
      said.type === 'answer' ? this.#connection.dtlsRole.keep(sdp, 'me', remote) : sdp,
      said.order,
    );
  }

  sendCandidate({ candidate, sdpMid, sdpMLineIndex, usernameFragment, tcpType }: RTCIceCandidate): void {
    // Of TCP browsers have active candidates alone, which nothing can be sent to (RFC 6544 section 4.5).
    if (!candidate || tcpType === 'active') return;
    const wire: WireCandidate = { candidate, sdpMid, sdpMLineIndex, usernameFragment, gen: this.gen };
    void this.#host.send('ice-candidate', { candidate: wire });
  }
}
