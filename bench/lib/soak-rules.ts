/** What the rules of docs/service-contracts.md that name a time take, with sockets of their own on a quiet cluster. */
import { setTimeout as sleep } from 'node:timers/promises';
import { connectRedis, publishRevocation } from '@tandem/service';
import type { TestRedisGroup } from '@tandem/service/testing';
import WebSocket from 'ws';
import { RedisKeys } from '../../apps/signaling/src/backplane/redis-keys.ts';
import type { TestKeys } from '../../apps/signaling/src/testing.ts';
import { type NodeProcess, startNode } from '../../test/cluster-faults/cluster.ts';
import { signalUrl } from './spread-socket.ts';

export interface MeasuredRule {
  readonly rule: string;
  /** What the rule says. */
  readonly promise: string;
  /** Seconds; NaN: it did not come true within two minutes. */
  readonly seen: number;
  /** Seconds at most. */
  readonly limit: number;
}

const PATIENCE = 120_000;

/** A socket that does nothing by itself, not even answer pings when it is told so. */
class Probe {
  readonly socket: WebSocket;
  readonly heard: Record<string, unknown>[] = [];
  pings = 0;
  closed: number | undefined;
  constructor(port: number, token: string, { autoPong = true } = {}) {
    this.socket = new WebSocket(signalUrl({ port }), ['signal.v1', `bearer.${token}`], { autoPong });
    this.socket.on('message', (text) => this.heard.push(JSON.parse(String(text)) as Record<string, unknown>));
    this.socket.on('ping', () => this.pings++);
    this.socket.on('close', (code) => {
      this.closed = code;
    });
    this.socket.on('error', () => {});
  }
  async join(roomId: string): Promise<this> {
    await seconds(() => this.socket.readyState === WebSocket.OPEN);
    this.socket.send(JSON.stringify({ type: 'join', roomId }));
    await seconds(() => this.has('joined'));
    return this;
  }
  has(type: string): boolean {
    return this.heard.some((m) => m.type === type);
  }
}

/** Seconds until it is so; NaN: never. */
async function seconds(done: () => boolean | Promise<boolean>): Promise<number> {
  const began = performance.now();
  while (!(await done())) {
    if (performance.now() - began > PATIENCE) return Number.NaN;
    await sleep(10);
  }
  return (performance.now() - began) / 1000;
}

/** Four nodes on one Cluster, and what was measured on them. */
class Rig {
  readonly keys: TestKeys;
  readonly cluster: TestRedisGroup;
  readonly stack = new AsyncDisposableStack();
  readonly measured: MeasuredRule[] = [];
  #nodes: readonly NodeProcess[] = [];
  constructor(keys: TestKeys, cluster: TestRedisGroup) {
    this.keys = keys;
    this.cluster = cluster;
  }

  async start(): Promise<void> {
    const names = ['r1', 'r2', 'r3', 'r4'];
    const nodes = await Promise.all(names.map((name) => startNode(name, this.keys.jwksUrl, this.cluster.url)));
    this.#nodes = nodes;
    this.stack.defer(async () => {
      for (const node of nodes) node.kill('SIGKILL');
      await Promise.all(nodes.map((node) => node.ended));
    });
  }
  node(i: number): NodeProcess {
    return this.#nodes[i] as NodeProcess;
  }
  /** A socket on node `i`, in `room`. */
  async probe(i: number, room: string, { user = `${room} ${Math.random()}`, ...options }: ProbeOptions = {}) {
    const one = new Probe(this.node(i).port, await this.keys.token(user, undefined, options.claims ?? {}), options);
    this.stack.defer(async () => one.socket.terminate());
    return one.join(room);
  }
  add(rule: string, promise: string, limit: number, seen: number): void {
    this.measured.push({ rule, promise, limit, seen });
  }
  /** What each primary answers that has the key. */
  async ask(command: string, key: string): Promise<unknown[]> {
    const answers = this.cluster.servers.map((server) =>
      this.cluster.administer(server, command, key).catch(() => undefined),
    );
    return (await Promise.all(answers)).filter((answer) => answer !== undefined);
  }
}

interface ProbeOptions {
  readonly user?: string;
  readonly autoPong?: boolean;
  readonly claims?: { readonly exp: number };
}

