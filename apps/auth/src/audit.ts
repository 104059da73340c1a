/** The audit log: who was let in, who was refused, what was revoked. Ids only, no token, no name, no address. */
import type { FastifyRequest } from 'fastify';

export interface AuditEvent {
  readonly action: 'issue' | 'refresh' | 'refuse' | 'revoke' | 'reuse' | 'turn';
  readonly method?: string;
  readonly sub?: string;
  readonly sessionId?: string;
  readonly jti?: string;
  readonly keyId?: string;
  /** Problem code of a refusal, kind of a revocation, or `rotation_lost`: a refresh after one that a failover of Redis lost. */
  readonly reason?: string;
}

/** One log line each, `event: "audit"`, at level info (a refusal at warn), under the trace of its request. */
export function audit(request: Pick<FastifyRequest, 'id' | 'log'>, event: AuditEvent): void {
  const line = { event: 'audit', ...event, requestId: request.id };
  if (event.action === 'refuse' || event.action === 'reuse') request.log.warn(line, `audit: ${event.action}`);
  else request.log.info(line, `audit: ${event.action}`);
}
