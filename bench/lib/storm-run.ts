/** A reconnect storm: a node is killed under many sessions of the real SDK, and all come back on the others. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SignalingSession } from '@tandem/rtc';
import { startCluster, startRedis, type TestRedis } from '@tandem/service/testing';
import { startTestKeys } from '../../apps/signaling/src/testing.ts';
import { type NodeProcess, startNode } from '../../test/cluster-faults/cluster.ts';
import { addressOf, bareHandshakes, spread } from './spread-socket.ts';

export interface StormOptions {
  /** Sessions of whom nine in ten lose their node. */
  readonly clients: number;
  /** Nodes refuse what a deployed one refuses: 503 for more than 50 handshakes at once or a late event loop. Default: nothing is refused. */
  readonly with503s?: boolean;
  /** All come from one address, which may open 50 sockets a second on a node. Default: each from its own. */
  readonly oneAddress?: boolean;
  /** Redis is a Cluster of 3 + 3, and one of its primaries is killed with the node. */
  readonly clusterFailover?: boolean;
  readonly onProgress?: (text: string) => void;
}

export interface StormReport {
  readonly storming: number;
  /** Sessions that ended or began anew. */
  readonly lost: number;
  /** ms from the kill until every session is open on another node; undefined: never. */
  readonly backAfter: number | undefined;
  /** ms from the kill until everybody sees exactly their room and nobody of it away; undefined: never. */
  readonly viewAfter: number | undefined;
  /** ms that as many bare handshakes took on the same two nodes before. */
  readonly handshakes: number;
  /** Answers of 429 and 503 that clients read. */
  readonly refused: number;
  /** What is wrong at the end. */
  readonly wrong: readonly string[];
}

const ROOM = 5;
/** Twice the grace: who is not back by then never comes. */
const PATIENCE = 120_000;

/** As deployed, except for how many handshakes wait at once: a storm of some thousand must meet the limit on a small machine too. */
const DEPLOYED = { MAX_HANDSHAKES: 50, MAX_EVENT_LOOP_DELAY_MS: 200 };

export async function storm(options: StormOptions): Promise<StormReport> {
  const note = options.onProgress ?? (() => {});
  await using stack = new AsyncDisposableStack();
  const keys = stack.use(await startTestKeys());
  const redis = options.clusterFailover
    ? stack.use(await startCluster({ replicas: true }))
    : stack.use(await startRedis());
  const nodes: NodeProcess[] = [];
  stack.defer(async () => {
    for (const node of nodes) node.kill('SIGKILL');
    await Promise.all(nodes.map((node) => node.ended));
  });
  const settings = {
    ...(options.with503s ? DEPLOYED : { MAX_HANDSHAKES: 1_000_000 }),
    ...(options.oneAddress ? { CONNECTIONS_PER_IP_PER_SECOND: 50 } : {}),
    LOG_LEVEL: 'info',
  };
  for (const name of ['n1', 'n2', 'n3']) nodes.push(await startNode(name, keys.jwksUrl, redis.url, settings));
  const [doomed, ...others] = nodes as [NodeProcess, ...NodeProcess[]];

  const people: Person[] = [];
  stack.defer(async () => {
    for (const { session } of people) session.close();
    await sleep(100);
  });
  let refused = 0;
  let alive: readonly NodeProcess[] = nodes;
  for (let i = 0; i < options.clients; i++) {
    // In every second room one sits on a node that lives on, and watches.
    const storms = i % (2 * ROOM) !== 0;
    const token = await keys.token(`p${i}`);
    const home = [storms ? doomed : (others[i % others.length] ?? doomed)];
    const address = addressOf(options.oneAddress ? 1 : i);
    const session = new SignalingSession({
      ...spread(
        () => (alive === nodes ? home : alive),
        address,
        () => refused++,
      ),
      getToken: async () => token,
    });
    people.push(new Person(session, storms, Math.floor(i / ROOM)));
  }
  const storming = people.filter((p) => p.storms).length;
  const tokens = await Promise.all(Array.from({ length: storming }, (_, i) => keys.token(`bare-${i}`)));
  const handshakes = await bareHandshakes(others, tokens);
  note(`${storming} bare handshakes on two nodes: ${Math.round(handshakes)} ms`);

  // In slices: coming in is not what is measured.
  for (let at = 0; at < people.length; at += 50)
    await Promise.all(people.slice(at, at + 50).map((p) => p.session.join(`room-${p.room}`)));
  const rooms = Map.groupBy(people, (p) => p.room);
  const wrongNow = () => people.flatMap((p) => p.wrong(rooms.get(p.room) ?? []));
  await until(() => wrongNow().length === 0, PATIENCE);
  for (const p of people) p.ready();
  note(`${people.length} sessions in rooms of ${ROOM}, ${storming} of them on the node that is killed`);

  const killed = performance.now();
  alive = others;
  doomed.kill('SIGKILL');
  if (options.clusterFailover) (redis as { servers: readonly TestRedis[] }).servers[0]?.kill('SIGKILL');
  const isBack = (p: Person) => p.session.state === 'open' && p.session.node !== doomed.name;
  const since = () => performance.now() - killed;
  const backAfter = (await until(() => people.every(isBack), PATIENCE)) ? since() : undefined;
  note(backAfter === undefined ? 'not all are back' : `all are back after ${Math.round(backAfter)} ms`);
  const viewAfter = (await until(() => wrongNow().length === 0, PATIENCE)) ? since() : undefined;
  const lost = people.filter((p) => p.lost).length;
  return { storming, lost, backAfter, viewAfter, handshakes, refused, wrong: wrongNow() };
}

class Person {
  readonly session: SignalingSession;
  readonly storms: boolean;
  readonly room: number;
  lost = false;
  #peerId: string | undefined;
  constructor(session: SignalingSession, storms: boolean, room: number) {
    this.session = session;
    this.storms = storms;
    this.room = room;
  }

  /** From here on its session must live. */
  ready(): void {
    this.#peerId = this.session.peerId;
    this.session.on('session-lost', () => {
      this.lost = true;
    });
    this.session.on('state', ({ state }) => {
      if (state === 'closed') this.lost = true;
    });
  }

  wrong(room: readonly Person[]): string[] {
    const { session } = this;
    const sees = [...session.peers.values()];
    const others = room.flatMap((p) => (p === this ? [] : [p.session.peerId ?? '?'])).sort();
    const ids = sees.map((p) => p.peerId).sort();
    const name = `${session.peerId} of room ${this.room}`;
    if (ids.join() !== others.join()) return [`${name} sees ${ids.length} of ${others.length} peers`];
    const away = sees.filter((p) => p.away).length;
    if (away > 0) return [`${name} sees ${away} away`];
    return this.#peerId !== undefined && session.peerId !== this.#peerId ? [`${name} is another session`] : [];
  }
}

/** @returns false when it did not come true */
async function until(done: () => boolean, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (!done()) {
    if (performance.now() > deadline) return false;
    await sleep(25);
  }
  return true;
}
