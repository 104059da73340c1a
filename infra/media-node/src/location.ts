/** Where the engine's program is: a folder that scripts/media-engine.mjs made, or Janus of the system. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface JanusProgram {
  readonly command: string;
  /** Arguments before Janus' own. */
  readonly args: readonly string[];
  /** Folders of shared objects; undefined: where the program looks by itself. */
  readonly plugins?: string;
  readonly transports?: string;
  readonly version: string;
  /** What this version cannot do, in one line; undefined: nothing is missing. */
  readonly lacks?: string;
}

/** @param janus folder with `engine.json`, or a program @throws Error naming the fix */
export function janusProgram(janus: string): JanusProgram {
  if (existsSync(join(janus, 'engine.json'))) {
    const { version } = JSON.parse(readFileSync(join(janus, 'engine.json'), 'utf8')) as { version: string };
    return {
      command: join(janus, 'lib/loader'),
      args: ['--library-path', join(janus, 'lib'), join(janus, 'janus')],
      plugins: join(janus, 'plugins'),
      transports: join(janus, 'transports'),
      version,
    };
  }
  let output: string;
  try {
    output = execFileSync(janus, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    throw new Error(`JANUS: cannot run ${janus}. Fix: npm run media:engine, and JANUS=the folder that it prints`);
  }
  const version = /\((\d+\.\d+\.\d+)\)/.exec(output)?.[1] ?? /\d+\.\d+\.\d+/.exec(output)?.[0] ?? '';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const folder = systemFolder();
  return {
    command: janus,
    args: [],
    ...(folder ? { plugins: join(folder, 'plugins'), transports: join(folder, 'transports') } : {}),
    version,
    ...(major > 1 || minor >= 4
      ? {}
      : { lacks: `janus ${version} has no ICE consent freshness (M-13) and does not dilute keyframe requests (M-8)` }),
  };
}

/** Debian keeps Janus' modules in the folder of the architecture. */
function systemFolder(): string | undefined {
  return readdirSync('/usr/lib')
    .filter((name) => name.includes('-linux-gnu'))
    .map((name) => join('/usr/lib', name, 'janus'))
    .find((folder) => existsSync(folder));
}
