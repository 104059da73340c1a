/** The Redis scripts, each one file in scripts/. */
import { readFileSync } from 'node:fs';
import type { RedisClient } from '@tandem/service';

const read = (name: string) => readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');

const SCRIPTS = {
  'room-join': 3,
  'room-put': 3,
  'room-away': 3,
  'room-drop': 3,
  'room-read': 3,
  'room-close': 3,
  'session-open': 2,
  'session-resume': 2,
  'session-detach': 2,
  'session-sync': 2,
  'session-end': 2,
  'session-park': 2,
  'identity-claim': 2,
  'identity-release': 2,
  'node-beat': 1,
} as const;
export type ScriptName = keyof typeof SCRIPTS;

/** Runs a script by name: keys first, then arguments. */
export type RunScript = (
  name: ScriptName,
  keys: readonly string[],
  args: readonly (string | number)[],
) => Promise<unknown>;

export function defineScripts(client: RedisClient): RunScript {
  const head = read('room');
  for (const [name, numberOfKeys] of Object.entries(SCRIPTS))
    client.defineCommand(name, { numberOfKeys, lua: name.startsWith('room-') ? head + read(name) : read(name) });
  const commands = client as unknown as Record<string, (...args: (string | number)[]) => Promise<unknown>>;
  return (name, keys, args) => (commands[name] as (typeof commands)[string]).call(client, ...keys, ...args);
}
