/**
 * GET /ws/signal without an upgrade: a browser does not show why a WebSocket handshake failed, so the SDK asks by a plain
 * request and reads `Retry-After`. Any origin may: the answer depends on nothing but the caller's address.
 */
import { clientAddress } from '@tandem/service';
import type { FastifyInstance } from 'fastify';
import type { Admission } from './admission.ts';
import { SIGNAL_PATH } from './upgrade.ts';

export function answerAdmissionProbes(app: FastifyInstance, admission: Admission, trustedProxies: number): void {
  app.get(SIGNAL_PATH, (request, reply) => {
    reply.headers({
      'cache-control': 'no-store',
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'retry-after',
    });
    const denial = admission.beforeToken(clientAddress(request.raw, trustedProxies));
    if (!denial) return reply.code(426).header('upgrade', 'websocket').send({ reason: 'upgrade-required' });
    if (denial.retryAfter !== undefined) reply.header('retry-after', denial.retryAfter);
    return reply.code(denial.status).send({ reason: denial.reason });
  });
}
