/**
 * One room on this node: a member of the room in signaling that speaks for the engine. Clients speak to it by the directed messages that
 * they know from each other: resume, delivery, kick, revocation and close hold without a line here. Who is no member has no legs.
 */
import type { SessionEvents } from '@tandem/rtc';
import type { RoomSession } from './agent-session.ts';
import { Closing } from './closing.ts';
import { type Engine, EngineError, type EngineRoom, SLOTS, type TrackName } from './engine.ts';
import { Loudest } from './loudest.ts';
import { PersonLegs } from './person-legs.ts';
import { announceRecording } from './recording/announce.ts';
import { type RecorderSettings, RoomRecorder } from './recording/room-recorder.ts';
import type { RoomEntry } from './room-entry.ts';
import { RoomViewers } from './room-viewers.ts';
import { followEnd, ROOM_CLOSED } from './session-end.ts';
import type { TokenEnds } from './token-ends.ts';
import { WantedLayers } from './wanted-layers.ts';

export interface RoomAgentOptions {
  readonly roomId: string;
  readonly epoch: number;
  readonly session: RoomSession;
  /** Signals that came before the agent listened. Default: none. */
  readonly early?: readonly SessionEvents['signal'][];
  /** Of the session. Default: no token ends. */
  readonly tokenEnds?: TokenEnds;
  /** Of the session. Default: the room is open. */
  readonly entry?: RoomEntry;
  readonly engine: Engine;
  /** Most publishers. */
  readonly publishers: number;
  /** With this number of people or fewer for `idleMs` the room is better served by a mesh. Default 2. */
  readonly meshPeople?: number;
  /** Default 20,000. */
  readonly idleMs?: number;
  /** Clients have this long to connect to each other, or to the next node once that is in the room, before the legs go, ms. Default 10,000. */
  readonly closingMs?: number;
  /** Default: the room is never recorded. */
  readonly recorder?: RecorderSettings | undefined;
  readonly say: (event: string, more?: Record<string, unknown>) => void;
}

