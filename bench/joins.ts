/** `npm run bench -- joins`: what it costs until a peer is in: connection, token verified, room entered, answer heard. */
import { parseArgs } from 'node:util';
import { cpuNs } from './lib/cpu.ts';
import { pinSelf } from './lib/proc.ts';
import { startBenchRedis } from './lib/redis.ts';
import { fixed, median, table } from './lib/stats.ts';
import { AT_ONCE, connectAll, type Peer, peerJs, type System, socketIo, tandem, wsJson } from './lib/systems.ts';

export const summary = 'server CPU per 1,000 joins, token verified and membership written';

const BATCH = 250;

interface Row {
  readonly system: System;
  readonly pids: readonly number[];
  readonly peers: Peer[];
  readonly cpu: number[];
}

async function batch(row: Row, count: number): Promise<number> {
  const first = row.peers.length;
  const { system } = row;
  // Tokens are signed outside of the measured time of the server, but that is another process anyway.
  const before = row.pids.reduce((sum, pid) => sum + cpuNs(pid), 0);
  row.peers.push(...(await connectAll(system, first, count)));
  return (row.pids.reduce((sum, pid) => sum + cpuNs(pid), 0) - before) / count;
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      peers: { type: 'string', default: '5000' },
      only: { type: 'string', default: 'ws-json,tandem,tandem-redis,peerjs,socketio' },
    },
  });
  pinSelf();
  await using stack = new AsyncDisposableStack();
  const rows: Row[] = [];
  const add = (system: System, more: readonly number[] = [], name = system.name) => {
    rows.push({ system: { ...stack.use(system), name }, pids: [...system.pids, ...more], peers: [], cpu: [] });
  };
  const only = new Set(values.only.split(','));
  add(await wsJson());
  if (only.has('tandem')) add(await tandem());
  if (only.has('tandem-redis')) {
    const redis = stack.use(await startBenchRedis());
    add(await tandem({ redisUrl: redis.url }), [redis.pid], 'Tandem signaling + Redis');
  }
  if (only.has('peerjs')) add(await peerJs());
  if (only.has('socketio')) add(await socketIo());
  const total = Number(values.peers);
  for (let done = 0; done < total; done += BATCH) {
    for (const row of rows) {
      const cost = await batch(row, Math.min(BATCH, total - done));
      // The first tenth warms the compilers up.
      if (done >= total / 10 || total <= BATCH) row.cpu.push(cost);
    }
  }
  const reference = rows[0] as Row;
  console.log(`\n${total} joins, ${AT_ONCE} at once, in rooms of two; ours with its token (ES256) verified\n`);
  console.log(
    table([
      ['', 'CPU ratio', 'CPU ms per 1,000 joins'],
      ...rows.map((row) => [
        row.system.name,
        // Batches alternate, so their ratios pair up in time.
        fixed(median(row.cpu.map((c, i) => c / (reference.cpu[i] as number)))),
        fixed(median(row.cpu) / 1000, 0),
      ]),
    ]),
  );
  for (const row of rows) for (const peer of row.peers) peer.raw.end();
}
