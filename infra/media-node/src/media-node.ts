/** A media node: engines, a signaling session for each room that it serves, its entry in the directory, drain. */
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { SignalingSession } from '@tandem/rtc';
import {
  assignRoom,
  connectAgain,
  connectRedis,
  forgetRoom,
  type MediaAssignment,
  nextCall,
  type RedisClient,
  rankMediaNodes,
  readAssignment,
  readMediaNodes,
  removeMediaNode,
  renewRoom,
  writeMediaNode,
} from '@tandem/service';
import type { MediaNodeConfig } from './config.ts';
import type { Engine } from './engine.ts';
import { RoomAgent, type RoomSession } from './room-agent.ts';
import { accessToken } from './token.ts';

export type Say = (event: string, more?: Record<string, unknown>) => void;

export interface MediaNodeOptions {
  readonly id: string;
  readonly zone: string;
  /** Starts one engine. The node runs two: when one dies the other takes its rooms. */
  readonly startEngine: (index: number) => Promise<Engine>;
  readonly say: Say;
  /** Access token for a room. Default: asked of auth. */
  readonly token?: (room: string) => Promise<string>;
  /** How often the directory is written, ms. Default 2000 (entries are stale after 6 s). */
  readonly tickMs?: number;
}

export interface MediaNode extends AsyncDisposable {
  readonly state: 'serving' | 'draining' | 'ended';
  /** Rooms served now. */
  readonly rooms: ReadonlyMap<string, RoomAgent>;
  readonly engines: readonly Engine[];
  /** Leave the directory and hand over each room; settles when the last one is elsewhere, or after DRAIN_SECONDS. */
  drain(): Promise<void>;
  readonly ended: Promise<void>;
}

const ENGINES = 2;
/** One mesh's worth of people and up: what a room may have at most as publishers. */
const JOIN_MS = 8000;

