/**
 * May a page of `origin` open a socket here? Requests without an Origin are no browsers: the token decides about them.
 * @param allowed ALLOWED_ORIGINS: comma-separated, empty for the request's own host, `*` for all
 */
export function originAllowed(origin: string | undefined, host: string | undefined, allowed: string): boolean {
  if (origin === undefined) return true;
  const list = allowed
    .split(',')
    .map((s) => s.trim().replace(/\/$/, ''))
    .filter(Boolean);
  if (list.includes('*') || list.includes(origin)) return true;
  try {
    return list.length === 0 && new URL(origin).host === host;
  } catch {
    return false;
  }
}
