/** One VideoRoom: who publishes in it, and which receiver is to be told of whom. */
import {
  EngineError,
  type EngineRoom,
  type Forwarding,
  type ForwardPorts,
  type LegEvents,
  type PublisherLeg,
  type SubscriberEvents,
  type SubscriberLeg,
  type ViewerEvents,
  type ViewerLeg,
} from './engine.ts';
import { type FirstKind, firstKind, JanusBroadcast } from './janus-broadcast.ts';
import type { JanusClient, JanusHandle } from './janus-client.ts';
import { JanusForwarding } from './janus-forwarding.ts';
import { JanusPublisher } from './janus-publisher.ts';
import { type Feed, JanusSubscriber } from './janus-subscriber.ts';
import { KeyframeNeeds } from './keyframe-needs.ts';

const VIDEOROOM = 'janus.plugin.videoroom';
/** Sum of what one person may send, bit/s: three camera layers and a screen. */
const PUBLISHER_BITRATE = 4_000_000;

/** What Janus did not answer is asked for again after this time, ms. */
const RECORD_AGAIN_MS = 2000;

const nothingOf = (publisher: string) => new EngineError('gone', `${publisher} publishes nothing`);

export class JanusRoom implements EngineRoom {
  onTalking: (publisher: string, talking: boolean) => void = () => {};
  onKeyframeNeeded: (publisher: string) => void = () => {};
  readonly #client: JanusClient;
  readonly #id: string;
  readonly #closed: () => void;
  readonly #publishers = new Map<string, JanusPublisher>();
  readonly #subscribers = new Map<string, JanusSubscriber>();
  readonly #feeds = new Map<string, Feed>();
  readonly #keyframes = new KeyframeNeeds((publisher) => this.onKeyframeNeeded(publisher));
  /** Of publishers that somebody views, by feed and order of the viewers' offers. */
  readonly #broadcasts = new Map<string, JanusBroadcast>();
  readonly #forwardings = new Set<JanusForwarding>();
  #control: JanusHandle | undefined;
  #nameOf: ((publisher: string) => string | undefined) | undefined;
  #feedCount = 0;
  #limit = 0;

  constructor(client: JanusClient, id: string, closed: () => void) {
    this.#client = client;
    this.#id = id;
    this.#closed = closed;
  }

