/** People come and go while processes are killed; a receiver that misbehaves gets the webhooks. With the real parts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startSentinel, type TestRedisGroup } from '@tandem/service/testing';
import { Redis } from 'ioredis';
import { type Receiver, startReceiver } from '../../apps/hooks/src/testing.ts';
import { connectClient, startTestKeys, type TestClient, type TestKeys } from '../../apps/signaling/src/testing.ts';
import { type NodeProcess, startNode } from '../cluster-faults/cluster.ts';
import { Random } from '../simulation/random.ts';
import { askHooks, backendToken } from '../support/hooks-api.ts';
import { type HooksProcess, startHooksProcess } from '../support/hooks-process.ts';
import { storedPresence } from '../support/room-events.ts';
import { ToldRooms } from './told-rooms.ts';

const ROOMS = 16;
const PEOPLE = 12;
const SETTINGS = {
  ...{ EVENTS: true, GRACE_MS: 1500, BEAT_MS: 300, NODE_TIMEOUT_MS: 2000, SWEEP_MS: 500 },
};
/** Most time for anything that must come, ms: a lease of a killed dispatcher alone is 15 s. */
const PATIENCE_MS = 90_000;

/** What a person is to do next is chosen by chance; those whose socket is lost come back as others. */
async function live(world: World, random: Random): Promise<void> {
  let client: TestClient | undefined;
  let visits = 0;
  while (!world.isQuiet) {
    await sleep(random.int(50, 1200));
    if (!client || client.closed !== undefined || client.refused) {
      const node = random.pick(world.nodes);
      if (!node || world.isQuiet) continue;
      const token = await world.keys.token(`user-${random.int(0, 1e9)}`);
      client = await connectClient({ wsUrl: `ws://127.0.0.1:${node.port}/ws/signal` }, token).catch(() => undefined);
      if (client) world.clients.push(client);
      visits = 0;
      continue;
    }
    if (visits % 2 === 0) client.send({ type: 'join', roomId: `room-${random.int(1, ROOMS)}` });
    else if (random.chance(0.2)) client.ws.terminate();
    else if (random.chance(0.8)) client.send({ type: 'leave' });
    else continue;
    visits++;
  }
}

export class World implements AsyncDisposable {
  readonly random: Random;
  readonly keys: TestKeys;
  readonly redis: TestRedisGroup;
  /** The server that is primary now. */
  admin: Redis;
  readonly receiver: Receiver;
  readonly told = new ToldRooms();
  readonly nodes: NodeProcess[] = [];
  readonly hooks: HooksProcess[] = [];
  readonly clients: TestClient[] = [];
  endpointId = '';
  isQuiet = false;
  /** Called with each webhook that came, before it is answered. `crash`: the receiver has not taken it. */
  onReceived: () => 'crash' | undefined = () => undefined;
  #people: Promise<void[]> = Promise.resolve([]);

  private constructor(seed: number, keys: TestKeys, redis: TestRedisGroup, receiver: Receiver) {
    this.random = new Random(seed);
    this.keys = keys;
    this.redis = redis;
    this.receiver = receiver;
    this.admin = adminOf(redis.servers[0]?.port ?? 0);
    const moods = this.random.fork();
    const failed = new Set<string>();
    receiver.answer = ({ body, event }, response) => {
      const [mood, hasFailed] = [moods.next(), failed.has(event.id)];
      const isCrashing = this.onReceived() === 'crash' && !hasFailed;
      // Once an event: a second failure would wait for minutes. Most of those it has not taken: only another try brings them.
      const isFailing = isCrashing || (mood < 0.01 && !hasFailed);
      if (isFailing) failed.add(event.id);
      const isTaken = !isCrashing && (!isFailing || mood < 0.003);
      if (isTaken) this.told.receive(body);
      if (isTaken && !isFailing) setTimeout(() => response.writeHead(204).end(), moods.int(0, 20));
      else if (mood < 0.006) response.writeHead(503, { 'retry-after': '1' }).end();
      else response.destroy();
    };
  }

  static async start(seed: number): Promise<World> {
    const world = new World(seed, await startTestKeys(), await startSentinel(), await startReceiver());
    for (const name of ['a', 'b', 'c']) await world.startNode(name);
    for (let i = 0; i < 2; i++) await world.startHooks();
    const made = await askHooks(world.hooks[0]?.url ?? '', '/webhook-endpoints', {
      token: await backendToken(world.keys),
      body: { url: world.receiver.url, rooms: ['*'] },
    });
    if (made.status !== 201) throw new Error(JSON.stringify(made));
    world.endpointId = made.body.endpoint.id;
    return world;
  }

