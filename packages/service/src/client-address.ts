import type { IncomingMessage } from 'node:http';

/**
 * Who is behind the proxies: the entry of X-Forwarded-For that the outermost of `trusted` proxies appended. Entries further left are the
 * client's own words.
 */
export function clientAddress(request: IncomingMessage, trusted: number): string {
  const direct = request.socket.remoteAddress ?? '';
  if (trusted === 0) return direct;
  const header = request.headers['x-forwarded-for'];
  const entries = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',').map((s) => s.trim());
  return entries.at(-trusted) || entries.find(Boolean) || direct;
}
