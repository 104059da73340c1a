/**
 * API keys: `tk_<id>_<secret>`, for backends that ask for tokens on behalf of their users.
 *
 * Only a SHA-256 of the secret is kept: it is 256 random bits, so a slow hash would protect nothing more. Keys are in
 * Redis (made and revoked with cli.ts, effective at once) or in the setting API_KEYS (for a start without Redis).
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { API_SCOPES, type ApiScope, Grants } from '@tandem/protocol';
import { ConfigError } from '@tandem/service';
import { Check } from 'typebox/value';
import { withoutUnknownGrants } from '../grants.ts';
import type { ApiKeyRecord } from '../store/store.ts';

const KEY = /^tk_([a-z0-9]{8,16})_([A-Za-z0-9_-]{43})$/;
const hash = (secret: string) => createHash('sha256').update(secret).digest();

export interface NewApiKey {
  /** Shown once, for the one who will use it. */
  readonly key: string;
  readonly record: ApiKeyRecord;
}

/** @param users user ids it may speak for: exact, or with a trailing `*`. Default `*` */
export function newApiKey(
  options: { users?: string; grants?: Grants; scopes?: readonly ApiScope[]; now?: number; expiresAt?: number } = {},
): NewApiKey {
  const id = randomBytes(6).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  return {
    key: `tk_${id}_${secret}`,
    record: {
      id,
      hash: hash(secret).toString('base64url'),
      // No moderation unless it was asked for: what a token may do to others is said, never assumed.
      grants: options.grants ?? {},
      users: options.users ?? '*',
      ...(options.scopes === undefined ? {} : { scopes: options.scopes }),
      createdAt: Math.floor((options.now ?? Date.now()) / 1000),
      ...(options.expiresAt === undefined ? {} : { expiresAt: options.expiresAt }),
    },
  };
}

/** Id of the key that media nodes make of MEDIA_SECRET. */
export const MEDIA_KEY_ID = 'medianodes';

/**
 * The media nodes' key, `tk_medianodes_<MEDIA_SECRET>`: for users `media-*`, with the grant `media` alone.
 * @param secret 43 characters, as the setting's schema says
 */
export function mediaKeyRecord(secret: string): ApiKeyRecord {
  return {
    id: MEDIA_KEY_ID,
    hash: hash(secret).toString('base64url'),
    grants: { media: true },
    users: 'media-*',
    createdAt: 0,
  };
}

/** For API_KEYS: the record, base64url, after its id, so that people can tell entries apart. */
export function formatApiKeyEntry(record: ApiKeyRecord): string {
  return `${record.id}:${Buffer.from(JSON.stringify(record)).toString('base64url')}`;
}

/** @throws ConfigError, without quoting the entry */
export function parseApiKeyEntry(entry: string): ApiKeyRecord {
  const wrong = () => new ConfigError('API_KEYS: an entry is not one that `npm run auth -- api-key new` prints');
  let record: Partial<ApiKeyRecord>;
  try {
    record = JSON.parse(Buffer.from(entry.split(':')[1] ?? '', 'base64url').toString('utf8'));
  } catch {
    throw wrong();
  }
  if (typeof record?.id !== 'string' || typeof record.hash !== 'string' || typeof record.users !== 'string')
    throw wrong();
  const grants = withoutUnknownGrants(record.grants);
  if (!Check(Grants, grants)) throw wrong();
  if (record.scopes !== undefined && !(Array.isArray(record.scopes) && record.scopes.every(isScope))) throw wrong();
  return { ...(record as ApiKeyRecord), grants };
}

/** Is it a scope that this version knows? */
export const isScope = (scope: unknown): scope is ApiScope => (API_SCOPES as readonly unknown[]).includes(scope);

/** Id of something shaped like an API key. */
export function apiKeyId(key: string): string | undefined {
  return KEY.exec(key)?.[1];
}

const NO_HASH = Buffer.alloc(32);

/** Does the key fit the record, and may it still be used? Takes the same time with and without a record. */
export function apiKeyFits(key: string, record: ApiKeyRecord | undefined, nowSeconds: number): boolean {
  const secret = KEY.exec(key)?.[2] ?? '';
  const expected = record ? Buffer.from(record.hash, 'base64url') : NO_HASH;
  const same = expected.length === 32 && timingSafeEqual(hash(secret), expected);
  return (
    same &&
    record !== undefined &&
    record.revokedAt === undefined &&
    (record.expiresAt === undefined || record.expiresAt > nowSeconds)
  );
}
