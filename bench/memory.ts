/** `npm run bench -- memory`: resident memory per idle joined connection. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { rssKiB } from './lib/cpu.ts';
import { pinSelf } from './lib/proc.ts';
import { fixed, table } from './lib/stats.ts';
import { chosen, connectAll, peerJs, socketIo, tandem, wsJson } from './lib/systems.ts';

export const summary = 'memory per idle joined connection';

const SYSTEMS = { 'ws-json': wsJson, tandem, peerjs: peerJs, socketio: socketIo };
export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      connections: { type: 'string', default: '10000' },
      'settle-ms': { type: 'string', default: '3000' },
      only: { type: 'string', default: Object.keys(SYSTEMS).join(',') },
    },
  });
  pinSelf();
  const count = Number(values.connections);
  const rows: { name: string; kib: number }[] = [];
  for (const [, make] of chosen(SYSTEMS, values.only)) {
    await using system = await make();
    // The first connections load code and grow pools that the rest share.
    const warm = await connectAll(system, 0, Math.ceil(count / 20));
    await sleep(Number(values['settle-ms']));
    const before = rssKiB(system.pids[0] as number);
    const peers = await connectAll(system, warm.length, count);
    await sleep(Number(values['settle-ms']));
    rows.push({ name: system.name, kib: (rssKiB(system.pids[0] as number) - before) / count });
    for (const peer of [...warm, ...peers]) peer.raw.end();
  }
  const reference = rows[0]?.kib as number;
  console.log(`\n${count} idle connections, joined in rooms of two\n`);
  console.log(
    table([
      ['', 'ratio', 'KiB per connection (RSS)'],
      ...rows.map((r) => [r.name, fixed(r.kib / reference), fixed(r.kib, 1)]),
    ]),
  );
}
