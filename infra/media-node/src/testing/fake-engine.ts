/** An engine without media: the same behaviour towards the agent, for units and the simulation. Descriptions are short texts. */
import {
  type Engine,
  EngineError,
  type EngineRoom,
  type Forwarding,
  type ForwardPorts,
  type Layer,
  type LegEvents,
  MAX_SECTIONS,
  MUTED_MS,
  type PublisherLeg,
  type SentLayer,
  type SubscribedTrack,
  type SubscriberEvents,
  type SubscriberLeg,
  type TrackName,
  type ViewerEvents,
  type ViewerLeg,
} from '../engine.ts';
import { slotsOf } from '../session-slots.ts';
import { sendHeaders } from './forwarded.ts';

const CANDIDATE = { candidate: 'candidate:1 1 udp 1 192.0.2.1 9 typ host', sdpMid: '0', sdpMLineIndex: 0 };
const key = ({ publisher, slot }: TrackName) => `${slot} ${publisher}`;

export class FakeEngine implements Engine {
  readonly version = 'fake';
  readonly recordings = '/nonexistent';
  readonly rooms = new Map<string, FakeRoom>();
  readonly #end = Promise.withResolvers<void>();
  readonly ended = this.#end.promise;

  get legs(): number {
    return [...this.rooms.values()].reduce((sum, room) => sum + room.publishers.size + room.subscribers.size, 0);
  }

  async openRoom(id: string, publishers: number): Promise<EngineRoom> {
    if (this.rooms.has(id)) throw new EngineError('refused', `room ${id} is open`);
    const room = new FakeRoom(publishers, () => this.rooms.delete(id));
    this.rooms.set(id, room);
    return room;
  }

  /** The process dies. */
  kill(): void {
    for (const room of this.rooms.values()) room.lost();
    this.rooms.clear();
    this.#end.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
  }
}

export class FakeRoom implements EngineRoom {
  onTalking: (publisher: string, talking: boolean) => void = () => {};
  onKeyframeNeeded: (publisher: string) => void = () => {};
  readonly publishers = new Map<string, FakePublisher>();
  readonly subscribers = new Map<string, FakeSubscriber>();
  readonly #limit: number;
  readonly #closed: () => void;

  constructor(limit: number, closed: () => void) {
    this.#limit = limit;
    this.#closed = closed;
  }

  async publish(id: string, events: LegEvents): Promise<PublisherLeg> {
    await this.publishers.get(id)?.close();
    if (this.publishers.size >= this.#limit) throw new EngineError('full', 'the room is full');
    const leg = new FakePublisher(events, this, () => this.publishers.delete(id));
    this.publishers.set(id, leg);
    return leg;
  }

  async subscribe(id: string, events: SubscriberEvents): Promise<SubscriberLeg> {
    await this.subscribers.get(id)?.close();
    const leg = new FakeSubscriber(events, this, () => this.subscribers.delete(id));
    this.subscribers.set(id, leg);
    return leg;
  }

  /** Names of what is recorded now. */
  recorded: (string | undefined)[] = [];
  async record(nameOf: ((publisher: string) => string | undefined) | undefined): Promise<void> {
    this.recorded = nameOf ? [...this.publishers.keys()].map(nameOf) : [];
  }

  isLive(publisher: string): boolean {
    const leg = this.publishers.get(publisher);
    return leg?.live === true && !leg.muted;
  }

  readonly viewers = new Map<FakeViewer, string>();

  async watch(publisher: string, _sdp: string, events: ViewerEvents): Promise<ViewerLeg & { readonly answer: string }> {
    if (!this.isLive(publisher)) throw new EngineError('gone', `${publisher} publishes nothing`);
    const leg = new FakeViewer(events, () => this.viewers.delete(leg));
    this.viewers.set(leg, publisher);
    return Object.assign(leg, { answer: 'v=0' });
  }

  /** Ends of what is forwarded, by publisher. */
  readonly forwarded = new Map<() => void, string>();

  async forward(publisher: string, to: ForwardPorts): Promise<Forwarding> {
    const leg = this.publishers.get(publisher);
    if (!leg || !this.isLive(publisher)) throw new EngineError('gone', `${publisher} publishes nothing`);
    const kinds = (['audio', 'video'] as const).filter((kind) => leg.slots.has(kind));
    const sending = sendHeaders(kinds, to, () => leg.muted);
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    this.forwarded.set(resolve, publisher);
    void ended.then(() => {
      sending[Symbol.dispose]();
      this.forwarded.delete(resolve);
    });
    const hasAudio = kinds.includes('audio');
    return {
      ...{ hasAudio, isSounding: () => hasAudio, videoCodec: kinds.includes('video') ? 'vp8' : undefined },
      ...{ keyframe: () => {}, ended, close: async () => resolve() },
    };
  }

  changed(): void {
    const isOver = (publisher: string) => this.publishers.get(publisher)?.hidden !== false;
    for (const [end, publisher] of this.forwarded) if (isOver(publisher)) end();
    for (const [leg, publisher] of this.viewers) if (isOver(publisher)) leg.lost();
    for (const subscriber of this.subscribers.values()) subscriber.approach();
  }

  async close(): Promise<void> {
    for (const end of this.forwarded.keys()) end();
    for (const leg of this.viewers.keys()) leg.lost();
    for (const leg of [...this.publishers.values(), ...this.subscribers.values()]) await leg.close();
    this.#closed();
  }

  lost(): void {
    for (const end of this.forwarded.keys()) end();
    for (const leg of [...this.viewers.keys(), ...this.publishers.values(), ...this.subscribers.values()]) leg.lost();
  }
}

class FakeLeg {
  protected closed = false;
  protected readonly events: LegEvents;
  readonly #ended: () => void;

