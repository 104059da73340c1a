/** Somebody who views one publisher, by an offer of their own. */
import { KBITS, LOSS, LOWER, SizeSteps } from '@tandem/rtc/size-steps';
import { EngineError, type SentLayer, type ViewerEvents, type ViewerLeg } from './engine.ts';
import type { JanusClient, PluginAnswer } from './janus-client.ts';
import { JanusLeg } from './janus-leg.ts';
import { repeatsSound, withSoundRepeats } from './sound-repeats.ts';
import { SubscribedLayers } from './subscribed-layers.ts';

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
  readonly #sent = new SubscribedLayers(async (streams) => {
    if (!this.closed) await this.handle.message({ request: 'configure', streams }).catch(() => {});
  });
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
    if (camera !== undefined) this.#sent.subscribed(camera, mountpoint, true, this.#layer);
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
    // Streaming shows the size of before until the other one has a keyframe.
    void this.#sent.set([{ mid: this.#camera ?? '', slot: 'video', layer }]);
    this.#changed(layer);
  }

  protected override up(): void {
    this.#sent.flows(this.#camera ?? '');
  }

  protected plugin({ data }: PluginAnswer): void {
    const { substream } = (data.result ?? {}) as { substream?: unknown };
    if (typeof substream === 'number') this.#sent.came(this.#camera ?? '', substream);
  }

  override async close(): Promise<void> {
    this.#sent.close();
    await super.close();
  }
}
