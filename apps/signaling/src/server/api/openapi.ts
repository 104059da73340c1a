/**
 * Prints the OpenAPI document of the server API: `node apps/signaling/src/server/api/openapi.ts > docs/server-api.yaml`.
 * openapi.test.ts refuses a committed file that is not fresh.
 */
import swagger from '@fastify/swagger';
import Fastify from 'fastify';
import { MemoryHub } from '../../backplane/memory.ts';
import { systemClock } from '../../core/clock.ts';
import { SignalingNode } from '../../core/node.ts';
import { registerApi } from './index.ts';

const OPENAPI = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Tandem server API',
      version: '1',
      description:
        'Rooms, people and messages, for backends. Get a backend token from POST /auth/token with an API key and grant_type=client_credentials. Tokens for users: POST /v1/tokens (openapi.yaml). Errors are RFC 9457 problem details.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    tags: [{ name: 'rooms' }, { name: 'peers' }, { name: 'messages' }, { name: 'recordings' }],
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

const nothing = async () => {
  throw new Error('this app only describes itself');
};

/** The document, from the route schemas alone: the same on every machine. */
export async function serverApiYaml(): Promise<string> {
  const app = Fastify();
  await app.register(swagger, OPENAPI as never);
  const node = new SignalingNode({ name: 'openapi', backplane: new MemoryHub(systemClock).connect() });
  await registerApi(app, {
    node,
    shedder: { admitDeferrable: () => ({ admit: true }) },
    verifier: { verify: nothing, verifyBackend: nothing },
    revocations: { isRevoked: () => false },
    ...{ trustedProxies: 0, requestsPerSecond: 1 },
  });
  await app.ready();
  return `# Generated: node apps/signaling/src/server/api/openapi.ts > docs/server-api.yaml\n${app.swagger({ yaml: true })}`;
}

if (import.meta.main) process.stdout.write(await serverApiYaml());
