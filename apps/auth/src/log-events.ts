/** Stable `event` names of the auth service's log lines. Alarms and searches hang on them: add, never rename. */
export const AUTH_EVENTS = {
  start: 'The service listens.',
  audit: 'Somebody was let in, refused or revoked; see audit.ts for the fields.',
  'key.published': 'A new key is in the JWKS; it signs later.',
  'key.signing': 'A key began to sign.',
  'session.not_stored': 'Redis is away: somebody got a token without refresh.',
  'key.refresh_failed': 'The source of the keys is away; the present keys go on.',
  'revocation.restored': 'A failover of Redis had lost revocations; they are published again.',
  'turn.secret_changed': 'The TURN secret rotated; another one signs.',
  'turn.secret_failed': 'The TURN secret cannot be read; the present one goes on signing.',
} as const;
