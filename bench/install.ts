/** `npm run bench -- install`: what a newcomer waits for, from a fresh clone to the printed link. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { fixed, table } from './lib/stats.ts';

export const summary = '`npm start` in a fresh clone: seconds to the link, MB of packages';

const root = resolve(import.meta.dirname, '..');
const LIMITS = { seconds: 90, megabytes: 700 } as const;

/** Runs `npm start` in `folder` until it prints its link. Resolves with the seconds since the start of each line that it printed. */
async function startAndStop(folder: string): Promise<{ seconds: number; lines: [number, string][] }> {
  const since = performance.now();
  const elapsed = () => (performance.now() - since) / 1000;
  // A PATH without this repository's node_modules: the newcomer has Node and npm, nothing else.
  const path = (process.env.PATH ?? '').split(':').filter((entry) => !entry.includes('node_modules'));
  const child = spawn('npm', ['start', '--', '--port', '0'], {
    cwd: folder,
    env: { ...process.env, PATH: path.join(':') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: [number, string][] = [];
  let seconds = Number.NaN;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split('\n').filter((entry) => entry.trim())) lines.push([elapsed(), line.trim()]);
    if (!/Open +https?:/.test(text)) return;
    seconds = elapsed();
    child.kill('SIGTERM');
  });
  await new Promise((done) => child.once('exit', done));
  if (Number.isNaN(seconds)) throw new Error(`npm start ended without a link:\n${lines.map(([, l]) => l).join('\n')}`);
  return { seconds, lines };
}

/** MB on disk of `folder`, hard links counted once. */
function megabytes(folder: string): number {
  return Number(execFileSync('du', ['-sm', folder], { encoding: 'utf8' }).split('\t')[0]);
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { keep: { type: 'boolean', default: false } } });
  const folder = mkdtempSync(join(tmpdir(), 'install-'));
  try {
    execFileSync('git', ['clone', '--quiet', root, folder]);
    const { seconds, lines } = await startAndStop(folder);
    for (const [at, line] of lines) console.log(`  ${fixed(at, 1).padStart(6)} s  ${line}`);
    const size = megabytes(join(folder, 'node_modules'));
    console.log(
      table([
        ['fresh clone', 'measured', 'limit'],
        ['seconds from `npm start` to the link', fixed(seconds, 0), String(LIMITS.seconds)],
        ['MB of node_modules', fixed(size, 0), String(LIMITS.megabytes)],
      ]),
    );
    if (seconds > LIMITS.seconds || size > LIMITS.megabytes) process.exitCode = 1;
  } finally {
    if (values.keep) console.log(folder);
    else rmSync(folder, { recursive: true, force: true });
  }
}
