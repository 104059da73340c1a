/** What one person sends. */
import { type LegEvents, MUTED_MS, type PublisherLeg } from './engine.ts';
import type { JanusClient, PluginAnswer } from './janus-client.ts';
import { JanusLeg } from './janus-leg.ts';
import type { Feed } from './janus-subscriber.ts';
import { slotsOf, withPorts } from './session-slots.ts';
import { repeatsSound, withSoundRepeats } from './sound-repeats.ts';

const VIDEOROOM = 'janus.plugin.videoroom';

/** Longer than the pause that VideoRoom makes between two requests, ms. */
const KEYFRAME_AGAIN_MS = 1200;

export interface JanusPublisherHost {
  readonly room: string;
  /** Name of the feed, used once. */
  readonly feed: string;
  readonly events: LegEvents;
  /** Its media flows: only now a subscription finds it (428 before). */
  live(feed: Omit<Feed, 'id'>): void;
  talking(talking: boolean): void;
  /** It has been muted for {@link MUTED_MS}. */
  hidden(): void;
  ended(): void;
}

export class JanusPublisher extends JanusLeg implements PublisherLeg {
  readonly #host: JanusPublisherHost;
  #sent: Omit<Feed, 'id'> = { mids: new Map(), videoCodec: 'vp8', hasLayers: false };
  #isPublished = false;
  #isLive = false;
  /** `unknown`: Janus has refused a change, or is late with it, and may carry it out yet. */
  #recording: 'off' | 'on' | 'unknown' = 'off';
  #isMuted = false;
  #wasMuted = false;
  #hiding: NodeJS.Timeout | undefined;
  readonly #received = new Set<string>();

  constructor(host: JanusPublisherHost) {
    super(host.events, host.ended);
    this.#host = host;
  }

  async open(client: JanusClient): Promise<void> {
    await this.attach(client, VIDEOROOM);
    const { room, feed } = this.#host;
    await this.handle.message({ request: 'join', ptype: 'publisher', room, id: feed });
  }

  async offer(sdp: string): Promise<string> {
    const mids = slotsOf(sdp);
    const descriptions = [...mids].map(([slot, mid]) => ({ mid, description: slot }));
    this.holdCandidates();
    // VideoRoom takes a second `publish` of a handle for an error (434): what changes is configured.
    const request = this.#isPublished ? 'configure' : 'publish';
    const answer = await this.handle.message({ request, descriptions }, { type: 'offer', sdp: withPorts(sdp) });
    this.#isPublished = true;
    const [, codec] = /^a=rtpmap:\d+ (VP8|H264)\//im.exec(answer.sdp ?? '') ?? [];
    this.#sent = {
      mids,
      videoCodec: codec?.toUpperCase() === 'H264' ? 'h264' : 'vp8',
      hasLayers: /^a=(simulcast:|ssrc-group:SIM )/m.test(sdp),
    };
    if (this.#isLive) this.#host.live(this.#sent);
    // Sections that are new are passed on, and those that a mute met are not, also when the offer before this one had left them out.
    if (this.#wasMuted) this.#pass();
    // After the caller has passed the answer on.
    setImmediate(() => this.releaseCandidates());
    // Janus asks for lost sound when the offer allows it, and does not say so.
    return repeatsSound(sdp) ? withSoundRepeats(answer.sdp ?? '') : (answer.sdp ?? '');
  }

  get isMuted(): boolean {
    return this.#isMuted;
  }

  mute(isMuted: boolean): void {
    if (isMuted === this.#isMuted) return;
    this.#isMuted = isMuted;
    this.#wasMuted = true;
    clearTimeout(this.#hiding);
    if (isMuted) this.#hiding = setTimeout(() => this.#host.hidden(), MUTED_MS).unref();
    this.#pass();
  }

  #pass(): void {
    if (!this.closed && this.#isPublished) void this.#tellMuted();
  }

  /** Asked for once more when it fails; then the leg ends, as it would send what must not be sent, or nothing. */
  async #tellMuted(tries = 2): Promise<void> {
    const send = !this.#isMuted;
    const streams = [...this.#sent.mids.values()].map((mid) => ({ mid, send, keyframe: send }));
    try {
      await this.handle.message({ request: 'configure', streams });
    } catch (error) {
      if (tries > 1) await this.#tellMuted(tries - 1);
      else this.lost(`mute: ${String(error)}`);
    }
  }

  get isRecorded(): boolean {
    return this.#recording === 'on';
  }

  /**
   * Tracks that are added later are recorded with the others. @param name of its files; undefined: no longer. Once begun the name stays
   * @throws EngineError
   */
  async record(name: string | undefined): Promise<void> {
    const wanted = name === undefined ? 'off' : 'on';
    if (this.#recording === wanted) return;
    this.#recording = wanted;
    const how = name === undefined ? { record: false } : { record: true, filename: name };
    try {
      await this.handle.message({ request: 'configure', ...how });
    } catch (error) {
      this.#recording = 'unknown';
      throw error;
    }
    if (name !== undefined) setTimeout(() => this.#askAgain(), KEYFRAME_AGAIN_MS);
  }

  /** VideoRoom asks for a keyframe when it begins to record, unless it has asked within a second: then nothing is written until the next. */
  #askAgain(): void {
    if (this.isRecorded) this.keyframe();
  }

  /** Asks for one. */
  keyframe(): void {
    if (!this.closed) void this.handle.message({ request: 'configure', keyframe: true }).catch(() => {});
  }

  protected override up(): void {
    this.#isLive = true;
    this.#host.live(this.#sent);
  }

  /** Whether packets of that section come now. */
  receives(mid: string): boolean {
    return this.#received.has(mid);
  }

  protected override media(mid: string, isReceived: boolean): void {
    if (isReceived) this.#received.add(mid);
    else this.#received.delete(mid);
  }

  protected plugin({ data }: PluginAnswer): void {
    if (data.id !== this.#host.feed) return;
    if (data.videoroom === 'talking') this.#host.talking(true);
    if (data.videoroom === 'stopped-talking') this.#host.talking(false);
  }
}
