/** What the rules of docs/service-contracts.md that name a time take, with sockets of their own on a quiet cluster. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestRedisGroup } from '@tandem/service/testing';
import WebSocket from 'ws';
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
async function seconds(done: () => boolean): Promise<number> {
  const began = performance.now();
  while (!done()) {
    if (performance.now() - began > PATIENCE) return Number.NaN;
    await sleep(10);
  }
  return (performance.now() - began) / 1000;
}

export async function measureRules(keys: TestKeys, cluster: TestRedisGroup): Promise<MeasuredRule[]> {
  await using stack = new AsyncDisposableStack();
  const nodes = await Promise.all(['r1', 'r2', 'r3', 'r4'].map((name) => startNode(name, keys.jwksUrl, cluster.url)));
  stack.defer(async () => {
    for (const node of nodes) node.kill('SIGKILL');
    await Promise.all(nodes.map((node) => node.ended));
  });
  const [n1, n2, dies, drains] = nodes as [NodeProcess, NodeProcess, NodeProcess, NodeProcess];
  const probe = async (node: NodeProcess, room: string, options = {}) => {
    const one = new Probe(node.port, await keys.token(`${room} ${Math.random()}`), options);
    stack.defer(async () => one.socket.terminate());
    return one.join(room);
  };
  const out: MeasuredRule[] = [];
  const add = (rule: string, promise: string, limit: number, seen: number) => out.push({ rule, promise, limit, seen });

  const heartbeat = async () => {
    const silent = await probe(n1, 'silent', { autoPong: false });
    add('S-16', 'a protocol ping at most every 25 s', 25, await seconds(() => silent.pings > 0));
    const pinged = performance.now();
    await seconds(() => silent.closed !== undefined);
    add('S-16', '4008 after 60 s of silence (checked every 5 s)', 66, (performance.now() - pinged) / 1000 + 20);
  };
  const lostSocket = async () => {
    const [a, b] = [await probe(n1, 'lost'), await probe(n2, 'lost')];
    a.socket.terminate();
    add('S-70', 'a lost socket is peer_away at once', 2, await seconds(() => b.has('peer_away')));
    add('S-70', 'peer_left after the grace of 60 s', 62, await seconds(() => b.has('peer_left')));
  };
  const deadNode = async () => {
    const [, b] = [await probe(dies, 'dead'), await probe(n2, 'dead')];
    dies.kill('SIGKILL');
    add('S-90', 'its peers are away within 9 s', 9, await seconds(() => b.has('peer_away')));
    add('S-91', 'and leave after the grace of 60 s', 62, await seconds(() => b.has('peer_left')));
  };
  const drain = async () => {
    const a = await probe(drains, 'drain');
    drains.kill('SIGTERM');
    await seconds(() => a.has('draining'));
    a.socket.close(4011);
    let ended = false;
    void drains.ended.then(() => {
      ended = true;
    });
    add('S-101', 'a node goes at once when everybody has moved', 3, await seconds(() => ended));
  };
  const away = async () => {
    const c = await probe(n1, 'first');
    c.socket.send(JSON.stringify({ type: 'leave' }));
    await seconds(() => c.has('left'));
    for (const server of cluster.servers) server.kill('SIGSTOP');
    c.socket.send(JSON.stringify({ type: 'join', roomId: 'second' }));
    add('B-22', 'a frozen Redis is unavailable within 3 s', 4, await seconds(() => c.has('error')));
    for (const server of cluster.servers) server.kill('SIGCONT');
  };
  await Promise.all([heartbeat(), lostSocket(), deadNode(), drain()]);
  // Alone: it stops what the others stand on.
  await away();
  return out;
}
