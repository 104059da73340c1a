/** Twenty peers of the real SDK talk all the time while everything around them fails, one thing after the other. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SignalingSession, type WebSocketConstructor } from '@tandem/rtc';
import { startRedis } from '@tandem/service/testing';
import { Redis } from 'ioredis';
import WebSocket from 'ws';
import { startTestKeys } from '../../apps/signaling/src/testing.ts';
import { Ledger, type Tally } from '../simulation/ledger.ts';
import { Balancer, startNode } from './cluster.ts';

const PEERS = 20;
const ROOM = 5;

export interface Report {
  readonly tally: Tally;
  readonly violations: string[];
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** Peers that do not see exactly their room at the end. */
  readonly views: string[];
  readonly reconnects: number;
  readonly exitOfDrained: number | null;
  readonly log: string[];
}

class Peer {
  readonly name: string;
  readonly session: SignalingSession;
  constructor(name: string, url: string, getToken: () => Promise<string>, resend: boolean) {
    this.name = name;
    this.session = new SignalingSession({
      url,
      getToken,
      WebSocket: WebSocket as unknown as WebSocketConstructor,
      delivery: { resend },
    });
  }
}

/** Waits for a condition, generously: the machine may be busy. */
async function until(what: string, done: () => boolean, ms = 90_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!done()) {
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms for: ${what}`);
    await sleep(50);
  }
}

export async function clusterUnderFaults({ resend = true }: { resend?: boolean } = {}): Promise<Report> {
  const began = Date.now();
  const log: string[] = [];
  const note = (text: string) => log.push(`${String(Date.now() - began).padStart(6)} ms  ${text}`);
  await using keys = await startTestKeys();
  await using redis = await startRedis();
  await using admin = disposable(new Redis(redis.url), async (r) => void r.disconnect());
  await using balancer = new Balancer();
  const url = await balancer.listen();
  await using nodes = disposable(
    await Promise.all(['n1', 'n2', 'n3'].map((name) => startNode(name, keys.jwksUrl, redis.url))),
    async (all) => {
      for (const node of all) node.kill('SIGKILL');
      await Promise.all(all.map((node) => node.ended));
    },
  );
  for (const node of nodes.value) balancer.add(node);
  note('three nodes are up');

  const ledger = new Ledger();
  let reconnects = 0;
  const peers: Peer[] = [];
  await using _peers = disposable(peers, async (all) => {
    for (const { session } of all) session.close();
  });
  for (let i = 0; i < PEERS; i++) {
    const name = `p${i}`;
    const peer = new Peer(name, url, () => keys.token(name), resend);
    peers.push(peer);
    peer.session.on('message', ({ peerId, data }) => ledger.received(peerId, peer, data));
    peer.session.on('state', ({ state, reason }) => {
      if (state === 'reconnecting') reconnects++;
      if (state === 'closed' && reason !== 'normal') note(`${name} was closed: ${reason}`);
    });
    peer.session.on('session-lost', () => note(`${name} lost its session`));
  }
  await Promise.all(peers.map((peer, i) => peer.session.join(`room-${Math.floor(i / ROOM)}`, { name: peer.name })));
  await until('everybody sees their room', () => peers.every((p) => p.session.peers.size === ROOM - 1));
  note('everybody is in');

  const talking = setInterval(() => {
    for (const peer of peers) {
      const to = [...peer.session.peers.keys()][Math.floor(Math.random() * peer.session.peers.size)];
      if (to === undefined) continue;
      const { data, note: result } = ledger.send(peer, to, Date.now() - began);
      void peer.session.sendTo(to, 'message', { data }).then(result);
    }
  }, 40);
  let exitOfDrained: number | null = null;
  try {
    const [first, second] = nodes.value;
    if (!first || !second) throw new Error('no nodes');
    await sleep(2000);
    first.kill('SIGKILL');
    note('kill -9 n1');
    await first.ended;
    await sleep(4000);
    await admin.value.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    note('CLIENT KILL TYPE pubsub');
    await sleep(4000);
    redis.kill('SIGSTOP');
    note('Redis is paused');
    await sleep(5000);
    redis.kill('SIGCONT');
    note('Redis goes on');
    await sleep(4000);
    const replacement = await startNode('n4', keys.jwksUrl, redis.url);
    nodes.value.push(replacement);
    balancer.add(replacement);
    balancer.remove(second);
    second.kill('SIGTERM');
    note('SIGTERM n2, n4 is up');
    exitOfDrained = await second.ended;
    note(`n2 ended with ${exitOfDrained}`);
    await sleep(2000);
  } finally {
    clearInterval(talking);
  }
  note('silence: the rest may arrive');
  if (resend) await until('nothing is pending', () => peers.every((p) => p.session.pending === 0));
  else await sleep(15_000);
  const views: string[] = [];
  const wrong = () =>
    peers.filter((p, i) => {
      const room = peers.slice(Math.floor(i / ROOM) * ROOM, Math.floor(i / ROOM) * ROOM + ROOM);
      const others = room.filter((o) => o !== p).map((o) => o.session.peerId ?? '?');
      const sees = [...p.session.peers.values()].filter((x) => !x.away).map((x) => x.peerId);
      return sees.sort().join() !== others.sort().join();
    });
  await until('one view of every room', () => wrong().length === 0, 30_000).catch(() => {});
  for (const p of wrong()) views.push(`${p.name} sees ${JSON.stringify([...p.session.peers.values()])}`);

  const tally = ledger.settle(() => false);
  const count = (pattern: RegExp) => ledger.violations.filter((v) => pattern.test(v)).length;
  return {
    tally,
    violations: ledger.violations,
    lost: count(/neither confirmed|never arrived/),
    duplicated: count(/arrived \d+ times/),
    reordered: count(/: #\d+ after #/),
    views,
    reconnects,
    exitOfDrained,
    log,
  };
}

function disposable<T>(value: T, end: (value: T) => Promise<void>): { value: T } & AsyncDisposable {
  return { value, [Symbol.asyncDispose]: () => end(value) };
}

if (import.meta.main) {
  const report = await clusterUnderFaults({ resend: process.argv[2] !== 'no-resend' });
  console.log(report.log.join('\n'));
  console.log({ ...report, log: undefined, violations: report.violations.slice(0, 10) });
}
