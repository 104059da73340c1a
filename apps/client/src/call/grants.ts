/** What this person may do in the room, as their access token says. Only for what to show: the server checks each request (S-41). */
export function moderates(token: string | undefined): boolean {
  try {
    const [, payload = ''] = (token ?? '').split('.');
    const claims = JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/'))) as { grants?: { kick?: unknown } };
    return claims.grants?.kick === true;
  } catch {
    return false;
  }
}
