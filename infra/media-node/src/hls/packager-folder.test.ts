import { execFileSync } from 'node:child_process';
import { mkdir, mkdtempDisposable, readdir, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { beginPackaging, makeRoom, openShared, readShared, removeRoom } from './packager-folder.ts';

const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
const text = async (path: string, most = 100) => (await readShared(path, most))?.toString('utf8');

test('W-13 what a packager puts into its folder leads to no other file, is not waited for, and has a bound', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'packager-'));
  const at = (name: string) => join(folder.path, name);
  await writeFile(at('plain'), 'segment');
  await writeFile(at('secret'), 'secret of the node');
  await symlink(at('secret'), at('link'));
  await mkdir(at('folder'));
  execFileSync('mkfifo', [at('pipe')]);
  await writeFile(at('large'), '');
  await truncate(at('large'), 2 ** 40);
  expect(await text(at('plain'))).toBe('segment');
  for (const name of ['link', 'folder', 'pipe', 'large', 'nothing']) expect(await text(at(name)), name).toBeUndefined();
  expect(await text(at('plain'), 6)).toBeUndefined();
});

test('W-13 the packager can write into the folder of a room, and not beside it; what a node left there is gone', async () => {
  await using parent = await mkdtempDisposable(join(tmpdir(), 'packager-'));
  const folder = join(parent.path, 'hls');
  const room = join(folder, 'A'.repeat(24));
  await openShared(folder);
  await makeRoom(room);
  expect([await mode(folder), await mode(room)]).toEqual(['750', '770']);
  const kept = join(parent.path, 'kept');
  await mkdir(kept);
  await writeFile(join(kept, 'file'), 'of the node');
  await symlink(kept, join(room, 'away'));
  await writeFile(join(room, '1.m4s'), '');
  await mkdir(join(folder, 'of-somebody-else'));
  await openShared(folder);
  expect(await readdir(folder)).toEqual(['of-somebody-else']);
  expect(await readdir(kept)).toEqual(['file']);
  await removeRoom(room);
});

test('W-13 packaging begins with a whole description, ends without it, and says why it ended by itself', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'packager-'));
  const ended = join(folder.path, 'ended');
  {
    await using packaging = await beginPackaging(folder.path, 'v=0');
    expect(await readdir(folder.path)).toEqual(['in.sdp']);
    expect([await readFile(join(folder.path, 'in.sdp'), 'utf8'), await mode(join(folder.path, 'in.sdp'))]).toEqual([
      'v=0',
      '640',
    ]);
    // A file is there before what it says is: two looks find it empty.
    await writeFile(ended, '');
    await sleep(500);
    await writeFile(ended, 'ffmpeg ended with 1');
    expect(await packaging.ended).toBe('ffmpeg ended with 1');
  }
  expect(await readdir(folder.path)).toEqual([]);
});

test('W-13 the description is written into a file of its own, whatever the packager has put there by its name', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'packager-'));
  const at = (name: string) => join(folder.path, name);
  await writeFile(at('secret'), 'of the node', { mode: 0o600 });
  await symlink(at('secret'), at('in.sdp.new'));
  {
    await using _ = await beginPackaging(folder.path, 'v=0');
    await writeFile(at('ended'), 'over');
  }
  expect([await readFile(at('secret'), 'utf8'), await mode(at('secret'))]).toEqual(['of the node', '600']);
  execFileSync('mkfifo', [at('in.sdp.new')]);
  await using _ = await beginPackaging(folder.path, 'v=1');
  expect(await readFile(at('in.sdp'), 'utf8')).toBe('v=1');
  await writeFile(at('ended'), 'over');
});
