/** The faults of a soak: each breaks something for a while, and mends it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestRedis } from '@tandem/service/testing';
import type { Random } from '../../test/simulation/random.ts';
import type { FlakyProxy } from './flaky-proxy.ts';
import type { Soaker } from './soak-clients.ts';

/** A node as a process, and the link that clients have to it. */
export interface SoakNode {
  readonly name: string;
  readonly pid: number;
  readonly link: FlakyProxy;
  kill(signal: NodeJS.Signals): void;
}

export interface SoakWorld {
  readonly random: Random;
  readonly nodes: SoakNode[];
  readonly redis: readonly TestRedis[];
  /** In the order of `redis`. */
  readonly redisLinks: readonly FlakyProxy[];
  readonly people: readonly Soaker[];
  /** Ends a node and starts another in its place. @param signal SIGKILL, or SIGTERM: it drains */
  replace(node: SoakNode, signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  restartRedis(server: TestRedis): Promise<void>;
}

/** What a link may do to what passes. */
const LINK = {
  delay: (link: FlakyProxy, random: Random) => link.delay(random.int(50, 400)),
  cut: (link: FlakyProxy) => link.cut(),
  'half-close': (link: FlakyProxy) => link.halfClose(),
  freeze: (link: FlakyProxy) => link.freeze(),
};
type LinkFault = keyof typeof LINK;

async function breakLink(link: FlakyProxy | undefined, how: LinkFault, random: Random): Promise<void> {
  if (!link) return;
  LINK[how](link, random);
  await sleep(random.int(500, 6000));
  link.heal();
}

async function stop(target: { kill(signal: NodeJS.Signals): void } | undefined, ms: number): Promise<void> {
  target?.kill('SIGSTOP');
  await sleep(ms);
  target?.kill('SIGCONT');
}

const links = (of: (world: SoakWorld) => readonly FlakyProxy[]) =>
  Object.fromEntries(
    (Object.keys(LINK) as LinkFault[]).map((how) => [
      how,
      (world: SoakWorld) => breakLink(world.random.pick(of(world)), how, world.random),
    ]),
  );
const clientLinks = links((world) => world.nodes.map((n) => n.link));
const redisLinks = links((world) => world.redisLinks);

/** By name; each resolves when it is mended. */
export const FAULTS: Readonly<Record<string, (world: SoakWorld) => Promise<void>>> = {
  ...Object.fromEntries(Object.entries(clientLinks).map(([how, run]) => [`link of clients to a node: ${how}`, run])),
  ...Object.fromEntries(Object.entries(redisLinks).map(([how, run]) => [`link of all to a Redis server: ${how}`, run])),
  'every link to Redis: freeze': async ({ redisLinks: all, random }) => {
    for (const link of all) link.freeze();
    await sleep(random.int(1000, 5000));
    for (const link of all) link.heal();
  },
  'node: kill -9': (world) => world.replace(world.random.pick(world.nodes) as SoakNode, 'SIGKILL'),
  'node: SIGTERM': (world) => world.replace(world.random.pick(world.nodes) as SoakNode, 'SIGTERM'),
  'node: stopped for up to 12 s': ({ nodes, random }) => stop(random.pick(nodes), random.int(1000, 12_000)),
  'Redis server: stopped for up to 8 s': ({ redis, random }) => stop(random.pick(redis), random.int(500, 8000)),
  'Redis server: kill -9': async (world) => {
    const server = world.random.pick(world.redis) as TestRedis;
    server.kill('SIGKILL');
    await sleep(6000);
    await world.restartRedis(server);
  },
  'people leave and come back': async ({ people, random }) => {
    const some = people.filter(() => random.chance(0.3));
    for (const person of some) person.leave();
    await sleep(random.int(0, 2000));
    for (const person of some) person.enter();
  },
  'a node is stopped while a Redis server is': async ({ nodes, redis, random }) => {
    await Promise.all([stop(random.pick(nodes), 4000), stop(random.pick(redis), 3000)]);
  },
};
