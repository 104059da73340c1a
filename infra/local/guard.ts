/**
 * Ends the children when the runner is gone, however it went (kill -9, crash): the channel to it closes, and every
 * process that it named is stopped. Runs in its own session, so Ctrl-C does not reach it.
 */
const children = new Set<number>();

process.on('message', (message: { add?: number; remove?: number }) => {
  if (message.add) children.add(message.add);
  if (message.remove) children.delete(message.remove);
});
process.on('disconnect', () => {
  const signal = (name: NodeJS.Signals) => {
    for (const pid of children) {
      try {
        process.kill(pid, name);
      } catch {
        children.delete(pid);
      }
    }
  };
  signal('SIGTERM');
  setTimeout(
    () => {
      signal('SIGKILL');
      process.exit();
    },
    children.size > 0 ? 3000 : 0,
  );
});
