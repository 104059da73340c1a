/**
 * How long people do not hear one another, failure by failure: real node processes, real auth, real Redis with Sentinel, real
 * coturn under a call of real browsers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startCluster, startRedis, startSentinel } from '@tandem/service/testing';
import { Balancer, type NodeProcess, startNode } from '../test/cluster-faults/cluster.ts';
import { type AuthProcess, startAuthProcess } from './lib/auth-process.ts';
import { type RelayedCall, startRelayedCall } from './lib/relayed-call.ts';
import { BEAT_MS, openSession, type Pairs, startPairs } from './lib/signaling-pairs.ts';

export const summary =
  'time to recover from each failure: node, Redis (frozen, lost, failover, Cluster), auth, TURN node, zone';

const PAIRS = 6;

/** Everything that may fail, behind one address. */
interface Rig {
  readonly url: string;
  readonly auth: AuthProcess;
  readonly pairs: Pairs;
  readonly nodes: NodeProcess[];
  readonly balancer: Balancer;
  add(): Promise<void>;
  /**
   * Watch while `act` breaks something, and print a line.
   * @param watchMs how long after `act`
   */
  measure(failure: string, watchMs: number, act: () => Promise<string | undefined>): Promise<void>;
}

const seconds = (ms: number | undefined) => (ms === undefined ? '–' : (ms / 1000).toFixed(2)).padStart(9);

async function withRig(redisUrl: string, call: boolean, work: (rig: Rig, call?: RelayedCall) => Promise<void>) {
  await using stack = new AsyncDisposableStack();
  const auth = stack.use(await startAuthProcess(redisUrl));
  const balancer = stack.use(new Balancer());
  const url = await balancer.listen();
  const nodes: NodeProcess[] = [];
  stack.defer(async () => {
    for (const node of nodes) node.kill('SIGKILL');
    await Promise.all(nodes.map((n) => n.ended));
  });
  let count = 0;
  const add = async () => {
    const node = await startNode(`node-${++count}`, auth.jwksUrl, redisUrl, { ALLOWED_ORIGINS: '*' });
    nodes.push(node);
    balancer.add(node);
  };
  for (let i = 0; i < 3; i++) await add();
  const relayed = call ? stack.use(await startRelayedCall(url, (name) => auth.token(name), 3)) : undefined;
  const pairs = stack.use(await startPairs(PAIRS, url, (name) => auth.token(name)));
  await sleep(2000);
  const measure: Rig['measure'] = async (failure, watchMs, act) => {
    const [from, lost, repairs] = [Date.now(), pairs.lost, await relayed?.repairs()];
    const note = await act();
    await sleep(watchMs);
    const gaps = pairs.silence(from);
    const frozen = await relayed?.frozen(from);
    const repaired = repairs === undefined ? 0 : ((await relayed?.repairs()) ?? 0) - repairs;
    console.log(
      `${failure.padEnd(44)}${seconds(gaps[Math.floor(gaps.length / 2)])}${seconds(gaps.at(-1))}${String(pairs.lost - lost).padStart(9)}${seconds(frozen)}  ${[note, repaired ? `${repaired} ICE restarts` : ''].filter(Boolean).join(', ')}`,
    );
  };
  await work({ url, auth, pairs, nodes, balancer, add, measure }, relayed);
}

async function killNode({ nodes }: Rig): Promise<undefined> {
  nodes.shift()?.kill('SIGKILL');
}

async function oneRedis(): Promise<void> {
  await using redis = await startRedis();
  await withRig(redis.url, false, async (rig) => {
    await rig.measure('nothing (control)', 3000, async () => undefined);
    await rig.measure('signaling node killed (kill -9)', 15_000, () => killNode(rig));
    await rig.add();
    await rig.measure('signaling node drained (SIGTERM)', 10_000, async () => {
      const node = rig.nodes.shift();
      if (!node) return undefined;
      rig.balancer.remove(node);
      node.kill('SIGTERM');
      return undefined;
    });
    await rig.add();
    await rig.measure('Redis frozen for 5 s', 15_000, async () => {
      redis.kill('SIGSTOP');
      await sleep(5000);
      redis.kill('SIGCONT');
      return undefined;
    });
    await rig.measure('Redis killed, back empty after 1 s', 25_000, async () => {
      redis.kill('SIGKILL');
      await sleep(1000);
      await redis.restart();
      return undefined;
    });
  });
}

/** Each primary in turn: it holds the sessions of some pairs, the beats or an inbox, and its replica takes over. */
async function redisCluster(): Promise<void> {
  await using redis = await startCluster({ replicas: true });
  await withRig(redis.url, false, async (rig) => {
    for (const [i, primary] of redis.servers.slice(0, 3).entries()) {
      await rig.measure(`Cluster primary ${i + 1} frozen, a node killed`, 30_000, async () => {
        primary.kill('SIGSTOP');
        return killNode(rig);
      });
      primary.kill('SIGCONT');
      await rig.add();
      await sleep(5000);
    }
  });
}

async function wholeTopology(): Promise<void> {
  await using redis = await startSentinel();
  const [primary] = redis.servers;
  await withRig(redis.url, true, async (rig, call) => {
    await rig.measure('nothing (control)', 5000, async () => undefined);
    await rig.measure('TURN node of the call killed', 20_000, async () => call?.killTurn().then(() => undefined));
    await rig.measure('auth killed for 20 s; a node killed meanwhile', 5000, () => withoutAuth(rig));
    await rig.add();
    await rig.measure('Redis primary killed, Sentinel fails over', 25_000, async () => {
      primary?.kill('SIGKILL');
      return undefined;
    });
    // The old primary comes back as the replica of the new one.
    await primary?.restart();
    await sleep(12_000);
    await rig.measure('zone: a node, the TURN node, the replica', 25_000, async () => {
      primary?.kill('SIGKILL');
      await Promise.all([killNode(rig), call?.killTurn()]);
      return undefined;
    });
  });
}

/** Who has a token gets in, who is in stays in, and a node may die meanwhile. */
async function withoutAuth(rig: Rig): Promise<string> {
  const kept = await rig.auth.token('newcomer');
  await rig.auth.kill();
  await sleep(3000);
  await killNode(rig);
  await sleep(7000);
  const newcomer = openSession(rig.url, async () => kept);
  const joining = performance.now();
  await newcomer.join('newcomers');
  const joined = performance.now() - joining;
  newcomer.close();
  await sleep(10_000 - joined);
  const starting = performance.now();
  await rig.auth.start();
  await rig.auth.token('later');
  const back = performance.now() - starting;
  return `joined without auth in ${Math.round(joined)} ms, first token ${(back / 1000).toFixed(1)} s after its restart`;
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { only: { type: 'string' } } });
  console.log(
    `${PAIRS} pairs over three nodes, a message every ${BEAT_MS} ms; a call of two browsers through TURN. Seconds of the longest silence.\n`,
  );
  console.log(`${''.padEnd(44)}   median    worst given up   picture`);
  const parts = { redis: oneRedis, cluster: redisCluster, topology: wholeTopology };
  for (const [name, measure] of Object.entries(parts)) if ((values.only ?? name) === name) await measure();
}
