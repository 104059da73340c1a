/**
 * What one person receives. What is wanted is a target; one step at a time leads to it: ask Janus, pass its offer on, wait for the
 * answer. So a change during a negotiation is the next step, and nothing written in between can be lost.
 */
import {
  EngineError,
  type Layer,
  MAX_SECTIONS,
  type SubscribedTrack,
  type SubscriberEvents,
  type SubscriberLeg,
  type TrackName,
} from './engine.ts';
import type { JanusClient, PluginAnswer } from './janus-client.ts';
import { JanusLeg } from './janus-leg.ts';
import {
  type Feed,
  firstLayer,
  heldFor,
  type JanusStream,
  readStreams,
  type SubscribedStream,
  setting,
  substream,
  withExtensions,
} from './janus-streams.ts';
import { withSoundRepeats } from './sound-repeats.ts';

const VIDEOROOM = 'janus.plugin.videoroom';
/** A client that does not answer an offer in this time has lost it, ms. The next step offers again. */
const ANSWER_MS = 10_000;
/**
 * A camera that is wanted is waited for this long while its sender connects, ms. After a failure all senders of a room come at about the
 * same time: a negotiation each would make the last one wait for all the others.
 */
const GATHER_MS = 150;
/** Of a connection that its client has closed Janus says so within this time after it refused the answer, ms. */
const HANGUP_MS = 1000;
export interface JanusSubscriberHost {
  readonly room: string;
  readonly client: JanusClient;
  readonly events: SubscriberEvents;
  /** Of a publisher whose media flows. */
  feed(publisher: string): Feed | undefined;
  /** Of one whose media is about to flow: it has the answer to its offer. */
  coming(publisher: string): Feed | undefined;
  /** It has no answer to its offer yet. */
  isConnecting(publisher: string): boolean;
  readonly placeholder: string | undefined;
  /** Packets of this publisher's camera can arrive from now on. */
  ready(publisher: string): void;
  ended(): void;
}

const key = ({ publisher, slot }: TrackName) => `${slot} ${publisher}`;
const publisherOf = (feed: string) => feed.slice(0, feed.lastIndexOf('#'));

export class JanusSubscriber extends JanusLeg implements SubscriberLeg {
  readonly #host: JanusSubscriberHost;
  #wanted: readonly TrackName[] = [];
  readonly #layers = new Map<string, Layer>();
  /** Subscribed at least once: from then on it is an `update`. */
  #isJoined = false;
  #streams: readonly SubscribedStream[] = [];
  #tracks: readonly SubscribedTrack[] = [];
  /** The feed and layer that Janus has for each media section. */
  readonly #told = new Map<string, { readonly feed: string; readonly layer: Layer }>();
  /** Layer of each track of the subscription that is under way. */
  #asked: ReadonlyMap<string, Layer> = new Map();
  /** Publishers whose camera this receiver has not been ready for. */
  readonly #fresh = new Set<string>();
  #isUp = false;
  #gathering: NodeJS.Timeout | undefined;
  #step: Promise<void> = Promise.resolve();
  #restart = false;
  #answered: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #offered: { sdp: string } | undefined;

  constructor(host: JanusSubscriberHost) {
    super(host.events, host.ended);
    this.#host = host;
  }

  want(tracks: readonly TrackName[]): void {
    this.#wanted = tracks;
    this.feedsChanged();
  }

