/** What I send to a media node: microphone, camera in three sizes, screen. */
import { AUDIO_MAX_BITRATE } from '../bitrate-caps.ts';
import { SLOTS, type Slot } from '../pair-types.ts';
import { withSoundRepeats } from '../sound-repeats.ts';
import { withStartBitrate } from '../start-bitrate.ts';
import { offerFewCodecs } from '../video-codecs.ts';
import { Leg, type LegDescription, type LegHost } from './leg.ts';

/** What W3C webrtc-extensions and webrtc-svc add, and TypeScript has not. */
interface SizedEncoding extends RTCRtpEncodingParameters {
  readonly scalabilityMode?: string;
  /** The picture is scaled down to fit; either way up. Chromium from version 131 on; takes the place of `scaleResolutionDownBy`. */
  scaleResolutionDownTo?: { readonly maxWidth: number; readonly maxHeight: number };
}

/**
 * Sizes of the camera, largest first: the engine takes the order for the order of its layers. Bitrates as libwebrtc's own for 720p, 360p
 * and 180p (media/engine/simulcast.cc: 2,500, 700 and 200 kbit/s at most), with the largest reduced to what 2 Mbit/s of upload carry
 * beside the other two. All have a size, since Chromium refuses (OperationError) sizes for some; the largest is what no camera has.
 *
 * None has temporal layers, of which the engine leaves nothing out. With the three that Chromium gives VP8 by itself, a frame of the second one that
 * the encoder skips, as it does when a size begins, costs a receiver all frames up to the ninth, but two.
 */
const CAMERA: SizedEncoding[] = [
  { rid: 'h', maxBitrate: 1_200_000, scaleResolutionDownTo: { maxWidth: 7680, maxHeight: 4320 } },
  { rid: 'm', maxBitrate: 500_000, scaleResolutionDownBy: 2, scaleResolutionDownTo: { maxWidth: 640, maxHeight: 360 } },
  { rid: 'l', maxBitrate: 150_000, scaleResolutionDownBy: 4, scaleResolutionDownTo: { maxWidth: 320, maxHeight: 180 } },
].map((encoding) => ({ ...encoding, scalabilityMode: 'L1T1' }));
const ENCODINGS: Record<Slot, RTCRtpEncodingParameters[]> = {
  audio: [{ maxBitrate: AUDIO_MAX_BITRATE }],
  video: CAMERA,
  // Text stays sharp in one size; frames are given up instead.
  screen: [{ maxBitrate: 1_500_000, maxFramerate: 15 }],
};
/** The bandwidth estimate for sending begins with what the three sizes need; from 300 kbit/s the largest would come seconds later. */
const START_BITRATE = 1_000_000;

/** Largest first, as {@link CAMERA}. */
const LAYER_OF_RID: Readonly<Record<string, string>> = { h: 'high', m: 'mid', l: 'low' };

export interface UpLegHost extends LegHost {
  /** The offer of a new connection is out, or could not be made. */
  onOffered(): void;
}

export class UpLeg extends Leg {
  declare protected readonly host: UpLegHost;
  /** Sizes of the camera that somebody receives. What is written is a target: one step at a time leads there. */
  #wanted: ReadonlySet<unknown> = new Set(['high', 'mid', 'low']);
  readonly #slots = new Map<Slot, RTCRtpTransceiver>();

  /** An offer was due while another one had no answer. */
  #isOwed = false;

  constructor(host: UpLegHost) {
    super('up', host);
  }

  /** The track of a slot changed. */
  replaceTrack(slot: Slot): void {
    const transceiver = this.#slots.get(slot);
    const track = this.host.track(slot);
    if (transceiver) {
      transceiver.sender
        .replaceTrack(track)
        // Of another camera other sizes may have to be on.
        .then(() => this.enqueue(() => this.#activate()))
        .catch((error) => this.host.onTiming(`error:up:${error}`));
    } else if (track && this.connection) {
      this.#add(this.connection, slot);
      this.enqueue((pc) => this.#offer(pc));
    }
  }

  /**
   * The node says which sizes of the camera anybody receives: the others are not encoded.
   * @param layers names that this client knows not are passed over
   * @param keyFrame somebody came who waits for one. The engine asks for one a second at most, and to a new node everybody comes at once
   */
  want(layers: ReadonlySet<unknown>, keyFrame: boolean): void {
    this.#wanted = layers;
    this.enqueue(() => this.#activate(keyFrame));
  }

  /** @param keyFrame of each size; browsers without `encodingOptions` (W3C webrtc-extensions) do not read it */
  async #activate(keyFrame = false): Promise<void> {
    const sender = this.#slots.get('video')?.sender;
    if (!sender) return;
    const parameters = sender.getParameters();
    const wanted = new Set(this.#wanted);
    // Where sizes are fractions of the camera's, libwebrtc sends two of a small camera at most, of a smaller one a single one, whichever come
    // first of those that are on (LimitSimulcastLayerCount). So these are always on: a larger one that is on later would end the one that
    // somebody receives.
    const isSized = parameters.encodings.every((encoding: SizedEncoding) => encoding.scaleResolutionDownTo);
    const { width = 1e4, height = 1e4 } = (!isSized && sender.track?.getSettings()) || {};
    if (wanted.size > 0 && width * height < 960 * 540) wanted.add('mid');
    if (wanted.size > 0 && width * height < 480 * 270) wanted.add('high');
    for (const encoding of parameters.encodings) {
      const layer = LAYER_OF_RID[encoding.rid ?? ''];
      // A browser that sends one size has no rid: it goes on.
      if (layer) encoding.active = wanted.has(layer);
    }
    const options = { encodingOptions: parameters.encodings.map(() => ({ keyFrame })) };
    await sender.setParameters(parameters, options as RTCSetParameterOptions);
  }

  protected override opened(pc: RTCPeerConnection): void {
    this.#slots.clear();
    this.#isOwed = false;
    // No section for a screen that was never shared: Janus refuses one that sends nothing, and Firefox then stops its transceiver for good.
    for (const slot of SLOTS) if (slot !== 'screen' || this.host.track(slot)) this.#add(pc, slot);
    this.enqueue((current) => this.#offer(current).finally(() => this.host.onOffered()));
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
    // Until then a new connection sends all sizes.
    if (type === 'answer') await this.#activate();
    if (this.#isOwed) await this.#offer(pc);
  }

  #add(pc: RTCPeerConnection, slot: Slot): void {
    const sendEncodings = ENCODINGS[slot].map((encoding) => ({ ...encoding }));
    const source = this.host.track(slot) ?? (slot === 'audio' ? 'audio' : 'video');
    const transceiver = pc.addTransceiver(source, { direction: 'sendonly', sendEncodings });
    if (slot !== 'audio') offerFewCodecs(transceiver);
    this.#slots.set(slot, transceiver);
  }

  async #offer(pc: RTCPeerConnection): Promise<void> {
    this.#isOwed = pc.signalingState !== 'stable';
    if (this.#isOwed) return;
    await pc.setLocalDescription(await pc.createOffer());
    const sdp: LegDescription = {
      type: 'offer',
      sdp: withSoundRepeats(pc.localDescription?.sdp ?? ''),
      leg: 'up',
      gen: this.gen,
    };
    this.host.send('offer', { sdp });
  }
}
