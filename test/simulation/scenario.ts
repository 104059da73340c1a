/** One scenario from one seed: faults for a while, then peace, then the invariants. */
import type { Tally } from './ledger.ts';
import { type Client, World } from './world.ts';

export interface Outcome {
  readonly seed: number;
  readonly violations: string[];
  readonly tally: Tally;
  readonly faults: string[];
}

/**
 * What may happen. `gentle` faults never outlast the grace of a session, so nothing may even be reported failed; `rough` ones
 * also end sessions, lose the store, and make people leave and come back.
 */
export type Kind = 'gentle' | 'rough';

/** Faults begin and end within this, ms of virtual time. */
const STORM = 30_000;
/** Longer than grace, node timeout, sweep and the longest backoff together. */
const PEACE = 100_000;

export async function runScenario(seed: number, { resend = true }: { resend?: boolean } = {}): Promise<Outcome> {
  const kind: Kind = seed % 2 === 0 ? 'gentle' : 'rough';
  const world = new World(seed, resend);
  const { random, clock } = world;
  const faults: string[] = [];
  const run = async (until: number) => {
    while (clock.step(until)) await turn();
  };

  world.latency = random.pick([5, 40, 150]) ?? 40;
  world.batchDelay = random.pick([2, 10, 60]) ?? 10;
  for (let i = random.int(1, 3); i > 0; i--) world.addNode();
  for (let i = random.int(2, 4); i > 0; i--) world.addClient();
  await run(2000);

  const send = (client: Client) => {
    const to = random.pick([...client.session.peers.keys()]);
    if (to === undefined || client.session.peerId === undefined) return;
    const { data, note } = world.ledger.send(client, to, clock.now());
    void client.session.sendTo(to, 'message', { data }).then(note);
  };
  for (let i = random.int(10, 40); i > 0; i--)
    clock.at(random.int(0, STORM), () => {
      const client = random.pick(world.livingClients);
      // Bursts, as offers with their candidates are.
      if (client) for (let n = random.int(1, 4); n > 0; n--) send(client);
    });
  for (let i = random.int(1, 5); i > 0; i--)
    clock.at(random.int(0, STORM), () => faults.push(`${Math.round(clock.now())} ${fault(world, kind)}`));
  await run(2000 + STORM);

  world.heal();
  for (const client of world.livingClients) if (!client.inRoom) client.join();
  /** As soon as all is well; what is not well at the end of `PEACE` is a violation. */
  const settle = async (from: number, well: () => boolean) => {
    for (let t = 2500; t <= PEACE; t += 2500) {
      await run(from + t);
      if (well()) return from + t;
    }
    return from + PEACE;
  };
  const settled = await settle(
    2000 + STORM,
    // A client that has not yet noticed that its socket is dead only looks well.
    () =>
      oneView(world).length === 0 &&
      world.livingClients.every((c) => c.session.pending === 0) &&
      !world.livingClients.some(({ wire }) => wire?.blackhole && wire.socket?.readyState === 1),
  );

  const violations = [...world.problems];
  violations.push(...oneView(world));
  const alive = new Set(world.livingClients.map((c) => c.session.peerId));
  const everAlive = (key: string) => !alive.has(key.split('>')[0]);
  const tally = world.ledger.settle(everAlive);
  violations.push(...world.ledger.violations);
  if (kind === 'gentle' && tally.failed > 0)
    violations.push(`${tally.failed} reported failed though no session ended: ${JSON.stringify(tally.reasons)}`);
  for (const { name, session } of world.livingClients)
    if (session.pending) violations.push(`${name}: ${session.pending} messages still pending`);

  for (const { session } of world.livingClients) session.close();
  await settle(settled, () => leaks(world).length === 0);
  violations.push(...leaks(world));
  return { seed, violations, tally, faults };
}

