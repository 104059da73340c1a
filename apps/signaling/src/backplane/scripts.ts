/** The Redis scripts, each one file in scripts/. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RedisClient } from '@tandem/service';
import { Command } from 'ioredis';

const read = (name: string) => readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8');

const NAMES = [
  'room-join',
  'room-put',
  'room-away',
  'room-drop',
  'room-read',
  'room-close',
  'room-settings',
  'room-answer',
  'room-grants',
  'room-expect',
  'session-resume',
  'session-detach',
  'session-sync',
  'session-end',
  'session-park',
  'session-close',
  'identity-claim',
  'identity-release',
  'node-beat',
] as const;
export type ScriptName = (typeof NAMES)[number];

interface Script {
  readonly lua: string;
  readonly sha1: string;
}

/** Those of one kind share a head: room.lua, session.lua. Both begin with order.lua. */
const HEADS: Readonly<Record<string, string>> = {
  room: read('order') + read('room'),
  session: read('order') + read('session'),
};
const SCRIPTS = Object.fromEntries(
  NAMES.map((name): [ScriptName, Script] => {
    const lua = (HEADS[name.split('-')[0] as string] ?? '') + read(name);
    return [name, { lua, sha1: createHash('sha1').update(lua).digest('hex') }];
  }),
) as Record<ScriptName, Script>;

/** Runs a script by name: keys first, then arguments. Its text goes along only when the server does not have it. */
export function runScript(
  client: RedisClient,
  name: ScriptName,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  const { lua, sha1 } = SCRIPTS[name];
  const send = (command: string, script: string) =>
    // By hand: ioredis' own defined commands cost a promise and a look at the socket more at each call.
    client.sendCommand(
      new Command(command, [script, keys.length].concat(keys, args), { replyEncoding: 'utf8' }),
    ) as Promise<unknown>;
  return send('evalsha', sha1).catch((error: unknown) => {
    if (error instanceof Error && error.message.startsWith('NOSCRIPT')) return send('eval', lua);
    throw error;
  });
}
