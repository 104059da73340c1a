/** A soak: people talk for minutes on three nodes and a Redis Cluster of 3 + 3 while everything between them fails, one fault after the other. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCluster, type TestRedis } from '@tandem/service/testing';
import { Redis } from 'ioredis';
import { startTestKeys } from '../../apps/signaling/src/testing.ts';
import { startNode } from '../../test/cluster-faults/cluster.ts';
import { Ledger, type Tally } from '../../test/simulation/ledger.ts';
import { Random } from '../../test/simulation/random.ts';
import { FlakyProxy } from './flaky-proxy.ts';
import { RawSoaker, SdkSoaker, type Soaker } from './soak-clients.ts';
import { FAULTS, type SoakNode, type SoakWorld } from './soak-faults.ts';

export interface SoakOptions {
  readonly seed: number;
  /** New faults begin within so many ms; then everything settles. */
  readonly forMs: number;
  /** Names of {@link FAULTS}, one after the other. Default: all in seeded order, again and again. */
  readonly faults?: readonly string[];
  readonly sdkPeers?: number;
  readonly rawPeers?: number;
  readonly onProgress?: (text: string) => void;
}

export interface Healing {
  readonly fault: string;
  /** ms from the mended fault until everybody is in, sees everybody and what they say of themselves, and nothing is pending. */
  readonly ms: number;
}

export interface SoakReport {
  readonly tally: Tally;
  readonly healings: readonly Healing[];
  /** Broken invariants. */
  readonly violations: readonly string[];
  readonly nodes: readonly { readonly name: string; readonly descriptors: number; readonly residentMb: number }[];
  readonly keysAtEnd: number;
}

const ROOM = 4;
/** Grace, node timeout, sweep and the longest backoff together; a fault that is not over by then never is. */
const HEALED_WITHIN = 90_000;
/** B-28: what no node reads any more is gone within a day. */
const LONGEST_TTL_S = 86_400;

export async function soak(options: SoakOptions): Promise<SoakReport> {
  const random = new Random(options.seed);
  const began = Date.now();
  const note = (text: string) =>
    options.onProgress?.(`${((Date.now() - began) / 1000).toFixed(1).padStart(7)} s  ${text}`);
  await using stack = new AsyncDisposableStack();
  const { world, ledger, people } = await startWorld(stack, random, options);
  const violations: string[] = [];
  await healed(people, note);
  note(`${people.length} people are in`);

  let n = 0;
  const talking = setInterval(() => {
    for (const person of people) person.say(n++);
    if (n % 10 === 0) random.pick(people)?.update({ audio: random.chance(0.5), video: random.chance(0.5) });
  }, 100);
  stack.defer(async () => clearInterval(talking));
  const healings: Healing[] = [];
  for (const fault of schedule(random, options, began)) {
    note(fault);
    await FAULTS[fault]?.(world);
    const mended = performance.now();
    const wrong = await healed(people, note);
    healings.push({ fault, ms: performance.now() - mended });
    for (const line of wrong) violations.push(`after "${fault}": ${line}`);
  }
  clearInterval(talking);
  for (const line of await healed(people, note, 0)) violations.push(`in silence: ${line}`);

  const nodes = world.nodes.map(({ name, pid }) => ({ name, ...usage(pid) }));
  const tally = ledger.settle(() => false);
  violations.push(...ledger.violations, ...people.flatMap((p) => p.problems));
  for (const person of people) person.close();
  const left = await untilEmpty(world.redis);
  violations.push(...left.wrong);
  for (const { name, descriptors } of world.nodes.map((node) => ({ name: node.name, ...usage(node.pid) })))
    if (descriptors > 80) violations.push(`${name}: ${descriptors} descriptors are open though nobody is there`);
  return { tally, healings, violations, nodes, keysAtEnd: left.keys };
}

function* schedule(random: Random, { faults, forMs }: SoakOptions, began: number): Generator<string> {
  if (faults) {
    yield* faults;
    return;
  }
  const left: string[] = [];
  while (Date.now() - began < forMs) {
    if (left.length === 0) left.push(...Object.keys(FAULTS));
    const [next] = left.splice(random.int(0, left.length - 1), 1);
    if (next !== undefined) yield next;
  }
}

