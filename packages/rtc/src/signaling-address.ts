/** The address of signaling: as a socket has it, and as a plain request has it that learns why a socket was refused. */
import { parseRetryAfter } from './backoff.ts';
import type { Clock } from './clock.ts';

/** @throws TypeError for what is no address of a socket; the message names the fix */
export function socketUrl(url: string): string {
  const base = (globalThis as { location?: { href: string } }).location?.href;
  let parsed: URL;
  try {
    parsed = new URL(url, base);
  } catch {
    throw new TypeError(`url: ${JSON.stringify(url)} is not a URL; use e.g. wss://example.org/ws/signal`);
  }
  if (parsed.protocol === 'https:') parsed.protocol = 'wss:';
  if (parsed.protocol === 'http:') parsed.protocol = 'ws:';
  if (!/^wss?:$/.test(parsed.protocol)) throw new TypeError(`url: ${parsed.protocol} is not ws, wss, http or https`);
  parsed.hash = '';
  return parsed.href;
}

/** @returns how long the server wants to be left alone, ms; undefined: it did not say so. Rejects when it cannot be reached. */
export async function probeRetryAfter(url: string, clock: Clock): Promise<number | undefined> {
  const response = await fetch(url.replace(/^ws/, 'http'), { cache: 'no-store', signal: AbortSignal.timeout(3000) });
  await response.body?.cancel();
  if (response.status !== 503 && response.status !== 429) return undefined;
  return parseRetryAfter(response.headers.get('retry-after'), clock.now()) ?? 1000;
}
