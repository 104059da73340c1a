/** One scenario from one seed: faults for a while, then peace, then the invariants. */
import { fault, type Kind } from './faults.ts';
import { leaks, oneView, storedAsItIs } from './invariants.ts';
import type { Tally } from './ledger.ts';
import { World, type WorldOptions } from './world.ts';

export interface Outcome {
  readonly seed: number;
  readonly violations: string[];
  readonly tally: Tally;
  readonly faults: string[];
}

/** All come in and have said what they say, ms of virtual time. */
const CALM = 3000;
/** Faults begin and end within this. */
const STORM = 30_000;
/** Longer than grace, node timeout, sweep and the longest backoff together. */
const PEACE = 100_000;

export async function runScenario(seed: number, options: WorldOptions = {}): Promise<Outcome> {
  const kind: Kind = seed % 2 === 0 ? 'gentle' : 'rough';
  const world = new World(seed, options);
  world.gentle = kind === 'gentle';
  const { clock } = world;
  const run = async (until: number) => {
    while (clock.step(until)) await turn();
  };

  populate(world);
  await run(CALM);
  const faults = schedule(world, kind);
  await run(CALM + STORM);

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
  const unsettled = () => [...oneView(world), ...storedAsItIs(world)];
  const settled = await settle(
    CALM + STORM,
    // A client that has not yet noticed that its socket is dead only looks well.
    () =>
      unsettled().length === 0 &&
      world.livingClients.every((c) => c.session.pending === 0) &&
      !world.livingParties.some(({ wire }) => wire?.blackhole && wire.socket?.readyState === 1),
  );

  const violations = [...world.problems, ...unsettled()];
  const alive = new Set(world.livingClients.map((c) => c.session.peerId));
  const tally = world.ledger.settle((key) => !alive.has(key.split('>')[0]));
  violations.push(...world.ledger.violations);
  if (kind === 'gentle' && tally.failed > 0)
    violations.push(`${tally.failed} reported failed though no session ended: ${JSON.stringify(tally.reasons)}`);
  for (const { name, session } of world.livingClients)
    if (session.pending) violations.push(`${name}: ${session.pending} messages still pending`);

  world.gentle = false;
  for (const party of world.livingParties) party.close();
  await settle(settled, () => leaks(world).length === 0);
  violations.push(...leaks(world));
  return { seed, violations, tally, faults };
}

function populate(world: World): void {
  const { random, clock } = world;
  world.latency = random.pick([5, 40, 150]) ?? 40;
  world.batchDelay = random.pick([2, 10, 60]) ?? 10;
  world.store.delay = random.pick([0, 0, 5, 30, 60]) ?? 0;
  for (let i = random.int(1, 3); i > 0; i--) world.addNode();
  // Sometimes a crowd, which loses its sockets and comes back together.
  for (let i = random.chance(0.15) ? 7 : random.int(2, 4); i > 0; i--) world.addClient();
  for (let i = random.int(0, 2); i > 0; i--) world.addRawClient();
  clock.at(1500, () => {
    for (const party of world.livingParties) party.update('calm');
  });
}

/** @returns what happened, as it happens */
function schedule(world: World, kind: Kind): string[] {
  const { random, clock } = world;
  const faults: string[] = [];
  for (let i = random.int(10, 40); i > 0; i--)
    clock.at(random.int(0, STORM), () => {
      const client = random.pick(world.livingClients);
      // Bursts, as offers with their candidates are.
      if (client) for (let n = random.int(1, 4); n > 0; n--) world.send(client, random.pick([...client.view.keys()]));
    });
  // A client without the SDK does not repeat what was on its way: it keeps to what it said in the calm.
  for (let i = random.int(0, 10); i > 0; i--)
    clock.at(random.int(0, STORM), () => random.pick(world.livingClients)?.update(`at ${Math.round(clock.now())}`));
  for (let i = random.int(1, 5); i > 0; i--)
    clock.at(random.int(0, STORM), () => faults.push(`${Math.round(clock.now())} ${fault(world, kind)}`));
  return faults;
}

/** Promises settle between two virtual moments. Many scenarios share one turn of the real loop. */
function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
