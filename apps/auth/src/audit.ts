/** The audit log: who was let in, who was refused, what was revoked. Ids only, no token, no name, no address. */
import type { Logger } from '@tandem/service';

export interface AuditEvent {
  readonly action: 'issue' | 'refresh' | 'refuse' | 'revoke' | 'reuse' | 'turn';
  readonly method?: string;
  readonly sub?: string;
  readonly sessionId?: string;
  readonly jti?: string;
  readonly keyId?: string;
  /** Problem code of a refusal, or kind of a revocation. */
  readonly reason?: string;
  readonly requestId?: string;
}

export type Audit = (event: AuditEvent) => void;

/** One log line each, `event: "audit"`, at level info (a refusal at warn). */
export function createAudit(log: Logger): Audit {
  return (event) => {
    const line = { event: 'audit', ...event };
    if (event.action === 'refuse' || event.action === 'reuse') log.warn(line, `audit: ${event.action}`);
    else log.info(line, `audit: ${event.action}`);
  };
}
