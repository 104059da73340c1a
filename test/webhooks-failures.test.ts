/**
 * The table of failures of the events' design, with real processes: whatever dies, webhooks tell the rooms as they are stored, each event
 * in the order of its room, once by its id.
 */
import { expect, test } from 'vitest';
import { World } from './event-faults/run.ts';
import { ToldRooms } from './event-faults/told-rooms.ts';

/** More seeds: `SEEDS=1,2,3 vitest run test/webhooks-failures.test.ts`. */
const SEEDS = (process.env.SEEDS ?? '7').split(',').map(Number);

test.for(SEEDS)(
  'E-8 dispatchers, a node and Redis die while people come and go: what is told is what is stored (seed %i)',
  async (seed) => {
    await using world = await World.start(seed);
    world.begin();
    await world.events(40);
    await world.killDispatcher();
    await world.killNode();
    await world.startHooks();
    await world.events(20);
    await world.failOver();
    await world.events(20);
    // Both dispatchers are away for a while.
    for (let i = 0; i < 2; i++) await world.killDispatcher();
    await world.startNode('d');
    for (let i = 0; i < 2; i++) await world.startHooks();
    await world.events(20);
    const differences = await world.settle();
    const { told } = world;
    console.log(`events: ${told.events}, repeated ${told.repeated}, joins ${told.joins}, leaves ${told.leaves}`);
    expect(differences).toEqual([]);
    expect(told.faults).toEqual([]);
    expect(told.joins).toBeGreaterThan(told.leaves);

    // Negative controls on what came: without one event, and with two of a room in the other order, the same check finds it out.
    const bodies = [...new Set(world.receiver.received.map(({ body }) => body))];
    expect(faultsOf(bodies)).toEqual([]);
    const [first, second] = bodies.flatMap((body, i) => (body.includes('"peer.left"') ? [i] : [])) as [number, number];
    expect(faultsOf(bodies.toSpliced(first, 1)).length, 'one is lost').toBeGreaterThan(0);
    const { roomId } = JSON.parse(bodies[second] ?? '');
    const before = bodies.findLastIndex((body, i) => i < second && JSON.parse(body).roomId === roomId);
    const swapped = bodies.with(before, bodies[second] ?? '').with(second, bodies[before] ?? '');
    expect(faultsOf(swapped).length, 'two are swapped').toBeGreaterThan(0);
  },
);

function faultsOf(bodies: readonly string[]): readonly string[] {
  const told = new ToldRooms();
  for (const body of bodies) told.receive(body);
  return told.faults;
}
