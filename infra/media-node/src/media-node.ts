/** A media node: engines, a signaling session for each room that it serves, its entry in the directory, drain. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  connectAgain,
  connectRedis,
  forgetRoom,
  MEDIA_NODE_RENEW_MS,
  type MediaAssignment,
  nextCall,
  type RedisClient,
  readAssignment,
  removeMediaNode,
  writeMediaNode,
} from '@tandem/service';
import { drainOnce } from '../../node-kit/drain.ts';
import type { Host } from '../../node-kit/host.ts';
import { growthOf, type MetricsLog, metricsLog } from '../../node-kit/metrics.ts';
import { type Attempt, attempts, repeat, type Say } from '../../node-kit/retry.ts';
import type { RoomSession } from './agent-session.ts';
import { ENGINES, type MediaNodeConfig } from './config.ts';
import type { Engine } from './engine.ts';
import { Engines } from './engines.ts';
import { sayAlive } from './health.ts';
import type { MediaNodeOptions } from './media-node-options.ts';
import { mediaMetrics, NodeLoad } from './node-load.ts';
import { Recordings } from './recording/recordings.ts';
import { renewRooms } from './renew-rooms.ts';
import { RoomAgent } from './room-agent.ts';
import { RoomMover } from './room-mover.ts';
import { joinRoom } from './room-session.ts';
import { type Streams, startStreams } from './streams/streams.ts';
import { accessToken } from './token.ts';

/** @throws Error when an engine does not start, EngineError for an address that no engine can use */
export async function startMediaNode(config: MediaNodeConfig, options: MediaNodeOptions): Promise<MediaNode> {
  const node = new MediaNode(config, options);
  await node.start();
  return node;
}

export class MediaNode implements AsyncDisposable {
  /** Rooms served now. */
  readonly rooms = new Map<string, RoomAgent>();
  readonly #config: MediaNodeConfig;
  readonly #options: MediaNodeOptions;
  readonly #host: Host;
  readonly #say: Say;
  readonly #attempt: Attempt;
  readonly #redis: RedisClient;
  readonly #calls: RedisClient;
  readonly #stop = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  readonly ended: Promise<void> = this.#ended.promise;
  readonly #engineOf = new Map<RoomAgent, Engine>();
  readonly #beginDrain: (seconds: number) => Promise<void>;
  readonly #mover: RoomMover;
  readonly #recordings: Recordings;
  readonly #metrics: MetricsLog | undefined;
  #engines: Engines | undefined;
  #streams: Streams | undefined;
  #load: NodeLoad | undefined;
  #loops: Promise<unknown> = Promise.resolve();
  #state: 'serving' | 'draining' | 'ended' = 'serving';
  #leaves = false; // the auto scaling group wants the instance gone
  #drainUntil = Number.POSITIVE_INFINITY;
  readonly #newlyLost = growthOf(() => this.#engines?.lost ?? 0);
  readonly #newlyMoved = growthOf(() => this.#mover.moved);

  /** Use {@link startMediaNode}. */
  constructor(config: MediaNodeConfig, options: MediaNodeOptions) {
    this.#config = config;
    this.#options = options;
    this.#host = options.host;
    this.#say = options.say;
    this.#attempt = attempts((more) => options.say('media.retry', more));
    this.#redis = connectRedis(config.REDIS_URL, { username: config.REDIS_USERNAME, password: config.REDIS_PASSWORD });
    this.#calls = connectAgain(this.#redis);
    for (const client of [this.#redis, this.#calls]) client.on('error', () => {});
    this.#recordings = new Recordings(config, this.#redis, options.say);
    this.#mover = new RoomMover({
      ...{ redis: this.#redis, host: options.host, attempt: this.#attempt, signal: this.#stop.signal },
      until: () => this.#drainUntil,
    });
    this.#beginDrain = drainOnce({
      ...{ host: options.host, attempt: this.#attempt, signal: this.#stop.signal },
      begin: () => this.#leave(),
      isDone: () => this.rooms.size === 0,
      end: () => this.#finish(),
      pollMs: 200,
    });
    this.#metrics = metricsLog('media', config, options);
  }

