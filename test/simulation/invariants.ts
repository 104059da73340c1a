/** What must hold when everything had time to settle. */
import type { World } from './world.ts';

/** Everybody sees everybody else as they are, and nobody sees a ghost. */
export function oneView(world: World): string[] {
  const out: string[] = [];
  const everybody = world.livingParties;
  for (const party of everybody) {
    const { name, view } = party;
    if (party.state !== 'open') out.push(`${name} is ${party.state}, not open`);
    if (party.roomId !== 'room') out.push(`${name} is not in the room`);
    const others = everybody.filter((other) => other !== party);
    const sees = [...view.keys()].sort().join(' ');
    const there = others
      .map((other) => other.peerId ?? '?')
      .sort()
      .join(' ');
    if (sees !== there) out.push(`${name} sees [${sees}] of [${there}]`);
    for (const other of others) {
      const seen = view.get(other.peerId ?? '?');
      if (!seen) continue;
      if (seen.away) out.push(`${name} still sees ${other.name} away`);
      if (other.saidIsKept && seen.metadata?.said !== other.said)
        out.push(`${name} sees that ${other.name} said ${seen.metadata?.said}, not ${other.said}`);
    }
  }
  return out;
}

/** What the store has is what is: newcomers see that. */
export function storedAsItIs(world: World): string[] {
  const out: string[] = [];
  const stored = world.hub.room('room')?.members ?? new Map();
  for (const { name, peerId = '?', said, saidIsKept } of world.livingParties) {
    const record = stored.get(peerId);
    if (!record) out.push(`store: ${name} is not in the room`);
    else if (record.awayUntil !== 0) out.push(`store: ${name} is away`);
    else if (saidIsKept && JSON.parse(record.info).metadata?.said !== said)
      out.push(`store: ${record.info} of ${name}, not ${said}`);
    const session = world.hub.session(peerId);
    if (!session?.attached) out.push(`store: the session of ${name} is ${session ? 'detached' : 'missing'}`);
  }
  return out;
}

/** Everybody has left: nothing may remain. */
export function leaks(world: World): string[] {
  const out: string[] = [];
  for (const { name, core, dead } of world.nodes) {
    if (dead) continue;
    if (core.connections.size) out.push(`${name}: ${core.connections.size} connections remain`);
    if (core.sessions.size) out.push(`${name}: ${core.sessions.size} sessions remain`);
    if (core.rooms.size) out.push(`${name}: ${core.rooms.size} rooms remain`);
  }
  for (const room of world.hub.rooms.values())
    if (room.members.size) out.push(`store: ${room.members.size} members remain`);
  for (const peerId of [...world.hub.sessions.keys()])
    if (world.hub.session(peerId)) out.push(`store: session ${peerId} remains`);
  for (const party of world.livingParties) {
    const timers = world.clock.waiting(party.clock);
    if (timers) out.push(`${party.name}: ${timers} timers remain`);
  }
  return out;
}
