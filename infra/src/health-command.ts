import type { ServicePart } from '../topology/index.ts';

/** The liveness question as compose asks it; the image has Node but no shell and no curl. */
export function healthCommand(part: Pick<ServicePart, 'port' | 'livePath'>): string[] {
  const ask = `fetch('http://127.0.0.1:${part.port}${part.livePath}').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))`;
  return ['CMD', 'node', '-e', ask];
}
