/** What one person sends. */
import type { LegEvents, PublisherLeg, Slot } from './engine.ts';
import type { JanusClient, PluginAnswer } from './janus-client.ts';
import { JanusLeg } from './janus-leg.ts';
import { slotsOf } from './session-slots.ts';

const VIDEOROOM = 'janus.plugin.videoroom';

export interface JanusPublisherHost {
  readonly room: string;
  /** Name of the feed, used once. */
  readonly feed: string;
  readonly events: LegEvents;
  /** Its media flows: only now a subscription finds it (428 before). */
  live(mids: ReadonlyMap<Slot, string>): void;
  talking(talking: boolean): void;
  ended(): void;
}

export class JanusPublisher extends JanusLeg implements PublisherLeg {
  readonly #host: JanusPublisherHost;
  #mids: ReadonlyMap<Slot, string> = new Map();
  #isPublished = false;
  #isLive = false;

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
    const answer = await this.handle.message({ request, descriptions }, { type: 'offer', sdp });
    this.#isPublished = true;
    this.#mids = mids;
    if (this.#isLive) this.#host.live(mids);
    // After the caller has passed the answer on.
    setImmediate(() => this.releaseCandidates());
    return answer.sdp ?? '';
  }

  protected override up(): void {
    this.#isLive = true;
    this.#host.live(this.#mids);
  }

  protected plugin({ data }: PluginAnswer): void {
    if (data.id !== this.#host.feed) return;
    if (data.videoroom === 'talking') this.#host.talking(true);
    if (data.videoroom === 'stopped-talking') this.#host.talking(false);
  }
}
