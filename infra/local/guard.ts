/**
 * Ends the children when the runner is gone, however it went (kill -9, crash): the channel to it closes, and every
 * process that it named is stopped, then all of its group is killed, and the folder of the run, if one is given, is removed: it has keys.
 * Runs in its own session, so Ctrl-C does not reach it.
 */
import { rmSync } from 'node:fs';

const [scratch] = process.argv.slice(2);
const children = new Set<number>();

process.on('message', (message: { add?: number; remove?: number }) => {
  if (message.add) children.add(message.add);
  if (message.remove) children.delete(message.remove);
});
process.on('disconnect', () => {
  const signal = (name: NodeJS.Signals, target: (pid: number) => number) => {
    for (const pid of children) {
      try {
        process.kill(target(pid), name);
      } catch {
        // It has ended.
      }
    }
  };
  signal('SIGTERM', (pid) => pid);
  setTimeout(
    () => {
      // Its group: an agent that is slow to end, or has just ended, may leave the program behind that it ran.
      signal('SIGKILL', (pid) => -pid);
      if (scratch) rmSync(scratch, { recursive: true, force: true });
      process.exit();
    },
    children.size > 0 ? 3000 : 0,
  );
});
