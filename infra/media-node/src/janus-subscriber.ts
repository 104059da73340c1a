/**
 * What one person receives. What is wanted is a target; one step at a time leads to it: ask Janus, pass its offer on, wait for the
 * answer. So a change during a negotiation is the next step, and nothing written in between can be lost.
 */
import {
  EngineError,
  type Layer,
  MAX_SECTIONS,
  type SentLayer,
  type Slot,
  type SubscribedTrack,
  type SubscriberEvents,
  type SubscriberLeg,
  type TrackName,
} from './engine.ts';
import type { JanusClient, PluginAnswer } from './janus-client.ts';
import { JanusLeg } from './janus-leg.ts';
import { RefusedFeeds } from './refused-feeds.ts';
import { withSoundRepeats } from './sound-repeats.ts';
import { SUBSTREAM, SubscribedLayers } from './subscribed-layers.ts';

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

/** A publisher whose media flows: what a subscription names. */
export interface Feed {
  readonly id: string;
  /** Media section of each slot that it sends. */
  readonly mids: ReadonlyMap<Slot, string>;
  readonly videoCodec: 'vp8' | 'h264';
  /** Its camera comes in several sizes. */
  readonly hasLayers: boolean;
}

/** A media section towards the receiver, as Janus tells it. */
interface JanusStream {
  readonly mid: string;
  readonly active?: boolean;
  readonly feed_id?: string;
  readonly feed_mid?: string;
}

export interface JanusSubscriberHost {
  readonly room: string;
  readonly client: JanusClient;
  readonly events: SubscriberEvents;
  /** Of a publisher whose media flows. */
  feed(publisher: string): Feed | undefined;
  /** Its media does not flow yet, and is about to. */
  isConnecting(publisher: string): boolean;
  /** Packets of this publisher's camera can arrive from now on. */
  ready(publisher: string): void;
  ended(): void;
}

const key = ({ publisher, slot }: TrackName) => `${slot} ${publisher}`;

