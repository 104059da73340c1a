/** A load test of signaling: rooms of people who join over a ramp, exchange messages for a while, and leave. */
import { setTimeout as wait } from 'node:timers/promises';
import type { TandemServer } from '@tandem/server';
import { LoadCounts, LoadPeer } from './load-peer.ts';
import { type Percentiles, percentilesOf } from './percentiles.ts';

export interface LoadOptions {
  readonly server: TandemServer;
  readonly url: string;
  /** Beginning of the room ids. */
  readonly prefix: string;
  readonly rooms: number;
  /** In each room. */
  readonly peers: number;
  /** After the ramp. */
  readonly durationSeconds: number;
  /** Over which the joins are spread. */
  readonly rampSeconds: number;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

/** What a run found. Times in ms. */
export interface LoadReport {
  readonly peers: number;
  readonly joined: number;
  readonly joinsPerSecond: number;
  /** From the beginning of the connection until in the room. */
  readonly setup: Percentiles | undefined;
  /** From one peer to the other, through signaling. */
  readonly delay: Percentiles | undefined;
  readonly messages: { readonly sent: number; readonly received: number; readonly lost: number };
  readonly reconnects: number;
  readonly sessionsLost: number;
  readonly refusals: Readonly<Record<string, number>>;
}

/** Tokens fetched at once. */
const TOKENS_AT_ONCE = 16;
const JOIN_TIMEOUT_MS = 30_000;
/** How long messages that are under way may take at the end, ms. */
const SETTLE_MS = 10_000;

export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const { rampSeconds, durationSeconds, signal, onProgress } = options;
  const counts = new LoadCounts();
  const peers = await makePeers(options, counts);
  try {
    onProgress(`${peers.length} tokens; joining over ${rampSeconds} s`);
    const since = performance.now();
    const joins = peers.map(async (peer, i) => {
      await pause((rampSeconds * 1000 * i) / peers.length, signal);
      if (!signal.aborted) await peer.join();
    });
    await Promise.all(joins);
    const joiningS = (performance.now() - since) / 1000;
    const joined = peers.filter(({ isJoined }) => isJoined).length;
    onProgress(`${joined} joined; talking for ${durationSeconds} s`);
    for (let second = 0; second < durationSeconds && !signal.aborted; second++) {
      for (const peer of peers) peer.say();
      await pause(1000, signal);
    }
    const deadline = performance.now() + SETTLE_MS;
    while (counts.received + counts.undelivered < counts.sent && performance.now() < deadline) await pause(50);
    return {
      peers: peers.length,
      joined,
      joinsPerSecond: Math.round((10 * joined) / joiningS) / 10,
      setup: percentilesOf(counts.setupMs),
      delay: percentilesOf(counts.delayMs),
      messages: { sent: counts.sent, received: counts.received, lost: counts.sent - counts.received },
      reconnects: counts.reconnects,
      sessionsLost: counts.sessionsLost,
      refusals: Object.fromEntries(counts.refusals),
    };
  } finally {
    for (const peer of peers) peer.close();
  }
}

const pause = (ms: number, signal?: AbortSignal) => wait(ms, undefined, signal ? { signal } : {}).catch(() => {});

async function makePeers(
  { server, url, prefix, rooms, peers, signal }: LoadOptions,
  counts: LoadCounts,
): Promise<LoadPeer[]> {
  const wanted = Array.from({ length: rooms * peers }, (_, i) => ({
    roomId: `${prefix}${Math.floor(i / peers)}`,
    userId: `${prefix}${Math.floor(i / peers)}-${i % peers}`,
  }));
  const made: LoadPeer[] = [];
  while (wanted.length > 0 && !signal.aborted) {
    const tokens = wanted.splice(0, TOKENS_AT_ONCE).map(async ({ roomId, userId }) => {
      const mint = async () => (await server.tokens.create({ userId, roomId }, { signal })).token;
      return new LoadPeer({ url, token: await mint(), mint, roomId, timeoutMs: JOIN_TIMEOUT_MS, counts });
    });
    made.push(...(await Promise.all(tokens)));
  }
  return made;
}
