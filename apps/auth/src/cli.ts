/**
 * Keys by hand.
 *
 *     npm run auth -- keys init PATH            make a key file (0600)
 *     npm run auth -- keys rotate PATH          publish a successor now; it signs after KEY_PUBLISH_AHEAD_SECONDS
 *     npm run auth -- api-key new [--users PATTERN] [--grants JSON] [--scopes LIST|all] [--days N]
 *     npm run auth -- api-key list
 *     npm run auth -- api-key revoke ID
 *
 * A key grants what --grants says: '{"kick":true}' for one whose tokens may moderate. Default: none of it.
 * --scopes says what the key may do at the server API (docs/server-api.md), in the rooms of its grants. Default: nothing.
 * api-key: with REDIS_URL keys are kept there and take effect at once; without it `new` prints an entry for API_KEYS.
 */
import { parseArgs } from 'node:util';
import { API_SCOPES, apiKeySession, Grants, isRoomGrant } from '@tandem/protocol';
import { connectRedis, loadConfig } from '@tandem/service';
import { Check } from 'typebox/value';
import { formatApiKeyEntry, isScope, type NewApiKey, newApiKey } from './access/api-key.ts';
import { AuthConfig } from './config.ts';
import { fileSource, rotateFile } from './keys/file.ts';
import { timetableOf } from './keys/open-source.ts';
import { BACKEND_TOKEN_SECONDS } from './routes/token/client-credentials-grant.ts';
import { createRedisStore } from './store/redis.ts';

const usage =
  'usage: npm run auth -- keys init|rotate PATH, api-key new|list|revoke (see the head of apps/auth/src/cli.ts)';

/** @throws Error naming the option */
function keyFrom(values: { users?: string; grants?: string; scopes?: string; days?: string }): NewApiKey {
  const grants: unknown = JSON.parse(values.grants ?? '{}');
  if (!Check(Grants, grants)) throw new Error('--grants: not grants; see packages/protocol/src/token.ts');
  for (const room of grants.rooms ?? [])
    if (!isRoomGrant(room)) throw new Error('--grants: rooms are room ids, or the beginning of ids and *');
  const days = values.days === undefined ? undefined : Number(values.days);
  if (days !== undefined && !(days > 0)) throw new Error('--days: expected a number of days');
  const scopes = values.scopes === 'all' ? API_SCOPES : values.scopes?.split(/[ ,]+/).filter(Boolean);
  if (scopes && !scopes.every(isScope)) throw new Error(`--scopes: expected all, or some of ${API_SCOPES.join(', ')}`);
  return newApiKey({
    grants,
    users: values.users ?? '*',
    ...(scopes ? { scopes: scopes.filter(isScope) } : {}),
    ...(days === undefined ? {} : { expiresAt: Math.floor(Date.now() / 1000 + days * 86_400) }),
  });
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      users: { type: 'string' },
      grants: { type: 'string' },
      scopes: { type: 'string' },
      days: { type: 'string' },
    },
  });
  const [area, action, argument] = positionals;
  // The issuer and audience play no part here.
  const config = loadConfig(AuthConfig, { TOKEN_ISSUER: '-', TOKEN_AUDIENCE: '-', ...process.env });
  if (area === 'keys' && argument) {
    const timetable = timetableOf(config);
    if (action === 'init') {
      const { signing } = await fileSource(argument, timetable, true).load(Date.now());
      return console.log(`${argument} signs with ${signing.kid}; set KEY_SOURCE=file:${argument}`);
    }
    if (action === 'rotate') {
      const doc = await rotateFile(argument, timetable, Date.now());
      const newest = doc.keys.reduce((a, b) => (a.activeFrom > b.activeFrom ? a : b));
      return console.log(`${newest.kid} is published and signs from ${new Date(newest.activeFrom).toISOString()}`);
    }
  }
  if (area !== 'api-key') throw new Error(usage);
  const redis = config.REDIS_URL
    ? connectRedis(config.REDIS_URL, { username: config.REDIS_USERNAME, password: config.REDIS_PASSWORD })
    : undefined;
  await using store = redis ? await createRedisStore(redis) : undefined;
  if (action === 'new') {
    const { key, record } = keyFrom(values);
    if (store) await store.putApiKey(record);
    console.log(`key (shown once, for your backend): ${key}`);
    console.log(store ? `kept in Redis as ${record.id}` : `entry for API_KEYS: ${formatApiKeyEntry(record)}`);
    return;
  }
  if (!store) throw new Error('api-key list and revoke need REDIS_URL; without it, edit API_KEYS and restart');
  if (action === 'list') {
    for (const k of await store.listApiKeys())
      console.log(`${k.id}  users ${k.users}  grants ${JSON.stringify(k.grants)}${k.revokedAt ? '  revoked' : ''}`);
    return;
  }
  if (action === 'revoke' && argument) {
    const known = await store.getApiKey(argument);
    const revokedAt = Math.floor(Date.now() / 1000);
    // Also one that stands only in API_KEYS: the record in Redis has the last word.
    await store.putApiKey({
      ...(known ?? { id: argument, hash: '', grants: {}, users: '', createdAt: revokedAt }),
      revokedAt,
    });
    // Its backend tokens are verified without auth.
    await store.revoke({ kind: 'session', id: apiKeySession(argument), exp: revokedAt + BACKEND_TOKEN_SECONDS });
    return console.log(`${argument} is revoked`);
  }
  throw new Error(usage);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