  get legs(): number {
    const viewers = [...this.#broadcasts.values()].reduce((sum, one) => sum + one.viewers, 0);
    return this.#publishers.size + this.#subscribers.size + viewers;
  }

  /** @param recordings folder */
  async open(publishers: number, recordings: string): Promise<void> {
    this.#limit = publishers;
    this.#control = await this.#client.attach(VIDEOROOM, { onFrame: () => {}, onPlugin: () => {} });
    await this.#control.message({
      request: 'create',
      room: this.#id,
      publishers,
      is_private: true,
      bitrate: PUBLISHER_BITRATE,
      // VP8 is what every browser sends in layers. Encoders that have none (OBS) send H.264, which every browser decodes.
      audiocodec: 'opus',
      videocodec: 'vp8,h264',
      // A keyframe is asked for when somebody needs one, not by the clock.
      fir_freq: 0,
      audiolevel_event: true,
      // About half a second of packets of 20 ms louder than -50 dBov.
      audio_active_packets: 25,
      audio_level_average: 50,
      notify_joining: false,
      rec_dir: recordings,
    });
  }

  async publish(id: string, events: LegEvents): Promise<PublisherLeg> {
    // The name of a feed is never used twice: a receiver would take the new connection for the one that it knows.
    const feed = `${id}#${++this.#feedCount}`;
    const publisher = new JanusPublisher({
      room: this.#id,
      feed,
      events,
      live: (sent) => {
        this.#feeds.set(id, { id: feed, ...sent });
        // Not again after each offer and restart.
        if (this.#nameOf && !publisher.isRecorded) void this.#record(id, publisher, this.#nameOf(id)).catch(() => {});
        for (const subscriber of this.#subscribers.values()) subscriber.feedsChanged();
      },
      talking: (talking) => this.onTalking(id, talking),
      hidden: () => this.#letGo(feed),
      ended: () => {
        if (this.#publishers.get(id) === publisher) this.#publishers.delete(id);
        this.#letGo(feed);
        // One that never came was waited for.
        if ((this.#feeds.get(id)?.id ?? feed) !== feed) return;
        this.#feeds.delete(id);
        this.#keyframes.forget(id);
        for (const subscriber of this.#subscribers.values()) subscriber.feedsChanged();
      },
    });
    const before = this.#publishers.get(id);
    // VideoRoom would say so only at the offer.
    if (!before && this.#publishers.size >= this.#limit) throw new EngineError('full', 'the room is full');
    this.#publishers.set(id, publisher);
    try {
      await before?.close();
      await publisher.open(this.#client);
    } catch (error) {
      // It has a place in the room, and its caller has no leg to close.
      void publisher.close();
      throw error;
    }
    return publisher;
  }

  async subscribe(id: string, events: SubscriberEvents): Promise<SubscriberLeg> {
    const subscriber = new JanusSubscriber({
      room: this.#id,
      client: this.#client,
      events,
      feed: (publisher) => this.#feeds.get(publisher),
      isConnecting: (publisher) => this.#publishers.has(publisher) && !this.#feeds.has(publisher),
      ready: (publisher) => this.#keyframes.came(publisher),
      ended: () => {
        if (this.#subscribers.get(id) === subscriber) this.#subscribers.delete(id);
      },
    });
    const before = this.#subscribers.get(id);
    this.#subscribers.set(id, subscriber);
    await before?.close();
    return subscriber;
  }

  async record(nameOf: ((publisher: string) => string | undefined) | undefined): Promise<void> {
    this.#nameOf = nameOf;
    const live = [...this.#publishers].filter(([id]) => this.#feeds.has(id));
    await Promise.all(live.map(([id, publisher]) => this.#record(id, publisher, nameOf?.(id))));
  }

  /** Asked for again until Janus does it: else somebody is missing in the recording, or is recorded after its end. @throws EngineError the first time */
  async #record(id: string, publisher: JanusPublisher, name: string | undefined): Promise<void> {
    const nameOf = this.#nameOf;
    try {
      await publisher.record(name);
    } catch (error) {
      const again = () => {
        if (this.#publishers.get(id) === publisher && this.#nameOf === nameOf)
          void this.#record(id, publisher, name).catch(() => {});
      };
      setTimeout(again, RECORD_AGAIN_MS).unref();
      throw error;
    }
  }

  isLive(publisher: string): boolean {
    return this.#feeds.has(publisher) && this.#publishers.get(publisher)?.isMuted === false;
  }

  /** Those outside of the room who have this feed lose it. */
  #letGo(feed: string): void {
    for (const one of [...this.#broadcasts.values(), ...this.#forwardings]) if (one.feed === feed) void one.close();
  }

  async watch(publisher: string, sdp: string, events: ViewerEvents): Promise<ViewerLeg & { readonly answer: string }> {
    const feed = this.#feeds.get(publisher);
    if (!feed || !this.isLive(publisher) || !this.#control) throw nothingOf(publisher);
    return await this.#broadcast(feed, firstKind(sdp), this.#control).watch(sdp, events);
  }

  async forward(publisher: string, to: ForwardPorts): Promise<Forwarding> {
    const [feed, leg] = [this.#feeds.get(publisher), this.#publishers.get(publisher)];
    if (!feed || !leg || leg.isMuted || !this.#control) throw nothingOf(publisher);
    const forwarding = new JanusForwarding({
      room: this.#id,
      control: this.#control,
      feed,
      keyframe: () => leg.keyframe(),
      receives: (mid) => leg.receives(mid),
      ended: () => this.#forwardings.delete(forwarding),
    });
    this.#forwardings.add(forwarding);
    await forwarding.open(to);
    return forwarding;
  }

  #broadcast(feed: Feed, first: FirstKind, control: JanusHandle): JanusBroadcast {
    const key = `${feed.id} ${first}`;
    const known = this.#broadcasts.get(key);
    if (known) return known;
    const broadcast = new JanusBroadcast({
      room: this.#id,
      client: this.#client,
      ...{ feed, first, control },
      ended: () => {
        if (this.#broadcasts.get(key) === broadcast) this.#broadcasts.delete(key);
      },
    });
    this.#broadcasts.set(key, broadcast);
    return broadcast;
  }

  async close(): Promise<void> {
    for (const forwarding of this.#forwardings) forwarding.over();
    this.#keyframes.close();
    await Promise.all([...this.#broadcasts.values()].map((one) => one.close()));
    // A kick or `destroy` of VideoRoom leaves subscriptions up: each handle is detached by name.
    await Promise.all([...this.#publishers.values(), ...this.#subscribers.values()].map((leg) => leg.close()));
    await this.#control?.message({ request: 'destroy', room: this.#id }).catch(() => {});
    await this.#control?.detach();
    this.#closed();
  }

  /** The process is gone. */
  lost(): void {
    for (const forwarding of this.#forwardings) forwarding.over();
    this.#keyframes.close();
    for (const broadcast of this.#broadcasts.values()) broadcast.lost();
    this.#broadcasts.clear();
    for (const leg of [...this.#publishers.values(), ...this.#subscribers.values()]) leg.lost('engine ended');
    this.#publishers.clear();
    this.#subscribers.clear();
  }
}
