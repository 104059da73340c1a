/**
 * Auth for tests, in process, on a free port.
 *
 *     await using auth = await startTestAuth({ REDIS_URL: redis.url });
 *     const { token } = await auth.login('ada');
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, loadConfig } from '@tandem/service';
import { AuthConfig } from './config.ts';
import { type Auth, type AuthOverrides, createAuth } from './create-auth.ts';

export { formatApiKeyEntry, newApiKey } from './access/api-key.ts';
export { readSettings } from './settings.ts';

/** An answer, read. */
export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  readonly body: any;
  readonly headers: Headers;
}

export interface TestAuth extends Auth {
  readonly jwksUrl: string;
  /** What the service logged, one object a line. */
  readonly logged: Record<string, unknown>[];
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  get(path: string, token?: string, headers?: Record<string, string>): Promise<Answer>;
  /** A guest's login. @throws when it is refused */
  login(
    userId: string,
    more?: object,
  ): Promise<{ token: string; refresh_token: string; session_id: string; expires_at: number }>;
}

async function read(response: Response): Promise<Answer> {
  const text = await response.text();
  const json = response.headers.get('content-type')?.includes('json');
  return { status: response.status, body: json ? JSON.parse(text) : text, headers: response.headers };
}

/** Settings for a service under test: loopback, a free port, keys of its own in a temporary folder, no rate limits. */
export function testAuthConfig(config: Partial<AuthConfig>, keyFile: string): AuthConfig {
  const env = {
    HOST: '127.0.0.1',
    PORT: 0,
    PROFILE: 'development',
    LOG_LEVEL: 'info',
    TOKEN_ISSUER: 'tandem',
    TOKEN_AUDIENCE: 'tandem',
    KEY_SOURCE: `file:${keyFile}`,
    ACCESS: 'open',
    RATE_PER_IP: 0,
    RATE_PER_USER: 0,
    GUEST_LOGINS_PER_IP: 0,
    ...config,
  };
  return loadConfig(AuthConfig, Object.fromEntries(Object.entries(env).map(([key, value]) => [key, String(value)])));
}

/** Starts auth in this process; its keys and logs go with it. */
export async function startTestAuth(
  config: Partial<AuthConfig> = {},
  overrides: AuthOverrides = {},
): Promise<TestAuth> {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-auth-'));
  const logged: Record<string, unknown>[] = [];
  const log = createLogger('auth', 'debug', { write: (line) => void logged.push(JSON.parse(line)) });
  const auth = await createAuth(testAuthConfig(config, join(folder, 'keys.json')), { log, ...overrides });
  const post: TestAuth['post'] = async (path, body, headers = {}) =>
    read(
      await fetch(`${auth.url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    );
  return {
    ...auth,
    jwksUrl: `${auth.url}/.well-known/jwks.json`,
    logged,
    post,
    get: async (path, token, headers = {}) =>
      read(
        await fetch(`${auth.url}${path}`, {
          headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...headers },
        }),
      ),
    async login(userId, more = {}) {
      const answer = await post('/auth/token', { userId, ...more });
      if (answer.status !== 200) throw new Error(`login refused: ${JSON.stringify(answer.body)}`);
      return answer.body;
    },
    async [Symbol.asyncDispose]() {
      await auth[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
