/** `npm run bench -- rooms`: the cost of a message must not depend on the size of the room. */
import { parseArgs } from 'node:util';
import { Load } from './lib/load.ts';
import { paired } from './lib/paired.ts';
import { pinSelf } from './lib/proc.ts';
import { fixed, table } from './lib/stats.ts';
import { tandem, wsJson } from './lib/systems.ts';

export const summary = 'CPU per directed message in rooms of 2 to 50';

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      connections: { type: 'string', default: '200' },
      rounds: { type: 'string', default: '8' },
      sizes: { type: 'string', default: '2,5,10,25,50' },
      'in-flight': { type: 'string', default: '8' },
    },
  });
  pinSelf();
  const rows: string[][] = [['room size', 'CPU ratio to bare ws', 'quartiles', 'CPU-s per million']];
  for (const roomSize of values.sizes.split(',').map(Number)) {
    await using stack = new AsyncDisposableStack();
    const loads: Load[] = [];
    for (const make of [wsJson, tandem]) {
      const load = await Load.open(stack.use(await make()), Number(values.connections), { roomSize });
      stack.defer(() => load.close());
      loads.push(load);
    }
    const inFlight = Number(values['in-flight']);
    const [, own] = await paired(loads, Number(values.rounds), (load) => load.closedLoop(inFlight, 250));
    if (own)
      rows.push([
        String(roomSize),
        fixed(own.ratio),
        `${fixed(own.low)}–${fixed(own.high)}`,
        fixed(own.cpuPerMillion, 1),
      ]);
  }
  console.log(
    `\n${values.connections} connections, ${values['in-flight']} in flight each, everybody to the next in the room\n`,
  );
  console.log(table(rows));
}
