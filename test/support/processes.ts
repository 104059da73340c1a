/** Processes of this machine. */
import { readdirSync, readFileSync } from 'node:fs';

/** Those that this process started by that name. */
export const childrenNamed = (name: string): number[] =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const [, command, parent] = /^\d+ \((.*)\) \S (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
        return command === name && Number(parent) === process.pid ? [Number(pid)] : [];
      } catch {
        return []; // It has ended.
      }
    });