export class RoomAgent {
  readonly roomId: string;
  readonly epoch: number;
  readonly #options: RoomAgentOptions;
  readonly #session: RoomSession;
  readonly #people = new Map<string, PersonLegs>();
  readonly #loudest = new Loudest();
  readonly #layers = new WantedLayers({
    tell: (peerId, send, keyFrame) => this.#tellOne(peerId, { mode: 'layers', epoch: this.epoch, send, keyFrame }),
  });
  /** Those who watch without being in the room. */
  readonly viewers = new RoomViewers({
    room: () => this.#room,
    publishers: () => this.#people.keys(),
    people: () => this.#session.peers,
    changed: (publisher) => this.#receiversChanged([publisher]),
  });
  /** Absent: recordings have no place here. */
  readonly recorder: RoomRecorder | undefined;
  readonly #off: (() => void)[] = [];
  /** The agent is in the room no more, and can tell it nothing. */
  readonly #cut = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  /** Settles when the room is served no more. */
  readonly ended: Promise<void> = this.#ended.promise;
  #room: Promise<EngineRoom>;
  /** `closing`: the people were told to connect to each other, or to the room's next node; legs stay until they have. */
  #state: 'serving' | 'closing' | 'ended' = 'serving';
  #idleTimer: NodeJS.Timeout | undefined;
  #closing: Closing | undefined;

  constructor(options: RoomAgentOptions) {
    this.#options = options;
    this.roomId = options.roomId;
    this.epoch = options.epoch;
    this.#session = options.session;
    this.#room = this.#open(options.engine);
    this.recorder = this.#makeRecorder(options);
    const { session } = options;
    this.#off.push(
      session.on('peer-joined', ({ peer }) => this.#arrive(peer.peerId)),
      session.on('peer-updated', ({ peer }) => {
        this.#people.get(peer.peerId)?.rightsChanged();
        this.recorder?.peopleChanged();
        this.#watchSize();
      }),
      session.on('peer-left', ({ peer }) => void this.#depart(peer.peerId)),
      session.on('signal', (signal) => this.#signal(signal)),
      ...followEnd(session, (why) => this.#endCut(why)),
    );
    options.entry?.follow((isOpen) => this.viewers.roomOpened(isOpen));
    options.tokenEnds?.follow((peerId, isOver) => this.#people.get(peerId)?.pause(isOver));
    for (const peerId of session.peers.keys()) this.#arrive(peerId);
    for (const signal of options.early ?? []) this.#signal(signal);
    this.#watchSize();
  }

  get state(): 'serving' | 'closing' | 'ended' {
    return this.#state;
  }
  /** With a leg open. */
  get people(): number {
    return this.#people.size;
  }

  /** An audience, viewers, a stream and a recording have no other way, whatever the number of people. */
  get needsNode(): boolean {
    const people = [...this.#people.keys()];
    const isAudience = people.length > 1 && people.some((id) => this.#session.peers.get(id)?.audience);
    const isStreamed = people.some((id) => this.#isStream(id));
    return isAudience || isStreamed || this.viewers.count > 0 || this.recorder?.recording !== undefined;
  }

  /** Serve on with another engine of this node: the first one died. Clients make new connections. */
  adopt(engine: Engine): void {
    if (this.#state === 'ended') return;
    this.#room = this.#open(engine);
    for (const legs of this.#people.values()) legs.engineLost();
    this.recorder?.engineChanged(engine);
    this.#tell('engine-lost');
  }

  /** Its people were told of a next node, which is not in the room. */
  get isWaiting(): boolean {
    return this.#state === 'closing' && this.#closing?.isWaiting === true;
  }

  /**
   * Tell the people to connect to each other, or to the room's next node, which was called, and end when they have, or after a while. To each other
   * also when that node has not come.
   */
  release(to: 'mesh' | 'node' = 'mesh'): void {
    if (this.#state !== 'serving' && !(this.isWaiting && to === 'mesh')) return;
    this.#closing?.[Symbol.dispose]();
    this.#state = 'closing';
    this.#options.say('media.room-closing', { roomId: this.roomId, epoch: this.epoch });
    this.#tell(to === 'node' ? 'moving' : 'closing');
    const { session, epoch, closingMs: ms = 10_000 } = this.#options;
    this.#closing = new Closing({ session, epoch, to, ms, end: () => void this.end('released') });
  }

  async end(why: string): Promise<void> {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    clearTimeout(this.#idleTimer);
    this.#closing?.[Symbol.dispose]();
    await this.recorder?.close(why === 'empty' || why === ROOM_CLOSED ? 'ended' : 'moved');
    for (const off of this.#off.splice(0)) off();
    this.#session.close();
    this.#layers.close();
    // Before the room: what they have asked for and is not begun opens nothing in it.
    await Promise.all([...this.#people.values()].map((legs) => legs.close()));
    this.#people.clear();
    await this.#room.then((room) => room.close()).catch(() => {});
    this.#options.say('media.room-ended', { roomId: this.roomId, epoch: this.epoch, why });
    this.#ended.resolve();
  }

  #endCut(why: string): void {
    this.#cut.abort(new Error(why));
    void this.end(why);
  }

  #makeRecorder({ recorder, session, roomId, epoch, engine, say }: RoomAgentOptions): RoomRecorder | undefined {
    if (!recorder) return undefined;
    return new RoomRecorder(recorder, engine, {
      roomId,
      epoch,
      people: session.peers,
      announce: (since) => announceRecording(session, { epoch, since, signal: this.#cut.signal }),
      get isAnnounced() {
        return session.media?.epoch === epoch && session.media.recording !== undefined;
      },
      room: () => this.#room,
      changed: () => this.#receiversChanged(),
      say,
    });
  }

  /** An engine that is gone is replaced by {@link adopt}; one that lives and has no room for this agent ends it. */
  #open(engine: Engine): Promise<EngineRoom> {
    const room = this.#openRoom(engine);
    room.catch((error: unknown) => {
      this.#options.say('media.room-refused', { roomId: this.roomId, epoch: this.epoch, error: String(error) });
      const isGone = error instanceof EngineError && error.code === 'gone';
      if (!isGone && this.#room === room) void this.end('the engine opened no room');
    });
    return room;
  }

  async #openRoom(engine: Engine): Promise<EngineRoom> {
    const room = await engine.openRoom(`${this.roomId}#${this.epoch}`, this.#options.publishers);
    room.onKeyframeNeeded = (peerId) => this.#layers.needKeyframe(peerId);
    room.onTalking = (peerId, talking) => {
      if (talking && this.#loudest.spoke(peerId)) for (const legs of this.#people.values()) legs.wantAgain();
      this.#tell('serving', { talking: { peerId, is: talking } });
    };
    return room;
  }

  #arrive(peerId: string): void {
    if (this.#people.has(peerId)) return;
    const legs = new PersonLegs({
      peerId,
      room: () => this.#room,
      tracks: () => this.#others(peerId),
      isAudible: (other) => this.#loudest.isAudible(other),
      maySend: () => !this.#session.peers.get(peerId)?.audience,
      refused: (error) => this.#tellOne(peerId, { mode: 'refused', epoch: this.epoch, error }),
      wishesChanged: () => this.#sumLayers(),
      send: (type, body) => void this.#session.sendTo(peerId, type, body as never),
      legState: (state) => {
        if (this.#isStream(peerId)) this.#tellOne(peerId, { mode: 'leg', epoch: this.epoch, ...state });
      },
      complain: (error) => this.#options.say('media.leg', { roomId: this.roomId, error }),
    });
    this.#people.set(peerId, legs);
    legs.pause(this.#options.tokenEnds?.isOver(peerId) === true);
    this.#loudest.arrive(peerId);
    for (const other of this.#people.values()) other.wantAgain();
    this.recorder?.peopleChanged();
    this.#watchSize();
  }

  async #depart(peerId: string): Promise<void> {
    const legs = this.#people.get(peerId);
    if (!legs) return;
    this.#people.delete(peerId);
    this.#loudest.depart(peerId);
    this.#layers.forget(peerId);
    this.#receiversChanged();
    await legs.close();
    for (const other of this.#people.values()) other.wantAgain();
    if (this.#people.size === 0) await this.end('empty');
  }

  #others(peerId: string): TrackName[] {
    return [...this.#people.keys()]
      .filter((other) => other !== peerId)
      .flatMap((publisher) => SLOTS.map((slot) => ({ publisher, slot })));
  }

  #signal(signal: SessionEvents['signal']): void {
    const { type, peerId } = signal;
    if (this.#state === 'ended') return;
    if (type !== 'media-state') this.#people.get(peerId)?.receive(signal);
    // The only one that changes anything here: the client needs its legs no more.
    else if ((signal.state as { mode?: unknown } | undefined)?.mode === 'gone') void this.#gone(peerId);
  }

  /** One person needs this node no more; when no person does, the room ends here. */
  async #gone(peerId: string): Promise<void> {
    const legs = this.#people.get(peerId);
    if (this.#state !== 'closing' || !legs) return;
    await legs.close();
    if ([...this.#people.values()].every((one) => one.isIdle)) await this.end('released');
  }

  /** Each publisher encodes what anybody receives. @param publishers those for whom that may have changed */
  #sumLayers(publishers: Iterable<string> = this.#people.keys()): void {
    for (const publisher of publishers) {
      if (!this.#people.has(publisher)) continue;
      const others = [...this.#people].filter(([peerId]) => peerId !== publisher);
      const layers = others.map(([, legs]) => legs.layerOf({ publisher, slot: 'video' }));
      layers.push(...this.viewers.layersOf(publisher));
      this.#layers.update(publisher, this.recorder?.recording ? [...layers, 'high'] : layers);
    }
  }

  #receiversChanged(publishers?: readonly string[]): void {
    this.#sumLayers(publishers);
    this.#watchSize();
  }

  #tell(mode: string, more: Record<string, unknown> = {}): void {
    for (const peerId of this.#people.keys()) this.#tellOne(peerId, { mode, epoch: this.epoch, ...more });
  }

  #tellOne(peerId: string, state: object): void {
    void this.#session.sendTo(peerId, 'media-state', { state } as never);
  }

  /** Its connection is behind HTTP (streams/stream-leg.ts). */
  #isStream(peerId: string): boolean {
    return this.#session.peers.get(peerId)?.metadata?.stream === true;
  }

  #watchSize(): void {
    const few = !this.needsNode && this.people <= (this.#options.meshPeople ?? 2);
    if (!few || this.#state !== 'serving') {
      clearTimeout(this.#idleTimer);
      this.#idleTimer = undefined;
    } else this.#idleTimer ??= setTimeout(() => this.release(), this.#options.idleMs ?? 20_000);
  }
}