export async function startMediaNode(config: MediaNodeConfig, options: MediaNodeOptions): Promise<MediaNode> {
  const { id, zone, say } = options;
  const redis = connectRedis(config.REDIS_URL, { username: config.REDIS_USERNAME, password: config.REDIS_PASSWORD });
  redis.on('error', () => {});
  const engines: Engine[] = [];
  const rooms = new Map<string, RoomAgent>();
  const stop = new AbortController();
  const ended = Promise.withResolvers<void>();
  let state: MediaNode['state'] = 'serving';

  const attempt = async (what: string, work: () => Promise<unknown>) => {
    try {
      await work();
    } catch (error) {
      // The calls go on without the directory.
      say('media.retry', { what, error: error instanceof Error ? error.message : String(error) });
    }
  };
  const startEngine = async (index: number) => {
    const engine = await options.startEngine(index);
    engines[index] = engine;
    void engine.ended.then(() => {
      if (state === 'ended' || engines[index] !== engine) return;
      say('media.engine-died', { index, rooms: rooms.size });
      const spare = engines.find((one) => one !== engine);
      for (const room of rooms.values())
        if (spare && engineOf.get(room) === engine) {
          engineOf.set(room, spare);
          room.adopt(spare);
        }
      void attempt('engine', () => startEngine(index));
    });
  };
  const engineOf = new Map<RoomAgent, Engine>();
  const leastLoaded = () => engines.reduce((best, one) => (one.legs < best.legs ? one : best));

  const load = () =>
    Number(Math.max(engines.reduce((sum, one) => sum + one.legs, 0) / (config.MAX_LEGS || 1)).toFixed(3));
  const register = async () => {
    if (state !== 'ended') await writeMediaNode(redis, id, { zone, load: load(), state });
  };

  const serve = async (room: string, assignment: MediaAssignment) => {
    const before = rooms.get(room);
    if (before && before.epoch >= assignment.epoch) return;
    before?.release();
    const session = new SignalingSession({
      url: config.SIGNALING_URL,
      getToken: () => (options.token ? options.token(room) : accessToken(config, id, room)),
      // The agent is behind nothing that hides why a handshake failed.
      probe: false,
    });
    const timeout = setTimeout(() => session.close(), JOIN_MS);
    try {
      await session.join(room, { media: assignment.epoch });
    } catch (error) {
      session.close();
      throw error;
    } finally {
      clearTimeout(timeout);
    }
    const engine = leastLoaded();
    const agent = new RoomAgent({
      roomId: room,
      epoch: assignment.epoch,
      session: session as unknown as RoomSession,
      engine,
      publishers: config.MAX_PUBLISHERS,
      idleMs: config.MESH_AFTER_SECONDS * 1000,
      say,
    });
    engineOf.set(agent, engine);
    rooms.set(room, agent);
    say('media.room-serving', { roomId: room, epoch: assignment.epoch });
    void agent.ended.then(async () => {
      engineOf.delete(agent);
      if (rooms.get(room) === agent) rooms.delete(room);
      await attempt('assignment', () => forgetRoom(redis, room, assignment.epoch));
    });
  };

  const calls: RedisClient = connectAgain(redis);
  calls.on('error', () => {});
  const listen = async () => {
    while (!stop.signal.aborted) {
      try {
        const call = await nextCall(calls, id, 1);
        if (!call || state !== 'serving') continue;
        const assignment = await readAssignment(redis, call.room);
        if (assignment?.node === id && assignment.epoch === call.epoch)
          void attempt('room', () => serve(call.room, assignment));
      } catch {
        await sleep(500, undefined, { signal: stop.signal }).catch(() => {});
      }
    }
  };

  const tick = async () => {
    await register();
    for (const [room, agent] of rooms) {
      if (agent.state !== 'serving') continue;
      const mine = { node: id, epoch: agent.epoch, at: Date.now() };
      const stillMine = await renewRoom(redis, room, mine);
      // Another node has it, or Redis lost the record: then the room is claimed again by what is true now.
      if (!stillMine && (await readAssignment(redis, room))) agent.release();
    }
  };

  const finish = async () => {
    if (state === 'ended') return;
    state = 'ended';
    stop.abort();
    await Promise.all([...rooms.values()].map((room) => room.end('node ended')));
    await attempt('directory', () => removeMediaNode(redis, id));
    calls.disconnect();
    redis.disconnect();
    await Promise.all(engines.map((engine) => engine[Symbol.asyncDispose]()));
    say('media.ended');
    ended.resolve();
  };

  /** Give a room to the best other node: its people connect there first. Without one they connect to each other. */
  const handOver = async (room: RoomAgent) => {
    const others = await readMediaNodes(redis);
    others.delete(id);
    const [next] = rankMediaNodes(others, zone);
    const mine = await readAssignment(redis, room.roomId);
    if (next !== undefined && mine?.epoch === room.epoch && (await assignRoom(redis, room.roomId, mine, next)))
      room.isMoving = true;
  };
  let draining: Promise<void> | undefined;
  const drain = () => {
    draining ??= (async () => {
      state = 'draining';
      say('media.draining', { rooms: rooms.size });
      await attempt('directory', register);
      for (const room of [...rooms.values()]) {
        await attempt('hand-over', () => handOver(room));
        room.release();
      }
      await Promise.race([
        Promise.all([...rooms.values()].map((room) => room.ended)),
        sleep(config.DRAIN_SECONDS * 1000, undefined, { signal: stop.signal }).catch(() => {}),
      ]);
      await finish();
    })();
    return draining;
  };

  try {
    for (let index = 0; index < ENGINES; index++) await startEngine(index);
    await register();
  } catch (error) {
    await finish();
    throw error;
  }
  const listening = listen();
  const ticking = (async () => {
    while (!stop.signal.aborted) {
      await sleep(options.tickMs ?? 2000, undefined, { signal: stop.signal }).catch(() => {});
      if (!stop.signal.aborted) await attempt('tick', tick);
    }
  })();
  say('media.serving', { id, zone, engines: engines.length, cores: availableParallelism() });
  return {
    get state() {
      return state;
    },
    rooms,
    engines,
    drain,
    ended: ended.promise,
    async [Symbol.asyncDispose]() {
      await finish();
      await Promise.all([listening, ticking]);
    },
  };
}
