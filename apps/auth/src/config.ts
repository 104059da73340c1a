/** Every setting of the auth service. Keys are environment variable names. */
import { Grants, isRoomGrant } from '@tandem/protocol';
import { checkedText, isOrigin, isUrl, LogLevel, listText, TelemetrySettings } from '@tandem/service/settings';
import Type, { type Static } from 'typebox';
import { Check } from 'typebox/value';

/** Ways to a token. */
export const ACCESS_METHODS = ['open', 'api-key', 'oidc'] as const;

function isOpenGrants(text: string): boolean {
  try {
    const grants: unknown = JSON.parse(text);
    return Check(Grants, grants) && (grants.rooms ?? []).every(isRoomGrant);
  } catch {
    return false;
  }
}

export const AuthConfig = Type.Object({
  HOST: Type.String({ default: '0.0.0.0', description: 'Address to listen on.' }),
  PORT: Type.Integer({
    default: 8081,
    minimum: 0,
    maximum: 65535,
    description: 'Port to listen on; 0 picks a free one.',
  }),
  LOG_LEVEL: LogLevel,
  PROFILE: Type.Union([Type.Literal('development'), Type.Literal('production')], {
    default: 'production',
    description: 'Production refuses what is only fit for a demo.',
  }),
  REDIS_URL: Type.Optional(
    Type.String({ description: 'See packages/service/src/redis.ts. Unset: state in memory, one process.' }),
  ),
  REDIS_USERNAME: Type.Optional(Type.String({ description: 'ACL user.' })),
  REDIS_PASSWORD: Type.Optional(Type.String({ description: 'Its password.', secret: true })),
  TOKEN_ISSUER: Type.String({ description: '`iss` of the tokens issued.' }),
  TOKEN_AUDIENCE: Type.String({ description: '`aud` of the tokens issued.' }),
  KEY_SOURCE: Type.Optional(
    checkedText((text) => /^(file|secrets-manager|kms):\S/.test(text), {
      expected: 'file:PATH, secrets-manager:ARN or kms:KEY_ID (docs/auth.md)',
      description:
        '`file:PATH`, `secrets-manager:ARN` or `kms:KEY_ID[,KEY_ID…]` (the first signs, all are published). Required in production.',
    }),
  ),
  KEY_ALGORITHM: Type.Union([Type.Literal('ES256'), Type.Literal('EdDSA')], {
    default: 'ES256',
    description: 'Algorithm of new keys from file and secrets-manager; KMS keys are ES256.',
  }),
  KEY_ROTATION_DAYS: Type.Integer({
    default: 30,
    minimum: 0,
    maximum: 3650,
    description: 'Age at which a signing key is replaced; 0: never by itself. Not for kms.',
  }),
  KEY_PUBLISH_AHEAD_SECONDS: Type.Integer({
    default: 900,
    minimum: 1,
    maximum: 86_400,
    description:
      'Time between the publication of a new key and its first signature; over the refresh interval of every verifier (5 min).',
  }),
  ACCESS_TTL_SECONDS: Type.Integer({
    default: 600,
    minimum: 5,
    maximum: 3600,
    description: 'Life of an access token.',
  }),
  REFRESH_TTL_SECONDS: Type.Integer({
    default: 604_800,
    minimum: 10,
    maximum: 31_536_000,
    description: 'A refresh token is void when it was not used for this time (7 days).',
  }),
  SESSION_TTL_SECONDS: Type.Integer({
    default: 2_592_000,
    minimum: 10,
    maximum: 31_536_000,
    description: 'Longest life of a login session, however used (30 days; guests at most 1 day).',
  }),
  GUEST_REFRESH_TTL_SECONDS: Type.Integer({
    default: 3600,
    minimum: 10,
    maximum: 31_536_000,
    description: 'A refresh token of a guest is void when it was not used for this time; at most REFRESH_TTL_SECONDS.',
  }),
  GUEST_LOGINS_PER_IP: Type.Integer({
    default: 300,
    minimum: 0,
    maximum: 10_000_000,
    description: 'Logins of guests an hour per IPv4 address or IPv6 /64. 0: no limit.',
  }),
  GUEST_RELAY_GROUPS: Type.Integer({
    default: 2,
    minimum: 1,
    maximum: 1000,
    description:
      'Relay quotas (USER_QUOTA of the TURN nodes, 36 allocations) that all guests of one IPv4 address or IPv6 /64 share.',
  }),
  ACCESS: listText((one) => (ACCESS_METHODS as readonly string[]).includes(one), {
    default: '',
    expected: `a comma-separated list of ${ACCESS_METHODS.join(', ')}`,
    description: 'Who may have a token, comma-separated: open, api-key, oidc. Default in development: open.',
  }),
  OPEN_IN_PRODUCTION: Type.Boolean({
    default: false,
    description: 'Says that `open` is meant in production: anybody gets a guest token.',
  }),
  OPEN_GRANTS: checkedText(isOpenGrants, {
    default: '{}',
    expected: 'JSON of grants (packages/protocol/src/token.ts), such as {"rooms":["demo-*"]}',
    description: 'JSON of the grants a guest gets and may narrow; see packages/protocol/src/token.ts.',
  }),
  API_KEYS: Type.String({
    default: '',
    secret: true,
    description: 'Comma-separated hashed API keys, as `npm run auth -- api-key new` prints them.',
  }),
  MEDIA_SECRET: Type.Optional(
    Type.String({
      secret: true,
      pattern: '^[A-Za-z0-9_-]{43}$',
      description:
        'Shared with the media nodes: for it they get tokens of users `media-*` with the grant `media`, whatever ACCESS says. 43 letters, digits, - and _.',
    }),
  ),
  OIDC_ISSUER: Type.Optional(
    checkedText((text) => isUrl(text, 'https:', 'http:'), {
      expected: 'a URL, https in production',
      description: 'Issuer URL of the OpenID provider; https in production.',
    }),
  ),
  OIDC_AUDIENCE: Type.String({ default: '', description: 'Comma-separated client ids that ID tokens are for.' }),
  OIDC_NONCE: Type.Union([Type.Literal('required'), Type.Literal('optional')], {
    default: 'required',
    description: 'Required: the ID token carries a nonce from POST /auth/nonce, once.',
  }),
  OIDC_GRANTS_CLAIM: Type.Optional(
    Type.String({ description: 'Claim of the ID token that holds grants, as an object or as JSON text.' }),
  ),
  TURN_URIS: listText((one) => /^turns?:[^\s?]+(\?transport=(udp|tcp))?$/.test(one), {
    default: '',
    expected: 'turn: or turns: URIs, such as turn:turn.example.com:3478?transport=udp',
    description: 'Comma-separated turn:/turns: URIs; empty: no relay.',
  }),
  TURN_SECRETS: Type.String({
    default: '',
    description: 'Comma-separated shared secrets of coturn; the first signs.',
    secret: true,
  }),
  TURN_SECRET_ID: Type.Optional(
    Type.String({
      description:
        'ARN of a Secrets Manager secret, JSON with `sign`, in place of TURN_SECRETS; read anew each minute, as it rotates.',
    }),
  ),
  TURN_TTL_SECONDS: Type.Integer({
    default: 600,
    minimum: 30,
    maximum: 86_400,
    description: 'Life of TURN credentials.',
  }),
  TURN_DIRECTORY: Type.Boolean({
    default: false,
    description: 'Take TURN nodes from the directory in Redis; TURN_URIS is then the fallback while it is empty.',
  }),
  ZONE: Type.Optional(
    Type.String({ description: 'Availability zone to prefer for TURN nodes when the client has none.' }),
  ),
  STUN_URIS: listText((one) => /^stuns?:\S+$/.test(one), {
    default: '',
    expected: 'stun: or stuns: URIs, such as stun:stun.example.com:3478',
    description: 'Comma-separated stun: URIs.',
  }),
  ALLOWED_ORIGINS: listText(isOrigin, {
    default: '',
    expected: 'origins such as https://app.example.com, without path or *',
    description: 'Comma-separated browser origins for CORS; empty: same origin only.',
  }),
  TRUSTED_PROXIES: Type.Integer({
    default: 1,
    minimum: 0,
    maximum: 10,
    description: 'How many proxies in front append to X-Forwarded-For.',
  }),
  RATE_PER_IP: Type.Integer({
    default: 600,
    minimum: 0,
    maximum: 10_000_000,
    description: 'Requests a minute per IPv4 address or IPv6 /64; a refusal counts five. 0: no limit.',
  }),
  RATE_PER_USER: Type.Integer({
    default: 120,
    minimum: 0,
    maximum: 10_000_000,
    description: 'Tokens, refreshes and TURN credentials a minute per user. 0: no limit.',
  }),
  RATE_PER_KEY: Type.Integer({
    default: 6000,
    minimum: 0,
    maximum: 10_000_000,
    description: 'Requests a minute per API key, in place of the per-IP limit. 0: no limit.',
  }),
  ...TelemetrySettings,
});
export type AuthConfig = Static<typeof AuthConfig>;
