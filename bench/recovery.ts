/** How long a pair on different nodes cannot exchange a message, failure by failure: real node processes, real Redis, the real SDK. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SignalingSession, type WebSocketConstructor } from '@tandem/rtc';
import { startRedis } from '@tandem/service/testing';
import { startTestKeys } from '@tandem/signaling/testing';
import WebSocket from 'ws';
import { Balancer, type NodeProcess, startNode } from '../test/cluster-faults/cluster.ts';

export const summary = 'time to recover from each failure: a node killed, a node drained, Redis paused, Redis lost';

const PAIRS = 6;
/** Each pair sends so often; it is the resolution of what is measured. */
const BEAT_MS = 50;

interface Pair {
  readonly a: SignalingSession;
  readonly b: SignalingSession;
  /** Arrivals at b: when, and of which number. */
  readonly heard: { readonly at: number; readonly n: number }[];
  sent: number;
}

/** Longest silence at the receiver of any pair in the window, and what was confirmed of what was sent in it. */
function silence(pairs: readonly Pair[], from: number, to: number): number[] {
  return pairs.map(({ heard }) => {
    const times = [from, ...heard.map((h) => h.at).filter((t) => t > from && t < to), to];
    return Math.max(...times.slice(1).map((t, i) => t - (times[i] ?? t)));
  });
}

export interface Recovery {
  readonly failure: string;
  readonly medianMs: number;
  readonly worstMs: number;
  readonly lost: number;
}

export async function measureRecovery(): Promise<Recovery[]> {
  await using keys = await startTestKeys();
  await using redis = await startRedis();
  await using balancer = new Balancer();
  const url = await balancer.listen();
  const nodes: NodeProcess[] = [];
  let count = 0;
  const add = async () => {
    const node = await startNode(`node-${++count}`, keys.jwksUrl, redis.url);
    nodes.push(node);
    balancer.add(node);
    return node;
  };
  const pairs: Pair[] = [];
  const results: Recovery[] = [];
  let beat: NodeJS.Timeout | undefined;
  try {
    for (let i = 0; i < 3; i++) await add();
    const open = (name: string) =>
      new SignalingSession({
        url,
        getToken: () => keys.token(name),
        WebSocket: WebSocket as unknown as WebSocketConstructor,
      });
    for (let i = 0; i < PAIRS; i++) {
      const pair: Pair = { a: open(`a${i}`), b: open(`b${i}`), heard: [], sent: 0 };
      pair.b.on('message', ({ data }) => pair.heard.push({ at: Date.now(), n: Number(data) }));
      pairs.push(pair);
      await pair.a.join(`room-${i}`);
      await pair.b.join(`room-${i}`);
    }
    const failed: number[] = [];
    beat = setInterval(() => {
      for (const pair of pairs) {
        const [to] = pair.a.peers.keys();
        if (to === undefined) continue;
        const n = pair.sent++;
        void pair.a.sendTo(to, 'message', { data: n }).then((r) => {
          if (!r.ok) failed.push(n);
        });
      }
    }, BEAT_MS);
    await sleep(2000);

    /** @param watchMs how long to watch after `act` */
    const measure = async (failure: string, watchMs: number, act: () => Promise<void>) => {
      const before = failed.length;
      const from = Date.now();
      await act();
      await sleep(watchMs);
      const gaps = silence(pairs, from, Date.now()).sort((x, y) => x - y);
      const middle = gaps[Math.floor(gaps.length / 2)] ?? Number.NaN;
      results.push({ failure, medianMs: middle, worstMs: gaps.at(-1) ?? Number.NaN, lost: failed.length - before });
    };

    await measure('none (control)', 3000, async () => {});
    await measure('signaling node killed (kill -9)', 15_000, async () => {
      nodes.shift()?.kill('SIGKILL');
    });
    await add();
    await measure('signaling node drained (SIGTERM)', 10_000, async () => {
      const node = nodes.shift();
      if (!node) return;
      balancer.remove(node);
      node.kill('SIGTERM');
    });
    await add();
    await measure('Redis frozen for 5 s', 15_000, async () => {
      redis.kill('SIGSTOP');
      await sleep(5000);
      redis.kill('SIGCONT');
    });
    await measure('Redis killed, back empty after 1 s', 25_000, async () => {
      redis.kill('SIGKILL');
      await sleep(1000);
      await redis.restart();
    });
  } finally {
    clearInterval(beat);
    for (const { a, b } of pairs) {
      a.close();
      b.close();
    }
    for (const node of nodes) node.kill('SIGKILL');
    await Promise.all(nodes.map((n) => n.ended));
  }
  return results;
}

export async function run(): Promise<void> {
  console.log(
    `${PAIRS} pairs over three nodes, a message every ${BEAT_MS} ms; longest silence at a receiver, per pair.\n`,
  );
  const rows = await measureRecovery();
  const width = Math.max(...rows.map((r) => r.failure.length));
  console.log(`${'failure'.padEnd(width)}  median ms  worst ms  messages given up`);
  for (const r of rows)
    console.log(
      `${r.failure.padEnd(width)}  ${String(r.medianMs).padStart(9)}  ${String(r.worstMs).padStart(8)}  ${String(r.lost).padStart(17)}`,
    );
}
