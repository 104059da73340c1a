/** Liveness never asks a dependency; readiness tells the state of each (for people, dashboards and drain). */
import type { FastifyInstance } from 'fastify';

/** `degraded`: it works without something that it needs for long. Only `down` makes a service unready. */
export type HealthState = 'up' | 'down' | 'degraded';

export interface DependencyHealth {
  readonly state: HealthState;
  /** ISO time since when it is in that state. */
  readonly since: string;
  /** Round trip of the last check, ms. */
  readonly latencyMs?: number;
  /** Why it is not up; never a secret. */
  readonly detail?: string;
}

/** The state of one dependency, kept by the part that uses it. */
export class HealthRecord {
  /** Round trip of the last check, ms. */
  latencyMs: number | undefined;
  readonly #now: () => number;
  #state: HealthState;
  #since: string;
  #detail: string | undefined;

  /** @param detail why it is not up yet; never a secret */
  constructor(state: HealthState, detail?: string, now: () => number = Date.now) {
    this.#now = now;
    this.#state = state;
    this.#since = new Date(now()).toISOString();
    this.#detail = detail;
  }

  get state(): HealthState {
    return this.#state;
  }

  become(state: HealthState, detail?: string): void {
    if (state !== this.#state) this.#since = new Date(this.#now()).toISOString();
    this.#state = state;
    this.#detail = detail;
  }

  read(): DependencyHealth {
    return {
      state: this.#state,
      since: this.#since,
      ...(this.latencyMs === undefined ? {} : { latencyMs: this.latencyMs }),
      ...(this.#detail ? { detail: this.#detail } : {}),
    };
  }
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
