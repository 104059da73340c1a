/**
 * Prints the OpenAPI document of the service: `node apps/auth/src/openapi.ts > docs/openapi.yaml`.
 * openapi.integration.test.ts refuses a committed file that is not fresh.
 */
import { createLogger, loadConfig } from '@tandem/service';
import { AuthConfig } from './config.ts';
import { createAuth } from './create-auth.ts';
import { firstDocument, keySetOf } from './keys/key-document.ts';
import { timetableOf } from './keys/open-source.ts';

/** The document, from the route schemas alone: the same on every machine. */
export async function openApiYaml(): Promise<string> {
  const config = loadConfig(AuthConfig, { PROFILE: 'development', TOKEN_ISSUER: 'tandem', TOKEN_AUDIENCE: 'tandem' });
  const doc = await firstDocument('ES256', Date.now());
  await using auth = await createAuth(config, {
    log: createLogger('auth', 'silent'),
    listen: false,
    keySource: { description: 'none', load: async (now) => keySetOf(doc, now, timetableOf(config)) },
  });
  return `# Generated: node apps/auth/src/openapi.ts > docs/openapi.yaml\n${auth.app.swagger({ yaml: true })}`;
}

if (import.meta.main) process.stdout.write(await openApiYaml());
