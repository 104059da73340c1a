/**
 * Someone who sends a camera in three sizes and a microphone, without encoders: RTP packets in the sizes and at the pace of VP8 and Opus,
 * with the headers that an SFU reads.
 */
import type { Slot } from '../engine.ts';
import { RtpSender } from './rtp-peer.ts';

export type Size = 'low' | 'mid' | 'high';
/** Smallest first: the order of the simulcast group in the offer, and the last byte of each packet. Bitrates of packages/rtc/src/sfu/up-leg.ts, bit/s. */
const SIZES: readonly { readonly size: Size; readonly ssrc: number; readonly bitrate: number }[] = [
  { size: 'low', ssrc: 2001, bitrate: 150_000 },
  { size: 'mid', ssrc: 2002, bitrate: 500_000 },
  { size: 'high', ssrc: 2003, bitrate: 1_200_000 },
];
const FRAMES_A_SECOND = 25;
const TICK_MS = 20;
/** Opus at 32 kbit/s: 80 bytes every 20 ms. */
const SOUND_BYTES = 80;
/** With DTX somebody who says nothing sends a packet in 400 ms (RFC 6716 section 2.1.9). */
const SILENT_TICKS = 20;
/** A packet of libwebrtc's VP8 packetizer has at most about this payload, bytes. */
const PAYLOAD = 1100;
/** RFC 6464: the header extension by which the engine hears who speaks. */
const LEVEL_URI = 'urn:ietf:params:rtp-hdrext:ssrc-audio-level';
const LEVEL_ID = 1;

interface Counter {
  sequence: number;
  picture: number;
}

export class RtpCamera extends RtpSender {
  /** What is encoded now: an SFU says which sizes anybody receives. */
  sizes: ReadonlySet<string> = new Set(SIZES.map(({ size }) => size));
  speaks = false;
  /** Bytes of RTP that were sent. */
  sent = 0;
  /** Of them those of a receiver of the largest size that is encoded. */
  sentLargest = 0;
  #tick = 0;
  #keyframes = 0;
  #soundSequence = 0;
  readonly #counters = new Map<number, Counter>(SIZES.map(({ ssrc }) => [ssrc, { sequence: 0, picture: 0 }]));

  override async connect(leg: { offer(sdp: string): Promise<string> }): Promise<void> {
    await super.connect({ offer: (sdp) => leg.offer(withSizes(sdp)) });
  }

  protected override send(): void {
    this.#tick++;
    if (this.speaks || this.#tick % SILENT_TICKS === 0) this.#sound();
    // 25 pictures a second in ticks of 20 ms.
    if (this.#tick % (1000 / TICK_MS / FRAMES_A_SECOND) !== 0) return;
    const isKey = this.#keyframes !== this.keyframeRequests || this.#tick < 4;
    this.#keyframes = this.keyframeRequests;
    for (const { size, ssrc, bitrate } of SIZES) {
      if (this.sizes.has(size)) this.#picture(ssrc, (bitrate / 8 / FRAMES_A_SECOND) * (isKey ? 4 : 1), isKey);
    }
  }

  #sound(): void {
    const packet = Buffer.alloc(12 + 8 + SOUND_BYTES);
    header(packet, {
      type: 111,
      marker: false,
      sequence: this.#soundSequence++,
      time: this.#tick * 960,
      ssrc: 1111,
    });
    packet[0] = 0x90;
    packet.writeUInt16BE(0xbede, 12);
    packet.writeUInt16BE(1, 14);
    packet[16] = LEVEL_ID << 4;
    // -dBov; the highest bit says voice.
    packet[17] = this.speaks ? 0x80 | 20 : 127;
    this.#out('audio', packet, true);
  }

  #picture(ssrc: number, bytes: number, isKey: boolean): void {
    const counter = this.#counters.get(ssrc) as Counter;
    counter.picture = (counter.picture + 1) & 0x7fff;
    const packets = Math.max(1, Math.ceil(bytes / PAYLOAD));
    for (let i = 0; i < packets; i++) {
      const packet = Buffer.alloc(12 + 4 + Math.max(16, Math.round(bytes / packets)));
      header(packet, {
        type: 96,
        marker: i === packets - 1,
        sequence: counter.sequence++,
        time: this.#tick * 1800,
        ssrc,
      });
      // VP8 payload descriptor (RFC 7741 section 4.2): extended, start of the first partition, a picture id of 15 bits.
      packet[12] = 0x80 | (i === 0 ? 0x10 : 0);
      packet[13] = 0x80;
      packet.writeUInt16BE(0x8000 | counter.picture, 14);
      // First byte of the frame: bit P is 0 for a keyframe; then its start code (section 4.3).
      packet[packet.length - 1] = SIZES.findIndex((one) => one.ssrc === ssrc);
      if (i === 0) Buffer.from(isKey ? [0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0] : [0x11]).copy(packet, 16);
      this.#out('video', packet, ssrc === SIZES.findLast(({ size }) => this.sizes.has(size))?.ssrc);
    }
  }

  #out(slot: Slot, packet: Buffer, isLargest: boolean): void {
    if (!this.write(slot, packet)) return;
    this.sent += packet.length;
    if (isLargest) this.sentLargest += packet.length;
  }
}

interface Header {
  readonly type: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly time: number;
  readonly ssrc: number;
}
/** RFC 3550 section 5.1. */
function header(packet: Buffer, { type, marker, sequence, time, ssrc }: Header): void {
  packet[0] = 0x80;
  packet[1] = (marker ? 0x80 : 0) | type;
  packet.writeUInt16BE(sequence & 0xffff, 2);
  packet.writeUInt32BE(time >>> 0, 4);
  packet.writeUInt32BE(ssrc, 8);
}

/** The offer with the three sizes of the camera, and the loudness of the microphone. */
function withSizes(sdp: string): string {
  const [head = '', ...sections] = sdp.split(/^(?=m=)/m);
  const ssrcs = SIZES.map(({ ssrc }) => ssrc);
  const simulcast = [`a=ssrc-group:SIM ${ssrcs.join(' ')}`, ...ssrcs.map((ssrc) => `a=ssrc:${ssrc} cname:camera`)];
  return [
    head,
    ...sections.map((section) => {
      if (section.startsWith('m=audio')) return `${section.trimEnd()}\r\na=extmap:${LEVEL_ID} ${LEVEL_URI}\r\n`;
      return `${section.replace(/^a=ssrc.*\r?\n/gm, '').trimEnd()}\r\n${simulcast.join('\r\n')}\r\n`;
    }),
  ].join('');
}
