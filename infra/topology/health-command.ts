/** How a container asks itself, in ECS and in compose; the image has Node but no shell and no curl. */
export function healthCommand(port: number, path: string): string[] {
  const ask = `fetch('http://127.0.0.1:${port}${path}').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))`;
  return ['CMD', 'node', '-e', ask];
}

/** The same of a TURN or media node. */
export function nodeHealthCommand(argument: string): string[] {
  return ['CMD', 'node', '/app/main.mjs', argument];
}
