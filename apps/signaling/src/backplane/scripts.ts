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
  enter: 7,
} as const;
export type ScriptName = keyof typeof SCRIPTS;

/** Runs a script by name: keys first, then arguments. */
export type RunScript = (
  name: ScriptName,
  keys: readonly string[],
  args: readonly (string | number)[],
) => Promise<unknown>;

export function defineScripts(client: RedisClient): RunScript {
  const room = (name: string) => read('room') + read(name);
  /** A script as a function of its keys and arguments, to be a step of another. */
  const step = (name: string, lua: string) => `local function ${name}(KEYS, ARGV)\n${lua}\nend\n`;
  const enter =
    step('claim', read('identity-claim')) + step('join', room('room-join')) + step('open', read('session-open'));
  for (const [name, numberOfKeys] of Object.entries(SCRIPTS)) {
    const lua = name === 'enter' ? enter + read(name) : name.startsWith('room-') ? room(name) : read(name);
    client.defineCommand(name, { numberOfKeys, lua });
  }
  const commands = client as unknown as Record<string, (...args: (string | number)[]) => Promise<unknown>>;
  return (name, keys, args) => (commands[name] as (typeof commands)[string]).call(client, ...keys, ...args);
}