  /** Somebody's media began, is about to, or ended. */
  feedsChanged(): void {
    const { feed, coming, isConnecting } = this.#host;
    const publishers = this.#wanted.map(({ publisher }) => publisher);
    const isAwaited = (id: string) => isConnecting(id) || (coming(id) !== undefined && !this.#isUp);
    // Who only receives never comes.
    const areKnown = publishers.every((id) => (feed(id) ?? coming(id)) !== undefined);
    if (areKnown || !publishers.some(isAwaited)) this.#proceed();
    else this.#gathering ??= setTimeout(() => this.#proceed(), GATHER_MS);
  }

  #proceed(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#step = this.#step.then(async () => {
      if (this.closed) return;
      try {
        await this.#approach();
      } catch (error) {
        // The transport's end has an event of its own; what else was refused is tried at the next change.
        if (error instanceof EngineError && error.code === 'gone') this.lost(error.message);
      }
    });
  }

  restart(): void {
    this.#restart = true;
    // An offer that is not answered belongs to the path that is searched anew.
    this.#answered?.resolve();
    this.#proceed();
  }

  select(track: TrackName, layer: Layer): void {
    if (this.#layers.get(key(track)) === layer) return;
    this.#layers.set(key(track), layer);
    const mid = this.#tracks.find((one) => key(one) === key(track))?.mid;
    if (mid !== undefined) void this.#configure([mid]);
  }

  async answer(sdp: string): Promise<void> {
    if (!this.#offered) throw new EngineError('refused', 'no offer waits for an answer');
    const waiting = this.#answered;
    this.#offered = undefined;
    // Chromium asks for lost sound when the offer allows it, and does not repeat that in its answer, where Janus looks for it.
    const jsep = { type: 'answer', sdp: withSoundRepeats(sdp) } as const;
    await this.handle.message({ request: 'start' }, jsep).catch(async (error: unknown) => {
      // The client closed its connection meanwhile: no offer (469), no handle (459), nothing to put it into (465), and `hangup` before or after.
      await this.waitForEnd(HANGUP_MS);
      throw this.closed ? new EngineError('gone', 'the leg is closed') : error;
    });
    waiting?.resolve();
    if (this.#isUp) this.#ready();
  }

  protected override up(): void {
    this.#isUp = true;
    this.#ready();
    if (this.#isHeld) this.#proceed();
  }
  get #isHeld(): boolean {
    return this.#streams.some(({ isPlaceholder }) => isPlaceholder);
  }

  #ready(): void {
    for (const publisher of this.#fresh) this.#host.ready(publisher);
    this.#fresh.clear();
  }

  protected plugin({ data, sdp }: PluginAnswer): void {
    // Of a feed that leaves one hears here: `streams` is what remains, and an offer when one is needed.
    if (Array.isArray(data.streams)) this.#learn(data.streams as JanusStream[]);
    if (sdp) this.#offer(sdp);
  }

  /** Sections that are wanted of feeds that flow or are about to. */
  #targets() {
    const { placeholder } = this.#host;
    const all = this.#wanted.flatMap((track) => {
      const live = this.#host.feed(track.publisher);
      const coming = this.#host.coming(track.publisher);
      // A placeholder has one codec.
      const isHeld = !live && placeholder !== undefined && (track.slot === 'audio' || coming?.videoCodec === 'vp8');
      const feed = live ?? (isHeld ? coming : undefined);
      const mid = feed?.mids.get(track.slot);
      if (!feed || mid === undefined) return [];
      const layer = firstLayer(track.slot, this.#layers.get(key(track)));
      const source = isHeld ? heldFor(placeholder, track.slot, feed.id, mid) : { feed: feed.id, mid };
      return [{ feed: feed.id, mid, layer, subscribe: { ...source, ...substream(layer) } }];
    });
    return all.slice(0, MAX_SECTIONS);
  }

  /** One negotiation at most: subscribe and unsubscribe what differs from the target. */
  async #approach(): Promise<void> {
    await this.#switch();
    const [target, has] = [this.#targets(), this.#streams];
    const missing = target.filter((t) => !has.some((s) => s.feed === t.feed && s.feedMid === t.mid));
    const subscribe = missing.map((t) => t.subscribe);
    this.#asked = new Map(missing.flatMap(({ feed, mid, layer }) => (layer ? [[`${feed} ${mid}`, layer]] : [])));
    const unsubscribe = has
      .filter((s) => !target.some((t) => s.feed === t.feed && s.feedMid === t.mid))
      .map((s) => ({ sub_mid: s.mid }));
    let answer: PluginAnswer;
    if (!this.#isJoined) {
      // Also while nothing is there: it is a trip less when something is.
      await this.#attachOnce();
      if (subscribe.length === 0) return;
      answer = await this.handle.message({
        request: 'join',
        ptype: 'subscriber',
        room: this.#host.room,
        streams: subscribe,
        // Otherwise Janus makes an offer of its own when a feed ends, beside the one of this loop.
        autoupdate: false,
      });
      this.#isJoined = true;
    } else if (subscribe.length > 0 || unsubscribe.length > 0) {
      answer = await this.handle.message({
        request: 'update',
        ...(subscribe.length > 0 ? { subscribe } : {}),
        ...(unsubscribe.length > 0 ? { unsubscribe } : {}),
      });
    } else if (this.#restart) answer = await this.handle.message({ request: 'configure', restart: true });
    else return;
    this.#restart = false;
    this.plugin(answer);
    await this.#answerCame();
    await this.#configure(this.#tracks.map((t) => t.mid));
  }

  /** Media of feeds that were waited for flows: their sections carry it from now on, without a negotiation. */
  async #switch(): Promise<void> {
    // Not before it can arrive: the keyframe that comes with it would be lost, and the next one is held back for a second (M-15).
    const isDue = (s: SubscribedStream) => s.isPlaceholder && this.#host.feed(publisherOf(s.feed))?.id === s.feed;
    const due = this.#isUp ? this.#streams.filter(isDue) : [];
    if (due.length === 0) return;
    const streams = due.map(({ mid, feed, feedMid }) => {
      const track = this.#tracks.find((t) => t.mid === mid);
      const layer = track && firstLayer(track.slot, this.#layers.get(key(track)));
      // A switch begins anew, with what was off as well.
      this.#told.set(mid, { feed, layer: layer ?? 'high' });
      return { feed, mid: feedMid, sub_mid: mid, ...substream(layer) };
    });
    this.plugin(await this.handle.message({ request: 'switch', streams }));
    const switched = this.#tracks.filter(({ mid }) => due.some((one) => one.mid === mid));
    for (const { slot, publisher } of switched) if (slot === 'video') this.#host.ready(publisher);
    await this.#configure(switched.map(({ mid }) => mid));
  }

  #attached = false;
  async #attachOnce(): Promise<void> {
    if (this.#attached) return;
    this.#attached = true;
    await this.attach(this.#host.client, VIDEOROOM);
  }

  #learn(streams: readonly JanusStream[]): void {
    this.#streams = readStreams(streams, this.#host.placeholder);
    this.#tracks = this.#streams.flatMap(({ mid, feed, feedMid, isPlaceholder }): SubscribedTrack[] => {
      const publisher = publisherOf(feed);
      const { mids } = this.#host.feed(publisher) ?? this.#host.coming(publisher) ?? {};
      const slot = [...(mids ?? [])].find(([, one]) => one === feedMid)?.[0];
      if (slot && this.#told.get(mid)?.feed !== feed) {
        if (slot === 'video' && !isPlaceholder) this.#fresh.add(publisher);
        this.#told.set(mid, { feed, layer: this.#asked.get(`${feed} ${feedMid}`) ?? 'high' });
      }
      return slot ? [{ publisher, slot, mid }] : [];
    });
  }

  /**
   * The engine begins DTLS, not the receiver: Janus drops what comes before it has chosen a path, and a browser that begins repeats its
   * first message after 50 ms, 100, 200.
   */
  #offer(sdp: string): void {
    this.#offered = { sdp };
    const active = sdp.replace(/^a=setup:actpass/gm, 'a=setup:active');
    this.#host.events.onOffer(withSoundRepeats(this.#isHeld ? withExtensions(active) : active), this.#tracks);
    this.releaseCandidates();
  }

  async #answerCame(): Promise<void> {
    if (!this.#offered) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#answered = { resolve, reject };
    const timer = setTimeout(resolve, ANSWER_MS);
    await promise;
    clearTimeout(timer);
    this.#answered = undefined;
  }

  /** Tell Janus the layers of these media sections. */
  async #configure(mids: readonly string[]): Promise<void> {
    const streams = this.#tracks
      .filter((t) => mids.includes(t.mid))
      .flatMap((t) => {
        const layer = this.#layers.get(key(t)) ?? 'high';
        const told = this.#told.get(t.mid);
        if (!told || told.layer === layer) return [];
        this.#told.set(t.mid, { feed: told.feed, layer });
        return [setting(t.mid, t.slot, layer)];
      });
    if (streams.length > 0 && !this.closed)
      await this.handle.message({ request: 'configure', streams }).catch(() => {});
  }

  override async close(): Promise<void> {
    clearTimeout(this.#gathering);
    this.#answered?.resolve();
    await super.close();
  }
}
