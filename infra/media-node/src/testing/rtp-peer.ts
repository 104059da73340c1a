/**
 * Cheap peers without encoders, by libdatachannel: one sends RTP packets of any content, the other counts what arrives. For what needs
 * real pictures or several layers there is Chromium (test/media-room.test.ts).
 */
import nodeDataChannel, { type PeerConnection, type Track } from 'node-datachannel';
import type { Candidate, Slot } from '../engine.ts';
import { ReceiverReports } from './receiver-reports.ts';

const PAYLOAD_TYPE: Record<Slot, number> = { audio: 111, video: 96, screen: 96 };
const SSRC: Record<Slot, number> = { audio: 1111, video: 2222, screen: 3333 };
/** How often a packet of each track leaves, ms: that of Opus. */
const PACKET_MS = 20;

/** What both ends have: a connection, and candidates that wait for the other's description. */
abstract class RtpPeer {
  protected readonly pc: PeerConnection;
  #described = false;
  readonly #early: Candidate[] = [];
  /** Passes my candidates on. */
  onCandidate: (candidate: Candidate) => void = () => {};

  constructor(name: string, address: string) {
    this.pc = new nodeDataChannel.PeerConnection(name, {
      iceServers: [],
      bindAddress: address,
      disableAutoNegotiation: true,
    });
    this.pc.onLocalCandidate((candidate, mid) => this.onCandidate({ candidate, sdpMid: mid }));
  }

  get state(): string {
    return this.pc.state();
  }

