/** Revoked tokens, login sessions and users: ended here within moments, and refused at the door. */
import {
  connectRedis,
  type DependencyHealth,
  type RevocationWatch,
  revocationApplies,
  watchRevocations,
} from '@tandem/service';
import type { SignalingConfig } from '../config.ts';
import type { SignalingNode } from '../core/node.ts';

/** Follows the stream of auth's revocations in Redis, or without Redis auth's own feed (beside its JWKS). */
export function followRevocations(config: SignalingConfig, node: SignalingNode): RevocationWatch {
  const { REDIS_URL: url, REDIS_USERNAME: username, REDIS_PASSWORD: password } = config;
  const source = url
    ? { connect: () => connectRedis(url, { username, password }) }
    : { feedUrl: new URL(config.JWKS_URL).origin };
  const watch = watchRevocations(source, (revocation) => {
    const ended = node.revoke(
      (who) =>
        revocationApplies(revocation, {
          jti: who.jti,
          session_id: who.loginSession,
          sub: who.userId,
          // Without a time of issue: as old as can be, so that every revocation applies.
          iat: who.issuedAt ?? 0,
        }),
      'revoked',
    );
    node.track(ended);
  });
  const health = (): DependencyHealth => {
    const now = watch.health();
    // Known revocations stay in force and tokens expire by themselves: no reason to take the node out of service.
    return now.state === 'down' ? { ...now, state: 'degraded' } : now;
  };
  return {
    ready: watch.ready,
    isRevoked: watch.isRevoked,
    set: watch.set,
    health,
    [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose](),
  };
}
