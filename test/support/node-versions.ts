/** Older Node.js, which the packages for backends promise to run on: from npm, by digest, kept in the user's cache. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** npm's packages of Node: version and SHA-512 by architecture. */
const PACKAGES = {
  20: {
    version: '20.20.2',
    x64: 'PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
    arm64: 'LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==',
  },
  22: {
    version: '22.23.3',
    x64: 'qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
    arm64: 'l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==',
  },
} as const;

/** Major versions that the packages for backends promise. */
export const NODE_VERSIONS = [20, 22, 24] as const;

/**
 * Path of that Node's program; of 24 the one that runs the tests.
 * @throws Error when npm cannot give it
 */
export async function nodeProgram(major: (typeof NODE_VERSIONS)[number]): Promise<string> {
  if (major === 24) return process.execPath;
  const { arch, platform } = process;
  if (platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64'))
    throw new Error(`npm has no Node ${major} for ${platform} ${arch}`);
  const { version, [arch]: digest } = PACKAGES[major];
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tandem/node');
  const program = join(cache, `${version}-${arch}`, 'node');
  if (existsSync(program)) return program;
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'new-'));
  try {
    const { stdout } = await run('npm', [
      'pack',
      `node-linux-${arch}@${version}`,
      '--json',
      '--pack-destination',
      folder,
    ]);
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
    const archive = join(folder, filename);
    if (
      createHash('sha512')
        .update(await readFile(archive))
        .digest('base64') !== digest
    )
      throw new Error(`Node ${version}: not the archive that is expected`);
    await run('tar', ['-xzf', archive, '--strip-components=2', '-C', folder, 'package/bin/node']);
    await rm(archive);
    // Another process may have been faster.
    await rename(folder, join(cache, `${version}-${arch}`)).catch(() => {});
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return program;
}