  candidate(candidate: Candidate | null): void {
    if (!candidate) return;
    if (this.#described) this.pc.addRemoteCandidate(candidate.candidate, candidate.sdpMid ?? '0');
    else this.#early.push(candidate);
  }

  protected remote(sdp: string, type: 'offer' | 'answer'): void {
    this.pc.setRemoteDescription(sdp, type);
    this.#described = true;
    for (const candidate of this.#early.splice(0)) this.candidate(candidate);
  }

  /** My description of that kind. */
  protected describe(type: 'offer' | 'answer'): Promise<string> {
    return new Promise((resolve) => {
      this.pc.onLocalDescription((sdp) => resolve(sdp));
      this.pc.setLocalDescription(type as never);
    });
  }

  close(): void {
    this.pc.close();
  }
}

/** @returns whether the packet left: the engine may close the track between the question whether it is open and this */
function leave(track: Track, packet: Buffer): boolean {
  try {
    return track.sendMessageBinary(packet);
  } catch (error) {
    if (track.isOpen()) throw error;
    return false;
  }
}

/** Sends packets in each of its slots, from the moment that it is connected. */
export class RtpSender extends RtpPeer {
  readonly #tracks: [Slot, Track][] = [];
  readonly #timer: NodeJS.Timeout;
  #sequence = 0;
  /** Requests for a keyframe that arrived (RTCP PLI or FIR). */
  keyframeRequests = 0;

  constructor(
    name: string,
    address: string,
    slots: readonly Slot[] = ['audio', 'video'],
    videoCodec: 'VP8' | 'H264' = 'VP8',
  ) {
    super(name, address);
    slots.forEach((slot, index) => {
      const media =
        slot === 'audio'
          ? new nodeDataChannel.Audio(`${index}`, 'SendOnly')
          : new nodeDataChannel.Video(`${index}`, 'SendOnly');
      if (slot === 'audio') (media as InstanceType<typeof nodeDataChannel.Audio>).addOpusCodec(PAYLOAD_TYPE[slot]);
      else if (videoCodec === 'VP8')
        (media as InstanceType<typeof nodeDataChannel.Video>).addVP8Codec(PAYLOAD_TYPE[slot]);
      else (media as InstanceType<typeof nodeDataChannel.Video>).addH264Codec(PAYLOAD_TYPE[slot]);
      media.addSSRC(SSRC[slot], name, name, `${name}-${slot}`);
      const track = this.pc.addTrack(media);
      track.onMessage((packet) => {
        if (isKeyframeRequest(packet)) this.keyframeRequests++;
      });
      this.#tracks.push([slot, track]);
    });
    this.#timer = setInterval(() => this.send(), PACKET_MS);
  }

  async connect(leg: { offer(sdp: string): Promise<string> }): Promise<void> {
    this.remote(await leg.offer(await this.describe('offer')), 'answer');
  }

  /** What leaves every 20 ms. */
  protected send(): void {
    this.#sequence++;
    for (const [slot, track] of this.#tracks) {
      if (!track.isOpen()) continue;
      const packet = Buffer.alloc(slot === 'audio' ? 60 : 200);
      packet[0] = 0x80;
      // A packet a frame: the marker is set.
      packet[1] = 0x80 | PAYLOAD_TYPE[slot];
      packet.writeUInt16BE(this.#sequence & 0xffff, 2);
      packet.writeUInt32BE((this.#sequence * (slot === 'audio' ? 960 : 1800)) >>> 0, 4);
      packet.writeUInt32BE(SSRC[slot], 8);
      // VP8: start of a partition, then a keyframe's first byte (RFC 7741 section 4.3 has bit P = 0).
      packet[12] = 0x10;
      leave(track, packet);
    }
  }

  /** @returns whether the track is open: the packet left */
  protected write(slot: Slot, packet: Buffer): boolean {
    const track = this.#tracks.find(([name]) => name === slot)?.[1];
    return track?.isOpen() === true && leave(track, packet);
  }

  override close(): void {
    clearInterval(this.#timer);
    super.close();
  }
}

/** Answers offers and counts the packets of each media section. */
export class RtpReceiver extends RtpPeer {
  readonly packets = new Map<string, number>();
  /** Last byte of the last packet of each media section: a camera (rtp-camera.ts) says its size there. */
  readonly marks = new Map<string, number>();
  /** Bytes of RTP that arrived, of all media sections. */
  bytes = 0;
  /** When the last packet arrived, ms since the epoch. */
  lastAt = 0;
  readonly #tracks = new Map<string, Track>();

  constructor(name: string, address: string) {
    super(name, address);
    this.pc.onTrack((track) => {
      const mid = track.mid();
      this.#tracks.set(mid, track);
      track.onMessage((packet) => {
        // RTCP shares the port (RFC 5761 section 4: packet types 192 to 223).
        const type = packet[1] ?? 0;
        if (type >= 192 && type <= 223) return;
        this.packets.set(mid, (this.packets.get(mid) ?? 0) + 1);
        this.marks.set(mid, packet.at(-1) ?? 0);
        this.bytes += packet.length;
        this.lastAt = performance.timeOrigin + performance.now();
      });
    });
  }

  async answer(sdp: string): Promise<string> {
    this.remote(sdp, 'offer');
    return await this.describe('answer');
  }

  requestKeyframe(mid: string): void {
    this.#tracks.get(mid)?.requestKeyframe();
  }
}

/** How often a viewer reports, ms. */
const REPORT_MS = 1000;

/** Offers to receive sound and a picture, in either order, and counts the packets of each. */
export class RtpViewer extends RtpPeer {
  /** By media section: 0 is sound, 1 the picture, whichever comes first. */
  readonly packets = new Map<string, number>();
  /** Of RTP that arrived. */
  bytes = 0;
  /** Last byte of the last packet of the picture: a camera (rtp-camera.ts) says its size there. */
  mark = 0;
  /** Of the picture. */
  readonly reports = new ReceiverReports();
  readonly #tracks: Track[];
  readonly #timer: NodeJS.Timeout;

  constructor(name: string, address: string, order: readonly ('audio' | 'video')[] = ['audio', 'video']) {
    super(name, address);
    const audio = new nodeDataChannel.Audio('0', 'RecvOnly');
    audio.addOpusCodec(PAYLOAD_TYPE.audio);
    const video = new nodeDataChannel.Video('1', 'RecvOnly');
    video.addVP8Codec(PAYLOAD_TYPE.video);
    video.addH264Codec(PAYLOAD_TYPE.video + 1);
    this.#tracks = order.map((kind) => this.pc.addTrack(kind === 'audio' ? audio : video));
    for (const track of this.#tracks)
      track.onMessage((packet) => {
        const type = packet[1] ?? 0;
        if (type >= 192 && type <= 223) return;
        this.packets.set(track.mid(), (this.packets.get(track.mid()) ?? 0) + 1);
        this.bytes += packet.length;
        if (track.mid() !== '1') return;
        this.mark = packet.at(-1) ?? 0;
        this.reports.came(packet);
      });
    this.#timer = setInterval(() => this.#report(), REPORT_MS);
  }

  /** @returns whether it left */
  requestKeyframe(): boolean {
    return this.#tell(this.reports.pictureLoss());
  }

  #report(): void {
    this.#tell(this.reports.next());
  }

  #tell(packet: Buffer | undefined): boolean {
    const picture = this.#tracks.find((track) => track.mid() === '1');
    return packet !== undefined && picture?.isOpen() === true && leave(picture, packet);
  }

  async connect(leg: { offer(sdp: string): Promise<string> }): Promise<void> {
    this.remote(await leg.offer(await this.describe('offer')), 'answer');
  }

  override close(): void {
    clearInterval(this.#timer);
    super.close();
  }
}

/** RTCP feedback: PLI (206, format 1) or FIR (206, format 4), RFC 4585 section 6.3.1 and RFC 5104 section 4.3.1. */
function isKeyframeRequest(packet: Buffer): boolean {
  for (let at = 0; at + 4 <= packet.length; at += (packet.readUInt16BE(at + 2) + 1) * 4) {
    const format = (packet[at] ?? 0) & 0x1f;
    if (packet[at + 1] === 206 && (format === 1 || format === 4)) return true;
  }
  return false;
}
