import type { IncomingHttpHeaders } from 'node:http';

/**
 * May a page of this origin open a socket here? Requests without an Origin are no browsers: the token decides about them.
 * @param allowed ALLOWED_ORIGINS: comma-separated, empty for the request's own host, `*` for all. With the own host, a page that came
 *   by http may not open a socket that came by https: somebody on its way may have written it. (`x-forwarded-proto` only narrows: proxies
 *   that end TLS before another proxy say `http`, and a browser's page cannot set it.)
 */
export function originAllowed(headers: IncomingHttpHeaders, allowed: string): boolean {
  const { origin, host } = headers;
  if (origin === undefined) return true;
  const list = allowed
    .split(',')
    .map((s) => s.trim().replace(/\/$/, ''))
    .filter(Boolean);
  if (list.includes('*') || list.includes(origin)) return true;
  if (list.length > 0 || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  const byHttps = /^https\b/.test(String(headers['x-forwarded-proto'] ?? ''));
  return page.host === host && !(byHttps && page.protocol !== 'https:');
}
