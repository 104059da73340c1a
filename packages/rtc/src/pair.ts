/** One leg of the mesh: the connection with one peer, what is negotiated over it, and its recovery (ICE restart, then rebuild). */
import type { Clock } from './clock.ts';
import { Connection } from './connection.ts';
import { needsNewConnection } from './ice-restart.ts';
import { Negotiation } from './negotiation.ts';
import { PAIR_TIMES, type PairHost, type PairState, type PairTimes, type Slot } from './pair-types.ts';
import { Recovery } from './recovery.ts';

export class Pair {
  readonly polite: boolean;
  readonly #host: PairHost;
  readonly #recovery: Recovery;
  readonly #negotiation: Negotiation;
  #connection: Connection;
  #stood = false;
  #restarts = 0;
  #state: PairState = 'connecting';
  #closed = false;
  #restarting = false;

  /** @param prewarmed with it, this side makes the first offer */
  constructor(host: PairHost, polite: boolean, times: PairTimes = PAIR_TIMES, prewarmed?: Connection) {
    this.#host = host;
    this.polite = polite;
    this.#recovery = new Recovery({
      clock: host.clock,
      times,
      polite,
      pace: host.pace,
      connection: () => this.#pc,
      reachable: () => host.reachable(),
      restart: () => this.restart(),
      rebuild: () => this.rebuild(),
    });
    this.#negotiation = new Negotiation(host, {
      polite,
      recovery: this.#recovery,
      firstOfferWait: times.firstOffer,
      connection: () => this.#connection,
      replaceConnection: () => this.#replaceConnection(),
      adoptTransceivers: () => this.#adoptTransceivers(),
      searching: () => this.#searching(),
    });
    this.#connection = this.#connect(prewarmed);
  }

  get #pc(): RTCPeerConnection {
    return this.#connection.pc;
  }
  get connection(): RTCPeerConnection {
    return this.#pc;
  }
  get channel(): RTCDataChannel {
    return this.#connection.channel;
  }
  get state(): PairState {
    return this.#state;
  }
  /** Generation of the connection: counts rebuilds. */
  get generation(): number {
    return this.#negotiation.gen;
  }
  /** Searches for a path since the first one stood, begun by either side. */
  get restarts(): number {
    return this.#restarts;
  }
  sender(slot: Slot): RTCRtpSender | undefined {
    return this.#connection.transceiver(slot)?.sender;
  }

  receiver(slot: Slot): RTCRtpReceiver | undefined {
    return this.#connection.transceiver(slot)?.receiver;
  }

  /** Which slot each negotiated media section carries. */
  mids(): [string, Slot][] {
    return this.#connection.mids();
  }

  /** Make the first offer, or wait for the other's (and make it after all when none comes). */
  start(initiate: boolean): void {
    this.#negotiation.start(initiate);
  }

  /** New credentials and a new search for a path, on the same connection. */
  restart(): void {
    if (this.#closed || this.#restarting) return;
    if (needsNewConnection(this.#pc, this.#connection.offeredFirst === true)) {
      this.rebuild();
      return;
    }
    this.#restarting = true;
    // Outside the queue: an offer of the other side must not wait for a slow credential service.
    void this.#host.freshConfiguration().then((configuration) => {
      this.#restarting = false;
      this.#negotiation.enqueue(async () => {
        if (this.#pc.signalingState !== 'stable') return;
        this.#pc.setConfiguration(this.#negotiation.bundled(configuration));
        this.#pc.restartIce();
        this.#host.onTiming('ice-restart');
        await this.#negotiation.offer();
      });
    });
    this.#recovery.expectRecovery();
  }

  /** A new connection for this pair alone; the others are not touched. */
  rebuild(): void {
    if (this.#closed) return;
    this.#setState('rebuilding');
    this.#host.onTiming('rebuild');
    this.#recovery.rebuilding();
    const from = this.#negotiation.gen;
    void this.#host.freshConfiguration().then(() =>
      this.#negotiation.enqueue(async () => {
        // The other side may have begun one in the meantime.
        if (this.#negotiation.gen !== from) return;
        this.#negotiation.replaceConnection(from + 1);
        await this.#negotiation.offer();
      }),
    );
    this.#recovery.expectRecovery();
  }

  /** The track of a slot changed in the call. No negotiation: the transceivers stand from the beginning. */
  async replaceTrack(slot: Slot): Promise<void> {
    const transceiver = this.#connection.transceiver(slot);
    const track = this.#host.track(slot);
    if (transceiver) {
      await transceiver.sender.replaceTrack(track);
      this.#host.onSenders();
    } else if (track) this.#negotiation.addSlot(slot, track);
  }

  receive(type: 'offer' | 'answer' | 'ice-candidate', body: { sdp?: unknown; candidate?: unknown }): void {
    this.#negotiation.receive(type, body);
  }

  /** @param clock a media node has taken its place */
  close(clock?: Clock): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#negotiation.close();
    this.#recovery.close();
    this.#connection.close(clock);
    this.#setState('closed');
  }

  /** Signaling is back: recovery that waited for it begins now. */
  signalingBack(): void {
    this.#negotiation.signalingBack();
    if (this.#state === 'interrupted' || this.#state === 'rebuilding') {
      if (this.#pc.connectionState === 'failed' || this.#pc.iceConnectionState === 'failed') this.restart();
      else {
        if (this.#pc.iceConnectionState === 'disconnected') this.#recovery.disconnected();
        this.#recovery.expectRecovery();
      }
    } else if (this.#state === 'connecting') this.#recovery.expectRecovery();
  }

  // --- the connection -------------------------------------------------------------------------------------------

  #connect(prewarmed?: Connection): Connection {
    const connection =
      prewarmed ?? new Connection(this.#host.RTCPeerConnection, this.#negotiation.bundled(this.#host.configuration()));
    const { pc } = connection;
    prewarmed?.setTracks((slot) => this.#host.track(slot));
    pc.onicecandidate = ({ candidate }) => {
      if (!candidate) return;
      // Those of an offer that was not sent yet follow it.
      if (connection.offered !== undefined) connection.early.push(candidate);
      else this.#negotiation.sendCandidate(candidate);
    };
    pc.ontrack = ({ transceiver, track }) => {
      this.#adoptTransceivers();
      const slot = connection.slotOf(transceiver);
      if (slot) this.#host.onTrack(slot, track);
    };
    pc.onconnectionstatechange = () => this.#transport();
    pc.oniceconnectionstatechange = () => {
      if (pc.iceConnectionState === 'connected') this.#host.onTiming('ice-connected');
      if (pc.connectionState === 'connecting') this.#recovery.progress();
      this.#transport();
    };
    this.#host.onChannel(connection.channel);
    return connection;
  }

  #replaceConnection(): void {
    this.#connection.close();
    this.#connection = this.#connect();
    this.#recovery.replaced();
    if (this.#state === 'connected') this.#setState('rebuilding');
  }

  #adoptTransceivers(): void {
    for (const [slot, transceiver] of this.#connection.adoptSlots()) {
      transceiver.direction = 'sendrecv';
      const track = this.#host.track(slot);
      if (track) transceiver.sender.replaceTrack(track).catch(() => {});
      this.#host.onTrack(slot, transceiver.receiver.track);
    }
  }

  // --- recovery -------------------------------------------------------------------------------------------------

  #transport(): void {
    if (this.#closed) return;
    const { connectionState, iceConnectionState } = this.#pc;
    if (connectionState === 'connected') {
      this.#recovery.connected();
      this.#stood = true;
      this.#setState('connected');
    } else if (connectionState === 'failed' || iceConnectionState === 'failed') {
      this.#interrupted();
      this.#recovery.failed();
    } else if (iceConnectionState === 'disconnected') {
      this.#interrupted();
      this.#recovery.disconnected();
    }
  }

  #searching(): void {
    if (!this.#stood) return;
    this.#restarts++;
    this.#recovery.searching();
  }

  #interrupted(): void {
    if (this.#state === 'connected') this.#setState('interrupted');
    this.#recovery.expectRecovery();
  }

  #setState(state: PairState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#host.onState(state);
  }
}
