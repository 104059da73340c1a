/** `npm run bench -- size`: what a browser has to load. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { BUDGET } from '../packages/rtc/size.ts';
import { fixed, table } from './lib/stats.ts';

export const opensPage = true;
export const summary = 'first-load JavaScript of the lobby and size of the SDK, gzip';

const root = fileURLToPath(new URL('..', import.meta.url));
/** KB (1000 bytes). The SDK's is that of `npm run size -w @tandem/rtc`. */
const LIMITS = { lobby: 165, sdk: BUDGET / 1000 } as const;

/** The SDK bundled and minified for browsers, protocol package included (it is ours). KB, gzip. */
export async function sdkKb(): Promise<number> {
  const result = await build({
    entryPoints: [`${root}packages/rtc/src/index.ts`],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
  });
  return gzipSync(result.outputFiles[0]?.contents as Uint8Array, { level: 9 }).length / 1000;
}

/** All scripts that the lobby's HTML names (module scripts; `nomodule` is for browsers that this app does not run in). KB, gzip. */
export function lobbyKb(): { kb: number; scripts: number } | undefined {
  const out = `${root}apps/client/out`;
  if (!existsSync(`${out}/index.html`)) return undefined;
  const html = readFileSync(`${out}/index.html`, 'utf8');
  const files = new Set<string>();
  for (const [tag, src] of html.matchAll(/<script\b[^>]*?\bsrc="([^"]+)"[^>]*>/g))
    if (!/\bnomodule\b/i.test(tag)) files.add(String(src));
  // The page runs these after its first paint (apps/client/scripts/paint-first.ts).
  for (const [, href] of html.matchAll(/<link[^>]*\shref="([^"]+)" data-run=""[^>]*>/g)) files.add(String(href));
  let bytes = 0;
  for (const src of files) {
    const at = src.indexOf('/_next/');
    const path = at >= 0 ? src.slice(at) : src.replace(/^\.?\//, '/');
    bytes += gzipSync(readFileSync(out + decodeURIComponent(path.split('?')[0] as string)), { level: 9 }).length;
  }
  return { kb: bytes / 1000, scripts: files.size };
}

export async function run(): Promise<void> {
  const lobby = lobbyKb();
  const sdk = await sdkKb();
  console.log(
    table([
      ['', 'KB gzip', 'limit'],
      [
        lobby
          ? `lobby, first load (${lobby.scripts} scripts)`
          : 'lobby: build it first (npm run build -w @tandem/client)',
        lobby ? fixed(lobby.kb, 1) : '–',
        String(LIMITS.lobby),
      ],
      ['SDK (packages/rtc)', fixed(sdk, 1), fixed(LIMITS.sdk, 1)],
    ]),
  );
  if ((lobby && lobby.kb > LIMITS.lobby) || sdk > LIMITS.sdk) process.exitCode = 1;
}
