/**
 * How a container asks itself, in ECS and in compose; the image has Node but no shell and no curl. It runs every few seconds as long as
 * the container does: `fetch` would load as much again as Node itself.
 */
export function healthCommand(port: number, path: string): string[] {
  const ask =
    `require('http').get('http://127.0.0.1:${port}${path}', (r) => process.exit(r.statusCode === 200 ? 0 : 1))` +
    `.on('error', () => process.exit(1))`;
  return ['CMD', 'node', '-e', ask];
}

/** The same of a TURN or media node. @param program in its image, which loads nothing of the node itself */
export function nodeHealthCommand(program: string): string[] {
  return ['CMD', 'node', program];
}
