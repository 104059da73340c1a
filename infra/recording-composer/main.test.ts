/** The program with its settings; what it does with them is beside it, in src/. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempDisposableSync, readdirSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openRecordingStore, prefixOf } from '@tandem/service/recordings';
import { expect, test } from 'vitest';
import { composerSettings, findRecordings } from '../local/recordings.ts';
import { DAY_MS } from './src/retention.ts';
import { keepRecording, silence } from './src/testing.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
/** As newRecordingId makes them. */
const begunBefore = (days: number) => `${(Date.now() - days * DAY_MS).toString(36).padStart(9, '0')}${'a'.repeat(20)}`;

test('R-7 KEEP_DAYS of the environment says what goes; empty, as compose has it, keeps all, and no number of days is refused', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'composer-'));
  const store = await openRecordingStore(folder.path);
  for (const days of [40, 20, 1]) await store.put(`${prefixOf('visit', begunBefore(days))}composed.webm`, 'film');
  const run = async (KEEP_DAYS?: string) => {
    const env = { PATH: process.env.PATH, RECORDINGS: folder.path, ...(KEEP_DAYS === undefined ? {} : { KEEP_DAYS }) };
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN], { env });
    return [stdout.match(/composer\.removed/g)?.length ?? 0, (await store.list('rooms/')).length];
  };
  expect(await run()).toEqual([0, 3]);
  expect(await run('')).toEqual([0, 3]);
  expect(await run('30')).toEqual([1, 2]);
  expect(await run('10')).toEqual([1, 1]);
  for (const odd of ['0', '-1', 'month', '1.5']) await expect(run(odd), odd).rejects.toThrow(/KEEP_DAYS/);
});

/** As root of a mount namespace of its own, where the working folder is a disk of `size`. */
function runOnDisk(size: string, { env, folder }: { env: Record<string, string>; folder: string }) {
  const work = join(folder, 'work');
  mkdirSync(work, { recursive: true });
  const script = 'mount -t tmpfs -o size="$1" tmpfs "$2" && exec "$3" "$4"';
  const args = [process.getuid?.() === 0 ? '-m' : '-rm', 'sh', '-c', script, 'sh', size, work, process.execPath, MAIN];
  return spawnSync('unshare', args, { encoding: 'utf8', env: { PATH: process.env.PATH, WORK_DIR: work, ...env } });
}

test('R-7 a recording that does not fit on the disk holds up no other, is counted, and is composed where there is space', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'composer-'));
  const RECORDINGS = join(folder.path, 'kept');
  const store = await openRecordingStore(RECORDINGS);
  const composed = async (prefix: string) => JSON.parse((await store.text(`${prefix}composed.json`)) ?? 'null');
  const on = (size: string) => runOnDisk(size, { env: { RECORDINGS, METRICS_STACK: 'S' }, folder: folder.path });

  const small = await keepRecording(store, 'z-short-visit', silence());
  // There is space for what was recorded, and none for its film.
  const none = on('12k');
  expect(await composed(small.prefix)).toBeNull();
  expect(none, none.stderr).toMatchObject({ status: 1 });
  // Before it by the names of their rooms.
  const large = await keepRecording(store, 'a-long-visit', Buffer.concat([silence(), Buffer.alloc(3 * 1024 * 1024)]));
  const some = on('1m');
  expect(some, some.stderr).toMatchObject({ status: 1 });
  expect(some.stdout).toMatch(new RegExp(`"composer.failed","recording":"${large.id}","error":".*(ENOSPC|space)`));
  expect(some.stdout).toContain('"recordings_failed":1');
  expect(await composed(large.prefix)).toBeNull();
  expect(await composed(small.prefix)).toMatchObject({
    files: [{ name: 'composed.webm' }, { name: 'track-1-audio.opus' }],
  });
  const enough = on('64m');
  expect(enough, enough.stderr).toMatchObject({ status: 0 });
  expect((await composed(large.prefix)).files).toHaveLength(2);
});

test('R-7 working folders of composers that were killed go, and those that somebody works in stay', async () => {
  using folder = mkdtempDisposableSync(join(tmpdir(), 'composer-'));
  const work = join(folder.path, 'work');
  const hoursAgo = (hours: number) => Date.now() / 1000 - hours * 3600;
  for (const [name, hours] of [
    ['compose-killed', 8],
    ['compose-at-work', 5],
    ['of-another-program', 800],
  ] as const) {
    mkdirSync(join(work, name, 'tracks'), { recursive: true });
    utimesSync(join(work, name), hoursAgo(hours), hoursAgo(hours));
  }
  const env = { PATH: process.env.PATH, RECORDINGS: join(folder.path, 'kept'), WORK_DIR: work };
  await promisify(execFile)(process.execPath, [MAIN], { env });
  expect(readdirSync(work).sort()).toEqual(['compose-at-work', 'of-another-program']);
});

test('R-7 KEEP_DAYS of npm start is that of its composer', () => {
  const keptOf = (env: Record<string, string>) =>
    composerSettings('/tmp', findRecordings({ RECORDINGS: '/films', ...env }));
  expect(keptOf({ KEEP_DAYS: '30' })).toMatchObject({ KEEP_DAYS: '30' });
  for (const env of [{}, { KEEP_DAYS: '' }]) expect(keptOf(env)).not.toHaveProperty('KEEP_DAYS');
});
