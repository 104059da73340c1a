/** A small real deployment in this process, as a backend sees it: auth, one signaling node, events, Redis and the edge under one address. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { API_SCOPES } from '@tandem/protocol';
import { createLogger, loadConfig } from '@tandem/service';
import { startRedis } from '@tandem/service/testing';
import type { AuthConfig } from '../../apps/auth/src/config.ts';
import { formatApiKeyEntry, newApiKey, startTestAuth, type TestAuth } from '../../apps/auth/src/testing.ts';
import { startTestHooks } from '../../apps/hooks/src/testing.ts';
import { startTestNode } from '../../apps/signaling/src/testing.ts';
import { EdgeConfig } from '../../infra/local/edge/config.ts';
import { startEdge } from '../../infra/local/edge/server.ts';

export interface Deployment extends AsyncDisposable {
  /** Of the edge. */
  readonly url: string;
  /** All scopes, in the rooms `clinic-a.*`. */
  readonly apiKey: string;
  readonly auth: TestAuth;
  readonly redisUrl: string;
  /** Where recordings are kept. No media node makes any. */
  readonly recordings: string;
  readonly node: Awaited<ReturnType<typeof startTestNode>>;
}

/** @param allowedOrigins of pages that may open sockets; default: the edge's own */
export async function startDeployment({
  auth: authConfig = {},
  allowedOrigins = '',
}: {
  readonly auth?: Partial<AuthConfig>;
  readonly allowedOrigins?: string;
} = {}): Promise<Deployment> {
  const parts = new AsyncDisposableStack();
  try {
    const folder = mkdtempSync(join(tmpdir(), 'tandem-deployment-'));
    parts.defer(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'index.html'), '<!doctype html>');
    const key = newApiKey({ scopes: API_SCOPES, grants: { rooms: ['clinic-a.*'], kick: true } });
    const redis = parts.use(await startRedis());
    const access = { ACCESS: 'api-key', API_KEYS: formatApiKeyEntry(key.record), REDIS_URL: redis.url };
    const auth = parts.use(await startTestAuth({ ...access, ...authConfig }));
    const recordings = join(folder, 'recordings');
    const config = {
      REDIS_URL: redis.url,
      ALLOWED_ORIGINS: allowedOrigins,
      EVENTS: true,
      RECORDINGS: recordings,
      MEDIA_FROM: 0,
    };
    const node = parts.use(await startTestNode({ keys: auth, config }));
    const hooks = parts.use(await startTestHooks({ redisUrl: redis.url, jwksUrl: auth.jwksUrl }));
    const settings = {
      ...{ HOST: '127.0.0.1', PORT: '0', CLIENT_DIR: folder, AUTH_TARGETS: auth.url },
      ...{ SIGNALING_TARGETS: `http://127.0.0.1:${node.port}`, HOOKS_TARGETS: hooks.url },
    };
    const edge = parts.use(await startEdge(loadConfig(EdgeConfig, settings), createLogger('edge', 'silent')));
    const all = parts.move();
    return {
      url: `http://127.0.0.1:${edge.port}`,
      apiKey: key.key,
      auth,
      node,
      recordings,
      redisUrl: redis.url,
      [Symbol.asyncDispose]: () => all.disposeAsync(),
    };
  } finally {
    await parts.disposeAsync();
  }
}
