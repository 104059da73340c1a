/** The media node of `npm start`: large rooms go through this machine when the engine is here. */
import { join } from 'node:path';
import { connectRedis, readMediaNodes } from '@tandem/service';
import type { MediaNodeConfig } from '../media-node/src/config.ts';
import { findProgram, lanAddress } from './programs.ts';

/** What a media node needs of this machine. */
export interface LocalMedia {
  /** The engine's folder or program. */
  readonly engine: string;
  readonly redisUrl: string;
  readonly nodeId: string;
  /** Rooms that it may make HLS of; 0 without ffmpeg. */
  readonly packagers: number;
}

/** On one machine with all the rest. */
const PACKAGERS = 2;

/** `lacks`: one line that says what is missing; then rooms of any size are a mesh. */
export async function findMedia(
  redis: { readonly url: string; readonly nameEnd: string } | undefined,
): Promise<LocalMedia | { readonly lacks: string }> {
  const mesh = 'large rooms stay a mesh';
  const finder = new URL('../../scripts/lib/media-engine.mjs', import.meta.url).href;
  const { cachedEngine } = (await import(finder)) as { cachedEngine: () => string | undefined };
  const engine = cachedEngine() ?? findProgram('janus');
  if (!engine) return { lacks: `the media engine is not here: ${mesh}. To get it: npm run media:engine` };
  if (!redis) return { lacks: `a media node needs Redis: ${mesh}` };
  if (!lanAddress()) return { lacks: `a media node needs a network address that is not loopback: ${mesh}` };
  const { url: redisUrl, nameEnd } = redis;
  return { engine, redisUrl, nodeId: `media-1${nameEnd}`, packagers: findProgram('ffmpeg') ? PACKAGERS : 0 };
}

/** What this machine adds to the topology's settings. */
export function mediaSettings(
  { engine, nodeId, packagers }: LocalMedia,
  { scratch, port }: { readonly scratch: string; readonly port: number },
) {
  return {
    JANUS: engine,
    RUN_DIR: join(scratch, 'media'),
    NODE_ID: nodeId,
    DRAIN_SECONDS: '0',
    HTTP_HOST: '127.0.0.1',
    HTTP_PORT: `${port}`,
    MAX_PACKAGERS: `${packagers}`,
    HLS_DIR: hlsFolder(scratch),
  } satisfies Partial<Record<keyof MediaNodeConfig, string>>;
}

/** What the media node and its packager share. */
export const hlsFolder = (scratch: string): string => join(scratch, 'hls');

/** Asks the directory. */
export function mediaServes({ redisUrl, nodeId }: LocalMedia): () => Promise<boolean> {
  return async () => {
    const directory = connectRedis(redisUrl);
    directory.on('error', () => {});
    try {
      return (await readMediaNodes(directory)).has(nodeId);
    } finally {
      directory.disconnect();
    }
  };
}
