/** What the settings say, checked across fields; every refusal is one line that names the setting and the fix. */
import { Grants, isRoomGrant } from '@tandem/protocol';
import { ConfigError } from '@tandem/service';
import { Check } from 'typebox/value';
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

const list = (text: string) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);

/** @throws ConfigError */
export function readSettings(config: AuthConfig): Settings {
  if (isProduction(config) && !config.KEY_SOURCE)
    throw new ConfigError(
      'KEY_SOURCE is not set: production needs file:PATH, secrets-manager:ARN or kms:KEY_ID (docs/auth.md)',
    );
  const access = readAccess(config);
  const openGrants = readOpenGrants(config);
  if (access.has('oidc')) checkOidc(config);
  return {
    access,
    openGrants,
    oidcAudience: list(config.OIDC_AUDIENCE),
    ...readTurn(config),
    allowedOrigins: readOrigins(config),
    apiKeys: readApiKeys(config),
  };
}

const isProduction = (config: AuthConfig) => config.PROFILE === 'production';

function readAccess(config: AuthConfig): Set<AccessMethod> {
  const access = new Set<AccessMethod>();
  for (const name of list(config.ACCESS || (isProduction(config) ? '' : 'open'))) {
    if (name !== 'open' && name !== 'api-key' && name !== 'oidc')
      throw new ConfigError('ACCESS: expected a comma-separated list of open, api-key, oidc');
    access.add(name);
  }
  if (access.size === 0)
    throw new ConfigError('ACCESS is not set: say who may have a token: api-key, oidc (or open, for a demo)');
  if (isProduction(config) && access.has('open') && !config.OPEN_IN_PRODUCTION)
    throw new ConfigError('ACCESS=open lets anybody in: in production set OPEN_IN_PRODUCTION=true if that is meant');
  return access;
}

function readOpenGrants(config: AuthConfig): Grants {
  let openGrants: unknown;
  try {
    openGrants = JSON.parse(config.OPEN_GRANTS);
  } catch {
    throw new ConfigError('OPEN_GRANTS: expected JSON, such as {"rooms":["demo-*"]}');
  }
  if (!Check(Grants, openGrants)) throw new ConfigError('OPEN_GRANTS: not grants; see packages/protocol/src/token.ts');
  if (openGrants.rooms?.some((room) => !isRoomGrant(room)))
    throw new ConfigError('OPEN_GRANTS: rooms are room ids, or the beginning of ids and *');
  return openGrants;
}

function checkOidc(config: AuthConfig): void {
  if (!config.OIDC_ISSUER) throw new ConfigError('OIDC_ISSUER is not set: ACCESS has oidc');
  if (!URL.canParse(config.OIDC_ISSUER)) throw new ConfigError('OIDC_ISSUER: expected a URL');
  if (isProduction(config) && new URL(config.OIDC_ISSUER).protocol !== 'https:')
    throw new ConfigError('OIDC_ISSUER: expected an https URL in production');
  if (list(config.OIDC_AUDIENCE).length === 0)
    throw new ConfigError('OIDC_AUDIENCE is not set: name the client ids whose ID tokens are accepted');
}

function readTurn(config: AuthConfig): Pick<Settings, 'turnUris' | 'stunUris' | 'turnSecrets'> {
  const turnUris = list(config.TURN_URIS);
  for (const uri of turnUris)
    if (!/^turns?:[^\s?]+(\?transport=(udp|tcp))?$/.test(uri))
      throw new ConfigError('TURN_URIS: expected turn: or turns: URIs');
  const stunUris = list(config.STUN_URIS);
  for (const uri of stunUris) if (!/^stuns?:[^\s]+$/.test(uri)) throw new ConfigError('STUN_URIS: expected stun: URIs');
  const turnSecrets = list(config.TURN_SECRETS);
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

function readOrigins(config: AuthConfig): string[] {
  const origins = list(config.ALLOWED_ORIGINS);
  for (const origin of origins)
    if (!URL.canParse(origin) || new URL(origin).origin !== origin)
      throw new ConfigError('ALLOWED_ORIGINS: expected origins such as https://app.example.com, without path or *');
  return origins;
}

function readApiKeys(config: AuthConfig): ApiKeyRecord[] {
  const apiKeys = list(config.API_KEYS).map(parseApiKeyEntry);
  if (apiKeys.some((key) => key.id === MEDIA_KEY_ID))
    throw new ConfigError(`API_KEYS: the id ${MEDIA_KEY_ID} belongs to MEDIA_SECRET`);
  return config.MEDIA_SECRET ? [...apiKeys, mediaKeyRecord(config.MEDIA_SECRET)] : apiKeys;
}