export class JanusSubscriber extends JanusLeg implements SubscriberLeg {
  readonly #host: JanusSubscriberHost;
  #wanted: readonly TrackName[] = [];
  readonly #layers = new Map<string, Layer>();
  /** What Janus has: by media section. */
  #streams: readonly JanusStream[] = [];
  #tracks: readonly SubscribedTrack[] = [];
  readonly #sent = new SubscribedLayers(async (streams) => {
    if (!this.closed) await this.handle.message({ request: 'configure', streams }).catch(() => {});
  });
  /** Layer of each track of the subscription that is under way. */
  #asked: ReadonlyMap<string, Layer> = new Map();
  /** Publishers whose camera this receiver has not been ready for. */
  readonly #fresh = new Set<string>();
  #isUp = false;
  #gathering: NodeJS.Timeout | undefined;
  readonly #refusals = new RefusedFeeds(() => this.#proceed());
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
    this.#gather();
  }

  /** Somebody's media began or ended. */
  feedsChanged(): void {
    this.#refusals.changed();
    this.#gather();
  }

  #gather(): void {
    if (!this.#wanted.some(({ publisher }) => this.#host.isConnecting(publisher))) this.#proceed();
    else this.#gathering ??= setTimeout(() => this.#proceed(), GATHER_MS);
  }

  #proceed(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#step = this.#step.then(async () => {
      if (this.closed) return;
      try {
        await this.#approach();
        this.#refusals.taken();
      } catch (error) {
        // The transport's end has an event of its own.
        if (error instanceof EngineError && error.code === 'gone') this.lost(error.message);
        else if (!this.closed && this.#refusals.refused((error as Partial<EngineError>).code === 'refused'))
          this.#host.events.onRefused?.(String(error));
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
      // The client closed its connection with the answer under way: Janus then finds no offer (469), no handle (459) or nothing to put the
      // description into (465, "Error processing SDP"), whichever of its threads is first, and says `hangup` before or after.
      await this.waitForEnd(HANGUP_MS);
      throw this.closed ? new EngineError('gone', 'the leg is closed') : error;
    });
    waiting?.resolve();
    if (this.#isUp) this.#ready();
  }

  protected override up(): void {
    this.#isUp = true;
    this.#ready();
  }

  #ready(): void {
    for (const publisher of this.#fresh) this.#host.ready(publisher);
    for (const { publisher, mid } of this.#tracks) if (this.#fresh.has(publisher)) this.#sent.flows(mid);
    this.#fresh.clear();
  }

  protected plugin({ data, sdp }: PluginAnswer): void {
    // Of a feed that leaves one hears here: `streams` is what remains, and an offer when one is needed.
    if (Array.isArray(data.streams)) this.#learn(data.streams as JanusStream[]);
    if (sdp) this.#offer(sdp);
    if (typeof data.mid === 'string' && typeof data.substream === 'number') this.#sent.came(data.mid, data.substream);
  }

  /** One negotiation at most: subscribe and unsubscribe what differs from the target. */
  async #approach(): Promise<void> {
    const target = this.#wanted.flatMap((track) => {
      const feed = this.#host.feed(track.publisher);
      const mid = feed?.mids.get(track.slot);
      return feed && mid !== undefined ? [{ feed: feed.id, mid, layer: this.#firstLayer(track) }] : [];
    });
    target.splice(MAX_SECTIONS);
    const has = this.#streams.filter((s) => s.active && s.feed_id !== undefined);
    const missing = this.#refusals.choose(
      target.filter((t) => !has.some((s) => s.feed_id === t.feed && s.feed_mid === t.mid)),
    );
    const subscribe = missing.map(({ feed, mid, layer }) => ({
      feed,
      mid,
      ...(layer ? { substream: SUBSTREAM[layer] } : {}),
    }));
    this.#asked = new Map(missing.flatMap(({ feed, mid, layer }) => (layer ? [[`${feed} ${mid}`, layer]] : [])));
    const unsubscribe = has
      .filter((s) => !target.some((t) => s.feed_id === t.feed && s.feed_mid === t.mid))
      .map((s) => ({ sub_mid: s.mid }));
    let answer: PluginAnswer;
    if (this.#streams.length === 0) {
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

  /**
   * The size that a camera's subscription begins with. Said later, by `configure`, it makes Janus ask for a keyframe before the receiver's
   * transport is up, and the one that the receiver needs is then held back for a second (PLI dilution, M-8).
   */
  #firstLayer(track: TrackName): SentLayer | undefined {
    if (track.slot !== 'video') return undefined;
    const layer = this.#layers.get(key(track)) ?? 'high';
    return layer === 'off' ? 'low' : layer;
  }

  #attached = false;
  async #attachOnce(): Promise<void> {
    if (this.#attached) return;
    this.#attached = true;
    await this.attach(this.#host.client, VIDEOROOM);
  }

  #learn(streams: readonly JanusStream[]): void {
    this.#streams = streams;
    this.#tracks = streams.flatMap((s): SubscribedTrack[] => {
      if (!s.active || s.feed_id === undefined) {
        this.#sent.forget(s.mid);
        return [];
      }
      const publisher = s.feed_id.slice(0, s.feed_id.lastIndexOf('#'));
      const feed = this.#host.feed(publisher);
      const slot = [...(feed?.mids ?? [])].find(([, mid]) => mid === s.feed_mid)?.[0];
      if (!slot) return [];
      const layer = this.#asked.get(`${s.feed_id} ${s.feed_mid}`) ?? 'high';
      const hasLayers = slot === 'video' && feed?.hasLayers === true;
      if (this.#sent.subscribed(s.mid, s.feed_id, hasLayers, layer) && slot === 'video') this.#fresh.add(publisher);
      return [{ publisher, slot, mid: s.mid }];
    });
  }

  /**
   * The engine begins DTLS, not the receiver: Janus drops what comes before it has chosen a path, and a browser that begins repeats its
   * first message after 50 ms, 100, 200.
   */
  #offer(sdp: string): void {
    this.#offered = { sdp };
    this.#host.events.onOffer(withSoundRepeats(sdp.replace(/^a=setup:actpass/gm, 'a=setup:active')), this.#tracks);
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
    const tracks = this.#tracks.filter(({ mid }) => mids.includes(mid));
    await this.#sent.set(tracks.map((track) => ({ ...track, layer: this.#layers.get(key(track)) ?? 'high' })));
  }

  override async close(): Promise<void> {
    clearTimeout(this.#gathering);
    this.#refusals.close();
    this.#sent.close();
    this.#answered?.resolve();
    await super.close();
  }
}
