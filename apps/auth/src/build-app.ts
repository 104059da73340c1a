/** The HTTP application of auth: plugins in the order that they need, then the routes. */
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import swagger from '@fastify/swagger';
import {
  type Metrics,
  ProblemDetails,
  ProblemError,
  registerHealth,
  registerProblems,
  serviceAppOptions,
  type Telemetry,
  traceRequests,
} from '@tandem/service';
import Fastify, { type FastifyInstance } from 'fastify';
import { registerAuthentication } from './authenticate.ts';
import type { AuthContext } from './context.ts';
import { backendTokenRoute } from './routes/backend-tokens.ts';
import { iceServerRoutes } from './routes/ice-servers.ts';
import { nonceRoute } from './routes/nonce.ts';
import { publicRoutes } from './routes/public.ts';
import { refreshRoute } from './routes/refresh.ts';
import { revokeRoute } from './routes/revoke/route.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { tokenRoute } from './routes/token/route.ts';

/** Of a request's body, bytes. */
const BODY_LIMIT = 16_384;

const OPENAPI = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Tandem auth',
      version: '1',
      description:
        'Access tokens, refresh, revocation, keys and TURN credentials. Errors are RFC 9457 problem details.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    tags: [{ name: 'tokens' }, { name: 'sessions' }, { name: 'relay' }, { name: 'keys' }],
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Access token.' },
        apiKey: {
          type: 'apiKey',
          in: 'header',
          name: 'x-api-key',
          description: 'API key of a backend; also as Bearer.',
        },
      },
    },
  },
  // For load balancers and dashboards, not for clients.
  transform: ({ schema, url }: { schema?: object; url: string }) => ({
    schema: /^\/(health|metrics)/.test(url) ? { ...schema, hide: true } : schema,
    url,
  }),
  refResolver: {
    buildLocalReference: (json: { $id?: unknown }, _base: unknown, _fragment: unknown, i: number) =>
      String(json.$id ?? `def-${i}`),
  },
};

/** Parses what RFC 8693 clients send. A field twice counts as malformed. */
function acceptForms(app: FastifyInstance): void {
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, text, done) => {
    const result: Record<string, string> = {};
    for (const [key, value] of new URLSearchParams(text as string)) {
      if (Object.hasOwn(result, key) || key === '__proto__')
        return done(new ProblemError(400, 'invalid_field', 'A form field is there twice.', { field: '/' }));
      result[key] = value;
    }
    done(null, result);
  });
}

/** The HTTP side of auth: plugins, routes, OpenAPI document. It does not listen yet. */
export async function buildApp(ctx: AuthContext, metrics: Metrics, telemetry: Telemetry): Promise<FastifyInstance> {
  const app = Fastify({
    // Only problems have a line each: the audit log has the rest.
    ...serviceAppOptions({ log: ctx.log, trustedProxies: ctx.config.TRUSTED_PROXIES }),
    bodyLimit: BODY_LIMIT,
    connectionTimeout: 30_000,
    forceCloseConnections: 'idle',
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false, keywords: [] } },
  } as object) as unknown as FastifyInstance;
  registerProblems(app);
  traceRequests(app, telemetry, metrics);
  registerAuthentication(app, ctx);
  await app.register(helmet, {
    // Nothing here is ever a page.
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    crossOriginResourcePolicy: { policy: 'cross-origin' },
    referrerPolicy: { policy: 'no-referrer' },
  });
  await app.register(cors, {
    origin: [...ctx.settings.allowedOrigins],
    methods: ['GET', 'POST'],
    allowedHeaders: ['authorization', 'content-type', 'idempotency-key', 'traceparent'],
    exposedHeaders: ['retry-after'],
    credentials: false,
    maxAge: 600,
  });
  acceptForms(app);
  app.addSchema(ProblemDetails);
  await app.register(swagger, OPENAPI as never);
  metrics.register(app);
  reportHealth(app, ctx);
  // After the plugins are loaded, so that each route is seen by the OpenAPI generator.
  await app.after();
  for (const routes of [
    tokenRoute,
    nonceRoute,
    refreshRoute,
    revokeRoute,
    sessionRoutes,
    iceServerRoutes,
    backendTokenRoute,
    publicRoutes,
  ])
    routes(app, ctx);
  await app.ready();
  return app;
}

function reportHealth(app: FastifyInstance, { keys, store, oidc, draining }: AuthContext): void {
  registerHealth(app, {
    service: 'auth',
    dependencies: {
      keys: () => keys.health(),
      [store.kind === 'redis' ? 'redis' : 'store']: () => degradable(store.health()),
      ...(oidc ? { 'openid-provider': () => degradable(oidc.health()) } : {}),
    },
    draining,
  });
}

/** Without Redis or the OpenID provider auth goes on with what it knows, so their absence makes it degraded, not down. */
function degradable<T extends { state: string }>(health: T): T {
  return health.state === 'down' ? { ...health, state: 'degraded' } : health;
}
