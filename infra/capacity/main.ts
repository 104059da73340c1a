/**
 * `npm run capacity -- --peers N [--relayed 0.2] [--mbps 1] [--room-size 2] [--hours 730] [--profile production]`,
 * `-- --large-rooms N [--hours 730]`, or `-- --write` for docs/capacity.md.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { largeRoomsReport, page, report } from './report.ts';

try {
  const { values } = parseArgs({
    options: {
      peers: { type: 'string' },
      relayed: { type: 'string' },
      mbps: { type: 'string' },
      'room-size': { type: 'string' },
      hours: { type: 'string' },
      profile: { type: 'string' },
      'large-rooms': { type: 'string' },
      write: { type: 'boolean' },
    },
  });
  if (values.write) writeFileSync(join(import.meta.dirname, '../../docs/capacity.md'), page());
  else if (values['large-rooms'] !== undefined)
    console.log(largeRoomsReport(Number(values['large-rooms']), ...(values.hours ? [Number(values.hours)] : [])));
  else {
    if (values.peers === undefined)
      throw new RangeError('--peers: say how many are in a call at once, such as --peers 10000');
    const profile = values.profile ?? 'production';
    if (profile !== 'production' && profile !== 'development')
      throw new RangeError('--profile: production or development');
    const number = (text: string | undefined) => (text === undefined ? {} : Number(text));
    const pick = (name: string, text: string | undefined) => (text === undefined ? {} : { [name]: number(text) });
    console.log(
      report({
        peers: Number(values.peers),
        profile,
        ...pick('relayed', values.relayed),
        ...pick('mbps', values.mbps),
        ...pick('roomSize', values['room-size']),
        ...pick('hours', values.hours),
      }),
    );
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
