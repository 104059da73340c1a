/** Size of the package without React and @tandem/rtc, bundled, minified, gzip: `npm run size`; fails above the budget. */
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** Bytes of gzip. */
export const BUDGET = 3 * 1024;

export async function measure(): Promise<{ minified: number; gzip: number }> {
  const result = await build({
    entryPoints: [new URL('src/index.ts', import.meta.url).pathname],
    bundle: true,
    external: ['react', 'react/jsx-runtime', '@tandem/rtc'],
    jsx: 'automatic',
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
  console.log(`@tandem/react ${minified} B minified ${gzip} B gzip, budget ${BUDGET} B`);
  if (gzip > BUDGET) process.exitCode = 1;
}
