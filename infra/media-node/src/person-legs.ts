/** The two legs of one person: what it sends and what it receives, each a connection with a generation. */
import type { SessionEvents } from '@tandem/rtc';
import {
  EngineError,
  type EngineRoom,
  type Layer,
  type PublisherLeg,
  type SubscribedTrack,
  type SubscriberLeg,
  type TrackName,
} from './engine.ts';
import { slotsOf } from './session-slots.ts';
import {
  type LegCandidate,
  type LegDescription,
  type LegName,
  MAX_SDP,
  readCandidate,
  readDescription,
  readWant,
  type Want,
} from './wire.ts';

const NO_DESCRIPTION = `A session description was not taken: it has leg (up or down), gen (from 1 on) and at most ${MAX_SDP} characters of sdp, in which no media section has two a=mid lines or the name of another one.`;

export interface PersonLegsHost {
  readonly peerId: string;
  /** The engine's room, once it is open; another one after the engine died. */
  room(): Promise<EngineRoom>;
  /** All tracks of the others. */
  tracks(): readonly TrackName[];
  /** Is this person among those whose sound is forwarded? */
  isAudible(peerId: string): boolean;
  /** Whether this person may send anything. */
  maySend(): boolean;
  /** What it wants to send, or its description, was not taken. @param why in words for the developer of its client */
  refused(why: string): void;
  /** The layers that this person wants have changed. */
  wishesChanged(): void;
  send(type: 'offer' | 'answer' | 'ice-candidate', body: object): void;
  /** A leg's media flows, or it is gone. */
  legState(state: LegState): void;
  complain(error: string): void;
}

/** Told to those who learn it from nowhere else. */
export interface LegState {
  readonly leg: LegName;
  readonly gen: number;
  readonly is: 'live' | 'lost';
}

interface Leg<T> {
  readonly gen: number;
  readonly leg: T;
}

export class PersonLegs {
  readonly #host: PersonLegsHost;
  #up: Leg<PublisherLeg> | undefined;
  #down: Leg<SubscriberLeg> | undefined;
  /** Highest generation that was asked for: an older one is of a connection that the client has closed. */
  readonly #asked: Record<LegName, number> = { up: 0, down: 0 };
  #want: Want | undefined;
  #named: ReadonlyMap<string, Layer> = new Map();
  #offers = 0;
  #closed = false;
  /** Nothing of it passes, and nothing that it asks for is carried out, until this settles. */
  #pause: PromiseWithResolvers<void> | undefined;
  /** One step at a time, in the order in which the client asked. */
  #queue: Promise<void> = Promise.resolve();

  constructor(host: PersonLegsHost) {
    this.#host = host;
  }

  /** Has no legs. */
  get isIdle(): boolean {
    return this.#up === undefined && this.#down === undefined;
  }

  /** What its client says of its legs. */
  receive(signal: Exclude<SessionEvents['signal'], { type: 'media-state' }>): void {
    switch (signal.type) {
      case 'offer':
      case 'answer': {
        const description = readDescription(signal);
        if (!description) this.#host.refused(NO_DESCRIPTION);
        else if (!this.#refuses(description.sdp)) this.#describe(signal.type, description);
        return;
      }
      case 'ice-candidate': {
        const read = readCandidate(signal);
        if (read) this.#candidate(read);
        return;
      }
      case 'media-want': {
        const want = readWant(signal.want);
        if (want) this.#enqueue(() => this.#receive(want));
        return;
      }
      default:
        signal satisfies never;
    }
  }

  /** Who may not send has nothing to offer, and nothing to say in an answer. */
  #refuses(sdp: string): boolean {
    if (this.#host.maySend() || slotsOf(sdp).size === 0) return false;
    this.#host.refused('You may not publish here: media of yours is not taken.');
    return true;
  }

  #describe(type: 'offer' | 'answer', description: LegDescription): void {
    if (type === 'offer' && description.leg === 'up') this.#enqueue(() => this.#publish(description));
    if (type === 'answer' && description.leg === 'down') this.#enqueue(() => this.#answered(description));
  }

