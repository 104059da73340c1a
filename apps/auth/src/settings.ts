/** What the settings say, checked across fields; every refusal is one line that names the setting and the fix. */
import type { Grants } from '@tandem/protocol';
import { ConfigError, readList } from '@tandem/service';
import { MEDIA_KEY_ID, mediaKeyRecord, parseApiKeyEntry } from './access/api-key.ts';
import type { AuthConfig } from './config.ts';
import type { AccessMethod, ApiKeyRecord } from './store/store.ts';

export interface Settings {
  readonly access: ReadonlySet<AccessMethod>;
  readonly openGrants: Grants;
  readonly apiKeys: readonly ApiKeyRecord[];
  readonly oidcAudience: readonly string[];
  readonly turnUris: readonly string[];
  readonly turnSecrets: readonly string[];
  readonly stunUris: readonly string[];
  readonly allowedOrigins: readonly string[];
}

/** @throws ConfigError */
export function readSettings(config: AuthConfig): Settings {
  if (isProduction(config) && !config.KEY_SOURCE)
    throw new ConfigError(
      'KEY_SOURCE is not set: production needs file:PATH, secrets-manager:ARN or kms:KEY_ID (docs/auth.md)',
    );
  const access = readAccess(config);
  if (access.has('oidc')) checkOidc(config);
  return {
    access,
    openGrants: JSON.parse(config.OPEN_GRANTS) as Grants,
    oidcAudience: readList(config.OIDC_AUDIENCE),
    ...readTurn(config),
    allowedOrigins: readList(config.ALLOWED_ORIGINS),
    apiKeys: readApiKeys(config),
  };
}

const isProduction = (config: AuthConfig) => config.PROFILE === 'production';

function readAccess(config: AuthConfig): Set<AccessMethod> {
  const access = new Set<AccessMethod>();
  for (const name of readList(config.ACCESS || (isProduction(config) ? '' : 'open'))) access.add(name as AccessMethod);
  if (access.size === 0)
    throw new ConfigError('ACCESS is not set: say who may have a token: api-key, oidc (or open, for a demo)');
  if (isProduction(config) && access.has('open') && !config.OPEN_IN_PRODUCTION)
    throw new ConfigError('ACCESS=open lets anybody in: in production set OPEN_IN_PRODUCTION=true if that is meant');
  return access;
}

function checkOidc(config: AuthConfig): void {
  if (!config.OIDC_ISSUER) throw new ConfigError('OIDC_ISSUER is not set: ACCESS has oidc');
  if (isProduction(config) && new URL(config.OIDC_ISSUER).protocol !== 'https:')
    throw new ConfigError('OIDC_ISSUER: expected an https URL in production');
  if (readList(config.OIDC_AUDIENCE).length === 0)
    throw new ConfigError('OIDC_AUDIENCE is not set: name the client ids whose ID tokens are accepted');
}

function readTurn(config: AuthConfig): Pick<Settings, 'turnUris' | 'stunUris' | 'turnSecrets'> {
  const turnUris = readList(config.TURN_URIS);
  const stunUris = readList(config.STUN_URIS);
  const turnSecrets = readList(config.TURN_SECRETS);
  if (turnSecrets.length > 0 && config.TURN_SECRET_ID)
    throw new ConfigError('TURN_SECRETS and TURN_SECRET_ID are both set: give one of them');
  if ((turnUris.length > 0 || config.TURN_DIRECTORY) && turnSecrets.length === 0 && !config.TURN_SECRET_ID)
    throw new ConfigError('TURN_SECRETS is not set, nor TURN_SECRET_ID: TURN needs the shared secret of coturn');
  if (isProduction(config) && turnSecrets.some((s) => s.length < 16))
    throw new ConfigError('TURN_SECRETS: a secret is shorter than 16 characters');
  if (config.TURN_DIRECTORY && !config.REDIS_URL)
    throw new ConfigError('TURN_DIRECTORY needs REDIS_URL: the directory is in Redis');
  return { turnUris, stunUris, turnSecrets };
}

function readApiKeys(config: AuthConfig): ApiKeyRecord[] {
  const apiKeys = readList(config.API_KEYS).map(parseApiKeyEntry);
  if (apiKeys.some((key) => key.id === MEDIA_KEY_ID))
    throw new ConfigError(`API_KEYS: the id ${MEDIA_KEY_ID} belongs to MEDIA_SECRET`);
  return config.MEDIA_SECRET ? [...apiKeys, mediaKeyRecord(config.MEDIA_SECRET)] : apiKeys;
}
