/** What I send to a media node: microphone, camera in three sizes, screen. */
import { AUDIO_MAX_BITRATE } from '../bitrate-caps.ts';
import { SLOTS, type Slot } from '../pair-types.ts';
import { withStartBitrate } from '../start-bitrate.ts';
import { Leg, type LegDescription } from './leg.ts';

/**
 * Sizes of the camera, largest first: the engine takes the order for the order of its layers. Below about 540 lines Chromium sends two of
 * them. Bitrates as libwebrtc's own for 720p, 360p and 180p (media/engine/simulcast.cc: 2,500, 700 and 200 kbit/s at most), with the
 * largest reduced to what an uplink of 2 Mbit/s carries beside the other two.
 */
const CAMERA: RTCRtpEncodingParameters[] = [
  { rid: 'h', maxBitrate: 1_200_000 },
  { rid: 'm', maxBitrate: 500_000, scaleResolutionDownBy: 2 },
  { rid: 'l', maxBitrate: 150_000, scaleResolutionDownBy: 4 },
];
const ENCODINGS: Record<Slot, RTCRtpEncodingParameters[]> = {
  audio: [{ maxBitrate: AUDIO_MAX_BITRATE }],
  video: CAMERA,
  // Text stays sharp in one size; frames are given up instead.
  screen: [{ maxBitrate: 1_500_000, maxFramerate: 15 }],
};
/** The estimate of the uplink begins with what the three sizes need; from 300 kbit/s the largest would come seconds later. */
const START_BITRATE = 1_000_000;

export class UpLeg extends Leg {
  readonly #slots = new Map<Slot, RTCRtpTransceiver>();

  /** The track of a slot changed. */
  replaceTrack(slot: Slot): void {
    const transceiver = this.#slots.get(slot);
    if (!transceiver) return;
    const track = this.host.track(slot);
    transceiver.sender.replaceTrack(track).catch((error) => this.host.onTiming(`error:up:${String(error)}`));
    // A screen that was never shared has no section that sends.
    if (slot === 'screen' && track && transceiver.direction !== 'sendonly') {
      transceiver.direction = 'sendonly';
      this.enqueue((pc) => this.#offer(pc));
    }
  }

  protected opened(pc: RTCPeerConnection): void {
    this.#slots.clear();
    for (const slot of SLOTS) {
      const track = this.host.track(slot);
      const direction = slot === 'screen' && !track ? 'inactive' : 'sendonly';
      const sendEncodings = ENCODINGS[slot].map((encoding) => ({ ...encoding }));
      this.#slots.set(
        slot,
        pc.addTransceiver(track ?? (slot === 'audio' ? 'audio' : 'video'), { direction, sendEncodings }),
      );
    }
    this.enqueue((current) => this.#offer(current));
  }

  protected restart(): void {
    this.enqueue(async (pc) => {
      pc.restartIce();
      await this.#offer(pc);
    });
  }

  protected async described(pc: RTCPeerConnection, type: 'offer' | 'answer', { sdp }: LegDescription): Promise<void> {
    if (type === 'answer' && pc.signalingState === 'have-local-offer')
      await this.setRemote(pc, 'answer', withStartBitrate(sdp, START_BITRATE));
  }

  async #offer(pc: RTCPeerConnection): Promise<void> {
    if (pc.signalingState !== 'stable') return;
    await pc.setLocalDescription(await pc.createOffer());
    const sdp: LegDescription = {
      type: 'offer',
      sdp: pc.localDescription?.sdp ?? '',
      leg: 'up',
      gen: this.gen,
    };
    this.host.send('offer', { sdp });
  }
}
