/** The program with its settings; what it does with them is beside it, in src/. */
import { execFile } from 'node:child_process';
import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openRecordingStore, prefixOf } from '@tandem/service/recordings';
import { expect, test } from 'vitest';
import { composerSettings, findRecordings } from '../local/recordings.ts';
import { DAY_MS } from './src/retention.ts';

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

test('R-7 KEEP_DAYS of npm start is that of its composer', () => {
  const keptOf = (env: Record<string, string>) =>
    composerSettings('/tmp', findRecordings({ RECORDINGS: '/films', ...env }));
  expect(keptOf({ KEEP_DAYS: '30' })).toMatchObject({ KEEP_DAYS: '30' });
  for (const env of [{}, { KEEP_DAYS: '' }]) expect(keptOf(env)).not.toHaveProperty('KEEP_DAYS');
});
