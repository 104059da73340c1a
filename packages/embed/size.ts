/** Size of the package, bundled, minified, gzip: `npm run size`; fails above the budget. */
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** Bytes of gzip. */
export const BUDGET = 2 * 1024;

export async function measure(): Promise<{ minified: number; gzip: number }> {
  const result = await build({
    entryPoints: [new URL('src/index.ts', import.meta.url).pathname],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
  });
  const bytes = result.outputFiles[0]?.contents ?? new Uint8Array();
  return { minified: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
}

if (import.meta.main) {
  const { minified, gzip } = await measure();
  console.log(`@tandem/embed ${minified} B minified ${gzip} B gzip, budget ${BUDGET} B`);
  if (gzip > BUDGET) process.exitCode = 1;
}
