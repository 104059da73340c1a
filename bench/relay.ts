/** `npm run bench -- relay`: what a relayed message costs, side by side in one run. */
import { parseArgs } from 'node:util';
import { Load } from './lib/load.ts';
import { paired, pairedTable } from './lib/paired.ts';
import { pinSelf } from './lib/proc.ts';
import { fixed, median, quantile, table } from './lib/stats.ts';
import { chosen, floor, peerJs, type System, socketIo, tandem, wsJson } from './lib/systems.ts';

export const summary = 'server CPU per relayed message and messages/s, against bare ws, PeerJS, socket.io';

const SYSTEMS = { 'ws-json': wsJson, tandem, floor, peerjs: peerJs, socketio: socketIo };

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      connections: { type: 'string', default: '200' },
      rounds: { type: 'string', default: '24' },
      'slice-ms': { type: 'string', default: '250' },
      'in-flight': { type: 'string', default: '8,1' },
      'room-size': { type: 'string', default: '2' },
      'warm-up': { type: 'string', default: '20000' },
      rate: { type: 'string', default: '5000' },
      'cpu-prof': { type: 'string' },
      only: { type: 'string', default: Object.keys(SYSTEMS).join(',') },
    },
  });
  pinSelf();
  /** A folder for one .cpuprofile of each system. */
  const profile = values['cpu-prof'];
  const systems: System[] = [];
  const loads: Load[] = [];
  try {
    for (const [name, make] of chosen(SYSTEMS, values.only)) {
      systems.push(
        await make(profile ? { start: { nodeArgs: ['--cpu-prof', `--cpu-prof-dir=${profile}/${name}`] } } : {}),
      );
    }
    for (const system of systems)
      loads.push(await Load.open(system, Number(values.connections), { roomSize: Number(values['room-size']) }));
    const rounds = Number(values.rounds);
    const ms = Number(values['slice-ms']);
    for (const inFlight of values['in-flight'].split(',').map(Number)) {
      const rows = await paired(loads, rounds, (load) => load.closedLoop(inFlight, ms), Number(values['warm-up']));
      console.log(
        `\n${values.connections} connections in rooms of ${values['room-size']}, ${inFlight} in flight each, ` +
          `${rounds} slices of ${ms} ms each, server on one core\n`,
      );
      console.log(pairedTable(rows));
    }
    if (Number(values.rate) > 0)
      await latency(loads, Math.ceil(rounds / 2), Number(values.rate), Number(values['warm-up']));
  } finally {
    for (const load of loads) load.close();
    for (const system of systems) await system[Symbol.asyncDispose]();
  }
}

/** Half-second slices of steady traffic, alternating with the reference; p99 of each slice. */
async function latency(loads: readonly Load[], rounds: number, rate: number, warmUp: number): Promise<void> {
  const [reference, ...others] = loads as [Load, ...Load[]];
  const p50 = new Map<Load, number[]>(loads.map((l) => [l, []]));
  const p99 = new Map<Load, number[]>(loads.map((l) => [l, []]));
  const ratios = new Map<Load, number[]>(loads.map((l) => [l, []]));
  const take = async (load: Load, keep: boolean) => {
    const { latencies } = await load.openLoop(rate, 500);
    const own = quantile(latencies, 0.99);
    if (keep) {
      p50.get(load)?.push(median(latencies));
      p99.get(load)?.push(own);
    }
    return own;
  };
  // Timers and what they call are cold after a saturated loop.
  for (const load of loads) for (let n = 0; n < warmUp; ) n += (await load.openLoop(rate, 500)).messages;
  for (let round = -1; round < rounds; round++) {
    let before = await take(reference, round >= 0);
    for (const load of others) {
      const own = await take(load, round >= 0);
      const after = await take(reference, round >= 0);
      if (round >= 0) ratios.get(load)?.push((2 * own) / (before + after));
      before = after;
    }
  }
  console.log(`\nlatency at ${rate} messages/s, ${rounds} slices of 500 ms each\n`);
  console.log(
    table([
      ['', 'p99 ratio', 'p50 ms', 'p99 ms'],
      ...loads.map((load) => [
        load.system.name,
        fixed(load === reference ? 1 : median(ratios.get(load) as number[])),
        fixed(median(p50.get(load) as number[])),
        fixed(median(p99.get(load) as number[])),
      ]),
    ]),
  );
}
