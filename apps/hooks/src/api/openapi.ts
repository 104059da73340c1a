/**
 * Prints the OpenAPI document of events and webhooks: `node apps/hooks/src/api/openapi.ts > docs/events-api.yaml`.
 * openapi.test.ts refuses a committed file that is not fresh.
 */
import swagger from '@fastify/swagger';
import Fastify from 'fastify';
import { registerApi } from './index.ts';

const OPENAPI = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Tandem events',
      version: '1',
      description:
        'The feed of events and webhook endpoints, for backends, with the backend token of the server API (server-api.yaml). Errors are RFC 9457 problem details.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    tags: [{ name: 'events' }, { name: 'webhooks' }],
    security: [{ backendToken: [] }],
    components: {
      securitySchemes: {
        backendToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Backend token.' },
      },
    },
  },
  refResolver: {
    buildLocalReference: (json: { $id?: unknown }, _base: unknown, _fragment: unknown, i: number) =>
      String(json.$id ?? `def-${i}`),
  },
};

/** The document, from the route schemas alone: the same on every machine. */
export async function eventsApiYaml(): Promise<string> {
  const app = Fastify();
  await app.register(swagger, OPENAPI as never);
  // Described, never called.
  const nothing = {} as never;
  await registerApi(app, {
    ...{ redis: nothing, endpoints: nothing, queues: nothing, deliver: nothing, limiter: nothing, verifier: nothing },
    ...{ revocations: nothing, isDraining: () => false, isPrivateAllowed: false, maxStreams: 1 },
  });
  await app.ready();
  return `# Generated: node apps/hooks/src/api/openapi.ts > docs/events-api.yaml\n${app.swagger({ yaml: true })}`;
}

if (import.meta.main) process.stdout.write(await eventsApiYaml());