  #candidate({ leg, gen, candidate }: LegCandidate): void {
    this.#enqueue(async () => {
      const open = leg === 'up' ? this.#up : this.#down;
      if (open?.gen === gen) open.leg.candidate(candidate);
    });
  }

  /** Nothing is passed on of this person, and nothing sent to it, while it is paused: its token is over, and its session waits for another one. */
  pause(isPaused: boolean): void {
    if (isPaused === (this.#pause !== undefined) || this.#closed) return;
    this.#pause?.resolve();
    this.#pause = isPaused ? Promise.withResolvers() : undefined;
    this.rightsChanged();
    this.wantAgain();
    this.#host.wishesChanged();
  }

  /** Nothing of it is passed on. */
  get #isSilent(): boolean {
    return this.#pause !== undefined || !this.#host.maySend();
  }

  /** Whether it may send has changed: its connection stays, and what comes on it is passed on or is not. */
  rightsChanged(): void {
    this.#up?.leg.mute(this.#isSilent);
  }

  /** The others changed, or who of them is audible. */
  wantAgain(): void {
    const leg = this.#down?.leg;
    if (!leg) return;
    const tracks = this.#host.tracks().map((track) => ({ track, layer: this.layerOf(track) }));
    // What is received comes first, sound before pictures: the engine takes as many as fit an offer.
    const rank = ({ track, layer }: (typeof tracks)[number]) => (layer === 'off' ? 2 : track.slot === 'audio' ? 0 : 1);
    leg.want(tracks.toSorted((a, b) => rank(a) - rank(b)).map(({ track }) => track));
    for (const { track, layer } of tracks) leg.select(track, layer);
  }

  /** What this person receives of a track; `off` while it receives nothing at all. */
  layerOf({ publisher, slot }: TrackName): Layer {
    const want = this.#want;
    if (!want || this.#pause) return 'off';
    if (slot === 'audio' && !this.#host.isAudible(publisher)) return 'off';
    return this.#named.get(`${slot} ${publisher}`) ?? (slot === 'video' ? want.others : 'high');
  }

  /** The engine died and took the legs with it; the client will ask anew, with a higher generation. */
  engineLost(): void {
    this.#up = undefined;
    this.#down = undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#pause?.resolve();
    const legs = [this.#up?.leg, this.#down?.leg];
    this.#up = undefined;
    this.#down = undefined;
    await Promise.all(legs.map((leg) => leg?.close()));
  }

  #enqueue(step: () => Promise<void>): void {
    this.#queue = this.#queue.then(async () => {
      while (this.#pause && !this.#closed) await this.#pause.promise;
      if (this.#closed) return;
      try {
        await step();
      } catch (error) {
        // The client sees a leg that does not connect, and asks anew with the next generation.
        if (!(error instanceof EngineError && error.code === 'gone')) this.#host.complain(String(error));
      }
    });
  }

  async #publish({ gen, sdp, n }: LegDescription): Promise<void> {
    if (gen < this.#asked.up) return;
    this.#asked.up = gen;
    if (this.#up?.gen !== gen) {
      const room = await this.#host.room();
      if (this.#closed) return;
      const events = this.#events('up', gen, () => (this.#up = undefined));
      const leg = await room.publish(this.#host.peerId, events);
      if (this.#closed) return await leg.close();
      this.#up = { gen, leg };
      if (this.#isSilent) leg.mute(true);
    }
    const answer = await this.#up?.leg.offer(sdp);
    const to = n === undefined ? {} : { to: n };
    if (answer && !this.#closed)
      this.#host.send('answer', { sdp: { type: 'answer', sdp: answer, leg: 'up', gen, ...to } });
  }

  async #receive(want: Want): Promise<void> {
    if (want.gen < this.#asked.down) return;
    const isRestart = this.#down?.gen === want.gen && want.restarts > (this.#want?.restarts ?? 0);
    this.#asked.down = want.gen;
    this.#want = want;
    this.#named = new Map(want.layers.map((one) => [`${one.slot} ${one.publisher}`, one.layer]));
    if (this.#down?.gen !== want.gen) {
      const room = await this.#host.room();
      if (this.#closed) return;
      const leg = await room.subscribe(this.#host.peerId, {
        ...this.#events('down', want.gen, () => (this.#down = undefined)),
        onOffer: (sdp, tracks) => this.#offer(want.gen, sdp, tracks),
        onRefused: (why) => this.#host.complain(why),
      });
      if (this.#closed) return await leg.close();
      this.#down = { gen: want.gen, leg };
    }
    if (isRestart) this.#down?.leg.restart();
    this.wantAgain();
    this.#host.wishesChanged();
  }

  async #answered({ gen, sdp, to }: LegDescription): Promise<void> {
    // An answer to an offer that a later one replaced.
    if (this.#down?.gen !== gen || (to !== undefined && to !== this.#offers)) return;
    await this.#down.leg.answer(sdp);
  }

  #offer(gen: number, sdp: string, tracks: readonly SubscribedTrack[]): void {
    const told = tracks.map(({ publisher, slot, mid }) => ({ mid, peerId: publisher, slot }));
    const n = ++this.#offers;
    this.#host.send('offer', { sdp: { type: 'offer', sdp, leg: 'down', gen, n, tracks: told } });
  }

  #events(leg: LegName, gen: number, lost: () => void) {
    const isCurrent = () => (leg === 'up' ? this.#up : this.#down)?.gen === gen;
    return {
      onCandidate: (candidate: object | null) =>
        this.#host.send('ice-candidate', { candidate: { ...(candidate ?? { candidate: '' }), leg, gen } }),
      onLive: () => this.#host.legState({ leg, gen, is: 'live' }),
      onLost: () => {
        if (!isCurrent()) return;
        lost();
        this.#host.legState({ leg, gen, is: 'lost' });
      },
    };
  }
}
