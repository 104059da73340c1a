/**
 * Messages without an `id` (S-32, S-34): clients without the SDK send numbered broadcasts and directed messages. A pair of clients whose
 * sockets both stay must see each once and in order; what it does not is counted.
 */
import { fault } from './faults.ts';
import type { RawClient } from './raw-client.ts';
import { World } from './world.ts';

export interface PlainTally {
  sent: number;
  lost: number;
  twice: number;
  /** Arrived behind a later one of the same sender. */
  behindLater: number;
}

/**
 * What goes wrong meanwhile. `well`: only sockets, of which those that break are not counted; `repeated`: batches come twice as well, as a
 * Redis client repeats a publish whose answer was lost; `unwell`: nodes and the store, as in the gentle scenarios.
 */
export type PlainKind = 'well' | 'repeated' | 'unwell';

interface Data {
  readonly from: string;
  readonly n: number;
}

/** All come in; then messages and faults; then what is under way arrives; ms of virtual time. */
const CALM = 3000;
const BUSY = 20_000;
const PEACE = 60_000;
const CLIENTS = 5;

export async function runPlain(seed: number, kind: PlainKind): Promise<PlainTally> {
  const world = new World(seed, { inOrder: true });
  const { random, clock } = world;
  world.batchDelay = random.pick([2, 10, 60]) ?? 10;
  world.store.delay = random.pick([0, 5, 30]) ?? 0;
  for (let i = 0; i < 3; i++) world.addNode();
  for (let i = 0; i < CLIENTS; i++) world.addRawClient();
  await run(world, CALM);

  const sockets = new Map(world.rawClients.map((client) => [client, client.wire]));
  const { expected, received } = talk(world);
  for (let i = random.int(1, 4); i > 0; i--)
    clock.at(random.int(0, BUSY), () => {
      if (kind === 'unwell') fault(world, 'gentle');
      else random.pick([...world.wires])?.reset(random.chance(0.5), random.chance(0.5));
    });
  if (kind === 'repeated') world.batchRepeat = 0.5;
  await run(world, CALM + BUSY);
  world.heal();
  await run(world, CALM + BUSY + PEACE);

  const stayed = world.rawClients.filter((client) => client.wire === sockets.get(client) && !client.wire?.blackhole);
  const tally: PlainTally = { sent: 0, lost: 0, twice: 0, behindLater: 0 };
  for (const from of stayed)
    for (const to of stayed)
      if (from !== to) count(tally, expected.get(`${from.name} ${to.name}`), received.get(`${from.name} ${to.name}`));
  for (const client of world.rawClients) client.close();
  return tally;
}

async function run({ clock }: World, until: number): Promise<void> {
  while (clock.step(until)) await new Promise<void>((resolve) => void setImmediate(resolve));
}

/** Plans the messages. @returns their numbers per `sender receiver`, as sent and as received */
function talk(world: World) {
  const { random, clock } = world;
  const expected = new Map<string, number[]>();
  const received = new Map<string, number[]>();
  const note = (map: Map<string, number[]>, from: string, to: string, n: number) => {
    const list = map.get(`${from} ${to}`) ?? [];
    list.push(n);
    map.set(`${from} ${to}`, list);
  };
  const say = (from: RawClient, n: number) => {
    const others = world.rawClients.filter((other) => other !== from && from.view.has(other.peerId ?? ''));
    const to = random.chance(0.5) ? random.pick(others) : undefined;
    if (from.state !== 'open') return;
    for (const other of to ? [to] : others) note(expected, from.name, other.name, n);
    from.say({ from: from.name, n } satisfies Data, to?.peerId);
  };
  for (const client of world.rawClients) {
    client.onMessage = (data) => note(received, (data as Data).from, client.name, (data as Data).n);
    const times = Array.from({ length: 60 }, () => random.int(0, BUSY)).sort((a, b) => a - b);
    for (const [n, at] of times.entries()) clock.at(at, () => say(client, n));
  }
  return { expected, received };
}

function count(tally: PlainTally, expected: readonly number[] = [], received: readonly number[] = []): void {
  tally.sent += expected.length;
  const seen = new Set<number>();
  let highest = -1;
  for (const n of received) {
    if (seen.has(n)) tally.twice++;
    else if (n < highest) tally.behindLater++;
    seen.add(n);
    highest = Math.max(highest, n);
  }
  tally.lost += expected.filter((n) => !seen.has(n)).length;
}

/** Many seeds, four at once. @returns the sum */
export async function runPlainMany(count: number, kind: PlainKind): Promise<PlainTally> {
  const sum: PlainTally = { sent: 0, lost: 0, twice: 0, behindLater: 0 };
  let next = 1;
  const lane = async () => {
    while (next <= count) {
      const tally = await runPlain(next++, kind);
      for (const key of Object.keys(sum) as (keyof PlainTally)[]) sum[key] += tally[key];
    }
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
  return sum;
}

if (import.meta.main)
  for (const kind of ['well', 'repeated', 'unwell'] as const)
    console.log(kind, await runPlainMany(Number(process.argv[2] ?? 50), kind));
