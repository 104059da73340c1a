/** Somebody who views one publisher, by an offer of their own. */
import { KBITS, LOSS, LOWER, SizeSteps } from '@tandem/rtc/size-steps';
import { EngineError, type SentLayer, type ViewerEvents, type ViewerLeg } from './engine.ts';
import type { JanusClient } from './janus-client.ts';
import { JanusLeg } from './janus-leg.ts';
import { SUBSTREAM } from './janus-subscriber.ts';
import { repeatsSound, withSoundRepeats } from './sound-repeats.ts';

const STREAMING = 'janus.plugin.streaming';
const HIGHER = { low: 'mid', mid: 'high', high: 'high' } as const;
/** What a packet of a picture carries, bits: about 1,100 bytes (libwebrtc's packetizer). */
const PACKET_BITS = 8800;

export interface Shown {
  /** Of the Streaming plugin. */
  readonly mountpoint: string;
  /** Media section of a camera that comes in several sizes. */
  readonly camera: string | undefined;
}

export class JanusViewer extends JanusLeg implements ViewerLeg {
  readonly #changed: ViewerEvents['onLayer'];
  readonly #steps = new SizeSteps();
  #camera: string | undefined;
  #layer: SentLayer = 'high';
  /** Packets of pictures since the last reading. */
  #lost = 0;
  #readAt: number | undefined;

  constructor(events: ViewerEvents, ended: () => void) {
    super(events, ended);
    this.#changed = (layer) => events.onLayer(layer);
  }

  /** @returns the answer */
  async open(client: JanusClient, { mountpoint, camera }: Shown, sdp: string): Promise<string> {
    await this.attach(client, STREAMING);
    const answer = await this.handle.message({ request: 'watch', id: mountpoint }, { type: 'offer', sdp });
    if (!answer.sdp) throw new EngineError('refused', 'janus: nothing of the offer is taken');
    // After the caller has the answer.
    setImmediate(() => this.releaseCandidates());
    this.#camera = camera;
    // Janus repeats lost sound when the offer allows to ask for it, and does not say so.
    return repeatsSound(sdp) ? withSoundRepeats(answer.sdp) : answer.sdp;
  }

  /** What was lost since the last reading may change its size: a viewer cannot say which one it wants. @param now ms */
  read(now: number): void {
    const seconds = (now - (this.#readAt ?? now)) / 1000;
    const isTrouble = this.#lost > (LOSS * KBITS[this.#layer] * 1000 * seconds) / PACKET_BITS;
    this.#readAt = now;
    this.#lost = 0;
    if (this.closed || this.#camera === undefined || seconds === 0) return;
    if (isTrouble && this.#steps.suffer(now)) this.#show(LOWER[this.#layer]);
    if (!isTrouble && this.#steps.enjoy(now, this.#layer !== 'high')) this.#show(HIGHER[this.#layer]);
  }

  protected override slow(lost: number): void {
    this.#lost += lost;
  }

  #show(layer: SentLayer): void {
    if (layer === this.#layer) return;
    this.#layer = layer;
    const streams = [{ mid: this.#camera, substream: SUBSTREAM[layer] }];
    // Streaming asks the publisher for the keyframe that it needs, and shows the size of before until then.
    void this.handle.message({ request: 'configure', streams }).catch(() => {});
    this.#changed(layer);
  }

  protected plugin(): void {}
}
