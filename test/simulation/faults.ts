/** What may happen: one fault at a moment, drawn by chance. */
import type { Client } from './client.ts';
import { replicaOf } from './store-faults.ts';
import type { Party, World } from './world.ts';

/**
 * `gentle` faults never outlast the grace of a session, so nothing may even be reported failed; `rough` ones also end sessions, lose
 * the store, and make people leave and come back.
 */
export type Kind = 'gentle' | 'rough';

type Fault = (world: World) => string;

function cutSockets(world: World, of: (party: Party) => boolean, tellServer: number): void {
  const { random } = world;
  for (const w of world.wires) if (of(w.client)) w.reset(random.chance(tellServer), random.chance(0.5));
}

const GENTLE: readonly Fault[] = [
  (world) => {
    const node = world.random.pick(world.livingNodes);
    if (!node) return 'nothing';
    world.killNode(node);
    world.addNode();
    return `kill ${node.name}`;
  },
  (world) => {
    const node = world.random.pick(world.livingNodes);
    if (!node) return 'nothing';
    world.addNode();
    world.drainNode(node);
    return `drain ${node.name}`;
  },
  (world) => {
    const { random } = world;
    const wire = random.pick([...world.wires]);
    wire?.reset(random.chance(0.5), random.chance(0.5));
    return `reset a socket of ${wire?.client.name}`;
  },
  (world) => {
    const wire = world.random.pick([...world.wires]);
    const ms = short(world);
    if (wire) wire.stalledUntil = world.clock.now() + ms;
    return `stall a socket of ${wire?.client.name} for ${ms}`;
  },
  (world) => {
    const party = world.random.pick(world.livingParties);
    if (!party) return 'nothing';
    const ms = short(world);
    party.offline = true;
    cutSockets(world, (of) => of === party, 0.3);
    world.clock.at(ms, () => {
      party.offline = false;
    });
    return `${party.name} offline for ${ms}`;
  },
  (world) => {
    const ms = short(world);
    world.batchLoss = world.random.next() * 0.5;
    world.clock.at(ms, () => {
      world.batchLoss = 0;
    });
    return `lose ${Math.round(world.batchLoss * 100)} % between nodes for ${ms}`;
  },
  (world) => {
    world.batchRepeat = world.random.next() * 0.5;
    return `repeat ${Math.round(world.batchRepeat * 100)} % between nodes`;
  },
  (world) => {
    const ms = short(world);
    world.store.downUntil = world.clock.now() + ms;
    return `store away for ${ms}`;
  },
  // All come back together.
  (world) => {
    const node = world.random.pick(world.livingNodes);
    const { random } = world;
    for (const w of world.wires) if (w.node === node) w.reset(random.chance(0.5), random.chance(0.5));
    return `reset every socket of ${node?.name}`;
  },
  // Longer than a client waits for an answer.
  (world) => {
    const ms = world.random.int(2000, 9000);
    world.store.slowUntil = world.clock.now() + ms;
    world.store.slowBy = world.random.int(500, 7000);
    if (world.random.chance(0.7)) cutSockets(world, () => world.random.chance(0.6), 0.5);
    return `store slow by ${world.store.slowBy} for ${ms}`;
  },
  (world) => {
    const ms = short(world);
    world.store.lateUntil = world.clock.now() + ms;
    world.store.lateChance = world.random.next() * 0.7;
    return `${Math.round(world.store.lateChance * 100)} % of writes time out and come late for ${ms}`;
  },
  (world) => {
    const { random, clock } = world;
    const lag = random.int(20, 1500);
    const parts = random.pick([['rooms'], ['sessions'], ['rooms', 'sessions']] as const) ?? [];
    const failOver = replicaOf(world.hub, parts);
    clock.at(lag, () => {
      world.store.downUntil = Math.max(world.store.downUntil, clock.now() + random.int(100, 1500));
      failOver();
    });
    return `failover of ${parts.join(' and ')}, ${lag} behind`;
  },
];

const ROUGH: readonly Fault[] = [
  ...GENTLE,
  (world) => {
    const client = world.random.pick(world.livingClients);
    if (!client) return 'nothing';
    client.crash();
    // In some scenarios people come back by reloading the page.
    world.addClient(world.seed % 7 === 0 ? client.person : undefined);
    return `crash ${client.name}`;
  },
  (world) => {
    const client = world.random.pick(world.livingClients);
    if (!client?.inRoom) return 'nothing';
    leaveAndComeBack(world, client);
    return `${client.name} leaves and comes back`;
  },
  // What the others have in flight comes in while the store is slow to take note.
  (world) => {
    const { random, clock, store } = world;
    const client = random.pick(world.livingClients);
    if (!client?.inRoom) return 'nothing';
    store.slowUntil = clock.now() + random.int(1500, 4000);
    store.slowBy = 4000;
    for (const other of world.livingClients)
      for (let n = 0; n < 40; n++) clock.at(n * 40, () => world.send(other, client.peerId));
    clock.at(random.int(200, 600), () => leaveAndComeBack(world, client));
    return `${client.name} leaves while everybody talks to it`;
  },
  (world) => {
    const party = world.random.pick(world.livingParties);
    if (!party) return 'nothing';
    party.offline = true;
    cutSockets(world, (of) => of === party, 0.3);
    return `${party.name} offline until peace`;
  },
  (world) => {
    const { hub } = world;
    const { rooms, settings, bans, sessions, tombstones, identities, replaced, users } = hub;
    for (const map of [rooms, settings, bans, sessions, tombstones, identities, replaced, users]) map.clear();
    for (const raw of world.rawClients) raw.saidIsKept = false;
    return 'store lost everything';
  },
  (world) => {
    for (const n of world.livingNodes) world.killNode(n);
    world.addNode();
    return 'kill every node';
  },
];

function short({ random }: World): number {
  return random.int(200, 6000);
}

function leaveAndComeBack({ clock, random }: World, client: Client): void {
  if (client.dead || !client.inRoom) return;
  client.leave();
  clock.at(random.int(0, 3000), () => {
    if (!client.dead && !client.inRoom) client.join();
  });
}

/** Something goes wrong. @returns what, for people */
export function fault(world: World, kind: Kind): string {
  const list = kind === 'gentle' ? GENTLE : ROUGH;
  return (world.random.pick(list) as Fault)(world);
}