  get state(): 'serving' | 'draining' | 'ended' {
    return this.#state;
  }
  get engines(): readonly Engine[] {
    return this.#engines?.living ?? [];
  }
  /** Not while no engine lives: to others the node drains then, so that no room is given to it. */
  get #takesRooms(): boolean {
    return this.#state === 'serving' && this.engines.length > 0;
  }

  /** Where streams come in over HTTP, once started. */
  get httpPort(): number | undefined {
    return this.#streams?.port;
  }

  /** @throws Error when an engine does not start */
  async start(): Promise<void> {
    const say = this.#say;
    try {
      this.#engines = await Engines.start({
        start: this.#options.startEngine,
        count: ENGINES,
        say,
        onLost: (engine) => this.#adopt(engine),
        onReady: () => this.#adopt(undefined),
      });
      await this.#recordings.open(this.engines.map(({ recordings }) => recordings));
      this.#load = await NodeLoad.start(this.#config, this.#options);
      // ECS starts a daemon's task again on an instance whose drain is over and that is about to go.
      this.#leaves = await this.#host.leaving().catch(() => false);
      if (this.#leaves) this.#state = 'draining';
      this.#streams = await startStreams({
        config: this.#config,
        host: this.#host,
        redis: this.#redis,
        rooms: this.rooms,
        isLeaving: () => this.#state !== 'serving',
        say,
      });
      await sayAlive(this.#config.RUN_DIR);
      await this.#attempt('directory', () => this.#register());
    } catch (error) {
      await this.#finish();
      throw error;
    }
    const { tickMs = 2000 } = this.#options;
    const [stop, renewMs] = [this.#stop.signal, Math.min(tickMs, MEDIA_NODE_RENEW_MS)];
    this.#loops = Promise.all([
      this.#listen(),
      repeat(tickMs, stop, () => this.#attempt('tick', () => this.#tick())),
      repeat(renewMs, stop, () => this.#attempt('directory', () => this.#register())),
    ]);
    say('media.serving', { id: this.#host.id, zone: this.#host.zone, address: this.#host.publicIp });
    if (this.#state === 'draining') void this.drain();
  }

  /**
   * Leave the directory and hand over each room; settles when the last one is elsewhere, or after its time.
   * @param seconds default DRAIN_SECONDS. A second call shortens the wait of the first, and never lengthens it
   */
  async drain(seconds = this.#config.DRAIN_SECONDS): Promise<void> {
    if (this.#state === 'ended') return;
    this.#drainUntil = Math.min(this.#drainUntil, Date.now() + seconds * 1000);
    await this.#beginDrain(seconds);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#finish();
    await this.#loops;
  }

  async #register(): Promise<void> {
    if (this.#state === 'ended') return;
    const { id, zone } = this.#host;
    const http = this.#streams ? { http: this.#streams.address } : {};
    const state = this.#takesRooms ? 'serving' : 'draining';
    await writeMediaNode(this.#redis, id, { zone, load: this.#load?.load ?? 0, state, ...http });
  }

  /** Rooms whose engine is gone go on with one that lives. @param dead the one that died, or undefined: those that still wait */
  #adopt(dead: Engine | undefined): void {
    for (const agent of this.rooms.values()) {
      const engine = this.#engineOf.get(agent);
      if (engine !== dead) continue;
      const next = this.#engines?.leastLoaded();
      if (next) {
        this.#engineOf.set(agent, next);
        agent.adopt(next);
      } else this.#engineOf.delete(agent);
    }
  }

  async #serve(room: string, assignment: MediaAssignment): Promise<void> {
    const before = this.rooms.get(room);
    if (before && before.epoch >= assignment.epoch) return;
    before?.release('node');
    const { session, takeEarly, isOver, ...heard } = await joinRoom({
      url: this.#config.SIGNALING_URL,
      room,
      epoch: assignment.epoch,
      recording: await this.#recordings.since(room),
      getToken: () => this.#options.token?.(room) ?? accessToken(this.#config, this.#host.id, room),
    });
    // The join took its time: signaling may have called another node meanwhile, or this one again.
    const now = await readAssignment(this.#redis, room).catch(() => undefined);
    const latest = Math.max(now?.epoch ?? 0, this.rooms.get(room)?.epoch ?? 0);
    const engine = this.#engines?.leastLoaded();
    if (!engine || isOver() || latest > assignment.epoch || this.#state === 'ended') {
      session.close();
      return;
    }
    const agent = new RoomAgent({
      roomId: room,
      epoch: assignment.epoch,
      session: session as unknown as RoomSession,
      early: takeEarly(),
      ...heard,
      engine,
      publishers: this.#config.MAX_PUBLISHERS,
      idleMs: this.#config.MESH_AFTER_SECONDS * 1000,
      recorder: this.#recordings.settings,
      say: this.#say,
    });
    this.#engineOf.set(agent, engine);
    this.rooms.set(room, agent);
    void this.#attempt('recording', () => this.#recordings.follow(agent));
    this.#say('media.room-serving', { roomId: room, epoch: assignment.epoch });
    void agent.ended.then(async () => {
      this.#engineOf.delete(agent);
      if (this.rooms.get(room) === agent) this.rooms.delete(room);
      this.#recordings.leave(agent);
      await this.#attempt('assignment', () => forgetRoom(this.#redis, room, assignment.epoch));
    });
    // The drain began during the join: it had no list with this room.
    if (this.#state === 'draining') void this.#mover.move([agent]);
  }

  async #listen(): Promise<void> {
    const { id } = this.#host;
    while (!this.#stop.signal.aborted) {
      try {
        const call = await nextCall(this.#calls, id, 1);
        if (!call || this.#state !== 'serving') continue;
        const assignment = await readAssignment(this.#redis, call.room);
        if (assignment?.node === id && assignment.epoch === call.epoch)
          void this.#attempt('room', () => this.#serve(call.room, assignment));
      } catch {
        await sleep(500, undefined, { signal: this.#stop.signal }).catch(() => {});
      }
    }
  }

  async #tick(): Promise<void> {
    if (this.engines.length > 0) await this.#attempt('health', () => sayAlive(this.#config.RUN_DIR));
    await this.#load?.read(this.#engines?.legs ?? 0, this.rooms.values());
    this.#writeMetrics();
    // Also while it drains for an update: its instance may be taken meanwhile.
    const leave = async () => {
      this.#leaves ||= await this.#host.leaving();
      if (this.#leaves) void this.drain();
    };
    if (this.#state !== 'ended') await this.#attempt('metadata', leave);
    await renewRooms(this.#redis, this.#host.id, this.rooms.values());
    for (const agent of this.rooms.values()) await this.#attempt('recording', () => this.#recordings.follow(agent));
  }

  #writeMetrics(): void {
    this.#metrics?.tick(() =>
      mediaMetrics({
        rooms: this.rooms.size,
        legs: this.#engines?.legs ?? 0,
        load: this.#takesRooms ? this.#load?.load : undefined,
        mbps: this.#load?.mbps ?? 0,
        ...this.#streams?.metrics(),
        serving: Number(this.#takesRooms),
        draining: Number(this.#state === 'draining' && !this.#leaves),
        enginesLost: this.#newlyLost(),
        roomsMoved: this.#newlyMoved(),
      }),
    );
  }

  async #leave(): Promise<void> {
    this.#state = 'draining';
    this.#say('media.draining', { rooms: this.rooms.size });
    await this.#attempt('directory', () => this.#register());
    void this.#mover.move(this.rooms.values());
  }

  async #finish(): Promise<void> {
    if (this.#state === 'ended') return;
    const wasDraining = this.#state === 'draining';
    this.#state = 'ended';
    this.#stop.abort();
    await this.#streams?.[Symbol.asyncDispose]();
    await Promise.all([...this.rooms.values()].map((room) => room.end('node ended')));
    await this.#attempt('directory', () => removeMediaNode(this.#redis, this.#host.id));
    await this.#recordings.kept();
    this.#calls.disconnect();
    this.#redis.disconnect();
    await this.#engines?.[Symbol.asyncDispose]();
    if (wasDraining) await this.#attempt('lifecycle', () => this.#host.lifecycle('done'));
    this.#say('media.ended');
    this.#ended.resolve();
  }
}