async function startWorld(stack: AsyncDisposableStack, random: Random, options: SoakOptions) {
  const keys = stack.use(await startTestKeys());
  const redisLinks: FlakyProxy[] = [];
  const cluster = stack.use(
    await startCluster({
      replicas: true,
      front: async () => {
        const link = stack.use(await FlakyProxy.listen());
        redisLinks.push(link);
        return link;
      },
    }),
  );
  const nodes: SoakNode[] = [];
  const ends: (() => Promise<unknown>)[] = [];
  stack.defer(async () => void (await Promise.all(ends.map((end) => end()))));
  let count = 0;
  const add = async () => {
    const node = await startNode(`n${++count}`, keys.jwksUrl, cluster.url);
    const link = stack.use(await FlakyProxy.listen(node.port));
    const added: SoakNode = { name: node.name, pid: node.pid, link, kill: node.kill };
    ends.push(() => {
      node.kill('SIGKILL');
      return node.ended;
    });
    void node.ended.then(() => {
      const at = nodes.indexOf(added);
      if (at >= 0) nodes.splice(at, 1);
    });
    nodes.push(added);
    return node;
  };
  for (let i = 0; i < 3; i++) await add();
  const people: Soaker[] = [];
  const ledger = new Ledger();
  const targets = () => nodes.map(({ link }) => link);
  const [sdk, raw] = [options.sdkPeers ?? 60, options.rawPeers ?? 8];
  for (let i = 0; i < sdk + raw; i++) {
    // Clients without the SDK sit among those with it.
    const isRaw = i % Math.ceil((sdk + raw) / Math.max(1, raw)) === 0 && raw > 0;
    const name = `${isRaw ? 'raw' : 'sdk'}-${i}`;
    const token = await keys.token(name);
    const given = { name, room: `room-${Math.floor(i / ROOM)}`, token, targets };
    people.push(isRaw ? new RawSoaker(given) : new SdkSoaker(given, ledger));
  }
  for (const person of people) person.enter();
  stack.defer(async () => {
    for (const person of people) person.close();
  });
  const world: SoakWorld = {
    random,
    nodes,
    redis: cluster.servers,
    redisLinks,
    people,
    replace: async (node, signal) => {
      // A load balancer sends nobody to a node that ends.
      nodes.splice(nodes.indexOf(node), 1);
      node.kill(signal);
      await add();
    },
    restartRedis: (server) => server.restart(),
  };
  return { world, ledger, people };
}

/** Messages of one person that may be on their way while everybody talks: a window. */
const ON_THE_WAY = 32;

/** Waits until all is well. @returns what is not, when that takes too long */
async function healed(
  people: readonly Soaker[],
  note: (text: string) => void,
  pending = ON_THE_WAY,
): Promise<string[]> {
  const deadline = performance.now() + HEALED_WITHIN;
  for (;;) {
    const wrong = whatIsWrong(people, pending);
    if (wrong.length === 0) return [];
    if (performance.now() > deadline) {
      for (const line of wrong.slice(0, 5)) note(`  ${line}`);
      return wrong;
    }
    await sleep(50);
  }
}

function whatIsWrong(people: readonly Soaker[], pending: number): string[] {
  const byId = new Map(people.flatMap((p) => (p.peerId === undefined ? [] : [[p.peerId, p] as const])));
  const wrong: string[] = [];
  for (const person of people) {
    if (!person.open) wrong.push(`${person.name} is not in`);
    if (person.pending > pending) wrong.push(`${person.name}: ${person.pending} messages are pending`);
    const others = people.filter((p) => p !== person && p.room === person.room);
    for (const { peerId, name } of others)
      if (!person.view.has(peerId ?? '')) wrong.push(`${person.name} does not see ${name}`);
    for (const [peerId, seen] of person.view) {
      const truth = byId.get(peerId);
      if (!truth || truth.room !== person.room) wrong.push(`${person.name} sees a ghost, ${peerId}`);
      else if (seen.away) wrong.push(`${person.name} sees ${truth.name} away`);
      else if (Object.entries(truth.metadata).some(([key, value]) => seen.metadata?.[key] !== value))
        wrong.push(`${person.name} has old metadata of ${truth.name}: ${JSON.stringify(seen.metadata)}`);
    }
  }
  return wrong;
}

function usage(pid: number): { descriptors: number; residentMb: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    residentMb: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024),
  };
}

/** Everybody said goodbye: sessions and members go, and every key that stays has an end. */
async function untilEmpty(servers: readonly TestRedis[]): Promise<{ keys: number; wrong: string[] }> {
  const deadline = performance.now() + HEALED_WITHIN;
  for (;;) {
    const { keys, members, endless } = await stored(servers);
    if (members.length === 0 && endless.length === 0) return { keys, wrong: [] };
    if (performance.now() > deadline)
      return {
        keys,
        wrong: [...members.map((m) => `store: ${m} remains`), ...endless.map((k) => `store: ${k} has no end`)],
      };
    await sleep(500);
  }
}

async function stored(servers: readonly TestRedis[]) {
  let keys = 0;
  const members: string[] = [];
  const endless: string[] = [];
  for (const { port } of servers) {
    const redis = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: null });
    redis.on('error', () => {});
    try {
      await redis.connect();
      if (!/role:master/.test(await redis.info('replication'))) continue;
      for (const key of await redis.keys('*')) {
        keys++;
        const ttl = await redis.ttl(key);
        if (ttl === -1 || ttl > LONGEST_TTL_S + 60) endless.push(key);
        // The record of a session, unless it is the tombstone of one that was ended by force.
        if (/:s:/.test(key) && (await redis.get(key)) !== 'over') members.push(`session ${key}`);
        if (/\}:r:/.test(key) && (await redis.type(key)) === 'hash' && (await redis.hlen(key)) > 1)
          members.push(`room ${key}`);
      }
    } catch {
      // It is the dead one of a pair.
    } finally {
      redis.disconnect();
    }
  }
  return { keys, members, endless };
}