function fault(world: World, kind: Kind): string {
  const { random, clock } = world;
  const node = random.pick(world.livingNodes);
  const client = random.pick(world.livingClients);
  const wire = random.pick([...world.wires]);
  const short = random.int(200, 6000);
  const which = random.int(0, kind === 'gentle' ? 8 : 13);
  switch (which) {
    case 0:
      if (!node) return 'nothing';
      world.killNode(node);
      world.addNode();
      return `kill ${node.name}`;
    case 1:
      if (!node) return 'nothing';
      world.addNode();
      world.drainNode(node);
      return `drain ${node.name}`;
    case 2:
      wire?.reset(random.chance(0.5), random.chance(0.5));
      return `reset a socket of ${wire?.client.name}`;
    case 3:
      if (wire) wire.stalledUntil = clock.now() + short;
      return `stall a socket of ${wire?.client.name} for ${short}`;
    case 4: {
      if (!client) return 'nothing';
      client.offline = true;
      for (const w of world.wires) if (w.client === client) w.reset(random.chance(0.3), random.chance(0.5));
      clock.at(short, () => {
        client.offline = false;
      });
      return `${client.name} offline for ${short}`;
    }
    case 5:
      world.batchLoss = random.next() * 0.5;
      clock.at(short, () => {
        world.batchLoss = 0;
      });
      return `lose ${Math.round(world.batchLoss * 100)} % between nodes for ${short}`;
    case 6:
      world.batchRepeat = random.next() * 0.5;
      return `repeat ${Math.round(world.batchRepeat * 100)} % between nodes`;
    case 7:
      world.storeDownUntil = clock.now() + short;
      return `store away for ${short}`;
    case 8:
      for (const w of world.wires) if (w.node === node) w.reset(random.chance(0.5), random.chance(0.5));
      return `reset every socket of ${node?.name}`;
    case 9: {
      if (!client) return 'nothing';
      client.crash();
      // In some scenarios people come back by reloading the page.
      world.addClient(world.seed % 7 === 0 ? client.person : undefined);
      return `crash ${client.name}`;
    }
    case 10: {
      if (!client?.inRoom) return 'nothing';
      client.leave();
      clock.at(random.int(0, 3000), () => {
        if (!client.dead && !client.inRoom) client.join();
      });
      return `${client.name} leaves and comes back`;
    }
    case 11: {
      if (!client) return 'nothing';
      client.offline = true;
      for (const w of world.wires) if (w.client === client) w.reset(random.chance(0.3), random.chance(0.5));
      return `${client.name} offline until peace`;
    }
    case 12:
      world.hub.rooms.clear();
      world.hub.bans.clear();
      world.hub.sessions.clear();
      world.hub.tombstones.clear();
      world.hub.identities.clear();
      world.hub.users.clear();
      return 'store lost everything';
    default:
      for (const n of world.livingNodes) world.killNode(n);
      world.addNode();
      return 'kill every node';
  }
}

/** Everybody sees everybody else, and nobody sees a ghost. */
function oneView(world: World): string[] {
  const out: string[] = [];
  const everybody = world.livingClients;
  for (const { name, session } of everybody) {
    if (session.state !== 'open') out.push(`${name} is ${session.state}, not open`);
    if (session.roomId !== 'room') out.push(`${name} is not in the room`);
    const sees = [...session.peers.keys()].sort().join(' ');
    const others = everybody
      .filter((c) => c.session !== session)
      .map((c) => c.session.peerId ?? '?')
      .sort()
      .join(' ');
    if (sees !== others) out.push(`${name} sees [${sees}] of [${others}]`);
    for (const peer of session.peers.values()) if (peer.away) out.push(`${name} still sees ${peer.peerId} away`);
  }
  return out;
}

/** Everybody has left: nothing may remain. */
function leaks(world: World): string[] {
  const out: string[] = [];
  for (const { name, core, dead } of world.nodes) {
    if (dead) continue;
    if (core.connections.size) out.push(`${name}: ${core.connections.size} connections remain`);
    if (core.sessions.size) out.push(`${name}: ${core.sessions.size} sessions remain`);
    if (core.membership.rooms.size) out.push(`${name}: ${core.membership.rooms.size} rooms remain`);
  }
  for (const room of world.hub.rooms.values())
    if (room.members.size) out.push(`store: ${room.members.size} members remain`);
  for (const peerId of [...world.hub.sessions.keys()])
    if (world.hub.session(peerId)) out.push(`store: session ${peerId} remains`);
  for (const client of world.livingClients) {
    const timers = world.clock.waiting(client.clock);
    if (timers) out.push(`${client.name}: ${timers} timers remain`);
  }
  return out;
}

/** Promises settle between two virtual moments. Many scenarios share one turn of the real loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
