/** Liveness never asks a dependency; readiness tells the state of each (for people, dashboards and drain). */
import type { FastifyInstance } from 'fastify';

export interface DependencyHealth {
  readonly state: 'up' | 'down' | 'degraded';
  /** ISO time since when it is in that state. */
  readonly since: string;
  /** Round trip of the last check, ms. */
  readonly latencyMs?: number;
  /** Why it is not up; never a secret. */
  readonly detail?: string;
}

/** Reads the present state; must not throw or wait on the network (keep it updated in the background). */
export type HealthProbe = () => DependencyHealth;

export interface HealthOptions {
  readonly service: string;
  readonly dependencies: Readonly<Record<string, HealthProbe>>;
  /** True from the first moment of a drain: readiness turns 503, liveness stays 200. */
  readonly draining: () => boolean;
}

/**
 * Registers `GET /health/live` (never asks a dependency), `GET /health/startup` (503 until every dependency was there once,
 * 200 from then on, whatever happens to them) and `GET /health/ready`.
 */
export function registerHealth(app: FastifyInstance, options: HealthOptions): void {
  app.get('/health/live', { logLevel: 'silent' }, () => ({
    status: 'ok',
    service: options.service,
    uptime: process.uptime(),
  }));
  let started = false;
  app.get('/health/startup', { logLevel: 'silent' }, (_request, reply) => {
    started ||= Object.values(options.dependencies).every((probe) => probe().state !== 'down');
    return reply.code(started ? 200 : 503).send({ status: started ? 'ok' : 'starting', service: options.service });
  });
  app.get('/health/ready', { logLevel: 'silent' }, (_request, reply) => {
    const dependencies = Object.fromEntries(
      Object.entries(options.dependencies).map(([name, probe]) => [name, probe()]),
    );
    const draining = options.draining();
    const ready = !draining && Object.values(dependencies).every((d) => d.state !== 'down');
    return reply
      .code(ready ? 200 : 503)
      .send({ status: draining ? 'draining' : ready ? 'ok' : 'unavailable', service: options.service, dependencies });
  });
}
