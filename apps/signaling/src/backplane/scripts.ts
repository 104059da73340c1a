/** The Redis scripts, each one file in scripts/. */
import { readFileSync } from 'node:fs';
import type { RedisClient } from '@tandem/service';

const read = (name: string) => readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');

/** Each with its number of keys. Those of one kind share a head: room.lua, session.lua. */
const SCRIPTS = {
  'room-join': 2,
  'room-put': 2,
  'room-away': 2,
  'room-drop': 2,
  'room-read': 2,
  'room-close': 2,
  'session-resume': 2,
  'session-detach': 2,
  'session-sync': 2,
  'session-end': 2,
  'session-park': 2,
  'session-close': 4,
  'identity-claim': 4,
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
  const heads = { room: read('room'), session: read('session') };
  for (const [name, numberOfKeys] of Object.entries(SCRIPTS)) {
    const [kind] = name.split('-');
    const head = heads[kind as keyof typeof heads] ?? '';
    client.defineCommand(name, { numberOfKeys, lua: head + read(name) });
  }
  const commands = client as unknown as Record<string, (...args: (string | number)[]) => Promise<unknown>>;
  return (name, keys, args) => (commands[name] as (typeof commands)[string]).call(client, ...keys, ...args);
}
