/** What differs by machine: ${TANDEM_…} variables with a default or a refusal, and the values that compose alone knows. */
import type { Place } from '../topology/environment.ts';
import { topology } from '../topology/index.ts';

const { auth, cache, edge, turn } = topology;

/** A variable without which compose refuses to start. */
export const ask = (name: string) => `\${${name}:?make one with: npm run compose:secrets}`;
/** A variable of the machine, with its default. */
export const given = (name: string, otherwise: string) => `\${${name}:-${otherwise}}`;
const address = given('TANDEM_ADDRESS', '127.0.0.1');
/** Ports of the host itself, so they may be taken. */
export const cachePort = given('TANDEM_CACHE_PORT', '16379');
export const turnPort = given('TANDEM_TURN_PORT', `${turn.port}`);
/** The page's address on the host itself, for what is on the host's network. */
export const edgeOnHost = `${given('TANDEM_BIND', '127.0.0.1')}:${given('TANDEM_PORT', `${edge.port}`)}`;

/** What the parts' environment takes from compose. */
export const place: Place = {
  from: {
    'cache-url': `redis://cache:${cache.port}`,
    'jwks-url': `http://auth:${auth.port}/.well-known/jwks.json`,
    'public-origin': given('TANDEM_ORIGIN', ''),
    // The directory alone, as in the cloud.
    'turn-uris': undefined,
    'stun-uris': `stun:${address}:${turnPort}`,
    'turn-directory': 'true',
    'node-address': address,
    'auth-url': `http://${edgeOnHost}`,
    'signaling-url': `ws://${edgeOnHost}/ws/signal`,
    'turn-secret-id': undefined,
    events: 'true',
    recordings: given('TANDEM_RECORDINGS', ''),
    // Without a default: of what language the image is, and whether it runs here at all, only its operator knows. Empty is unset, and captions refuses to start by the setting's name.
    recognizers: given('TANDEM_RECOGNIZERS', ''),
    'key-source': given('TANDEM_KEY_SOURCE', 'file:/data/auth-keys.json'),
    access: given('TANDEM_ACCESS', 'open'),
    profile: given('TANDEM_PROFILE', 'development'),
    'deregistration-delay': undefined,
    'trusted-proxies': given('TANDEM_TRUSTED_PROXIES', '1'),
  },
  secrets: {
    'cache-username': undefined,
    'cache-password': ask('TANDEM_CACHE_PASSWORD'),
    'turn-secrets': ask('TANDEM_TURN_SECRET'),
    'media-secret': ask('TANDEM_MEDIA_SECRET'),
    'webhook-key': ask('TANDEM_WEBHOOK_KEY'),
    'api-keys': given('TANDEM_API_KEYS', ''),
  },
};