async function heartbeat(rig: Rig): Promise<void> {
  const silent = await rig.probe(0, 'silent', { autoPong: false });
  rig.add('S-16', 'a protocol ping at most every 25 s', 25, await seconds(() => silent.pings > 0));
  const pinged = performance.now();
  await seconds(() => silent.closed !== undefined);
  rig.add('S-16', '4008 after 60 s of silence (checked every 5 s)', 66, (performance.now() - pinged) / 1000 + 20);
}

async function lostSocket(rig: Rig): Promise<void> {
  const [a, b] = [await rig.probe(0, 'lost'), await rig.probe(1, 'lost')];
  a.socket.terminate();
  rig.add('S-70', 'a lost socket is peer_away at once', 2, await seconds(() => b.has('peer_away')));
  rig.add('S-70', 'peer_left after the grace of 60 s', 62, await seconds(() => b.has('peer_left')));
}

async function deadNode(rig: Rig): Promise<void> {
  const [, b] = [await rig.probe(2, 'dead'), await rig.probe(1, 'dead')];
  rig.node(2).kill('SIGKILL');
  rig.add('S-90', 'its peers are away within 9 s', 9, await seconds(() => b.has('peer_away')));
  rig.add('S-91', 'and leave after the grace of 60 s', 62, await seconds(() => b.has('peer_left')));
}

async function drain(rig: Rig): Promise<void> {
  const a = await rig.probe(3, 'drain');
  rig.node(3).kill('SIGTERM');
  await seconds(() => a.has('draining'));
  a.socket.close(4011);
  let ended = false;
  void rig.node(3).ended.then(() => {
    ended = true;
  });
  rig.add('S-101', 'a node goes at once when everybody has moved', 3, await seconds(() => ended));
}

async function revoked(rig: Rig): Promise<void> {
  const a = await rig.probe(0, 'revoked', { user: 'revoked' });
  const redis = connectRedis(rig.cluster.url);
  redis.on('error', () => {});
  await publishRevocation(redis, { kind: 'user', id: 'revoked', exp: Math.floor(Date.now() / 1000) + 3600 });
  rig.add('S-44', 'a revocation ends sessions within moments', 2, await seconds(() => a.closed === 4001));
  redis.disconnect();
}

async function expiredToken(rig: Rig): Promise<void> {
  const exp = Math.floor(Date.now() / 1000) + 10;
  const a = await rig.probe(0, 'expired', { claims: { exp } });
  await seconds(() => a.closed === 4002);
  rig.add('S-76', '4002 when the token expires: seconds after it', 2, Date.now() / 1000 - exp);
}

async function lostRoom(rig: Rig): Promise<void> {
  await rig.probe(0, 'stored');
  await rig.probe(1, 'stored');
  const [key] = new RedisKeys('tandem').room('stored');
  const [ttl] = (await rig.ask('PTTL', key)).map(Number).filter((ms) => ms > 0);
  rig.add('B-28', 'a room that no node reads is gone within ten minutes: its time to live', 600, (ttl ?? NaN) / 1000);
  await rig.ask('DEL', key);
  // Two members, and the version.
  const isBack = async () => (await rig.ask('HLEN', key)).some((fields) => Number(fields) >= 3);
  rig.add('S-92', 'what the store lost is written again within 10 s', 10, await seconds(isBack));
}

/** Alone: it stops what the others need. */
async function frozenStore(rig: Rig): Promise<void> {
  const c = await rig.probe(0, 'first');
  c.socket.send(JSON.stringify({ type: 'leave' }));
  await seconds(() => c.has('left'));
  for (const server of rig.cluster.servers) server.kill('SIGSTOP');
  c.socket.send(JSON.stringify({ type: 'join', roomId: 'second' }));
  rig.add('B-22', 'a frozen Redis is unavailable within 3 s', 4, await seconds(() => c.has('error')));
  for (const server of rig.cluster.servers) server.kill('SIGCONT');
}

export async function measureRules(keys: TestKeys, cluster: TestRedisGroup): Promise<MeasuredRule[]> {
  const rig = new Rig(keys, cluster);
  await using _stack = rig.stack;
  await rig.start();
  await Promise.all([heartbeat, lostSocket, deadNode, drain, revoked, expiredToken, lostRoom].map((one) => one(rig)));
  await frozenStore(rig);
  return rig.measured;
}
