/**
 * A signaling node for tests: in process, on a free port, with a token minter of its own.
 *
 *     await using keys = await startTestKeys();
 *     await using node = await startTestNode({ keys });              // memory backplane
 *     await using other = await startTestNode({ keys, config: { REDIS_URL: redis.url } });
 *     const token = await keys.token('ada', { kick: true });
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AccessClaims, Grants } from '@tandem/protocol';
import { createLogger, loadConfig } from '@tandem/service';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type SignalingParts, type SignalingService, startSignaling } from './app.ts';
import { SignalingConfig } from './config.ts';

export interface TestKeys extends AsyncDisposable {
  readonly jwksUrl: string;
  /** Signs an access token (ES256, one hour). `claims` replaces any claim. */
  token(userId: string, grants?: Grants, claims?: Partial<AccessClaims>): Promise<string>;
}

/** A key pair and a server that publishes its public half. */
export async function startTestKeys(): Promise<TestKeys> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const kid = 'test';
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }] });
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(jwks);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    jwksUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/.well-known/jwks.json`,
    token: (userId, grants, claims = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const payload = {
        iss: 'tandem',
        aud: 'tandem',
        sub: userId,
        session_id: randomUUID(),
        jti: randomUUID(),
        iat: now,
        exp: now + 3600,
        ...(grants ? { grants } : {}),
        ...claims,
      };
      return new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid, typ: 'at+jwt' }).sign(privateKey);
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Settings for a node under test: loopback, a free port, a short drain. */
export function testConfig(jwksUrl: string, config: Partial<SignalingConfig> = {}): SignalingConfig {
  const env = {
    HOST: '127.0.0.1',
    PORT: 0,
    LOG_LEVEL: process.env.TEST_LOG ?? 'silent',
    JWKS_URL: jwksUrl,
    TOKEN_ISSUER: 'tandem',
    TOKEN_AUDIENCE: 'tandem',
    RECONNECT_WITHIN_MS: 0,
    // Everybody comes from 127.0.0.1.
    CONNECTIONS_PER_IP: 100_000,
    CONNECTIONS_PER_IP_PER_SECOND: 100_000,
    // A busy test machine must not shed its tests.
    MAX_EVENT_LOOP_DELAY_MS: 60_000,
    ...config,
  };
  return loadConfig(SignalingConfig, Object.fromEntries(Object.entries(env).map(([k, v]) => [k, String(v)])));
}

/** Starts a node in this process. */
export function startTestNode(options: {
  keys: Pick<TestKeys, 'jwksUrl'>;
  config?: Partial<SignalingConfig>;
  parts?: SignalingParts;
}): Promise<SignalingService> {
  const config = testConfig(options.keys.jwksUrl, options.config);
  return startSignaling(config, { log: createLogger('signaling', config.LOG_LEVEL), ...options.parts });
}