  async startNode(name: string): Promise<void> {
    this.nodes.push(await startNode(name, this.keys.jwksUrl, this.redis.url, SETTINGS));
  }

  async startHooks(): Promise<void> {
    this.hooks.push(await startHooksProcess({ redisUrl: this.redis.url, jwksUrl: this.keys.jwksUrl }));
  }

  /** People begin to come and go. */
  begin(): void {
    this.#people = Promise.all(Array.from({ length: PEOPLE }, () => live(this, this.random.fork())));
  }

  /** Waits until so many more events came. */
  async events(more: number): Promise<void> {
    const wanted = this.told.events + more;
    await this.until(`${more} more events`, async () => this.told.events >= wanted);
  }

  /** A dispatcher is killed when the receiver has a webhook, or was about to take it: before the dispatcher knows. */
  async killDispatcher(): Promise<void> {
    const isTaken = this.random.chance(0.5);
    const { promise, resolve } = Promise.withResolvers<void>();
    const victim = this.hooks.splice(this.random.int(0, this.hooks.length - 1), 1)[0];
    this.onReceived = () => {
      victim?.kill('SIGKILL');
      this.onReceived = () => undefined;
      resolve();
      return isTaken ? undefined : 'crash';
    };
    await promise;
  }

  async killNode(): Promise<void> {
    const [victim] = this.nodes.splice(this.random.int(0, this.nodes.length - 1), 1);
    victim?.kill('SIGKILL');
    await victim?.ended;
  }

  /** The primary dies, and the replica is promoted. */
  async failOver(): Promise<void> {
    const [primary, replica] = this.redis.servers;
    if (!primary || !replica) throw new Error('no replica');
    primary.kill('SIGKILL');
    this.admin.disconnect();
    this.admin = adminOf(replica.port);
    await this.until('a new primary', async () => /role:master/.test(await this.admin.info('replication')));
  }

  /** Nobody comes or goes any more, and what was said is what is stored. @returns what differs */
  async settle(): Promise<string[]> {
    this.isQuiet = true;
    await this.#people;
    let differences: string[] = [];
    await this.until('one view', async () => {
      const stored = await storedPresence(this.admin);
      const [present, told] = [[...stored.keys()].sort(), this.told.present()];
      differences = [
        ...[...stored].filter(([, at]) => at === 'away').map(([key]) => `${key} is away`),
        ...present.filter((key) => !told.includes(key)).map((key) => `${key} is in, not told`),
        ...told.filter((key) => !present.includes(key)).map((key) => `${key} is told, not in`),
      ];
      return differences.length === 0;
    }).catch(() => {});
    if (differences.length > 0) differences.push(...(await this.#pending()));
    return differences;
  }

  /** What the dispatchers have not done yet, for a story that can be read. */
  async #pending(): Promise<string[]> {
    const { admin } = this;
    const read = async (key: string) => {
      const type = await admin.type(key);
      if (type === 'zset') return JSON.stringify(await admin.zrange(key, '0', '-1', 'WITHSCORES'));
      if (type === 'hash') return JSON.stringify(await admin.hgetall(key));
      if (type === 'stream') return JSON.stringify((await admin.xrevrange(key, '+', '-', 'COUNT', 1))[0]?.[0]);
      return type === 'list' ? String(await admin.llen(key)) : String(await admin.get(key));
    };
    const names = (await admin.keys('*')).filter((key) => /:(due|tries|q|lease|cursor|out|dispatchers)(:|$)/.test(key));
    const time = (await admin.time()).join('.');
    return [`time ${time}`, ...(await Promise.all(names.sort().map(async (key) => `${key} ${await read(key)}`)))];
  }

  async until(what: string, done: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!(await done().catch(() => false))) {
      if (performance.now() > deadline) throw new Error(`waited ${PATIENCE_MS} ms for: ${what}`);
      await sleep(100);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isQuiet = true;
    for (const client of this.clients) client.ws.terminate();
    await this.#people;
    for (const one of [...this.hooks, ...this.nodes]) one.kill('SIGKILL');
    this.admin.disconnect();
    await this.receiver[Symbol.asyncDispose]();
    await this.redis[Symbol.asyncDispose]();
    await this.keys[Symbol.asyncDispose]();
  }
}

function adminOf(port: number): Redis {
  const redis = new Redis({ host: '127.0.0.1', port });
  redis.on('error', () => {});
  return redis;
}
