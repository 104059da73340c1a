/** The Redis scripts, each one file in scripts/. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RedisClient } from '@tandem/service';

const NAMES = ['live', 'lease', 'release', 'commit', 'settle', 'replay', 'swap', 'sweep'] as const;
export type ScriptName = (typeof NAMES)[number];

const SCRIPTS = Object.fromEntries(
  NAMES.map((name) => {
    const lua = readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');
    return [name, { lua, sha1: createHash('sha1').update(lua).digest('hex') }];
  }),
) as Record<ScriptName, { readonly lua: string; readonly sha1: string }>;

/** Runs a script by name. Its text goes along only when the server does not have it. */
export async function runScript(
  redis: RedisClient,
  name: ScriptName,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  const { lua, sha1 } = SCRIPTS[name];
  try {
    return await redis.evalsha(sha1, keys.length, ...keys, ...args);
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('NOSCRIPT'))
      return redis.eval(lua, keys.length, ...keys, ...args);
    throw error;
  }
}
