/** `npm run bench -- nodes`: what a message between two nodes costs, all nodes and Redis counted together. */
import { parseArgs } from 'node:util';
import { Load } from './lib/load.ts';
import { paired, pairedTable } from './lib/paired.ts';
import { pinSelf } from './lib/proc.ts';
import { startBenchRedis } from './lib/redis.ts';
import { chosen, type System, type SystemOptions, socketIo, tandem, wsJson } from './lib/systems.ts';

export const summary = 'CPU per message across nodes through Redis (nodes + Redis): 1, 2 and 4 nodes';

const SYSTEMS: Record<string, (options: SystemOptions) => Promise<System>> = {
  'ws-json': wsJson,
  tandem,
  'socketio-redis': (o) => socketIo({ ...o, adapter: 'redis' }),
  'socketio-streams': (o) => socketIo({ ...o, adapter: 'redis-streams' }),
};

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      connections: { type: 'string', default: '200' },
      rounds: { type: 'string', default: '16' },
      'slice-ms': { type: 'string', default: '250' },
      'in-flight': { type: 'string', default: '8,1' },
      nodes: { type: 'string', default: '1,2,4' },
      'warm-up': { type: 'string', default: '20000' },
      'node-args': { type: 'string', default: '' },
      only: { type: 'string', default: Object.keys(SYSTEMS).join(',') },
    },
  });
  pinSelf();
  /** Behind those of the image, so that they win. */
  const nodeArgs = values['node-args'].split(' ').filter(Boolean);
  for (const nodes of values.nodes.split(',').map(Number)) {
    await using stack = new AsyncDisposableStack();
    const loads: Load[] = [];
    for (const [, make] of chosen(SYSTEMS, values.only)) {
      const redis = stack.use(await startBenchRedis());
      const system = stack.use(await make({ nodes, redisUrl: redis.url, start: { nodeArgs } }));
      const load = await Load.open(system, Number(values.connections), {
        nodeOf: (i) => i % nodes,
        morePids: [redis.pid],
      });
      stack.defer(() => load.close());
      loads.push(load);
    }
    for (const inFlight of values['in-flight'].split(',').map(Number)) {
      const ms = Number(values['slice-ms']);
      const rows = await paired(
        loads,
        Number(values.rounds),
        (load) => load.closedLoop(inFlight, ms),
        Number(values['warm-up']),
      );
      console.log(
        `\n${nodes} node(s), ${values.connections} connections in rooms of 2${nodes > 1 ? ' (never on one node)' : ''}, ` +
          `${inFlight} in flight each; ` +
          'CPU of all nodes and Redis, all on one core\n',
      );
      console.log(pairedTable(rows));
    }
  }
}
