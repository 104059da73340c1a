/** The edge: one origin for the PWA, auth and signaling; stands where CloudFront and the load balancer stand on AWS. */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { ConfigError, type Logger, PROBLEM_OPTIONS, ProblemError, readList, renderErrors } from '@tandem/service';
import Fastify, { type FastifyInstance } from 'fastify';
import { topology } from '../../topology/index.ts';
import { pageSettingFault } from '../../topology/page-settings.ts';
import type { EdgeConfig } from './config.ts';
import { forwardUpgrades, registerForwarding, type TargetPools } from './forwarding.ts';
import { registerPages } from './pages.ts';
import { pathOfTarget } from './request-target.ts';
import { TargetPool } from './targets.ts';

export interface Edge extends AsyncDisposable {
  readonly port: number;
}

/** Biggest request body that the edge takes, bytes. */
const BODY_LIMIT = 256 * 1024;

/** What is laid over config.json. @throws ConfigError naming the setting and the fix: the page itself would quietly leave it out */
function clientSettings(json: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // Said below.
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ConfigError('configuration: CLIENT_SETTINGS must be a JSON object');
  for (const [name, one] of Object.entries(value)) {
    const fault = pageSettingFault(name, one);
    if (fault) throw new ConfigError(`configuration: CLIENT_SETTINGS: ${fault.problem}. Fix: ${fault.fix}.`);
  }
  return { signalingUrl: '', authUrl: '', ...value };
}

/**
 * Start the edge.
 * @throws ConfigError naming the setting; or the listen error
 */
export async function startEdge(config: EdgeConfig, log: Logger): Promise<Edge> {
  const settings = clientSettings(config.CLIENT_SETTINGS);
  const app = createApp(config, log);
  const encrypted = isEncrypted(config);
  const pools = targetPools(config);
  const agent = new http.Agent({ keepAlive: true, timeout: 30_000 });

  renderErrors(app);
  refuseOddTargets(app);
  app.get('/config.json', (_request, reply) => reply.header('cache-control', 'no-store').send(settings));
  registerHealth(app, pools);
  await registerForwarding(app, { pools, agent, encrypted });
  await registerPages(app, resolve(config.CLIENT_DIR), { encrypted, settings });
  const sockets = forwardUpgrades(app, pools, encrypted);

  const dispose = async () => {
    for (const socket of sockets) socket.destroy();
    await app.close();
    agent.destroy();
    await Promise.all(Object.values(pools).map((pool) => pool[Symbol.asyncDispose]()));
  };
  try {
    await Promise.all(Object.values(pools).map((pool) => pool.check()));
    await app.listen({ host: config.HOST, port: config.PORT });
  } catch (error) {
    await dispose();
    throw error;
  }
  return { port: (app.server.address() as AddressInfo).port, [Symbol.asyncDispose]: dispose };
}

function isEncrypted(config: EdgeConfig): boolean {
  return Boolean(config.TLS_CERT && config.TLS_KEY);
}

function createApp(config: EdgeConfig, log: Logger): FastifyInstance {
  const options = {
    // Requests are logged by the services; twice is noise.
    loggerInstance: log.child({}, { level: log.level === 'info' ? 'warn' : log.level }),
    bodyLimit: BODY_LIMIT,
    forceCloseConnections: true,
    // Above the 2 minutes of Caddy (infra/compose/Caddyfile), and not for long: strangers may be in front too.
    keepAliveTimeout: 130_000,
    ...PROBLEM_OPTIONS,
  };
  const https = certificateOf(config);
  return (https ? Fastify({ ...options, https }) : Fastify(options)) as unknown as FastifyInstance;
}

/** Undefined without one. @throws ConfigError naming the setting: half of a certificate would serve http */
function certificateOf(config: EdgeConfig): { cert: Buffer; key: Buffer } | undefined {
  if (!config.TLS_CERT && !config.TLS_KEY) return undefined;
  const read = (name: 'TLS_CERT' | 'TLS_KEY') => {
    try {
      return readFileSync(config[name] ?? '');
    } catch (error) {
      const why = config[name] ? (error as Error).message : 'not set, and the other half is';
      throw new ConfigError(`configuration: ${name}: ${why}. Fix: two PEM files, TLS_CERT and TLS_KEY, or neither`);
    }
  };
  const files = { cert: read('TLS_CERT'), key: read('TLS_KEY') };
  try {
    createSecureContext(files);
  } catch (error) {
    throw new ConfigError(
      `configuration: TLS_CERT, TLS_KEY: ${(error as Error).message}. Fix: PEM files of one certificate and its key`,
    );
  }
  return files;
}

/** Calls go on without `media`, `hooks` and `captions`. */
function targetPools(config: EdgeConfig): TargetPools {
  return {
    auth: new TargetPool(readList(config.AUTH_TARGETS), topology.auth),
    signaling: new TargetPool(readList(config.SIGNALING_TARGETS), topology.signaling),
    media: new TargetPool(readList(config.MEDIA_TARGETS ?? ''), topology.media),
    hooks: new TargetPool(readList(config.HOOKS_TARGETS ?? ''), topology.hooks),
    captions: new TargetPool(readList(config.CAPTIONS_TARGETS ?? ''), topology.captions),
  };
}

/** Before every route, page and 404. */
function refuseOddTargets(app: FastifyInstance): void {
  app.addHook('onRequest', async (request) => {
    if (pathOfTarget(request.raw.url) === undefined)
      throw new ProblemError(400, 'bad_url', 'The request target is not a plain path.');
  });
}

/** The edge is live while auth and signaling have a live node each. */
function registerHealth(app: FastifyInstance, pools: TargetPools): void {
  app.get(topology.edge.livePath, (_request, reply) => {
    const parts = Object.fromEntries(
      Object.entries(pools).map(([name, pool]) => [
        name,
        pool.targets.map(({ live, ready, draining, open, dependencies }) => ({
          live,
          ready,
          draining,
          open,
          dependencies,
        })),
      ]),
    );
    const ok = [pools.auth, pools.signaling].every((pool) => pool.targets.some((t) => t.live));
    return reply
      .header('cache-control', 'no-store')
      .code(ok ? 200 : 503)
      .send({ status: ok ? 'ok' : 'unavailable', parts });
  });
}
