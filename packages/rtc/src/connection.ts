/** One RTCPeerConnection with its three slots (audio, camera, screen) and its data channel. */
import type { Clock } from './clock.ts';
import { closeConnection } from './close-connection.ts';
import { DtlsRole } from './dtls-role.ts';
import { SLOTS, type Slot } from './pair-types.ts';
import { offerFewCodecs } from './video-codecs.ts';

export class Connection {
  readonly pc: RTCPeerConnection;
  readonly channel: RTCDataChannel;
  readonly dtlsRole = new DtlsRole();
  /** Its first offer is made already (see prewarmed-connection.ts), with these candidates gathered before anybody listened. */
  offered: Promise<void> | undefined;
  /** Text of that offer, from when it is made until it is sent. */
  offer: string | undefined;
  readonly early: RTCIceCandidate[] = [];
  /** This side made the first offer of the first complete exchange. */
  offeredFirst: boolean | undefined;
  readonly #slots: Partial<Record<Slot, RTCRtpTransceiver>> = {};

  constructor(Native: new (configuration: RTCConfiguration) => RTCPeerConnection, configuration: RTCConfiguration) {
    this.pc = new Native(configuration);
    // Negotiated out of band: both sides open the same stream, no extra exchange, no glare over who creates it.
    this.channel = this.pc.createDataChannel('tandem', { negotiated: true, id: 0 });
    this.pc.onicecandidate = ({ candidate }) => candidate && this.early.push(candidate);
  }

  /** Has no slots yet. */
  get empty(): boolean {
    return this.#slots.audio === undefined;
  }
  transceiver(slot: Slot): RTCRtpTransceiver | undefined {
    return this.#slots[slot];
  }
  slotOf(transceiver: RTCRtpTransceiver): Slot | undefined {
    return SLOTS.find((slot) => this.#slots[slot] === transceiver);
  }

  /** Which slot each negotiated media section carries. */
  mids(): [string, Slot][] {
    return SLOTS.flatMap((slot): [string, Slot][] => {
      const mid = this.#slots[slot]?.mid;
      return mid ? [[mid, slot]] : [];
    });
  }

  /** As offerer. */
  addSlot(slot: Slot, track: MediaStreamTrack | null): void {
    const kind = slot === 'audio' ? 'audio' : 'video';
    const transceiver = this.pc.addTransceiver(track ?? kind, { direction: 'sendrecv' });
    if (kind === 'video') offerFewCodecs(transceiver);
    this.#slots[slot] = transceiver;
  }

  /** Put my tracks where they belong; no negotiation. */
  setTracks(track: (slot: Slot) => MediaStreamTrack | null): void {
    for (const slot of SLOTS) {
      const sender = this.#slots[slot]?.sender;
      if (sender && sender.track !== track(slot)) sender.replaceTrack(track(slot)).catch(() => {});
    }
  }

  /** As answerer: the offerer's transceivers, by kind and order, are our slots. Gives those that are new. */
  adoptSlots(): [Slot, RTCRtpTransceiver][] {
    const all = this.pc.getTransceivers().filter((t) => t.mid !== null);
    const videos = all.filter((t) => t.receiver.track.kind === 'video');
    const found: Record<Slot, RTCRtpTransceiver | undefined> = {
      audio: all.find((t) => t.receiver.track.kind === 'audio'),
      video: videos[0],
      screen: videos[1],
    };
    return SLOTS.flatMap((slot): [Slot, RTCRtpTransceiver][] => {
      const transceiver = found[slot];
      if (!transceiver || this.#slots[slot] === transceiver) return [];
      this.#slots[slot] = transceiver;
      return [[slot, transceiver]];
    });
  }

  /** Close it, and hear nothing more of it. @param clock another connection has taken its place */
  close(clock?: Clock): void {
    this.pc.onicecandidate = null;
    this.pc.ontrack = null;
    this.pc.onconnectionstatechange = null;
    this.pc.oniceconnectionstatechange = null;
    if (clock) this.channel.close();
    closeConnection(this.pc, clock);
  }
}
