/** Where coturn is: a folder that scripts/relay-program.mjs made, or a program of the system. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface ProgramCall {
  readonly command: string;
  /** Arguments before the program's own. */
  readonly args: readonly string[];
}

/**
 * @param turnserver folder with `engine.json`, or a program
 * @param name the program, or another one beside it
 */
export function relayProgram(turnserver: string, name = 'turnserver'): ProgramCall {
  // Of another Debian than the system's: it runs by the loader of its own libc.
  if (existsSync(join(turnserver, 'engine.json')))
    return {
      command: join(turnserver, 'lib/loader'),
      args: ['--library-path', join(turnserver, 'lib'), join(turnserver, name)],
    };
  if (name === 'turnserver') return { command: turnserver, args: [] };
  return { command: turnserver.includes('/') ? join(dirname(turnserver), name) : name, args: [] };
}
