/** The media node of `npm start`: large rooms go through this machine when the engine is here. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectRedis, readMediaNodes } from '@tandem/service';
import type { MediaNodeConfig } from '../media-node/src/config.ts';
import type { ChildSpec } from './children.ts';
import { findProgram, lanAddress } from './programs.ts';

const NODE_ID = 'media-1';

export interface LocalMedia {
  /** Repository. */
  readonly root: string;
  readonly redisUrl: string | undefined;
  readonly authUrl: string;
  /** `ws://…/ws/signal` of one signaling node, or of the edge. */
  readonly signalingUrl: string;
  /** A writable folder that ends with the stack. */
  readonly scratch: string;
}

/** @returns how to start it, or one line that says what is missing; then rooms of any size are a mesh */
export async function localMedia(
  options: Omit<LocalMedia, 'authUrl' | 'signalingUrl' | 'scratch'>,
): Promise<((urls: Pick<LocalMedia, 'authUrl' | 'signalingUrl' | 'scratch'>) => Promise<ChildSpec>) | string> {
  const { root, redisUrl } = options;
  const mesh = 'large rooms stay a mesh';
  const finder = new URL('../../scripts/lib/media-engine.mjs', import.meta.url).href;
  const { cachedEngine } = (await import(finder)) as { cachedEngine: () => string | undefined };
  const engine = cachedEngine() ?? findProgram('janus');
  const address = lanAddress();
  if (!engine) return `the media engine is not here: ${mesh}. To get it: npm run media:engine`;
  if (!redisUrl) return `a media node needs Redis: ${mesh}`;
  if (!address) return `a media node needs a network address that is not loopback: ${mesh}`;
  return async ({ authUrl, signalingUrl, scratch }) => {
    const directory = connectRedis(redisUrl);
    directory.on('error', () => {});
    return {
      name: 'media',
      command: process.execPath,
      args: ['--disable-warning=ExperimentalWarning', join(root, 'infra/media-node/main.ts')],
      env: {
        JANUS: engine,
        RUN_DIR: join(scratch, 'media'),
        NODE_ID,
        PUBLIC_IP: address,
        REDIS_URL: redisUrl,
        AUTH_URL: authUrl,
        SIGNALING_URL: signalingUrl,
        MEDIA_API_KEY: await apiKey(root, redisUrl),
        DRAIN_SECONDS: '0',
      } satisfies Partial<Record<keyof MediaNodeConfig, string>>,
      ready: async () => {
        const nodes = await readMediaNodes(directory);
        if (nodes.has(NODE_ID)) directory.disconnect();
        return nodes.has(NODE_ID);
      },
    };
  };
}

/** A key for tokens of media nodes alone, kept in Redis by auth's own command. */
async function apiKey(root: string, redisUrl: string): Promise<string> {
  const args = ['api-key', 'new', '--users', 'media-*', '--grants', '{"media":true}', '--days', '30'];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(root, 'apps/auth/src/cli.ts'), ...args],
    { env: { ...process.env, REDIS_URL: redisUrl } },
  );
  const key = /tk_\S+/.exec(stdout)?.[0];
  if (!key) throw new Error('media: auth made no API key');
  return key;
}