  constructor(events: LegEvents, ended: () => void) {
    this.events = events;
    this.#ended = ended;
  }
  candidate(): void {}
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.#ended();
  }
  lost(): void {
    if (this.closed) return;
    void this.close();
    this.events.onLost('engine ended');
  }
}

class FakeViewer extends FakeLeg implements ViewerLeg {
  declare protected readonly events: ViewerEvents;

  /** Its connection carries this size. */
  carries(layer: SentLayer): void {
    if (!this.closed) this.events.onLayer(layer);
  }
}

export class FakePublisher extends FakeLeg implements PublisherLeg {
  live = false;
  muted = false;
  /** Muted for {@link MUTED_MS}: nobody outside of the room has it any more. */
  hidden = false;
  #hiding: NodeJS.Timeout | undefined;
  /** Slots that it sends. */
  slots: ReadonlyMap<string, string> = new Map();
  readonly #room: FakeRoom;

  constructor(events: LegEvents, room: FakeRoom, ended: () => void) {
    super(events, ended);
    this.#room = room;
  }

  async offer(sdp: string): Promise<string> {
    if (this.closed) throw new EngineError('gone', 'the leg is closed');
    this.slots = slotsOf(sdp);
    setImmediate(() => {
      if (this.closed) return;
      this.events.onCandidate(CANDIDATE);
      this.events.onCandidate(null);
      this.live = true;
      this.events.onLive();
      this.#room.changed();
    });
    return `v=0 fake answer\r\n`;
  }

  mute(isMuted: boolean): void {
    if (isMuted === this.muted) return;
    this.muted = isMuted;
    this.hidden = false;
    clearTimeout(this.#hiding);
    if (isMuted) this.#hiding = setTimeout(() => this.#hide(), MUTED_MS).unref();
  }

  #hide(): void {
    this.hidden = true;
    this.#room.changed();
  }

  override async close(): Promise<void> {
    await super.close();
    this.#room.changed();
  }
}

export class FakeSubscriber extends FakeLeg implements SubscriberLeg {
  declare protected readonly events: SubscriberEvents;
  readonly #room: FakeRoom;
  readonly layers = new Map<string, Layer>();
  #wanted: readonly TrackName[] = [];
  #tracks: SubscribedTrack[] = [];
  #sections: string[] = [];
  #offered = false;
  #live = false;
  #again = false;
  #search = 1;

  constructor(events: SubscriberEvents, room: FakeRoom, ended: () => void) {
    super(events, ended);
    this.#room = room;
  }

  want(tracks: readonly TrackName[]): void {
    this.#wanted = tracks;
    setImmediate(() => this.approach());
  }
  select(track: TrackName, layer: Layer): void {
    this.layers.set(key(track), layer);
  }
  restart(): void {
    this.#again = true;
    this.#search++;
    this.#offered = false;
    this.approach();
  }

  approach(): void {
    if (this.closed || this.#offered) return;
    const target = this.#wanted.filter((t) => {
      const publisher = this.#room.publishers.get(t.publisher);
      return publisher?.live && publisher.slots.has(t.slot);
    });
    target.splice(MAX_SECTIONS);
    const same = target.map(key).sort().join() === this.#tracks.map(key).sort().join();
    if (same && !(this.#again && this.#tracks.length > 0)) return;
    this.#again = false;
    for (const track of target) if (!this.#sections.includes(key(track))) this.#sections.push(key(track));
    this.#tracks = target.map((t) => ({ ...t, mid: `${this.#sections.indexOf(key(t))}` }));
    this.#offered = true;
    this.events.onOffer(`v=0\r\na=ice-ufrag:u${this.#search}\r\n`, this.#tracks);
    this.events.onCandidate(CANDIDATE);
  }

  async answer(): Promise<void> {
    if (!this.#offered) throw new EngineError('refused', 'no offer waits for an answer');
    this.#offered = false;
    if (!this.#live) setImmediate(() => !this.closed && this.events.onLive());
    this.#live = true;
    setImmediate(() => this.approach());
  }

  /** Would packets of this section arrive now? */
  flows(mid: string): boolean {
    const track = this.#tracks.find((t) => t.mid === mid);
    const publisher = track && this.#room.publishers.get(track.publisher);
    const passes = publisher?.live === true && !publisher.muted;
    return !this.closed && this.#live && passes && this.layers.get(key(track as TrackName)) !== 'off';
  }
}
