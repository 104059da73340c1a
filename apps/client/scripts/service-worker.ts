/** Bundles src/sw.ts and writes the list of files to precache into it. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { injectManifest } from '@serwist/build';
import { build } from 'esbuild';

/** A word of hls.js. */
const HLS = 'hlsManifestParsed';

export async function buildServiceWorker(client: string, out: string): Promise<{ count: number; bytes: number }> {
  const swDest = path.join(out, 'sw.js');
  await build({
    entryPoints: [path.join(client, 'src/sw.ts')],
    outfile: swDest,
    bundle: true,
    minify: true,
    format: 'iife',
    target: 'es2022',
    define: {
      'process.env.NODE_ENV': '"production"',
      'process.env.BASE_PATH': JSON.stringify((process.env.BASE_PATH ?? '').replace(/\/+$/, '')),
    },
  });
  const { count, size, warnings } = await injectManifest({
    swSrc: swDest,
    swDest,
    globDirectory: out,
    globPatterns: ['**/*.{js,css,woff2,svg,png}', 'index.html', 'offline/index.html', 'diagnostics/index.html'],
    // Told at run time (the manifest has the deployment's name), or about this build: never from a cache. Effects and HLS: most people never load them.
    // The poster is for programs that make previews of links.
    globIgnores: [
      ...['sw.js', 'config.json', 'security-headers.json', '404*', '_not-found*'],
      ...['_next/static/effects-*/**', 'icons/poster.png'],
      ...(await chunksWith(out, HLS)),
    ],
    // Next puts a content hash into these names: no need for a revision in the address.
    dontCacheBustURLsMatching: /_next\/static\//,
  });
  if (warnings.length > 0) throw new Error(`service worker: ${warnings.join('; ')}`);
  return { count, bytes: size };
}

/** Files of the build that contain a word, as globs below `out`. @throws Error when there is none: the library was renamed, or is loaded by all */
async function chunksWith(out: string, word: string): Promise<string[]> {
  const folder = '_next/static/chunks';
  const names = (await readdir(path.join(out, folder))).filter((name) => name.endsWith('.js'));
  const texts = await Promise.all(names.map((name) => readFile(path.join(out, folder, name), 'utf8')));
  const found = names.filter((_, i) => texts[i]?.includes(word));
  if (found.length === 0) throw new Error(`service worker: no chunk has ${word}`);
  return found.map((name) => `${folder}/${name}`);
}
