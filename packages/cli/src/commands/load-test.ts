import { randomBytes } from 'node:crypto';
import { type Command, type CommandContext, number, text } from '../command.ts';
import { type LoadReport, runLoad } from '../load/run-load.ts';

export const LOAD_COMMANDS: Readonly<Record<string, Command>> = {
  'load-test': {
    summary: 'people who join, exchange messages and leave; exit code 1 over --max-p95 or when something is lost',
    options: {
      rooms: { type: 'string', value: 'N', help: 'default 10' },
      peers: { type: 'string', value: 'N', help: 'in each room, default 2' },
      duration: { type: 'string', value: 'SECONDS', help: 'after the last join, default 30' },
      ramp: { type: 'string', value: 'SECONDS', help: 'over which the joins are spread, default 10' },
      prefix: {
        type: 'string',
        value: 'TEXT',
        help: 'beginning of the room ids, one that the API key may use; default load-',
      },
      'max-p95': { type: 'string', value: 'MS', help: 'longest 95th percentile of the time until in the room' },
    },
    run: test,
  },
};

async function test({ connect, options, out, signal }: CommandContext): Promise<number> {
  const maxP95 = number(options, 'max-p95', { min: 0 });
  const report = await runLoad({
    // Many tokens at once meet the rate of the key: that is no failure of the deployment.
    ...connect({ maxRetries: 10 }),
    prefix: `${text(options, 'prefix') ?? 'load-'}${randomBytes(4).toString('hex')}-`,
    rooms: number(options, 'rooms', { min: 1, max: 100_000 }) ?? 10,
    peers: number(options, 'peers', { min: 1, max: 100 }) ?? 2,
    durationSeconds: number(options, 'duration', { min: 0, max: 86_400 }) ?? 30,
    rampSeconds: number(options, 'ramp', { min: 0, max: 3600 }) ?? 10,
    signal,
    onProgress: (line) => {
      if (!out.isJson) out.line(line);
    },
  });
  const failures = failuresOf(report, maxP95);
  out.show({ ...report, failures });
  return failures.length === 0 ? 0 : 1;
}

function failuresOf({ peers, joined, messages, setup }: LoadReport, maxP95: number | undefined): string[] {
  return [
    ...(joined < peers ? [`${peers - joined} of ${peers} did not join`] : []),
    ...(messages.lost > 0 ? [`${messages.lost} messages lost`] : []),
    ...(maxP95 !== undefined && setup && setup.p95 > maxP95 ? [`setup p95 ${setup.p95} ms is over ${maxP95} ms`] : []),
  ];
}
